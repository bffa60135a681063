// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IEscrow } from "../core/IEscrow.sol";

/// @title Rewards by accuracy-adjusted alignment
/// @notice A round's budget is shared in proportion to max(S_i, 0) · min(max(a_i, 0), cap) / cap, where a_i is how many
/// more samples of a public validation set the model gets right with client i's update alone than without it. A contract cannot
/// run the model, so the clients do: each computes all a_i and attests to them, and equal results are equal hashes.
/// Votes weigh the samples a client staked for. A negative score earns nothing and burns part of the stake.
/// A quorum shows that many said the same, not that anybody computed it: a hash can be copied from another's vote.
/// @dev Stands where `RewardPool` does: deployed with the same registry and aggregator, at the address they were given.
/// The form of the adjustment and of the penalty is this project's choice; the source names both ideas as open.
interface IAccuracyAdjusted is IEscrow {
    /// @notice What is fixed for a federation's whole life.
    /// @param budget Wei shared in a round of `fullSamples` revealed samples or more, as long as the pot lasts.
    /// @param fullSamples N from which the whole budget is shared; with fewer, N/fullSamples of it.
    /// @param gainCap Validation samples gained from which on a score counts in full; at least 1.
    /// @param penaltyRate Millionths of the stake burned per unit of −S_i/‖g‖²: where updates cancel, ‖g‖² is small and the cap
    /// is reached, clipped or not, by the sign of a score alone. Below the cap what is burned grows with the square of n_i, as
    /// −S_i and the stake each do with n_i: the same samples in k accounts lose a k-th of what they lose in one.
    /// @param penaltyCap Most that one round burns, in millionths of the stake; also the price of a missing reveal.
    /// @param quorum Share of the round's revealed samples that must attest to equal gains, in millionths, above one half.
    /// @param attestSeconds Seconds to attest, from when a round's attestation opens. Twice that, with commit and reveal, is
    /// less than the registry's cool-down. No stake has left when penalties are taken if the difference is as long as all
    /// delays of the round together: that of each `advance` and of `settle` after its deadline, and the time that averaging
    /// and scoring take till attestation opens, a block each at least. The constructor asks for a second: choose five blocks
    /// or more.
    /// @param validationSet sha2-256 digest of the public validation set, the content of its CIDv1.
    struct Terms {
        uint96 budget;
        uint32 fullSamples;
        uint32 gainCap;
        uint32 penaltyRate;
        uint32 penaltyCap;
        uint32 quorum;
        uint32 attestSeconds;
        bytes32 validationSet;
    }

    /// @notice How far the attestation and settlement of a round have come; two slots.
    /// @param round The round being (or last) settled.
    /// @param deadline Block time at which attesting ends.
    /// @param cursor Clients handled in this pass.
    /// @param paying False in the first pass (weights and penalties), true in the second (payments).
    /// @param unpaid Whether the round is being settled without gains.
    /// @param totalWeight Σ of the weights so far.
    /// @param agreed Hash of the gains a quorum attested to; zero without agreement.
    struct Settlement {
        uint40 round;
        uint40 deadline;
        uint32 cursor;
        bool paying;
        bool unpaid;
        uint128 totalWeight;
        bytes32 agreed;
    }

    event AttestationOpened(uint256 indexed round, uint256 deadline);
    event Attested(uint256 indexed round, address indexed client, bytes32 gainsHash, uint256 samples);
    event Agreed(uint256 indexed round, bytes32 gainsHash, uint256 samples);
    event Rewarded(uint256 indexed round, address indexed client, uint256 amount, int256 gain);
    /// @param byGains Whether agreed gains said who is paid; not in a void round, whatever was agreed on there.
    event Settled(uint256 indexed round, uint256 paid, uint256 pot, bool byGains);

    error ZeroGains();
    error AlreadyOpen(uint256 round, uint256 deadline);
    error NotInRound(address client, uint256 round);
    error GainsAlreadyAttested(address client, uint256 round);
    error GainsAlreadyAgreed(uint256 round, bytes32 gainsHash);
    error AttestationOver(uint256 timestamp, uint256 deadline);
    error NoGainsAgreed(uint256 round, uint256 timestamp, uint256 deadline);
    error WrongGains(bytes32 given, bytes32 agreed);
    error GainsLengthMismatch(uint256 gains, uint256 clients);

    /// @notice Start the clock of a scored round's attestation. The first attestation does so too; this is for a round
    /// nobody attests to, which could never be closed otherwise. Anyone may.
    function openAttestation() external;

    /// @notice Say what one computed. Open to clients that revealed in the round, once, until agreement or deadline.
    /// @param round Its number: an attestation that comes late must not count in the next one.
    /// @param gainsHash keccak256(abi.encode(gains)), `gains` an int32[] in the order of the round's participants.
    function attest(uint256 round, bytes32 gainsHash) external;

    /// @notice Handle up to `count` clients of the scored round; the last call closes the round. Anyone may.
    /// @dev Two passes over the clients, as in `RewardPool`. With agreement, `gains` must be what was agreed on. After the
    /// deadline without it, or in a void round, nobody is paid and the budget stays in the pot, for rounds to
    /// come. The same holds when nobody shows the agreed gains for as long again, or a quorum that
    /// agreed on a hash of nothing could stop the federation. Penalties do not depend on the gains and are taken either way.
    /// @param gains a_i of each participant; empty to settle a round unpaid.
    function settle(uint256 count, int32[] calldata gains) external;

    function terms() external view returns (Terms memory);

    function settlement() external view returns (Settlement memory);

    /// @notice Samples behind a hash in a round.
    function votesFor(uint256 round, bytes32 gainsHash) external view returns (uint256);
}
