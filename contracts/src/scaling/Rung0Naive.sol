// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IRung } from "./IRung.sol";
import { Rung } from "./Rung.sol";

/// @title Rung 0: a storage slot a number
/// @notice `submit` takes `abi.encode(int256[])`: P values at 18 decimals, as money is counted. `work` is called twice:
/// averaging, then scoring, each all at once. It is how one would first write it, and it is here to be measured. So no
/// constructor bounds P or the clients: where `submit` or a step of `work` needs more gas than a transaction may have, no
/// round can be finished. From rung 1 on steps are cut to size, and constructors bound what still grows with P: proofs and
/// answers of rungs 3 and 4, slowly, by paths as long as log P, and by 64 bytes a client for every 122,880 parameters; a row
/// that is shown on rung 5; on rung 6 the points of one client, and on rung 7 those of all.
contract Rung0Naive is Rung {
    int256 private constant SCALE = 1e18;

    mapping(uint256 round => mapping(uint256 client => int256[])) private _updates;
    mapping(uint256 round => int256[]) private _sums;
    int256[] private _scores;
    /// @dev Who took part in the last finished round.
    uint256 private _took;

    /// @notice A value is not v·10^18 with v a whole number from −128 to 127. Others could overflow the sums and the scores,
    /// and with them everybody's round.
    error RungBadValue(uint256 index, int256 value);

    constructor(Config memory config_, address[] memory accounts, uint16[] memory weights)
        Rung(config_, accounts, weights)
    { }

    /// @inheritdoc IRung
    function submit(uint256 round, bytes calldata payload) external {
        (Round memory current, uint256 client) = _enter(round);
        int256[] memory values = abi.decode(payload, (int256[]));
        if (values.length != _parameters) revert RungWrongLength(values.length, _parameters);
        for (uint256 j; j < values.length; ++j) {
            int256 steps = values[j] / SCALE;
            if (values[j] % SCALE != 0 || steps < type(int8).min || steps > type(int8).max) {
                revert RungBadValue(j, values[j]);
            }
        }
        _updates[round][client] = values;
        _complete(current, client);
    }

    /// @inheritdoc IRung
    function work(uint256 round, bytes calldata) external {
        Round memory current = _closed(round);
        uint256[] memory list = _indices(current.submitted);
        if (_sums[round].length == 0) _aggregate(round, list);
        else _align(current, list);
    }

    /// @notice A_j of the last finished round, in steps.
    function sums() external view returns (int256[] memory list) {
        list = _sums[_round.finished];
        for (uint256 j; j < list.length; ++j) {
            list[j] /= SCALE;
        }
    }

    /// @inheritdoc IRung
    /// @dev This rung keeps the sums, not a digest; the digest is computed here, for whoever asks.
    function resultDigest() external view override returns (bytes32) {
        // a number, exact, and no time: Slither takes all that is in the slot of `_round` for one
        // slither-disable-next-line timestamp,incorrect-equality
        if (_round.finished == 0) return 0;
        return _digestResult(_sumsDigest(), keccak256(abi.encode(_scores)));
    }

    function _aggregate(uint256 round, uint256[] memory list) private {
        uint256[] memory weights = _weightsOf(list);
        for (uint256 j; j < _parameters; ++j) {
            int256 sum;
            for (uint256 i; i < list.length; ++i) {
                sum += int256(weights[i]) * _updates[round][list[i]][j];
            }
            _sums[round].push(sum);
        }
    }

    /// @dev Values and sums have 18 decimals each, so an exact score has 36; none is lost by the division, as the values
    /// are whole steps.
    function _align(Round memory current, uint256[] memory list) private {
        uint256[] memory weights = _weightsOf(list);
        delete _scores;
        for (uint256 i; i < list.length; ++i) {
            int256 score;
            for (uint256 j; j < _parameters; ++j) {
                score += _updates[current.number][list[i]][j] * _sums[current.number][j];
            }
            while (_scores.length < list[i]) _scores.push();
            _scores.push(score * int256(weights[i]) / SCALE / SCALE);
        }
        while (_scores.length < _members) _scores.push();
        _took = current.submitted;
        _close(current.number, 0, _scores);
    }

    function _sumsDigest() private view returns (bytes32 digest) {
        int256[] storage list = _sums[_round.finished];
        int256 bias;
        uint256[] memory weights = _weightsOf(_indices(_took));
        for (uint256 i; i < weights.length; ++i) {
            bias += 128 * int256(weights[i]);
        }
        for (uint256 k; k < _chunks(); ++k) {
            uint256 stride = _stride(_valid(k));
            bytes memory lanes;
            for (uint256 word; word < stride; word += 32) {
                for (uint256 q; q < 4; ++q) {
                    for (uint256 lane; lane < 8; ++lane) {
                        uint256 j = k * 1024 + word + 4 * lane + 3 - q;
                        int256 sum = j < list.length ? list[j] / SCALE : int256(0);
                        lanes = abi.encodePacked(lanes, uint32(uint256(sum + bias)));
                    }
                }
            }
            digest = keccak256(abi.encode(digest, keccak256(lanes)));
        }
    }
}
