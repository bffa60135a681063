// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Escrow } from "../core/Escrow.sol";
import { IAggregator } from "../core/IAggregator.sol";
import { IClientRegistry } from "../core/IClientRegistry.sol";
import { ONE } from "../core/IEscrow.sol";
import { AdjustedTerms } from "./AdjustedTerms.sol";
import { IAccuracyAdjusted } from "./IAccuracyAdjusted.sol";

// Registry and aggregator are this federation's own contracts, and pages bound the number of calls. The deadline to
// attest lies minutes off, and a proposer can shift a block by seconds; Slither takes all else in its slot for a time
// as well. Rounds, cursors and hashes are compared with `==` because they are exact.
// slither-disable-start calls-loop,timestamp,incorrect-equality

/// @title AccuracyAdjusted
/// @notice Escrow that pays for alignment times attested gain in accuracy, with the negative-alignment penalty.
/// @dev What bounds what. Shared in a round: at most min(budget, pot), whatever is attested; refunds for work, which
/// settling does not earn here, come on top. Lost in a round by a client:
/// at most penaltyCap of its stake, and nothing if it revealed an update with S_i ≥ 0; its reward, by the vote of a quorum,
/// for want of one, or for want of anybody who sends the first page of a settlement in time, which earns no refund. Who holds a quorum of the revealed samples decides who is paid of those with a positive score; who
/// holds more than what is left can keep the round unpaid.
contract AccuracyAdjusted is AdjustedTerms, Escrow {
    Settlement private _settlement;
    mapping(address client => uint256 round) private _lastAttested;
    mapping(bytes32 statement => uint256 samples) private _votes;

    constructor(IClientRegistry registry_, IAggregator aggregator_, Terms memory terms_)
        AdjustedTerms(registry_, aggregator_, terms_)
        Escrow(registry_, aggregator_)
    { }

    // -------------------------------------------------------------------------------------------------- attestation

    /// @inheritdoc IAccuracyAdjusted
    function openAttestation() external {
        uint40 round = _scoredRound().number;
        if (_settlement.round == round) revert AlreadyOpen(round, _settlement.deadline);
        _open(round);
    }

    /// @inheritdoc IAccuracyAdjusted
    function attest(uint256 number, bytes32 gainsHash) external {
        if (gainsHash == 0) revert ZeroGains();
        uint40 round = _scoredRound().number;
        if (number != round) revert NothingToSettle(number); // it was sent for a round that is over
        IAggregator.Entry memory entry = aggregator.entryOf(msg.sender);
        if (!entry.revealed) revert NotInRound(msg.sender, round);
        if (_lastAttested[msg.sender] == round) revert GainsAlreadyAttested(msg.sender, round);
        if (_settlement.round != round) _open(round);
        if (_settlement.agreed != 0) revert GainsAlreadyAgreed(round, _settlement.agreed);
        uint256 deadline = _settlement.deadline;
        if (block.timestamp >= deadline) revert AttestationOver(block.timestamp, deadline);

        _lastAttested[msg.sender] = round;
        bytes32 statement = keccak256(abi.encode(round, gainsHash));
        uint256 samples = _votes[statement] + entry.samples;
        _votes[statement] = samples;
        emit Attested(round, msg.sender, gainsHash, samples);
        if (samples * ONE >= aggregator.totalSamples() * _terms.quorum) {
            _settlement.agreed = gainsHash;
            emit Agreed(round, gainsHash, samples);
        }
    }

    // --------------------------------------------------------------------------------------------------- settlement

    /// @inheritdoc IAccuracyAdjusted
    function settle(uint256 count, int32[] calldata gains) external nonReentrant {
        if (count == 0) revert ZeroSettleCount();
        IAggregator.Round memory round = _scoredRound();
        // In a void round there is nothing to attest to: no need to wait.
        if (_settlement.round != round.number && round.isVoid) _open(round.number);
        Settlement memory state = _settlement;
        _checkGains(state, round, gains);

        if (!state.paying) count = _weigh(state, count, round.committed, gains);
        if (state.paying) _pay(state, count, round.committed, gains);
        _settlement = state;
        if (state.paying && state.cursor == round.committed) {
            emit Settled(round.number, _paid, pot, !state.unpaid && !round.isVoid);
            _closeRound();
        }
    }

    /// @inheritdoc IAccuracyAdjusted
    function settlement() external view returns (Settlement memory) {
        return _settlement;
    }

    /// @inheritdoc IAccuracyAdjusted
    function votesFor(uint256 round, bytes32 gainsHash) external view returns (uint256) {
        return _votes[keccak256(abi.encode(round, gainsHash))];
    }

    /// @dev Not without the gains.
    function _settle(uint256) internal view override {
        revert NothingToSettle(aggregator.currentRound().number);
    }

    function _fullBudget() internal view override returns (uint256 budget, uint256 fullSamples) {
        return (_terms.budget, _terms.fullSamples);
    }

    function _penalty() internal view override returns (uint256 rate, uint256 cap) {
        return (_terms.penaltyRate, _terms.penaltyCap);
    }

    // -------------------------------------------------------------------------------------------------------- pieces

    function _scoredRound() private view returns (IAggregator.Round memory round) {
        round = aggregator.currentRound();
        if (round.phase != IAggregator.Phase.Settle) revert NothingToSettle(round.number);
    }

    function _open(uint40 round) private {
        uint256 deadline = block.timestamp + _terms.attestSeconds;
        _settlement = Settlement({
            round: round, deadline: uint40(deadline), cursor: 0, paying: false, unpaid: false, totalWeight: 0, agreed: 0
        });
        emit AttestationOpened(round, deadline);
    }

    /// @dev Either the gains are the agreed ones, or none are given and the round goes unpaid: after the deadline without
    /// agreement, after as long again when nobody could show what was agreed on, or at once when the round is void.
    /// Changes `state` in memory.
    function _checkGains(Settlement memory state, IAggregator.Round memory round, int32[] calldata gains) private view {
        if (state.round != round.number) revert NoGainsAgreed(round.number, block.timestamp, type(uint40).max);
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
        if (begun || (block.timestamp < from && !round.isVoid)) {
            revert NoGainsAgreed(round.number, block.timestamp, from);
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
            if (!entry.revealed || entry.score < 0) {
                _penalize(state.round, client, entry, square);
            } else if (gains.length != 0) {
                weight = _weight(uint112(entry.score), gains[i]);
            }
            _accounts[client].weight = weight;
            state.totalWeight += weight; // Σ of the positive S_i ≤ P · bound² ≤ 2^108, since the n_i / N sum to 1
        }
        state.cursor = uint32(end);
        if (end < clients) return left;
        (state.paying, state.cursor) = (true, 0);
        _fixBudget();
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
        _book(paid);
    }

    /// @dev S · min(max(a, 0), cap) / cap, rounded down, at scale s².
    function _weight(uint256 score, int32 gain) private view returns (uint128) {
        if (gain <= 0) return 0;
        uint256 cap = _terms.gainCap;
        uint256 counted = uint256(int256(gain)) < cap ? uint256(int256(gain)) : cap;
        return uint128(score * counted / cap); // at most the score
    }
}
// slither-disable-end calls-loop,timestamp,incorrect-equality
