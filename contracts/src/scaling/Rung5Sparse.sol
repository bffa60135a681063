// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { IRung } from "./IRung.sol";
import { ISparseRung } from "./ISparseRung.sol";
import { Merkle } from "./Merkle.sol";
import { Rung } from "./Rung.sol";
import { SparseData } from "./SparseData.sol";
import { SparseGram } from "./SparseGram.sol";

// Rows are hashed and copied where they lie, for which Solidity has no words: hence assembly. Slither takes whatever comes
// out of the slot of `_round` for a time, since deadlines are in it: pages and bits are none, and compared exactly.
// slither-disable-start assembly,timestamp,incorrect-equality

/// @title Rung 5: one value of each 64 parameters, everything recomputed from calldata
/// @notice `submit` takes `abi.encode(bytes32 head)`, `work` takes `abi.encode(Step)`: see `ISparseRung`.
/// @dev As on rung 2, a step starts from one state, and of two that were sent at once the later one is refused. When somebody
/// is left out after the first page, the work begins anew without it.
contract Rung5Sparse is SparseData {
    /// @dev Whose pages the kept state is of.
    struct Progress {
        uint24 round;
        uint120 present;
    }

    uint256 private constant UNIT = 1 << 32; // of a factor

    /// @inheritdoc ISparseRung
    bool public immutable clipped;

    Progress private _progress;
    bytes32 private _kept;

    constructor(Config memory config_, bool clipped_, address[] memory accounts, uint16[] memory weights)
        Rung(config_, accounts, weights)
    {
        clipped = clipped_;
    }

    /// @inheritdoc IRung
    function submit(uint256 round, bytes calldata payload) external {
        (Round memory current, uint256 client) = _enter(round);
        if (payload.length != 32) revert RungWrongLength(payload.length, 32);
        _addHead(current, client, bytes32(payload));
    }

    /// @inheritdoc IRung
    function work(uint256 round, bytes calldata payload) external {
        Round memory current = _closed(round);
        Step calldata step;
        assembly ("memory-safe") {
            // abi.encode(step) begins with the step's offset; Solidity checks all accesses through `step`.
            step := add(payload.offset, calldataload(payload.offset))
        }
        uint256 out = excluded();
        uint256 present = current.submitted & ~out;
        if (present == 0) revert RungNobodySubmitted(round);
        uint256[] memory list = _indices(present);
        bool single = _blocks <= pageBlocks;
        bool first = single || _progress.round != current.number || _progress.present != present;
        State memory state;
        if (!first) state = _resume(step.state);

        uint256 left = _blocks - state.pages * pageBlocks;
        uint256 width = left < pageBlocks ? left : pageBlocks;
        _open(round, state, step, list, width, first);
        if (first) {
            _checkOrder(current, step, out, list, state.heads);
            state.digest = keccak256(abi.encode(present, state.heads));
        }
        int256[] memory gram = first ? new int256[](list.length * list.length) : _unpack(state.gram, list.length);
        bytes memory planes = _planes(step.rows, list.length, width, left);
        // `fold` is called in two places so that the compiler leaves it a function with a stack of its own.
        if (width == left) {
            SparseGram.fold(planes, _padded(width), list.length, gram);
            return _finish(current, state.digest, _spread(list, _score(round, list, gram)));
        }
        SparseGram.fold(planes, width, list.length, gram);
        (state.pages, state.heads, state.gram) = (state.pages + 1, step.tails, _pack(gram, list.length));
        if (first) _progress = Progress({ round: current.number, present: uint120(present) });
        _kept = keccak256(abi.encode(state));
        emit Worked(round, state);
    }

    // --------------------------------------------------------------------------------------------------- what it reads

    /// @dev The state the last transaction left, as `given` has it.
    function _resume(State calldata given) private view returns (State memory state) {
        state = given;
        bytes32 hash = keccak256(abi.encode(state));
        if (hash != _kept) revert RungWrongState(hash, _kept);
    }

    /// @dev The heads that the step's rows open. With the first page they are put into `state`, else compared with it.
    function _open(
        uint256 round,
        State memory state,
        Step calldata step,
        uint256[] memory list,
        uint256 width,
        bool first
    ) private view {
        uint256 n = list.length;
        bool last = state.pages * pageBlocks + width == _blocks;
        if (step.rows.length != 2 * n * width) revert RungWrongLength(step.rows.length, 2 * n * width);
        if (step.tails.length != (last ? 0 : n)) revert RungWrongLength(step.tails.length, last ? 0 : n);
        if (first) state.heads = new bytes32[](n);
        for (uint256 i; i < n; ++i) {
            bytes32 tail = last ? _end(round, list[i]) : step.tails[i];
            bytes32 head = Merkle.pair(_hash(step.rows, 2 * width * i, 2 * width), tail);
            if (first) state.heads[i] = head;
            else if (head != state.heads[i]) revert RungWrongData(list[i], head, state.heads[i]);
        }
    }

    /// @dev Refuse heads, those of `list` and those the step has of who was left out, that are not the round's.
    function _checkOrder(
        Round memory current,
        Step calldata step,
        uint256 out,
        uint256[] memory list,
        bytes32[] memory heads
    ) private view {
        bytes32[] memory all = new bytes32[](_members);
        uint256 left;
        for (uint256 client; out >> client != 0; ++client) {
            if (out >> client & 1 == 1) all[client] = step.absent[left++];
        }
        if (step.absent.length != left) revert RungWrongLength(step.absent.length, left);
        for (uint256 i; i < list.length; ++i) {
            all[list[i]] = heads[i];
        }
        bytes calldata order = step.order;
        bytes32 a = bytes32(uint256(current.number));
        for (uint256 i; i < order.length; ++i) {
            uint256 client = uint8(order[i]);
            if (client >= _members) revert RungNotInRound(client);
            a = _accumulate(a, client, all[client]);
        }
        bytes32 kept = _accumulatorOf(current);
        if (a != kept) revert RungBadSubmissions(a, kept);
    }

    /// @dev keccak256 of rows[from … from + length).
    function _hash(bytes calldata rows, uint256 from, uint256 length) private pure returns (bytes32 digest) {
        assembly ("memory-safe") {
            let free := mload(0x40) // memory that nobody has: it grows once, and `_planes` takes it
            calldatacopy(free, add(rows.offset, from), length)
            digest := keccak256(free, length)
        }
    }

    function _padded(uint256 width) private pure returns (uint256) {
        // up to whole strips: the division is there to lose what it loses
        // slither-disable-next-line divide-before-multiply
        return (width + SparseGram.STRIP - 1) / SparseGram.STRIP * SparseGram.STRIP;
    }

    /// @dev The rows as `SparseGram` takes them: planes padded with zeros. Of the last block only indices that stand for a
    /// parameter count.
    function _planes(bytes calldata rows, uint256 n, uint256 width, uint256 left)
        private
        view
        returns (bytes memory planes)
    {
        uint256 padded = _padded(width);
        planes = new bytes(2 * n * padded + 2);
        assembly ("memory-safe") {
            let source := rows.offset
            let target := add(planes, 0x20)
            for { let end := add(source, rows.length) } lt(source, end) { source := add(source, width) } {
                calldatacopy(target, source, width) // a plane: 2·n of them
                target := add(target, padded)
            }
        }
        uint256 rest = _parameters % SparseGram.BLOCK;
        if (width != left || rest == 0) return planes;
        for (uint256 i; i < n; ++i) {
            uint256 last = 2 * i * padded + width - 1;
            if (uint8(planes[last]) % SparseGram.BLOCK >= rest) planes[last + padded] = 0;
        }
    }

    // ------------------------------------------------------------------------------------------------ what it computes

    /// @dev S_i of each client in `list`.
    function _score(uint256 round, uint256[] memory list, int256[] memory gram) private returns (int256[] memory) {
        uint256[] memory c = _weightsOf(list);
        if (clipped) _clip(round, list, gram, c);
        return SparseGram.score(gram, c);
    }

    /// @dev Multiply the weights `c` by f_i = ⌊2^32·min(1, R/‖v_i‖)⌋. R² is the smallest D_ii such that updates not longer hold
    /// half of the samples.
    function _clip(uint256 round, uint256[] memory list, int256[] memory gram, uint256[] memory c) private {
        uint256 n = list.length;
        uint256[] memory sorted = new uint256[](n); // each norm above its weight, in one word, ascending
        uint256 total;
        for (uint256 i; i < n; ++i) {
            uint256 entry = uint256(gram[i * n + i]) << 16 | c[i];
            uint256 to = i;
            for (; to > 0 && sorted[to - 1] > entry; --to) {
                sorted[to] = sorted[to - 1];
            }
            sorted[to] = entry;
            total += c[i];
        }
        uint256 place;
        uint256 held = uint16(sorted[0]);
        while (2 * held < total) {
            held += uint16(sorted[++place]);
        }
        uint256 most = sorted[place] >> 16;
        uint256[] memory factors = new uint256[](_members);
        for (uint256 i; i < n; ++i) {
            uint256 norm = uint256(gram[i * n + i]);
            uint256 factor = norm > most ? Math.sqrt((most << 64) / norm) : UNIT; // ⌊√⌊x⌋⌋ = ⌊√x⌋
            factors[list[i]] = factor;
            c[i] *= factor;
        }
        emit Clipped(round, factors);
    }

    // -------------------------------------------------------------------------------------------- between transactions

    /// @dev Entries of 8 bytes, from the diagonal on: |D| ≤ 2^14 · 2^16 blocks fits.
    /// Solidity equivalent, for each i ≤ k, row by row: gram[i * n + k] = int64 at packed[from … from + 8); from += 8;
    function _unpack(bytes memory packed, uint256 n) private pure returns (int256[] memory gram) {
        if (packed.length != 4 * n * (n + 1)) revert RungWrongLength(packed.length, 4 * n * (n + 1));
        gram = new int256[](n * n);
        assembly ("memory-safe") {
            let source := add(packed, 0x20)
            let diagonal := add(gram, 0x20)
            let end := add(diagonal, shl(5, n)) // of the row
            for { let last := add(diagonal, shl(5, mload(gram))) } lt(diagonal, last) { } {
                for { let entry := diagonal } lt(entry, end) { entry := add(entry, 0x20) } {
                    mstore(entry, sar(192, mload(source))) // the last word reaches into what is not read
                    source := add(source, 8)
                }
                diagonal := add(diagonal, shl(5, add(n, 1)))
                end := add(end, shl(5, n))
            }
        }
    }

    /// @dev The inverse of `_unpack`.
    function _pack(int256[] memory gram, uint256 n) private pure returns (bytes memory packed) {
        packed = new bytes(4 * n * (n + 1) + 24);
        assembly ("memory-safe") {
            mstore(packed, sub(mload(packed), 24)) // the last entry's word reaches beyond its 8 bytes
            let target := add(packed, 0x20)
            let diagonal := add(gram, 0x20)
            let end := add(diagonal, shl(5, n)) // of the row
            for { let last := add(diagonal, shl(5, mload(gram))) } lt(diagonal, last) { } {
                for { let entry := diagonal } lt(entry, end) { entry := add(entry, 0x20) } {
                    mstore(target, shl(192, mload(entry))) // the zeros below it are written next
                    target := add(target, 8)
                }
                diagonal := add(diagonal, shl(5, add(n, 1)))
                end := add(end, shl(5, n))
            }
        }
    }
}
// slither-disable-end assembly,timestamp,incorrect-equality
