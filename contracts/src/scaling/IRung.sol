// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title One round of federated averaging and alignment scoring, the same on every rung of the gas ladder
/// @notice An update is P values v_ij of type int8, multiples of a step all clients agree on. Weights w_i are sample
/// counts, W is their sum over the clients of the round. Everything is exact, nothing is rounded:
///     A_j = Σ_i w_i·v_ij            (FedAvg is A_j / W)
///     S_i = w_i·Σ_j v_ij·A_j        (at scale W²; Σ_i S_i = Σ_j A_j²)
/// On the wire a value is the byte v + 128. Bytes after the last value, up to a multiple of 32, are read as zeros.
/// Parameters come in chunks of 1,024; the last chunk is shorter and ends with a whole word.
interface IRung {
    /// @notice Open: clients submit and, once submissions have closed, work goes on. Proposed: a result stands, open to
    /// challenge (rungs 3, 4, 6, and 8 by each client). Idle: before the first round, and between rounds. On rung 7, and 8
    /// by a relayer, a round is always open, see `IRelayedRung`.
    enum Phase {
        Idle,
        Open,
        Proposed
    }

    /// @notice What is fixed for a contract's whole life.
    /// @param parameters P.
    /// @param submitSeconds Submissions close this long after the round opens, or when all clients have submitted.
    /// @param workSeconds This long after `closesAt` a round without a result may be given up for a new one. Work is taken
    /// until somebody does; a proposal that stands prevents it, and one that falls starts this time anew, as does, on rungs 4,
    /// 6, and 8 by each client, every client that is put out while none stands: from then, or from `closesAt` where that is
    /// yet to come.
    /// On rung 6 nobody is left to work for if nobody revealed in time. A round that nobody submitted to may be given up at
    /// `closesAt`.
    struct Config {
        uint32 parameters;
        uint32 submitSeconds;
        uint32 workSeconds;
    }

    /// @notice The current round; one slot.
    /// @param number Counts from 1; 0 before the first round.
    /// @param finished Number of the last finished round.
    /// @param closesAt When submissions close, if not all have submitted before. On rung 6 a client that is put out may move it on,
    /// long after they have closed: the time to reveal ends so long after it, see `IProvenRung`.
    /// @param expiresAt When the round may be given up for a new one. While a proposal stands, which prevents that: two windows
    /// after it was made (rungs 3 and 4), or one, from when on it may be final (rung 6, and 8 by each client). No
    /// demand is taken from then on, nor from `Proposal.deadline` on, which is earlier unless an answer has moved it.
    /// @param submitted Bit i is set when client i's submission is complete.
    struct Round {
        uint24 number;
        uint24 finished;
        uint40 closesAt;
        uint40 expiresAt;
        uint120 submitted;
        Phase phase;
    }

    event RoundOpened(uint256 indexed round);
    event RoundVoid(uint256 indexed round);
    event Submitted(uint256 indexed round, uint256 indexed client);
    /// @notice The results. On rung 0 the digest is zero: the sums themselves are in storage. On rungs 3, 4, 6, and 8 by
    /// each client it is the `resultDigest`, and `scores` is empty: `Proposed`, or `Proven`, had them. On rung 7, and 8 by a
    /// relayer, there is none.
    event Finished(uint256 indexed round, bytes32 digest, int256[] scores);
    /// @notice The sums of one chunk, see `LanePacked` for the layout.
    event Sums(uint256 indexed round, uint256 indexed firstChunk, bytes lanes);

    error RungBadConfig(string field, uint256 value);
    error RungNotClient(address caller);
    error RungWrongRound(uint256 given, uint256 current);
    error RungWrongPhase(Phase actual, Phase required);
    error RungSubmissionsClosed(uint256 timestamp, uint256 closesAt);
    error RungSubmissionsOpen(uint256 timestamp, uint256 closesAt);
    error RungNotExpired(uint256 timestamp, uint256 expiresAt);
    error RungAlreadySubmitted(uint256 client);
    error RungWrongLength(uint256 actual, uint256 required);
    error RungNobodySubmitted(uint256 round);

    /// @notice Open the next round. Anyone may, when the last one is finished, or has expired and no proposal stands, or
    /// its submissions have closed and there are none.
    function openRound() external;

    /// @notice Submit one's update, or a part of it. Only a client, only to the current round; on rung 8 by each client also to
    /// the next one, if it may be opened: the first to submit opens it.
    /// @param round Number of the round this is meant for.
    /// @param payload What the rung asks for: the values, their bytes, or a commitment to them. On rungs 0 to 4 it is bound
    /// neither to its sender nor to the round: another client can submit a copy, and it counts with that client's weight.
    function submit(uint256 round, bytes calldata payload) external;

    /// @notice Carry the round on by one transaction; anyone may. On rungs 3 and 4 this is the proposal of a result, on
    /// rungs 6 to 8 a proof of it.
    /// @param round Number of the round this is meant for.
    /// @param payload What the rung asks for.
    function work(uint256 round, bytes calldata payload) external;

    /// @notice Clients and their weights; a client's index here is its number everywhere.
    function clients() external view returns (address[] memory accounts, uint256[] memory weights);

    function config() external view returns (Config memory);

    function currentRound() external view returns (Round memory);

    /// @notice What the chain keeps of the last finished round's result, `currentRound().finished`; 0 before there is one:
    /// keccak256(abi.encode(sumsDigest, scoresDigest)). It is final on every rung and in every phase: what is only
    /// proposed (rungs 3, 4, 6 to 8) is not here.
    /// sumsDigest binds all A_j. Rungs 0 to 2: d_0 = 0, d_{k+1} = keccak256(d_k, h_k) with h_k the hash of chunk k's sums.
    /// Rungs 3 and 4: root of the sum tree over the h_k. Rung 5: the hash of who took part and of their commitments, see
    /// `ISparseRung`. Rungs 6 to 8: the transcript's message, see `RoundProof`.
    /// scoresDigest is keccak256(abi.encode(scores)), with one score a client, 0 for those that did not take part.
    /// A contract that pays by the scores may trust it: it would take them as arguments, and compare. On rungs 0 to 4 it would
    /// pay copies as well.
    function resultDigest() external view returns (bytes32);
}
