// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator } from "./IAggregator.sol";

/// @title What the clients agree was fair
/// @notice Every `interval` rounds clients are to recompute everybody's contribution off chain from the data on IPFS,
/// to store the record there and to attest to it here. Equal results are equal bytes, hence one CID: when clients
/// with enough of the samples have attested to the same record, anyone may write the factors in it, which count until
/// the next ones.
interface IFairnessLedger {
    /// @notice The state of one epoch (`interval` rounds); two slots. Its time runs from its first attestation: `attestSeconds`
    /// to agree, and as many again to apply what was agreed on. Once a newer epoch's factors count, its time is over too.
    /// @param record sha2-256 digest of the agreed record, the content of its CIDv1; zero without agreement.
    /// @param deadline Block time at which attesting ends; zero before the first attestation.
    /// @param applied Whether the factors of the agreed record were written.
    /// @param needed Samples that must say the same: the quorum of the most that were present in one round, of the epoch's
    /// and, when attesting began, the last one that was closed and not void.
    struct Epoch {
        bytes32 record;
        uint40 deadline;
        bool applied;
        uint64 needed;
    }

    /// @param samples Those behind exactly this so far.
    event Attested(uint256 indexed epoch, address indexed client, bytes32 record, bytes32 factorsHash, uint256 samples);
    event Agreed(uint256 indexed epoch, bytes32 record, uint256 samples);
    event FactorsApplied(uint256 indexed epoch, bytes32 record, address[] clients, uint32[] factors);

    error BadLedgerConfig(string field, uint256 value);
    error EpochNotOver(uint256 epoch, uint256 lastRound, uint256 lastClosedRound);
    error EpochExpired(uint256 epoch, uint256 timestamp, uint256 deadline);
    error AlreadyAttested(address client, uint256 epoch);
    error AlreadyAgreed(uint256 epoch, bytes32 record);
    error ZeroRecord();
    error NobodyPresent(uint256 epoch);
    error NoAgreement(uint256 epoch, uint256 samples, uint256 needed);
    error EpochOver(uint256 epoch, uint256 newest);
    error AlreadyApplied(uint256 epoch);
    error SettlementRunning(uint256 round);
    error FactorsLengthMismatch(uint256 clients, uint256 factors);
    error FactorOutOfBounds(address client, uint256 factor, uint256 minimum, uint256 maximum);

    /// @notice Say that `record` holds what one computed for `epoch`.
    /// @param epoch Counts from 0; epoch e covers the rounds e·interval + 1 … (e + 1)·interval.
    /// @param record sha2-256 digest of the record's bytes.
    /// @param factorsHash keccak256(abi.encode(clients, factors)) of the factors in it.
    /// @dev Open to registered clients with enough stake, once an epoch each, and never for an epoch older than the newest
    /// one it attested to. A vote counts as many samples as its client declared, whether it took part in the rounds or
    /// not; the quorum is one of the samples that did. An epoch
    /// without a quorum before its deadline expires, and the factors stay as they were. Any client's attestation starts that
    /// time, also one of nonsense: it has to be longer than an honest computation takes.
    /// An epoch all of whose rounds were void is refused. One in which few were present is not: whoever holds every round of
    /// an epoch that was not void, one at least, and the last one that was not when attesting begins, sets that epoch's quorum
    /// and agrees with itself. The others may have been left empty, which costs gas alone. What it so agrees on is everybody's
    /// factors, and once they are applied the votes on older epochs are over, whoever was present there. The aggregator's
    /// `minimumSamples` is what stands against it: a quorum of that is needed at least.
    function attest(uint256 epoch, bytes32 record, bytes32 factorsHash) external;

    /// @notice Write the factors of an agreed record. Anyone may, except while a round is being settled; the hash pins
    /// them. Clients that the newest record does not name go back to the neutral factor.
    /// All in one transaction: some 680 clients fit. A record need not name those whose factor is the neutral one.
    /// @param factors In millionths, each within [MIN_FACTOR, MAX_FACTOR], in the order of `clients`.
    function applyFactors(uint256 epoch, bytes32 record, address[] calldata clients, uint32[] calldata factors) external;

    function aggregator() external view returns (IAggregator);

    /// @notice The factor by which a client's reward is multiplied now, in millionths; 1,000,000 unless agreed otherwise.
    function factorOf(address client) external view returns (uint256);

    function epochOf(uint256 epoch) external view returns (Epoch memory);

    /// @notice Samples of the clients that attested to exactly this.
    function votesFor(uint256 epoch, bytes32 record, bytes32 factorsHash) external view returns (uint256);
}
