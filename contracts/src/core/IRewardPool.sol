// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IEscrow } from "./IEscrow.sol";

/// @title Escrow, rewards and penalties
/// @notice A round's budget is shared in proportion to max(S_i, 0) · (1 + α·C_i) · F_i: alignment, consistency,
/// fairness. A negative score earns nothing and burns stake, as the terms say. Credits are kept here and pulled by their
/// owner.
interface IRewardPool is IEscrow {
    /// @notice What is fixed for a federation's whole life.
    /// @param budget Wei shared in a round of `fullSamples` revealed samples or more, as long as the pot lasts.
    /// @param fullSamples N from which the whole budget is shared; with fewer, N/fullSamples of it.
    /// @param alpha α in millionths: the weight of consistency.
    /// @param window K: rounds over which consistency counts, 1 to 64.
    /// @param penaltyRate Millionths of the stake burned per unit of −S_i/‖g‖²: where updates cancel, ‖g‖² is small and the cap
    /// is reached, clipped or not, by the sign of a score alone. Below the cap what is burned grows with the square of n_i, as
    /// −S_i and the stake each do with n_i: the same samples in k accounts lose a k-th of what they lose in one.
    /// @param penaltyCap Most that one round burns, in millionths of the stake; also the price of a missing reveal.
    struct Terms {
        uint96 budget;
        uint32 fullSamples;
        uint32 alpha;
        uint32 window;
        uint32 penaltyRate;
        uint32 penaltyCap;
    }

    /// @notice How far the settlement of a round has come.
    /// @param round The round being (or last) settled.
    /// @param counted Rounds settled so far that were not void, this one included if it is none.
    /// @param cursor Clients handled in this pass.
    /// @param paying False in the first pass (weights and penalties), true in the second (payments).
    /// @param totalWeight Σ of the weights so far.
    struct Settlement {
        uint40 round;
        uint40 counted;
        uint32 cursor;
        bool paying;
        uint128 totalWeight;
    }

    event Rewarded(uint256 indexed round, address indexed client, uint256 amount, uint256 consistency, uint256 factor);
    event Settled(uint256 indexed round, uint256 paid, uint256 pot);

    /// @notice Handle up to `count` clients of the round to be settled; the last call closes the round.
    /// @dev Two passes over the clients, since a share needs the sum of all weights first: 2·(clients) steps in all.
    function settle(uint256 count) external;

    function terms() external view returns (Terms memory);

    function accountOf(address client) external view returns (Account memory);

    function settlement() external view returns (Settlement memory);

    /// @notice C_i in millionths, as of the last settled round; while one is settled it goes over to that one.
    /// @dev C_i = (rounds among the last K with a reveal and S_i ≥ 0) / K. Rounds that were void do not count: nobody
    /// could be consistent in them, and anybody can open one. All others do, also one of `minimumSamples` that two accounts
    /// play at night. S_i ≥ 0 is no proof of work: one unit in the right direction has it, and S_i is cut toward zero, so that
    /// any update has it whose score is less than a unit of 10⁻¹⁸, as one unit in an entry that nobody else moves. Such updates
    /// are paid next to nothing, and burn nothing: they keep up a C that counts once S_i is large. It belongs to the address:
    /// who leaves and registers anew, with whatever samples, has what rounds that counted meanwhile have left of it.
    function consistencyOf(address client) external view returns (uint256);
}
