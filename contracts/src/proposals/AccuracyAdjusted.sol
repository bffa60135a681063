// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { IAggregator } from "../core/IAggregator.sol";
import { IClientRegistry } from "../core/IClientRegistry.sol";
import { IAccuracyAdjusted } from "./IAccuracyAdjusted.sol";

/// @title AccuracyAdjusted
/// @notice Escrow that pays for alignment times attested gain in accuracy, with the negative-alignment penalty.
/// @dev What bounds what. Paid in a round: at most min(budget, pot), whatever is attested. Lost in a round by a client:
/// at most penaltyCap of its stake, and nothing if it revealed an update with S_i ≥ 0; its reward, only by the vote of a
/// quorum. A coalition above 1 − quorum of the samples can keep a round unpaid, one above quorum decides who is paid.
contract AccuracyAdjusted is IAccuracyAdjusted, ReentrancyGuardTransient {
    /// @dev Ratios are in millionths.
    uint256 private constant _ONE = 1_000_000;

    IClientRegistry public immutable registry;
    IAggregator public immutable aggregator;

    Terms private _terms;
    Settlement private _settlement;
    /// @inheritdoc IAccuracyAdjusted
    uint256 public pot;
    /// @inheritdoc IAccuracyAdjusted
    uint256 public totalCredit;
    /// @dev What the round being settled shares, fixed when its second pass begins, and what of it is paid; in wei.
    uint128 private _budget;
    uint128 private _paid;

    /// @dev Credit in wei, and the weight in the round being settled; one slot.
    struct Account {
        uint128 credit;
        uint128 weight;
    }

    mapping(address client => Account) private _accounts;
    mapping(address client => uint256 round) private _lastAttested;
    mapping(bytes32 statement => uint256 samples) private _votes;

    constructor(IClientRegistry registry_, IAggregator aggregator_, Terms memory terms_) {
        if (terms_.gainCap == 0 || terms_.gainCap > uint32(type(int32).max)) {
            revert BadTerms("gainCap", terms_.gainCap);
        }
        if (terms_.penaltyCap > _ONE) revert BadTerms("penaltyCap", terms_.penaltyCap);
        // Above one half, or two different hashes could both be agreed on.
        if (terms_.quorum <= _ONE / 2 || terms_.quorum > _ONE) revert BadTerms("quorum", terms_.quorum);
        if (terms_.attestSeconds == 0) revert BadTerms("attestSeconds", 0);
        registry = registry_;
        aggregator = aggregator_;
        _terms = terms_;
    }

    /// @inheritdoc IAccuracyAdjusted
    function fund() external payable {
        if (msg.value == 0) revert NothingToFund();
        pot += msg.value;
        emit Funded(msg.sender, msg.value, pot);
    }

    // -------------------------------------------------------------------------------------------------- attestation

    /// @inheritdoc IAccuracyAdjusted
    function openAttestation() external {
        uint64 round = _scoredRound().number;
        if (_settlement.round == round) revert AlreadyOpen(round, _settlement.deadline);
        _open(round);
    }

    /// @inheritdoc IAccuracyAdjusted
    function attest(bytes32 gainsHash) external {
        uint64 round = _scoredRound().number;
        IAggregator.Entry memory entry = aggregator.entryOf(msg.sender);
        if (!entry.revealed) revert NotInRound(msg.sender, round);
        if (_lastAttested[msg.sender] == round) revert AlreadyAttested(msg.sender, round);
        if (_settlement.round != round) _open(round);
        if (_settlement.agreed != 0) revert AlreadyAgreed(round, _settlement.agreed);
        uint256 deadline = _settlement.deadline;
        if (block.timestamp >= deadline) revert AttestationOver(block.timestamp, deadline);

        _lastAttested[msg.sender] = round;
        bytes32 statement = keccak256(abi.encode(round, gainsHash));
        uint256 samples = _votes[statement] + entry.samples;
        _votes[statement] = samples;
        emit Attested(round, msg.sender, gainsHash, samples);
        if (samples * _ONE >= aggregator.totalSamples() * _terms.quorum) {
            _settlement.agreed = gainsHash;
            emit Agreed(round, gainsHash, samples);
        }
    }

    // --------------------------------------------------------------------------------------------------- settlement

    /// @inheritdoc IAccuracyAdjusted
    function settle(uint256 count, int32[] calldata gains) external nonReentrant {
        if (count == 0) revert ZeroSettleCount();
        IAggregator.Round memory round = _scoredRound();
        // With no sample revealed there is nothing to attest to and nobody who may: no need to wait.
        if (_settlement.round != round.number && aggregator.totalSamples() == 0) _open(round.number);
        Settlement memory state = _settlement;
        _checkGains(state, round, gains);

        if (!state.paying) count = _weigh(state, count, round.committed, gains);
        if (state.paying) _pay(state, count, round.committed, gains);
        _settlement = state;
        if (state.paying && state.cursor == round.committed) {
            emit Settled(round.number, _paid, pot, !state.unpaid);
            aggregator.closeRound();
        }
    }

    /// @inheritdoc IAccuracyAdjusted
    function withdraw() external nonReentrant {
        uint256 amount = _accounts[msg.sender].credit;
        if (amount == 0) revert NothingToWithdraw(msg.sender);
        _accounts[msg.sender].credit = 0;
        totalCredit -= amount;
        emit Withdrawn(msg.sender, amount);
        _send(msg.sender, amount);
    }

    /// @inheritdoc IAccuracyAdjusted
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

    function _scoredRound() private view returns (IAggregator.Round memory round) {
        round = aggregator.currentRound();
        if (round.phase != IAggregator.Phase.Settle) revert NothingToSettle(round.number);
    }

    function _open(uint64 round) private {
        uint256 deadline = block.timestamp + _terms.attestSeconds;
        _settlement = Settlement(round, uint40(deadline), 0, false, false, 0, 0);
        emit AttestationOpened(round, deadline);
    }

    /// @dev Either the gains are the agreed ones, or none are given and the round goes unpaid: after the deadline without
    /// agreement, after as long again when nobody could show what was agreed on, or at once when nobody revealed.
    /// Changes `state` in memory.
    function _checkGains(Settlement memory state, IAggregator.Round memory round, int32[] calldata gains) private view {
        if (state.round != round.number) revert NoAgreement(round.number, block.timestamp, type(uint40).max);
        if (gains.length != 0 && state.agreed != 0 && !state.unpaid) {
            bytes32 given = keccak256(abi.encode(gains));
            if (given != state.agreed) revert WrongGains(given, state.agreed);
            if (gains.length != round.committed) revert GainsLengthMismatch(gains.length, round.committed);
            return;
        }
        if (gains.length != 0) revert GainsLengthMismatch(gains.length, 0);
        if (state.unpaid) return;
        bool begun = state.cursor != 0 || state.paying; // with the agreed gains, which finish it
        uint256 from = state.deadline + (state.agreed == 0 ? 0 : _terms.attestSeconds);
        if (begun || (block.timestamp < from && aggregator.totalSamples() != 0)) {
            revert NoAgreement(round.number, block.timestamp, from);
        }
        state.unpaid = true;
    }

    /// @dev First pass: weight and penalty of up to `count` clients. Changes `state` in memory and returns what is left of
    /// `count`.
    function _weigh(Settlement memory state, uint256 count, uint256 clients, int32[] calldata gains)
        private
        returns (uint256 left)
    {
        uint256 square = aggregator.normSquared();
        uint256 end = _pageEnd(state.cursor, count, clients);
        left = count - (end - state.cursor);
        for (uint256 i = state.cursor; i < end; ++i) {
            address client = aggregator.participantAt(i);
            IAggregator.Entry memory entry = aggregator.entryOf(client);
            uint128 weight;
            if (!entry.revealed || entry.score < 0) _penalize(state.round, client, entry, square);
            else if (gains.length != 0) weight = _weight(uint128(entry.score), gains[i]);
            _accounts[client].weight = weight;
            state.totalWeight += weight; // Σ of the positive S_i ≤ P · bound² ≤ 2^120, since the n_i / N sum to 1
        }
        state.cursor = uint32(end);
        if (end < clients) return left;
        (state.paying, state.cursor) = (true, 0);
        _budget = uint128(_terms.budget < pot ? _terms.budget : pot);
        _paid = 0;
    }

    /// @dev Second pass: reward_i = budget · weight_i / Σ weight, rounded down; what rounding leaves stays in the pot.
    function _pay(Settlement memory state, uint256 count, uint256 clients, int32[] calldata gains) private {
        uint256 budget = _budget;
        uint256 end = _pageEnd(state.cursor, count, clients);
        uint256 paid;
        for (uint256 i = state.cursor; i < end; ++i) {
            address client = aggregator.participantAt(i);
            Account storage account = _accounts[client];
            uint256 weight = account.weight;
            if (weight == 0) continue;
            uint256 amount = budget * weight / state.totalWeight;
            account.credit += uint128(amount); // a credit is ether that exists, far below 2^128 wei
            paid += amount;
            emit Rewarded(state.round, client, amount, gains[i]);
        }
        state.cursor = uint32(end);
        pot -= paid;
        totalCredit += paid;
        _paid += uint128(paid); // at most `_budget`
    }

    /// @dev S · min(max(a, 0), cap) / cap, rounded down, at scale s².
    function _weight(uint256 score, int32 gain) private view returns (uint128) {
        if (gain <= 0) return 0;
        uint256 cap = _terms.gainCap;
        uint256 counted = uint256(int256(gain)) < cap ? uint256(int256(gain)) : cap;
        return uint128(score * counted / cap); // at most the score
    }

    /// @dev Burn stake · min(penaltyRate · (−S_i)/‖g‖², penaltyCap); the whole cap when the reveal is missing.
    function _penalize(uint256 round, address client, IAggregator.Entry memory entry, uint256 square) private {
        uint256 ratio = _terms.penaltyCap;
        if (entry.revealed && square != 0) {
            uint256 graded = uint256(-int256(entry.score)) * _terms.penaltyRate / square;
            if (graded < ratio) ratio = graded;
        }
        uint256 amount = uint256(registry.clientOf(client).stake) * ratio / _ONE;
        if (amount == 0) return;
        emit Penalized(round, client, registry.slash(client, amount));
    }

    /// @dev Where a page of `count` clients from `cursor` on ends. No count is too large: "all" may be 2^256 − 1.
    function _pageEnd(uint256 cursor, uint256 count, uint256 clients) private pure returns (uint256) {
        return count < clients - cursor ? cursor + count : clients;
    }

    function _send(address to, uint256 amount) private {
        (bool ok,) = to.call{ value: amount }("");
        if (!ok) revert PayoutFailed(to, amount);
    }

    // --------------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IAccuracyAdjusted
    function terms() external view returns (Terms memory) {
        return _terms;
    }

    /// @inheritdoc IAccuracyAdjusted
    function creditOf(address client) external view returns (uint256) {
        return _accounts[client].credit;
    }

    /// @inheritdoc IAccuracyAdjusted
    function settlement() external view returns (Settlement memory) {
        return _settlement;
    }

    /// @inheritdoc IAccuracyAdjusted
    function votesFor(uint256 round, bytes32 gainsHash) external view returns (uint256) {
        return _votes[keccak256(abi.encode(round, gainsHash))];
    }
}
