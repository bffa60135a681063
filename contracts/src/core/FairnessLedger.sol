// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator } from "./IAggregator.sol";
import { IClientRegistry } from "./IClientRegistry.sol";
import { IFairnessLedger } from "./IFairnessLedger.sol";

/// @title FairnessLedger
/// @notice Agreement on fairness records by content identifier.
/// @dev A vote weighs the samples its client has staked for: accounts cost nothing, stakes do. The contract cannot tell a
/// true record from a false one, nor who computed it from who copied another's vote: it counts who said the same.
contract FairnessLedger is IFairnessLedger {
    /// @dev A factor counts only while its epoch is the newest applied one; one slot a client.
    struct Factor {
        uint32 value;
        uint64 epochPlusOne;
    }

    /// @notice The factor that changes nothing, in millionths.
    uint256 public constant NEUTRAL = 1_000_000;
    uint256 public constant MIN_FACTOR = 500_000;
    uint256 public constant MAX_FACTOR = 1_500_000;
    /// @notice Most rounds an epoch.
    uint256 public constant MAX_INTERVAL = 1_000;

    IClientRegistry public immutable registry;
    /// @inheritdoc IFairnessLedger
    IAggregator public immutable aggregator;
    /// @notice Rounds an epoch.
    uint256 public immutable interval;
    /// @notice Share of the samples by which a record is agreed on, in millionths; of the most present at once, see `Epoch`.
    uint256 public immutable quorum;
    /// @notice Seconds from an epoch's first attestation to its last.
    uint256 public immutable attestSeconds;

    /// @notice Newest epoch whose factors were applied, plus one; zero when none was.
    uint256 public newestPlusOne;

    mapping(uint256 epoch => Epoch) private _epochs;
    mapping(bytes32 statement => uint256 samples) private _votes;
    /// @dev The newest epoch a client attested to, plus one: the first one it may attest to now.
    mapping(address client => uint256 epochPlusOne) private _lastAttested;
    mapping(address client => Factor) private _factors;

    constructor(
        IClientRegistry registry_,
        IAggregator aggregator_,
        uint256 interval_,
        uint256 quorum_,
        uint256 attestSeconds_
    ) {
        // The first attestation reads the samples of all of an epoch's rounds.
        if (interval_ == 0 || interval_ > MAX_INTERVAL) revert BadLedgerConfig("interval", interval_);
        // Above one half, or a minority of those present could agree alone. Clients that were absent vote too, so two
        // records can each find a quorum: the first one stands.
        if (quorum_ <= NEUTRAL / 2 || quorum_ > NEUTRAL) revert BadLedgerConfig("quorum", quorum_);
        // Who has voted must not be able to leave, register the same stake anew and vote again.
        if (attestSeconds_ == 0 || attestSeconds_ > registry_.coolDown()) {
            revert BadLedgerConfig("attestSeconds", attestSeconds_);
        }
        if (address(aggregator_.registry()) != address(registry_)) {
            revert BadLedgerConfig("registry", uint160(address(registry_)));
        }
        registry = registry_;
        aggregator = aggregator_;
        interval = interval_;
        quorum = quorum_;
        attestSeconds = attestSeconds_;
    }

    /// @inheritdoc IFairnessLedger
    function attest(uint256 epoch, bytes32 record, bytes32 factorsHash) external {
        uint256 samples = registry.eligibleSamples(msg.sender); // refuses strangers, leavers and those short of stake
        if (record == 0) revert ZeroRecord();
        uint256 lastRound = (epoch + 1) * interval;
        uint256 closed = aggregator.lastClosedRound();
        if (closed < lastRound) revert EpochNotOver(epoch, lastRound, closed);
        _checkNewest(epoch);
        uint256 nextAllowed = _lastAttested[msg.sender];
        if (nextAllowed > epoch) revert AlreadyAttested(msg.sender, nextAllowed - 1);

        Epoch storage state = _epochs[epoch];
        if (state.record != 0) revert AlreadyAgreed(epoch, state.record);
        if (state.deadline == 0) {
            state.deadline = uint40(block.timestamp + attestSeconds);
            state.needed = uint64((_mostPresent(epoch, lastRound) * quorum + NEUTRAL - 1) / NEUTRAL);
        }
        // slither-disable-next-line timestamp
        else if (block.timestamp >= state.deadline) {
            revert EpochExpired(epoch, block.timestamp, state.deadline);
        }

        _lastAttested[msg.sender] = epoch + 1;
        bytes32 statement = _statement(epoch, record, factorsHash);
        samples += _votes[statement];
        _votes[statement] = samples;
        emit Attested(epoch, msg.sender, record, factorsHash, samples);
        if (samples >= state.needed) {
            state.record = record;
            emit Agreed(epoch, record, samples);
        }
    }

    /// @inheritdoc IFairnessLedger
    function applyFactors(uint256 epoch, bytes32 record, address[] calldata clients, uint32[] calldata factors)
        external
    {
        if (clients.length != factors.length) revert FactorsLengthMismatch(clients.length, factors.length);
        uint256 samples = _votes[_statement(epoch, record, keccak256(abi.encode(clients, factors)))];
        Epoch memory state = _epochs[epoch];
        if (samples == 0 || samples < state.needed) revert NoAgreement(epoch, samples, state.needed);
        if (state.applied) revert AlreadyApplied(epoch);
        _checkNewest(epoch);
        // slither-disable-next-line timestamp
        if (block.timestamp >= state.deadline + attestSeconds) {
            revert EpochExpired(epoch, block.timestamp, state.deadline + attestSeconds);
        }
        // Settling takes several transactions: factors that changed in between would hold for some clients only.
        IAggregator.Round memory round = aggregator.currentRound();
        if (round.phase == IAggregator.Phase.Settle) revert SettlementRunning(round.number);

        _epochs[epoch].applied = true;
        newestPlusOne = epoch + 1;
        for (uint256 i; i < clients.length; ++i) {
            uint256 factor = factors[i];
            if (factor < MIN_FACTOR || factor > MAX_FACTOR) {
                revert FactorOutOfBounds(clients[i], factor, MIN_FACTOR, MAX_FACTOR);
            }
            _factors[clients[i]] = Factor({ value: uint32(factor), epochPlusOne: uint64(epoch + 1) });
        }
        emit FactorsApplied(epoch, record, clients, factors);
    }

    /// @inheritdoc IFairnessLedger
    function factorOf(address client) external view returns (uint256) {
        Factor memory factor = _factors[client];
        return factor.epochPlusOne == newestPlusOne && newestPlusOne != 0 ? factor.value : NEUTRAL;
    }

    /// @inheritdoc IFairnessLedger
    function epochOf(uint256 epoch) external view returns (Epoch memory) {
        return _epochs[epoch];
    }

    /// @inheritdoc IFairnessLedger
    function votesFor(uint256 epoch, bytes32 record, bytes32 factorsHash) external view returns (uint256) {
        return _votes[_statement(epoch, record, factorsHash)];
    }

    /// @dev Factors go forward: those of an epoch before the newest applied one come too late. Time is counted in seconds
    /// and not in rounds, which anybody can open and leave empty.
    function _checkNewest(uint256 epoch) private view {
        uint256 newest = newestPlusOne;
        if (newest > epoch + 1) revert EpochOver(epoch, newest - 1);
    }

    /// @dev The most samples that were present at once, in one of the epoch's rounds or in the last round of all that was
    /// not void. That one alone could be a quiet one, opened at night by who wants to agree with nobody; the epoch's alone
    /// could be long ago. Refuse an epoch of void rounds, which has nothing to agree on. One round that was averaged is
    /// enough: see `attest` for what that leaves open.
    function _mostPresent(uint256 epoch, uint256 lastRound) private view returns (uint256 most) {
        for (uint256 round = lastRound - interval + 1; round <= lastRound; ++round) {
            // slither-disable-next-line calls-loop
            uint256 samples = aggregator.samplesOf(round);
            if (samples > most) most = samples;
        }
        if (most == 0) revert NobodyPresent(epoch);
        uint256 last = aggregator.presentSamples();
        if (last > most) most = last;
    }

    function _statement(uint256 epoch, bytes32 record, bytes32 factorsHash) private pure returns (bytes32) {
        return keccak256(abi.encode(epoch, record, factorsHash));
    }
}
