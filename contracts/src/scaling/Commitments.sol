// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IOptimisticRung } from "./IOptimisticRung.sol";
import { Merkle } from "./Merkle.sol";
import { Rung } from "./Rung.sol";

// Rounds, parts and bits are compared with `==` because they are exact. Slither takes whatever comes out of the slot of
// `_round` for a time, since deadlines are in it.
// slither-disable-start timestamp,incorrect-equality

/// @title What the chain keeps of the clients' updates: roots, part by part, in one accumulator a round
/// @dev One slot binds all submissions and their order. Whoever refers to them later brings them all along.
abstract contract Commitments is IOptimisticRung, Rung {
    /// @notice Chunks in a part: 122,880 bytes fit a transaction of 128 KiB, and a blob.
    uint256 internal constant PART = 120;

    /// @dev A submission that takes several transactions.
    struct Pending {
        bytes32 chain;
        uint32 round;
        uint32 parts;
    }

    /// @dev Of the last round that anybody completed a submission to: the current one, wherever something is compared with it.
    bytes32 internal _accumulator;
    mapping(uint256 client => Pending) private _pending;

    /// @inheritdoc IOptimisticRung
    function accumulator() public view returns (bytes32) {
        return _round.submitted == 0 ? bytes32(uint256(_round.number)) : _accumulator;
    }

    /// @dev What the client has sent in this round, `count` parts more counted in, which the caller has yet to chain; and
    /// whether its submission is complete with them. Who sends all parts at once begins anew.
    function _more(Round memory round, uint256 client, uint256 count)
        internal
        view
        returns (Pending memory pending, bool complete)
    {
        uint256 needed = _partCount();
        if (count < needed && _pending[client].round == round.number) pending = _pending[client];
        uint256 parts = pending.parts + count;
        if (count == 0 || parts > needed) revert RungWrongLength(count, needed - pending.parts);
        (pending.round, pending.parts, complete) = (round.number, uint32(parts), parts == needed);
    }

    function _keep(Round memory round, uint256 client, Pending memory pending, bool complete) internal {
        if (complete) {
            bytes32 before = round.submitted == 0 ? bytes32(uint256(round.number)) : _accumulator;
            _accumulator = Merkle.triple(before, bytes32(client), pending.chain);
            _complete(round, client);
        } else {
            _pending[client] = pending;
        }
    }

    /// @dev Parts the client has sent in this round.
    function _sent(Round memory round, uint256 client) internal view returns (uint256) {
        return _pending[client].round == round.number ? _pending[client].parts : 0;
    }

    /// @dev Refuse submissions that are not the round's.
    function _checkSubmissions(uint256 round, Submission[] calldata submissions) internal view {
        bytes32 a = bytes32(round);
        for (uint256 i; i < submissions.length; ++i) {
            Submission calldata s = submissions[i];
            if (s.blobs.length != s.parts.length) revert RungWrongLength(s.blobs.length, s.parts.length);
            bytes32 chain = 0;
            for (uint256 k; k < s.parts.length; ++k) {
                chain = Merkle.triple(chain, s.parts[k], s.blobs[k]);
            }
            a = Merkle.triple(a, bytes32(s.client), chain);
        }
        if (a != _accumulator) revert RungBadSubmissions(a, _accumulator);
    }

    function _partCount() internal view returns (uint256) {
        return (_chunks() + PART - 1) / PART;
    }

    /// @dev Levels of a part's tree; all parts have the same.
    function _partDepth() internal view returns (uint256) {
        return Merkle.depth(_chunks() < PART ? _chunks() : PART);
    }
}
// slither-disable-end timestamp,incorrect-equality
