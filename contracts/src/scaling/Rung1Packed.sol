// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IRung } from "./IRung.sol";
import { LanePacked } from "./LanePacked.sol";
import { Rung } from "./Rung.sol";

// Words go between calldata, storage and memory one by one, which Solidity would check entry by entry: hence assembly.
// Slither takes whatever comes out of the slot of `_round` for a time, since deadlines are in it: words and chunks are
// none, and compared with `==` because they are exact.
// slither-disable-start assembly,timestamp,incorrect-equality

/// @title Rung 1: thirty-two values to a storage slot
/// @notice `submit` takes the next bytes of the update, whole words; call it until all are in. `work` takes
/// `abi.encode(uint256 chunks)`, the most chunks to do in this transaction, which are read from storage, summed and
/// scored. The sums go to the log; the chain keeps their digest and the scores'.
/// @dev Storage is a buffer: a client's words are overwritten in its next round, at 5,000 gas instead of 22,100.
contract Rung1Packed is Rung {
    using LanePacked for LanePacked.Workspace;

    /// @dev Words a client has sent in `round`; in one slot.
    struct Progress {
        uint32 round;
        uint32 words;
    }

    /// @dev Work done in `round`.
    struct Cursor {
        uint32 round;
        uint32 chunks;
    }

    mapping(uint256 client => Progress) private _progress;
    // written by `_store`, in assembly
    // slither-disable-next-line uninitialized-state
    mapping(uint256 client => mapping(uint256 word => uint256)) private _words;
    Cursor private _cursor;
    bytes32 private _chain;
    int256[] private _partial;

    constructor(Config memory config_, address[] memory accounts, uint16[] memory weights)
        Rung(config_, accounts, weights)
    {
        _partial = new int256[](accounts.length);
    }

    /// @inheritdoc IRung
    function submit(uint256 round, bytes calldata payload) external {
        (Round memory current, uint256 client) = _enter(round);
        Progress memory progress = _progress[client];
        if (progress.round != round) progress = Progress({ round: current.number, words: 0 });
        uint256 needed = (_parameters + 31) / 32;
        uint256 count = payload.length / 32;
        if (payload.length == 0 || payload.length % 32 != 0 || progress.words + count > needed) {
            revert RungWrongLength(payload.length, 32 * (needed - progress.words));
        }
        _store(_firstSlot(client) + progress.words, payload);
        progress.words += uint32(count); // at most `needed` ≤ 2^27
        _progress[client] = progress;
        if (progress.words == needed) _complete(current, client);
    }

    /// @inheritdoc IRung
    function work(uint256 round, bytes calldata payload) external {
        Round memory current = _closed(round);
        uint256[] memory list = _indices(current.submitted);
        LanePacked.Workspace memory ws = LanePacked.workspace(_weightsOf(list), _stride(_valid(0)));
        int256[] memory scores = new int256[](list.length);
        Cursor memory cursor = _cursor;
        bool fresh = cursor.round != round;
        if (fresh) cursor = Cursor({ round: current.number, chunks: 0 });

        uint256 count = abi.decode(payload, (uint256));
        uint256 left = _chunks() - cursor.chunks;
        uint256 end = cursor.chunks + (count < left ? count : left); // "all" may be 2^256 − 1
        bytes32 chain = fresh ? bytes32(0) : _chain;
        for (uint256 k = cursor.chunks; k < end; ++k) {
            uint256 stride = _stride(_valid(k));
            for (uint256 i; i < list.length; ++i) {
                _load(_firstSlot(list[i]) + k * LanePacked.CHUNK / 32, ws.data, i * stride, stride);
            }
            chain = keccak256(abi.encode(chain, ws.fold(stride, _valid(k), scores)));
            emit Sums(round, k, _prefix(ws.lanes, 4 * stride));
        }

        for (uint256 i; i < list.length; ++i) {
            if (!fresh) scores[i] += _partial[list[i]];
            if (end < _chunks()) _partial[list[i]] = scores[i];
        }
        cursor.chunks = uint32(end);
        (_cursor, _chain) = (cursor, chain);
        if (end == _chunks()) _finish(current, chain, _spread(list, scores));
    }

    /// @dev A client's words lie in consecutive slots, from the one of its word 0.
    function _firstSlot(uint256 client) private view returns (uint256 slot) {
        uint256 word = 0;
        mapping(uint256 => uint256) storage words = _words[client];
        assembly ("memory-safe") {
            mstore(0x00, word)
            mstore(0x20, words.slot)
            slot := keccak256(0x00, 0x40)
        }
    }

    /// @dev Solidity equivalent: for (uint256 i; i < payload.length / 32; ++i) slots[slot + i] = word i of payload;
    function _store(uint256 slot, bytes calldata payload) private {
        assembly ("memory-safe") {
            let source := payload.offset
            for { let end := add(source, payload.length) } lt(source, end) { source := add(source, 0x20) } {
                sstore(slot, calldataload(source))
                slot := add(slot, 1)
            }
        }
    }

    /// @dev Copy `length` bytes, whole words, from the slots at `slot` to `data[offset …]`.
    function _load(uint256 slot, bytes memory data, uint256 offset, uint256 length) private view {
        assembly ("memory-safe") {
            let target := add(add(data, 0x20), offset)
            for { let end := add(target, length) } lt(target, end) { target := add(target, 0x20) } {
                mstore(target, sload(slot))
                slot := add(slot, 1)
            }
        }
    }

    /// @dev `buffer` itself, shortened to its first `length` bytes when the last chunk is short.
    function _prefix(bytes memory buffer, uint256 length) private pure returns (bytes memory) {
        assembly ("memory-safe") {
            mstore(buffer, length) // length ≤ the buffer's, and only the last chunk is shorter
        }
        return buffer;
    }
}
// slither-disable-end assembly,timestamp,incorrect-equality
