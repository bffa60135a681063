// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IDeposits } from "./IDeposits.sol";

/// @title A result that stands unless somebody challenges it in time
/// @notice The chain holds Merkle roots of the updates. Anyone with a deposit proposes a result by `work`, with payload
/// `abi.encode(bytes32 basis, bytes32 sumsRoot, int256[] scores)`: what it was computed from, the root of a sum tree
/// and its total. Anyone may finalize it when `windowSeconds` have passed since it was proposed and since a demand was
/// last answered, and no demand is open. Until somebody does it falls when a chunk or the total is shown to be wrong, or when a
/// demand is not answered in time. That says nothing of its truth if nobody watches, and it falls, true or not, when
/// its proposer does not answer. What was paid for its answers is held: its proposer's when it is final, and back to
/// who paid when it fell.
///
/// A proposal's life, with W = `windowSeconds`, proposed at t. The deadline is t + W, and with each answer, given at u
/// by whoever it is, on rung 4 also one about a client's data, becomes u + W. A demand is taken before the deadline and
/// before t + 2W: so from t + W on only within W of the last answer. Each is answered within W or not at all. So the
/// last demand comes before t + 2W, the last answer before t + 3W, and the proposal is final or gone, or anyone may
/// make it so, at t + 4W.
///
/// Sum tree. Leaf k is (h_k, s_k): the hash of chunk k's sums, and each client's share w_i·⟨v_i, A⟩ of the chunk in its
/// score. A node (h, s) above (h', s') and (h'', s'') has h = keccak256(d', d'') and s = s' + s'', where
/// d = keccak256(h, s) is a node's digest. Leaves beyond the last chunk, up to a power of two, are (0, zeros).
///
/// Update. Chunk k of a client lies in part ⌊k / 120⌋. A part's root is a binary Merkle tree over the keccak256 of its
/// chunks, padded with zeros to a power of two. A submission is bound by the chain c' = keccak256(c, root, blob) over
/// its parts, and all submissions of a round by the accumulator a' = keccak256(a, client, c), in order of completion.
interface IOptimisticRung is IDeposits {
    /// @param windowSeconds How long a proposal is open to challenge, and how long an answer may take. `workSeconds` is at
    /// least three times as much, on rung 4 four times.
    /// @param bond What a proposer loses with a rejected result; half goes to the challenger, half is burned. Not 0.
    /// @param fee What a demand costs; it goes toward the answer, whose gas may cost more. Not 0.
    /// @param stake What a client loses when its data are not what it committed to, or not shown in time; half goes to the
    /// challenger, half is burned. Not 0 on rung 4; without a use on rung 3.
    struct Terms {
        uint32 windowSeconds;
        uint96 bond;
        uint96 fee;
        uint96 stake;
    }

    /// @param deadline When it may be finalized, at the earliest: a window after it was made, or after the last answer
    /// to a demand, on rung 4 also to one for data. Demands are taken before it and before `Round.expiresAt`, whichever
    /// comes first.
    /// @param attempt Counts proposals, of all rounds; a demand belongs to one of them.
    /// @param open Demands not yet answered; while there are any, the proposal cannot be finalized.
    struct Proposal {
        address proposer;
        uint40 deadline;
        uint32 attempt;
        uint24 open;
    }

    /// @notice A client's submission as committed to.
    /// @param client Its index.
    /// @param parts Merkle root of each part.
    /// @param blobs Versioned hash of each part's blob; zeros on rung 3.
    struct Submission {
        uint256 client;
        bytes32[] parts;
        bytes32[] blobs;
    }

    struct Leaf {
        bytes32 sums;
        int256[] scores;
    }

    /// @notice The nodes beside the way from a leaf to the root.
    /// @param hashes One h a level.
    /// @param scores Their s one after the other, one number a client.
    struct Path {
        bytes32[] hashes;
        int256[] scores;
    }

    /// @notice Everything chunk k is computed from.
    /// @param submissions All of the round, in order of completion.
    /// @param data One row for each client that takes part, in the same order.
    /// @param proofs For each row the siblings from its leaf to its part's root, one row's after the other's.
    struct Evidence {
        Submission[] submissions;
        bytes data;
        bytes32[] proofs;
    }

    event Proposed(uint256 indexed round, address indexed proposer, bytes32 sumsRoot, int256[] scores);
    event Demanded(uint256 indexed round, uint256 indexed chunk, address challenger, uint256 deadline);
    event Answered(uint256 indexed round, uint256 indexed chunk, Leaf leaf, Path path);
    event Rejected(uint256 indexed round, address indexed proposer, address challenger, uint256 chunk);
    event Canceled(uint256 indexed round, address indexed proposer);

    /// @notice The proposal was computed from other submissions, or with other clients, than take part by now.
    error RungOtherBasis(bytes32 computedFrom, bytes32 basis);
    /// @notice A demand was meant for another proposal than the one that stands.
    error RungOtherProposal(bytes32 given, bytes32 current);
    error RungChallengeOpen(uint256 timestamp, uint256 deadline, uint256 openDemands);
    /// @notice The chunk was asked for already, and is once at most: of a proposal, or of a client in a round. Its answer is in
    /// the log, or is awaited, or did not come in time: `expire` (`expireData`) then ends the wait.
    error RungDemandExists(uint256 chunk);
    error RungNoDemand(uint256 chunk);
    error RungAnswerDue(uint256 timestamp, uint256 deadline);
    error RungDemandLive(uint256 chunk);
    /// @notice The proposal that answered became final, and the fee its proposer's.
    error RungFeeEarned(uint256 chunk);
    error RungDemandsClosed(uint256 timestamp, uint256 end);
    error RungAnswerLate(uint256 timestamp, uint256 deadline);
    /// @notice The tree is a single leaf, whose scores are the proposed ones: nothing adds up to them.
    error RungNoTree(uint256 parameters);
    error RungNoChunk(uint256 chunk, uint256 end);
    error RungBadPath(bytes32 opened, bytes32 proposed);
    error RungBadSubmissions(bytes32 opened, bytes32 accumulated);
    error RungBadProof(uint256 client, bytes32 opened, bytes32 committed);
    error RungNoFraud(uint256 chunk);

    /// @notice End a round whose proposal was not rejected in time and owes no answer, and pay its proposer a fee for each
    /// demand that was answered, by whomever. Anyone may. Until somebody does, it can be rejected.
    function finalize(uint256 round) external;

    /// @notice Ask the proposer to open chunk k of its tree, for a fee. Any k below the tree's width, once: all see the
    /// answer. Only before the proposal's `deadline`, and only in its first two windows: in the second one only within
    /// a window of the last answer.
    /// @param proposed `proposedDigest` of the proposal that is meant. Another one may have taken its place by now, also when
    /// the chain is reorganized, and a fee would pay for a leaf that nobody wanted to see.
    function demand(uint256 round, bytes32 proposed, uint256 chunk) external;

    /// @notice Open the chunk somebody asked for, within `windowSeconds` of the demand; anyone may. The fee is held, and the
    /// proposer's when the proposal is final. The proposal stays open to challenge for a whole window at least. The path
    /// says which proposal is meant.
    function answer(uint256 round, uint256 chunk, Leaf calldata leaf, Path calldata path) external;

    /// @notice The answer is overdue: the proposal is rejected, whether it is true or not. Which one is not asked: a demand
    /// that is overdue is one to the proposal that stands, and who says so pays nothing.
    function expire(uint256 round, uint256 chunk) external;

    /// @notice Have a fee paid back to who demanded, answered or not, when the proposal fell: rejected, or canceled with a
    /// client that was put out. Anyone may.
    /// @param attempt Of the proposal that fell.
    function reclaim(uint256 round, uint256 attempt, uint256 chunk) external;

    /// @notice Show that the tree's leaf for a chunk is not what the clients' data give.
    function proveChunk(
        uint256 round,
        uint256 chunk,
        Leaf calldata leaf,
        Path calldata path,
        Evidence calldata evidence
    ) external;

    /// @notice Show that the tree's scores do not add up to the proposed ones. Not for P ≤ 1,024, where the tree is a leaf:
    /// `proveChunk` then compares the proposed scores themselves.
    /// @param proposed The scores that were proposed.
    function proveTotal(
        uint256 round,
        uint256 chunk,
        Leaf calldata leaf,
        Path calldata path,
        int256[] calldata proposed
    ) external;

    function terms() external view returns (Terms memory);

    function proposal() external view returns (Proposal memory);

    /// @notice What was proposed last, refuted or not, in the form of `resultDigest`, which it becomes when it is final.
    function proposedDigest() external view returns (bytes32);

    /// @notice Binds the current round's submissions and their order; the round's number until one is complete.
    function accumulator() external view returns (bytes32);

    /// @notice keccak256(abi.encode(accumulator, excluded)): all that a result follows from.
    function basis() external view returns (bytes32);

    /// @notice Bits of clients put out of the round: their data were not what they committed to, or were not shown.
    function excluded() external view returns (uint256);
}
