// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev Ratios are in millionths.
uint256 constant ONE = 1_000_000;

/// @title The money of a federation: one pot, many credits, each pulled by its owner
/// @notice What every pool that pays clients has in common, whatever rule it pays by.
interface IEscrow {
    /// @notice A client's account; two slots.
    /// @param credit Wei it may withdraw.
    /// @param weight Its share's numerator in the round being settled.
    /// @param history One bit a counted round, the newest lowest: 1 if the client revealed and S_i ≥ 0. Only pools that
    /// pay for consistency write it.
    /// @param lastRound The number of the lowest bit's round among the counted ones, those not void; likewise.
    struct Account {
        uint128 credit;
        uint128 weight;
        uint64 history;
        uint64 lastRound;
    }

    event Funded(address indexed from, uint256 amount, uint256 pot);
    event Penalized(uint256 indexed round, address indexed client, uint256 amount);
    event Withdrawn(address indexed client, uint256 amount);
    event Refunded(uint256 indexed round, address indexed account, uint256 amount);
    event Reclaimed(address indexed publisher, uint256 amount);

    error BadTerms(string field, uint256 value);
    error NotWired(string what, address found, address needed);
    error NothingToFund();
    error NothingToWithdraw(address client);
    error NothingToSettle(uint256 round);
    error ZeroSettleCount();
    error NotReclaimable(address caller, bool stopped, bool idle);
    error PayoutFailed(address to, uint256 amount);

    /// @notice Add the ether sent to the pot, for rounds whose payments have not begun, and for refunds of the one
    /// whose have. After a stop that can only be the last round; what is left then goes to the publisher.
    function fund() external payable;

    /// @notice Carry the round on by one step, as `aggregate`, `score` or `settle` with that count would, whichever is due
    /// (a pool that needs more than a count to settle refuses that step); and be credited four fifths of what that step
    /// itself cost at the block's base fee, or what is left of the bounds below. Calldata, the transaction's 21,000 gas and this
    /// entry are not in it. Anyone may.
    /// @dev Where the base fee is burned nobody earns it, and no transaction gets more than a fifth of its gas back for
    /// what it frees: so a refund never exceeds what its sender paid, and to work slowly or needlessly is to lose. A
    /// round's refunds come to a twentieth at most of what it would share, by its samples and the most that the pot held
    /// at one of its steps through here: no step fixes less for later ones. So it is less with fewer samples or a low pot, and
    /// never more than a twentieth of the whole budget. That bounds refunds by terms and samples, and not by what the round
    /// shares, of which they may be any multiple: where the pot was low when its payments began and was filled before they
    /// ended, or where it ends up paying nobody. A void round has no refunds; what a settlement has yet to pay is not touched.
    function carryOn(uint256 count) external;

    /// @notice Take out one's whole credit.
    function withdraw() external;

    /// @notice Take back what is left in the pot: the publisher, after `stop()` and the last round's settlement.
    function reclaim() external;

    /// @notice Wei that are nobody's credit yet: for rounds to come, for refunds and, while a round is paid, for what it has yet
    /// to pay.
    function pot() external view returns (uint256);

    /// @notice Σ of all credits, in wei. The contract's balance is `pot() + totalCredit()`, ether forced on it without a
    /// call apart.
    function totalCredit() external view returns (uint256);

    function creditOf(address client) external view returns (uint256);
}
