// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IOptimisticRung } from "./IOptimisticRung.sol";

/// @title The updates lie in blobs, which the EVM cannot read
/// @notice A part's 120 chunks fill one blob of 4,096 field elements: chunk c of the part is in the elements 34c to
/// 34c + 33, 31 bytes in each, high bytes first, the last one holding a single byte. The contract knows each blob by
/// its versioned hash, and one element of it by a KZG opening.
interface IBlobRung is IOptimisticRung {
    /// @notice One element of a blob, opened.
    /// @param element Its place, 0 to 4,095.
    /// @param value What the blob holds there.
    /// @param commitment The blob's KZG commitment, 48 bytes.
    /// @param proof Of the opening, 48 bytes.
    struct Opening {
        uint256 element;
        uint256 value;
        bytes commitment;
        bytes proof;
    }

    /// @notice A part's Merkle root and the versioned hash of its blob. Anonymous, a log without topics, which saves
    /// the gas of a kind. Who answers for data or proves a chunk or a blob wrong needs everybody's. Those of one call
    /// of `submit` stand right before its `Submitted`, or its `Sent` where parts are missing yet; so a client's
    /// submission is the last ⌈P / 122,880⌉ of its parts, and the submissions' order is that of `Submitted`.
    event Committed(bytes32 root, bytes32 blob) anonymous;
    /// @notice The client's parts right before are not its last.
    event Sent(uint256 indexed round, uint256 indexed client);
    event DataDemanded(uint256 indexed round, uint256 indexed client, uint256 indexed chunk, uint256 deadline);
    /// @notice What was shown, and the siblings that prove it: who searches a blob compares them with its own.
    event DataAnswered(
        uint256 indexed round, uint256 indexed client, uint256 indexed chunk, bytes data, bytes32[] proof
    );
    event Excluded(uint256 indexed round, uint256 indexed client, address challenger);

    error RungMissingBlob(uint256 index);
    error RungUnusedBlob(uint256 index);
    error RungNotInRound(uint256 client);
    error RungBadOpening(uint256 element);
    /// @notice A client's tree has something else than zeros beyond its last chunk: its root does not follow from its blob.
    error RungBadPadding(uint256 client, bytes32 given, bytes32 zeros);
    error RungDataAgree(uint256 client, uint256 element);
    /// @notice A question was meant for other submissions than the round has.
    error RungOtherSubmissions(bytes32 given, bytes32 current);

    /// @notice Ask a client to show a chunk as it committed to it, for a fee, once submissions have closed. While a proposal stands: as long as `demand` is
    /// taken. Otherwise: more than two windows before the round expires. So nobody can let a round expire to keep its
    /// stake: an answer is due at least a window before. Either way there is time for two questions, one after the other,
    /// as a search takes, if the first one is asked at once: what it waits, the second one lacks. Each chunk once: all see the
    /// answer.
    /// @param submitted `accumulator` with the submission that is meant. Another one may be in its place when the chain is
    /// reorganized, and a fee would pay for data that nobody wanted to see.
    function demandData(uint256 round, bytes32 submitted, uint256 client, uint256 chunk) external;

    /// @notice Show the chunk somebody asked for, within `windowSeconds` of the demand. Anyone may; the fee is held for the
    /// client, see `settleData`. A proposal then stays open to challenge for a whole window at least.
    /// @param submissions All of the round, in order.
    /// @param place Which of them is the client's.
    /// @param chunk Which chunk.
    /// @param data Its bytes.
    /// @param proof Siblings from the chunk to its part's root; zeros, as the tree is padded with, where all below lies
    /// beyond the last chunk. Who padded with anything else has no answer, and is out when it is due.
    function answerData(
        uint256 round,
        Submission[] calldata submissions,
        uint256 place,
        uint256 chunk,
        bytes calldata data,
        bytes32[] calldata proof
    ) external;

    /// @notice The answer is overdue: the client is out of the round and loses its stake. A proposal that counted it is
    /// canceled; its proposer keeps the bond and earns no fee. Other demands to the client die, see `settleData`. When nobody
    /// is left in the round, nothing can be proposed, and it can be given up when it has expired.
    function expireData(uint256 round, uint256 client, uint256 chunk) external;

    /// @notice Show that a client's blob does not hold the chunk it committed to. Consequences as above.
    /// @param opening An element of the chunk that differs.
    function proveData(
        uint256 round,
        Submission[] calldata submissions,
        uint256 place,
        uint256 chunk,
        bytes calldata data,
        bytes32[] calldata proof,
        Opening calldata opening
    ) external;

    /// @notice Have the fee of a question paid to whom it is due. Anyone may, as soon as that is known: when the client is
    /// out, or the round over. It is the client's if the question was answered, by whomever, and the client was not put out of
    /// that round; otherwise it goes back to who asked.
    function settleData(uint256 round, uint256 client, uint256 chunk) external;
}
