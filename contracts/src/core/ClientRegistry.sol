// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IClientRegistry } from "./IClientRegistry.sol";

/// @title ClientRegistry
/// @notice Registration with a stake proportional to the declared sample count.
/// @dev There is no counter and no list of clients: a counter would cost a registration another slot to write (5,000 gas,
/// 22,100 the first one), and a list, which counts as well, a new one besides (22,100).
/// The list is in the `Registered` events; the aggregator keeps the list of each round's participants itself.
contract ClientRegistry is IClientRegistry {
    /// @notice Wei asked for every declared sample.
    uint256 public immutable stakePerSample;
    /// @inheritdoc IClientRegistry
    /// @dev Whoever takes it before a round is settled outruns that
    /// round's penalty, and may register it anew and vote again: the deployer has to choose more than rounds and
    /// attestations take. Aggregator and ledger refuse less than their own times, but a round takes as long as nobody
    /// moves it on.
    uint256 public immutable coolDown;
    /// @inheritdoc IClientRegistry
    address public immutable slasher;

    mapping(address client => Client) private _clients;

    /// @param stakePerSample_ Wei a sample.
    /// @param coolDown_ Seconds, below 2^32.
    /// @param slasher_ Address at which the reward pool is going to be deployed.
    constructor(uint256 stakePerSample_, uint256 coolDown_, address slasher_) {
        if (stakePerSample_ > type(uint64).max) revert StakePerSampleTooLarge(stakePerSample_, type(uint64).max);
        // A block time plus the cool-down must fit the 40 bits of `unlockAt`: cut off, it could unlock at once or never.
        if (coolDown_ > type(uint32).max) revert CoolDownTooLong(coolDown_, type(uint32).max);
        stakePerSample = stakePerSample_;
        coolDown = coolDown_;
        // slither-disable-next-line missing-zero-check
        slasher = slasher_; // checked by the pool, which is deployed later: it refuses a registry that names another
    }

    /// @inheritdoc IClientRegistry
    function register(uint256 samples) external payable {
        Client storage client = _clients[msg.sender];
        if (client.samples != 0) revert AlreadyRegistered(msg.sender);
        if (samples == 0) revert ZeroSamples(msg.sender);
        if (samples > type(uint32).max) revert TooManySamples(samples, type(uint32).max);
        uint256 needed = requiredStake(samples);
        if (msg.value < needed) revert InsufficientStake(msg.value, needed, samples);
        if (msg.value > needed) revert ExcessStake(msg.value, needed, samples);

        // Solidity equivalent: _clients[msg.sender] = Client(uint96(needed), uint32(samples), uint40(block.timestamp), 0);
        // The compiler reads the slot once more and masks each field: the SSTORE here is 471 gas less.
        //   bits 0–95 stake | 96–127 samples | 128–167 joinedAt | 168–207 unlockAt = 0
        // needed < 2^96 by the constructor's bound, samples < 2^32 by the check above, a block time fits 40 bits.
        // slither-disable-next-line assembly
        assembly ("memory-safe") {
            sstore(client.slot, or(needed, or(shl(96, samples), shl(128, timestamp()))))
        }
        emit Registered(msg.sender, samples);
    }

    /// @inheritdoc IClientRegistry
    function addStake() external payable {
        Client storage client = _registered(msg.sender);
        if (msg.value == 0) revert ZeroAmount();
        if (client.unlockAt != 0) revert AlreadyLeft(msg.sender, client.unlockAt);
        uint256 stake = client.stake;
        // More would weigh nothing, and be burned in the same proportion.
        uint256 missing = requiredStake(client.samples) - stake;
        if (msg.value > missing) revert ExcessStake(msg.value, missing, client.samples);
        stake += msg.value;
        client.stake = uint96(stake);
        emit StakeAdded(msg.sender, msg.value, stake);
    }

    /// @inheritdoc IClientRegistry
    function deregister() external {
        Client storage client = _registered(msg.sender);
        if (client.unlockAt != 0) revert AlreadyLeft(msg.sender, client.unlockAt);
        uint256 unlockAt = block.timestamp + coolDown;
        client.unlockAt = uint40(unlockAt);
        emit Left(msg.sender, unlockAt);
    }

    /// @inheritdoc IClientRegistry
    function withdrawStake() external {
        Client storage client = _registered(msg.sender);
        uint256 unlockAt = client.unlockAt;
        if (unlockAt == 0) revert StillActive(msg.sender);
        // slither-disable-next-line timestamp
        if (block.timestamp < unlockAt) revert CoolingDown(block.timestamp, unlockAt);
        uint256 stake = client.stake;
        delete _clients[msg.sender]; // before the transfer: a re-entering call finds nobody registered
        emit StakeWithdrawn(msg.sender, stake);
        _send(msg.sender, stake);
    }

    /// @inheritdoc IClientRegistry
    function slash(address account, uint256 amount) external returns (uint256 burned) {
        if (msg.sender != slasher) revert NotSlasher(msg.sender, slasher);
        Client storage client = _clients[account];
        uint256 stake = client.stake;
        burned = amount < stake ? amount : stake;
        client.stake = uint96(stake - burned);
        emit Slashed(account, burned, stake - burned);
        // Burned rather than paid to anybody: a penalty that somebody earns is a reason to get others punished.
        _send(address(0), burned);
    }

    /// @inheritdoc IClientRegistry
    function clientOf(address client) external view returns (Client memory) {
        return _clients[client];
    }

    /// @inheritdoc IClientRegistry
    function eligibleSamples(address account) external view returns (uint32 samples) {
        Client storage client = _registered(account);
        if (client.unlockAt != 0) revert AlreadyLeft(account, client.unlockAt);
        samples = client.samples;
        uint256 needed = requiredStake(samples) / 2;
        if (client.stake < needed) revert StakeBelowMaintenance(client.stake, needed, samples);
    }

    /// @inheritdoc IClientRegistry
    function requiredStake(uint256 samples) public view returns (uint256) {
        return samples * stakePerSample;
    }

    function _registered(address account) private view returns (Client storage client) {
        client = _clients[account];
        if (client.samples == 0) revert NotRegistered(account);
    }

    /// @dev `to` is the caller, with its own stake, or the zero address. A call rather than `transfer`, whose 2,300 gas
    /// many contracts cannot receive ether with.
    function _send(address to, uint256 amount) private {
        // slither-disable-next-line arbitrary-send-eth,low-level-calls
        (bool ok,) = to.call{ value: amount }("");
        if (!ok) revert TransferFailed(to, amount);
    }
}
