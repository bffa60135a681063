// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IRung } from "./IRung.sol";
import { LanePacked } from "./LanePacked.sol";
import { Merkle } from "./Merkle.sol";
import { ENVELOPE, MAX_TRANSACTION, Rung } from "./Rung.sol";

// Rows are hashed where they lie and copied into one workspace, for which Solidity has no words: hence assembly.
// slither-disable-start assembly

/// @title Rung 2: no data in storage, everything recomputed from calldata
/// @notice `submit` takes `abi.encode(bytes32 head)`: a commitment to the update's chunks that opens from the front,
///     c_k = keccak256(keccak256(chunk k), c_{k+1}),  head = c_0.
/// c_K, after the last chunk, is 0 by custom, and the contract takes any: the last step brings it along as a tail. It changes
/// nothing but how open its client's own row is: a random one hides a row that could be guessed from its head, and has to be
/// handed over with the row, or the round is held up as by a row that is not handed over.
/// `work` takes `abi.encode(Step)`: the running state and the next chunks of all clients. A state or chunks that do not
/// hash to what the contract keeps, one hash for the work done and one for each client, are refused, whoever sends them.
/// @dev Whoever works needs everybody's chunks. A client that commits and hands over nothing holds the round up, until it
/// has expired and is given up. No stake is at risk here: rung 3 leaves nothing to hand over, rung 4 asks for a stake.
/// A step starts from one state: of two that were sent at once the later one is refused. Whoever sends a step of one chunk
/// just before a worker's step of many has done one chunk, and costs the worker the gas of its transaction; no more.
contract Rung2Calldata is Rung {
    using LanePacked for LanePacked.Workspace;

    /// @notice Where the round stands; its hash is all the chain keeps.
    /// @param chunks Chunks done.
    /// @param digest Chain over the sums' hashes, see `IRung.resultDigest`.
    /// @param heads c_chunks of each client that takes part, in ascending order of their indices.
    /// @param scores Their scores over the chunks done.
    struct State {
        uint256 chunks;
        bytes32 digest;
        bytes32[] heads;
        int256[] scores;
    }

    /// @notice One transaction's worth of work.
    /// @param state What the last one left; ignored by the first, which reads it from storage.
    /// @param count Chunks that come with this one.
    /// @param tails c_{chunks + count} of each client; with the last step c_K.
    /// @param data For each chunk, one row a client.
    struct Step {
        State state;
        uint256 count;
        bytes32[] tails;
        bytes data;
    }

    mapping(uint256 round => bytes32 stateHash) private _states;
    mapping(uint256 round => mapping(uint256 client => bytes32 head)) private _heads;

    event Worked(uint256 indexed round, State state);

    error RungWrongState(bytes32 given, bytes32 kept);
    error RungWrongData(uint256 client, bytes32 opened, bytes32 committed);

    constructor(Config memory config_, address[] memory accounts, uint16[] memory weights)
        Rung(config_, accounts, weights)
    {
        // The smallest step: a chunk of every client, with a head, a tail and a score of each.
        uint256 step = ENVELOPE + _members * (96 + _stride(_valid(0)));
        if (step > MAX_TRANSACTION) revert RungBadConfig("clients", _members);
    }

    /// @inheritdoc IRung
    function submit(uint256 round, bytes calldata payload) external {
        (Round memory current, uint256 client) = _enter(round);
        if (payload.length != 32) revert RungWrongLength(payload.length, 32);
        _heads[round][client] = bytes32(payload);
        _complete(current, client);
    }

    /// @inheritdoc IRung
    function work(uint256 round, bytes calldata payload) external {
        Round memory current = _closed(round);
        Step calldata step;
        assembly ("memory-safe") {
            // abi.encode(step) begins with the step's offset; Solidity checks all accesses through `step`.
            step := add(payload.offset, calldataload(payload.offset))
        }
        uint256[] memory list = _indices(current.submitted);
        State memory state = _resume(round, step.state, list);
        uint256 left = _chunks() - state.chunks;
        if (step.count == 0 || step.count > left) revert RungWrongLength(step.count, left);
        if (step.tails.length != list.length) revert RungWrongLength(step.tails.length, list.length);

        _fold(round, state, step, list);
        emit Worked(round, state);
        if (state.chunks == _chunks()) _finish(current, state.digest, _spread(list, state.scores));
        else _states[round] = keccak256(abi.encode(state));
    }

    /// @dev The state the last transaction left, as `given` has it, or the first one.
    function _resume(uint256 round, State calldata given, uint256[] memory list)
        private
        view
        returns (State memory state)
    {
        bytes32 kept = _states[round];
        if (kept != 0) {
            state = given;
            bytes32 hash = keccak256(abi.encode(state));
            if (hash != kept) revert RungWrongState(hash, kept);
            return state;
        }
        state.heads = new bytes32[](list.length);
        state.scores = new int256[](list.length);
        for (uint256 i; i < list.length; ++i) {
            state.heads[i] = _heads[round][list[i]];
        }
    }

    /// @dev Sum and score the step's chunks, and check each against its client's commitment. Changes `state`.
    function _fold(uint256 round, State memory state, Step calldata step, uint256[] memory list) private {
        uint256 n = list.length;
        LanePacked.Workspace memory ws = LanePacked.workspace(_weightsOf(list), _stride(_valid(0)));
        bytes32[] memory hashes = new bytes32[](step.count * n);
        bytes calldata data = step.data;
        uint256 from;
        for (uint256 k; k < step.count; ++k) {
            uint256 valid = _valid(state.chunks + k);
            uint256 stride = _stride(valid);
            _copy(data[from:from + n * stride], ws.data);
            from += n * stride;
            for (uint256 i; i < n; ++i) {
                hashes[k * n + i] = _hashRow(ws.data, i * stride, stride);
            }
            state.digest = keccak256(abi.encode(state.digest, ws.fold(stride, valid, state.scores)));
            emit Sums(round, state.chunks + k, _prefix(ws.lanes, 4 * stride));
        }
        if (from != data.length) revert RungWrongLength(data.length, from);
        for (uint256 i; i < n; ++i) {
            bytes32 head = step.tails[i];
            for (uint256 k = step.count; k > 0; --k) {
                head = Merkle.pair(hashes[(k - 1) * n + i], head);
            }
            if (head != state.heads[i]) revert RungWrongData(list[i], head, state.heads[i]);
            state.heads[i] = step.tails[i];
        }
        state.chunks += step.count;
    }

    /// @dev Solidity equivalent: for (uint256 i; i < source.length; ++i) target[i] = source[i];
    function _copy(bytes calldata source, bytes memory target) private pure {
        assembly ("memory-safe") {
            calldatacopy(add(target, 0x20), source.offset, source.length) // source.length ≤ target's: no chunk is longer than the first
        }
    }

    /// @dev keccak256 of data[offset … offset + length).
    function _hashRow(bytes memory data, uint256 offset, uint256 length) private pure returns (bytes32 digest) {
        assembly ("memory-safe") {
            digest := keccak256(add(add(data, 0x20), offset), length)
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
// slither-disable-end assembly
