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

    /// @dev Add `roots` to what the client has sent in this round; its submission completes with the last part.
    function _addParts(Round memory round, uint256 client, bytes32[] memory roots, bytes32[] memory blobs) internal {
        Pending memory pending;
        uint256 needed = _partCount();
        if (roots.length < needed && _pending[client].round == round.number) pending = _pending[client];
        if (roots.length == 0 || pending.parts + roots.length > needed) {
            revert RungWrongLength(roots.length, needed - pending.parts);
        }
        pending.chain = _chain(pending.chain, roots, blobs);
        pending.parts += uint32(roots.length);
        if (pending.parts == needed) {
            bytes32 before = round.submitted == 0 ? bytes32(uint256(round.number)) : _accumulator;
            _accumulator = keccak256(abi.encode(before, client, pending.chain));
            _complete(round, client);
        } else {
            pending.round = round.number;
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
            a = keccak256(abi.encode(a, s.client, _chain(0, s.parts, s.blobs)));
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

    function _chain(bytes32 chain, bytes32[] memory roots, bytes32[] memory blobs) private pure returns (bytes32) {
        for (uint256 i; i < roots.length; ++i) {
            chain = keccak256(abi.encode(chain, roots[i], blobs[i]));
        }
        return chain;
    }
}
// slither-disable-end timestamp,incorrect-equality
