// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { IAggregator } from "./IAggregator.sol";
import { IClientRegistry } from "./IClientRegistry.sol";
import { IEscrow, ONE } from "./IEscrow.sol";

// Registry and aggregator are this federation's own contracts, fixed for good at deployment: neither calls back, and
// pages bound the number of calls. What is paid out goes through `_send`, behind the reentrancy guard.
// slither-disable-start calls-loop,reentrancy-no-eth,reentrancy-benign

/// @title Escrow
/// @notice Pot, credits and pull payments; the penalty; refunds for work; and what both passes of a settlement have in
/// common.
/// @dev A pool that pays by a rule of its own inherits this and adds the rule: who weighs how much, and when.
abstract contract Escrow is IEscrow, ReentrancyGuardTransient {
    IClientRegistry public immutable registry;
    IAggregator public immutable aggregator;

    /// @inheritdoc IEscrow
    uint256 public pot;
    /// @inheritdoc IEscrow
    uint256 public totalCredit;
    /// @dev What the round being settled shares, fixed when its second pass begins, and what of it is paid; in wei.
    uint128 internal _budget;
    uint128 internal _paid;
    /// @dev What the last round with refunds may refund, as far as anybody came, and what of it is refunded; in wei.
    uint104 private _refundable;
    uint104 private _refunded;
    uint40 private _refundedRound;

    mapping(address client => Account) internal _accounts;

    /// @dev A pool that may not slash, or not close a round, would hold its pot for ever.
    constructor(IClientRegistry registry_, IAggregator aggregator_) {
        address slasher = registry_.slasher();
        address closer = aggregator_.rewardPool();
        address counted = address(aggregator_.registry());
        if (slasher != address(this)) revert NotWired("slasher", slasher, address(this));
        if (closer != address(this)) revert NotWired("rewardPool", closer, address(this));
        if (counted != address(registry_)) revert NotWired("registry", counted, address(registry_));
        registry = registry_;
        aggregator = aggregator_;
    }

    /// @inheritdoc IEscrow
    function carryOn(uint256 count) external nonReentrant {
        uint256 gas = gasleft();
        IAggregator.Round memory round = aggregator.currentRound();
        if (round.phase == IAggregator.Phase.Aggregate) aggregator.aggregate(count);
        else if (round.phase == IAggregator.Phase.Score) aggregator.score(count);
        else _settle(count);
        if (!round.isVoid) _refund(round.number, (gas - gasleft()) * block.basefee * 4 / 5);
    }

    /// @inheritdoc IEscrow
    function fund() external payable {
        if (msg.value == 0) revert NothingToFund();
        pot += msg.value;
        emit Funded(msg.sender, msg.value, pot);
    }

    /// @inheritdoc IEscrow
    function withdraw() external nonReentrant {
        uint256 amount = _accounts[msg.sender].credit;
        if (amount == 0) revert NothingToWithdraw(msg.sender);
        _accounts[msg.sender].credit = 0;
        totalCredit -= amount;
        emit Withdrawn(msg.sender, amount);
        _send(msg.sender, amount);
    }

    /// @inheritdoc IEscrow
    function reclaim() external nonReentrant {
        IAggregator.Round memory round = aggregator.currentRound();
        bool idle = round.phase == IAggregator.Phase.Idle;
        address publisher = aggregator.publisher();
        if (msg.sender != publisher || !round.stopped || !idle) revert NotReclaimable(msg.sender, round.stopped, idle);
        uint256 amount = pot;
        if (amount == 0) revert NothingToWithdraw(msg.sender);
        pot = 0;
        emit Reclaimed(publisher, amount);
        _send(publisher, amount);
    }

    /// @inheritdoc IEscrow
    function creditOf(address client) external view returns (uint256) {
        return _accounts[client].credit;
    }

    /// @dev Fix what the round shares. Money that arrives between two payments belongs to the next round, or later clients
    /// would get more.
    function _fixBudget() internal {
        (_budget, _paid) = (uint128(_roundBudget()), 0);
    }

    /// @dev Move what a page of payments comes to from the pot to the credits; the pool has credited each client.
    function _book(uint256 paid) internal {
        pot -= paid;
        totalCredit += paid;
        _paid += uint128(paid); // at most the budget
    }

    /// @dev All is paid: nothing of the pot is owed any more.
    function _closeRound() internal {
        (_budget, _paid) = (0, 0);
        aggregator.closeRound();
    }

    /// @dev Burn stake · min(rate · (−S_i)/‖g‖², cap); the whole cap when the reveal is missing.
    function _penalize(uint256 round, address client, IAggregator.Entry memory entry, uint256 square) internal {
        (uint256 rate, uint256 ratio) = _penalty();
        if (entry.revealed && square != 0) {
            uint256 graded = uint256(-int256(entry.score)) * rate / square;
            if (graded < ratio) ratio = graded;
        }
        uint256 amount = uint256(registry.clientOf(client).stake) * ratio / ONE;
        // a product of integers, zero or not: nothing to burn, nothing to tell
        // slither-disable-next-line incorrect-equality
        if (amount == 0) return;
        emit Penalized(round, client, registry.slash(client, amount));
    }

    /// @dev One step of the settlement; the pool's rule knows how.
    function _settle(uint256 count) internal virtual;

    /// @dev What a round of `fullSamples` samples or more shares, in wei; the pool's terms have both.
    function _fullBudget() internal view virtual returns (uint256 budget, uint256 fullSamples);

    /// @dev Rate and cap of the penalty, in millionths; the pool's terms have them.
    function _penalty() internal view virtual returns (uint256 rate, uint256 cap);

    /// @dev Where a page of `count` clients from `cursor` on ends. No count is too large: "all" may be 2^256 − 1.
    function _pageEnd(uint256 cursor, uint256 count, uint256 clients) internal pure returns (uint256) {
        return count < clients - cursor ? cursor + count : clients;
    }

    function _refund(uint40 round, uint256 amount) private {
        if (_refundedRound != round) (_refundedRound, _refundable, _refunded) = (round, 0, 0);
        if (amount > _refundable - _refunded) {
            // Not fixed at the first refund: who makes one while the pot holds dust would fix it at dust.
            uint256 limit = _roundBudget() / 20;
            if (limit > _refundable) _refundable = uint104(limit); // ether that exists
            if (amount > _refundable - _refunded) amount = _refundable - _refunded;
        }
        uint256 free = pot - (_budget - _paid); // not what the settlement under way has yet to pay
        if (amount > free) amount = free;
        if (amount == 0) return;
        _refunded += uint104(amount);
        pot -= amount;
        totalCredit += amount;
        _accounts[msg.sender].credit += uint128(amount); // ether that exists
        emit Refunded(round, msg.sender, amount);
    }

    /// @dev What the round shares: `budget` when `fullSamples` or more were revealed, in proportion with fewer, so that a
    /// round of few, who may all be one, takes little out; and no more than the pot has.
    function _roundBudget() private view returns (uint256 budget) {
        uint256 fullSamples;
        (budget, fullSamples) = _fullBudget();
        uint256 samples = aggregator.totalSamples();
        if (samples < fullSamples) budget = budget * samples / fullSamples;
        if (budget > pot) budget = pot;
    }

    function _send(address to, uint256 amount) private {
        // slither-disable-next-line low-level-calls
        (bool ok,) = to.call{ value: amount }("");
        if (!ok) revert PayoutFailed(to, amount);
    }
}
// slither-disable-end calls-loop,reentrancy-no-eth,reentrancy-benign
