// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Who takes part, and what they have at stake
/// @notice A client declares how many samples it trains on and puts down ether for each of them. The declared count is
/// its weight in federated averaging, and nobody checks it: a larger weight ties up more ether, which comes back to who
/// is not penalized. Everything about a client lies in one storage slot.
interface IClientRegistry {
    /// @notice One client; the four fields fill one slot together (208 of 256 bits).
    /// @param stake Ether held for the client, in wei.
    /// @param samples Declared sample count n_i; zero means "not registered".
    /// @param joinedAt Block time of the registration, in seconds.
    /// @param unlockAt Block time from which a client that left may take its stake; zero while it is active.
    struct Client {
        uint96 stake;
        uint32 samples;
        uint40 joinedAt;
        uint40 unlockAt;
    }

    event Registered(address indexed client, uint256 samples);
    event StakeAdded(address indexed client, uint256 amount, uint256 stake);
    event Left(address indexed client, uint256 unlockAt);
    event StakeWithdrawn(address indexed client, uint256 amount);
    event Slashed(address indexed client, uint256 amount, uint256 stake);

    error AlreadyRegistered(address client);
    error NotRegistered(address client);
    error ZeroSamples(address client);
    error TooManySamples(uint256 samples, uint256 maximum);
    error StakePerSampleTooLarge(uint256 wanted, uint256 maximum);
    error CoolDownTooLong(uint256 wanted, uint256 maximum);
    error ExcessStake(uint256 sent, uint256 needed, uint256 samples);
    error InsufficientStake(uint256 sent, uint256 needed, uint256 samples);
    error StakeBelowMaintenance(uint256 held, uint256 needed, uint256 samples);
    error ZeroAmount();
    error AlreadyLeft(address client, uint256 unlockAt);
    error StillActive(address client);
    error CoolingDown(uint256 timestamp, uint256 unlockAt);
    error NotSlasher(address caller, address slasher);
    error TransferFailed(address to, uint256 amount);

    /// @notice Join with `samples` samples; the ether sent is the stake.
    /// @param samples Declared sample count, 1 to 2^32 − 1.
    /// @dev Needs msg.value = samples · stakePerSample exactly; the event need not repeat it then. A contract that cannot
    /// receive ether can register, and never get its stake or its pay out.
    function register(uint256 samples) external payable;

    /// @notice Make up for what penalties have burned of one's stake, or part of it. Not more, and not after leaving.
    function addStake() external payable;

    /// @notice Stop taking part; the stake unlocks after the cool-down. Until it is taken out it can still be slashed, also
    /// when it has unlocked. There is no way back but to take it and to register anew.
    function deregister() external;

    /// @notice Take the stake out after the cool-down. The client's slot is cleared; it may register again.
    function withdrawStake() external;

    /// @notice Burn part of a client's stake. Only the reward pool of this federation may call it.
    /// @param client Whose stake.
    /// @param amount Wanted amount in wei; at most what the client has is burned.
    /// @return burned What was burned, in wei.
    function slash(address client, uint256 amount) external returns (uint256 burned);

    /// @notice Seconds between leaving and taking the stake.
    function coolDown() external view returns (uint256);

    /// @notice The one address that may slash: the reward pool of this federation.
    function slasher() external view returns (address);

    /// @notice The client's record; all zeros when it is not registered.
    function clientOf(address client) external view returns (Client memory);

    /// @notice Stake asked of `samples` samples at registration, in wei.
    function requiredStake(uint256 samples) external view returns (uint256);

    /// @notice The sample count with which `client` may enter a round now.
    /// @dev Reverts when it is not registered, has left, or its stake fell below half of what registration asked, rounded down
    /// to the wei, until `addStake` makes up for that. With that or more all of its samples count: where registration asked
    /// a single wei, with none.
    function eligibleSamples(address client) external view returns (uint32 samples);
}
