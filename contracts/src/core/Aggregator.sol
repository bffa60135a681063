// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Arrays } from "@openzeppelin/contracts/utils/Arrays.sol";
import { IAggregator } from "./IAggregator.sol";
import { IClientRegistry } from "./IClientRegistry.sol";
import { Int64Vector } from "./Int64Vector.sol";
import { Rounds } from "./Rounds.sol";
import { Submissions } from "./Submissions.sol";

// Slither takes whatever comes out of the slot of `_round` for a time, since a deadline is in it. Phases and counters are
// compared with `==` because they are exact; deadlines lie minutes apart, and a proposer can shift a block by seconds.
// slither-disable-start timestamp,incorrect-equality

/// @title Aggregator
/// @notice Commit–reveal rounds; federated averaging and gradient alignment computed on chain.
/// @dev The arithmetic. What a round is stands in `Rounds`, who takes part in it in `Submissions`.
/// No step needs more than the 16,777,216 gas of a transaction: what grows with P comes in pages of any size, and what
/// grows with the clients is bounded by `MAX_CAPACITY`.
contract Aggregator is Submissions {
    using Int64Vector for int64[];

    /// @dev Lengths of clipped updates count in 10^-9 of their own.
    uint256 private constant CLIP_SCALE = 1e9;

    /// @dev What the pages so far give of the inner product that `score` is at.
    int256 private _product;

    constructor(IClientRegistry registry_, address rewardPool_, address publisher_, Config memory config_)
        Rounds(registry_, rewardPool_, publisher_, config_)
    { }

    /// @inheritdoc IAggregator
    function aggregate(uint256 count) external {
        Round memory round = _in(Phase.Aggregate);
        if (count == 0) revert ZeroCount();
        uint256 from = round.cursor;
        if (_clipped && from == 0) _clipNorm = _medianNorm(round);
        uint256 left = _parameters - from;
        // Whole slots, so that `from` stays a multiple of 4. The division is there to lose what it loses.
        // slither-disable-next-line divide-before-multiply
        uint256 size = count < left ? (count + 3) / 4 * 4 : left;
        if (size > left) size = left;

        normSquared += _average(_weightedSums(round.committed, from, size), from);
        round.cursor = uint32(from + size);
        if (round.cursor == _parameters) {
            _enter(round, Phase.Score);
            emit Aggregated(round.number, normSquared);
        }
        _round = round;
    }

    /// @inheritdoc IAggregator
    function score(uint256 count) external {
        Round memory round = _in(Phase.Score);
        if (count == 0) revert ZeroCount();
        uint256 all = round.committed * _parameters;
        uint256 cursor = round.cursor;
        uint256 end = count < all - cursor ? cursor + count : all; // no count is too large: "all" may be 2^256 − 1
        int256[] memory g;
        int256[] memory update;
        while (cursor < end) {
            address client = _participants[cursor / _parameters];
            Entry storage entry = _entries[client];
            // an entry's place within its client: nothing is drawn
            // slither-disable-next-line weak-prng
            uint256 from = cursor % _parameters;
            uint256 size = _parameters - from;
            if (!entry.revealed) {
                cursor += size;
                continue;
            }
            if (end - cursor < size) {
                // Less than what is left of this client, in whole slots. The division is there to lose what it loses.
                // slither-disable-next-line divide-before-multiply
                uint256 whole = (end - cursor + 3) / 4 * 4;
                if (whole < size) size = whole;
            }
            if (from != 0 || size != g.length) {
                (g, update) = (new int256[](size), new int256[](size));
                _globalUpdate.readInto(from, g);
            }
            _updates[client].readInto(from, update);
            int256 product = _dot(update, g);
            if (from != 0) {
                product += _product;
                delete g; // holds a part
            }
            cursor += size;
            // written once a page at most: only the last client of a page can be left unfinished
            // slither-disable-next-line costly-loop
            if (from + size < _parameters) _product = product;
            else _score(round.number, client, entry, product);
        }
        round.cursor = uint32(cursor);
        if (cursor == all) {
            _enter(round, Phase.Settle);
            emit RoundScored(round.number);
        }
        _round = round;
    }

    // -------------------------------------------------------------------------------------------------- the arithmetic

    /// @dev w_i, with W = `_totalWeight()`.
    function _weightOf(Entry storage entry, uint256 clip) private view returns (int256) {
        uint256 samples = entry.samples;
        if (!_clipped) return int256(samples);
        uint256 norm = entry.norm; // ≥ 1, since the update is not zero
        // ⌊R/‖v_i‖ · 10^9⌋ is the definition: what the division loses, the weight is to lose
        // slither-disable-next-line divide-before-multiply
        return int256(samples * (norm > clip ? clip * CLIP_SCALE / norm : CLIP_SCALE));
    }

    function _totalWeight() private view returns (int256) {
        return int256(uint256(_samples) * (_clipped ? CLIP_SCALE : 1));
    }

    /// @dev R: the median length of the revealed updates, where every sample counts: the smallest of them such that updates
    /// not longer hold half of the samples. A median of clients would be for sale at one sample a client. R is one of the
    /// lengths revealed: whoever stands at the median moves it to the next one, however far that is.
    function _medianNorm(Round memory round) private view returns (uint64) {
        uint256[] memory norms = new uint256[](round.revealed); // each above its samples, in one word
        uint256 found;
        for (uint256 i; i < round.committed; ++i) {
            Entry storage entry = _entries[_participants[i]];
            if (entry.revealed) norms[found++] = uint256(entry.norm) << 32 | entry.samples;
        }
        // sorts in place; what it returns is `norms` itself
        // slither-disable-next-line unused-return
        Arrays.sort(norms);
        uint256 place;
        uint256 samples = uint32(norms[0]);
        while (2 * samples < _samples) {
            samples += uint32(norms[++place]); // there is a next one: all of them hold all
        }
        return uint64(norms[place] >> 32);
    }

    /// @dev S_i from ⟨v_i, g⟩. Signed division truncates toward zero; |S_i| ≤ P · bound² ≤ 2^108, so the cast is safe.
    function _score(uint256 round, address client, Entry storage entry, int256 product) private {
        int256 value = _weightOf(entry, _clipNorm) * product / _totalWeight();
        entry.score = int112(value);
        emit Scored(round, client, value);
    }

    /// @dev Σ_i w_i·v_ij for j in [from, from + size), over the clients that revealed. Clients in the outer loop: each
    /// one's slots are read once, in order, into one buffer.
    /// No sum overflows: |v_ij| ≤ 2^44, w_i < 2^32 · 2^30, at most 2^8 clients, and 2^114 is far from 2^255.
    function _weightedSums(uint256 clients, uint256 from, uint256 size) private view returns (int256[] memory sums) {
        sums = new int256[](size);
        int256[] memory update = new int256[](size);
        uint256 clip = _clipNorm;
        for (uint256 i; i < clients; ++i) {
            address client = _participants[i];
            Entry storage entry = _entries[client];
            if (!entry.revealed) continue;
            int256 weight = _weightOf(entry, clip);
            _updates[client].readInto(from, update);
            unchecked {
                for (uint256 j; j < size; ++j) {
                    sums[j] += weight * update[j];
                }
            }
        }
    }

    /// @dev Divide by W (toward zero), store the page of g, add it to the model, return the page's share of ‖g‖².
    function _average(int256[] memory sums, uint256 from) private returns (uint256 square) {
        int256 total = _totalWeight();
        int256[] memory parameters = new int256[](sums.length);
        _model.readInto(from, parameters);
        for (uint256 j; j < sums.length; ++j) {
            // A mean of values within the bound is within the bound: it fits int64. The norm is that of the rounded mean.
            // slither-disable-next-line divide-before-multiply
            int256 mean = sums[j] / total;
            int256 parameter = parameters[j] + mean;
            // A revert would end the federation here, for want of one entry: it stays at the end of the range instead.
            if (parameter > type(int64).max) parameter = type(int64).max;
            else if (parameter < type(int64).min) parameter = type(int64).min;
            (sums[j], parameters[j]) = (mean, parameter);
            square += uint256(mean * mean);
        }
        _globalUpdate.writeFrom(from, sums);
        _model.writeFrom(from, parameters);
    }

    /// @dev Σ_j a_j·b_j. Unchecked: |a_j|, |b_j| ≤ 2^44 and at most 2^20 entries, so |Σ| ≤ 2^108.
    function _dot(int256[] memory a, int256[] memory b) private pure returns (int256 sum) {
        unchecked {
            for (uint256 j; j < a.length; ++j) {
                sum += a[j] * b[j];
            }
        }
    }
}
// slither-disable-end timestamp,incorrect-equality
