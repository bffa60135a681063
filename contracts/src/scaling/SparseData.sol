// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ISparseRung } from "./ISparseRung.sol";
import { Merkle } from "./Merkle.sol";
import { ENVELOPE, MAX_TRANSACTION, Rung } from "./Rung.sol";
import { SparseGram } from "./SparseGram.sol";

// Rounds, bits and lengths are compared with `==` because they are exact; deadlines lie minutes apart, and a proposer can
// shift a block by seconds. Slither takes whatever comes out of the slot of `_round` for a time. Blocks, strips and pages are
// whole: divisions are there to lose what they lose.
// slither-disable-start timestamp,incorrect-equality,divide-before-multiply

/// @title What the chain keeps of sparse updates: one accumulator a round; and who must show its row, or is left out
abstract contract SparseData is ISparseRung, Rung {
    /// @dev Until when a client's row is due: it was asked in `round`. `time` is 0 once the row was shown.
    struct Due {
        uint24 round;
        uint40 time;
    }

    /// @dev Who was left out of `round`, a bit each.
    struct Out {
        uint24 round;
        uint120 clients;
    }

    /// @dev Of the time to work, a quarter is there to answer in, its last second included: 12 s at least, so that who is
    /// asked in one slot's block has the next slot's to answer in.
    uint256 private constant LEAST_WORK_SECONDS = 48;

    /// @dev Blocks of a row.
    uint256 internal immutable _blocks;
    /// @inheritdoc ISparseRung
    uint256 public immutable pageBlocks;

    bytes32 private _accumulator; // of the last round that anybody submitted to
    mapping(uint256 client => Due) private _due;
    Out private _out;

    /// @dev A page holds so many whole strips of all clients that its transaction fits in bytes, with the state it brings
    /// along, and in gas. Measured were, with no byte zero, some 502 gas a strip and pair of clients counted both ways, 8,960
    /// a strip and client, and some 570·n² for the last of several pages, which brings D along and clips; a little more is
    /// counted. One strip fits for all n ≤ 120: of 120 clients it takes 16.5M gas, more than is aimed at, and less than the
    /// cap of 16,777,216.
    constructor() {
        if (_workSeconds < LEAST_WORK_SECONDS) revert RungBadConfig("workSeconds", _workSeconds);
        uint256 n = _members;
        _blocks = (_parameters + SparseGram.BLOCK - 1) / SparseGram.BLOCK;
        uint256 row = ENVELOPE + 34 * n + 2 * _blocks; // what `show` sends
        if (row > MAX_TRANSACTION) revert RungBadConfig("clients", n);
        uint256 bytes_ = (MAX_TRANSACTION - 2 * ENVELOPE - 64 * n - 4 * n * (n + 1)) / (2 * SparseGram.STRIP * n);
        uint256 gas_ = (15_800_000 - 580 * n * n) / (510 * n * (n - 1) + 9_100 * n);
        if (gas_ == 0) gas_ = 1;
        pageBlocks = SparseGram.STRIP * (bytes_ < gas_ ? bytes_ : gas_);
    }

    /// @inheritdoc ISparseRung
    function accumulator() public view returns (bytes32) {
        return _accumulatorOf(_round);
    }

    /// @inheritdoc ISparseRung
    function excluded() public view returns (uint256) {
        Out memory out = _out;
        return out.round == _round.number ? out.clients : 0;
    }

    /// @inheritdoc ISparseRung
    function ask(uint256 round, uint256 clients_) external {
        Round memory current = _closed(round);
        if (_bitOf(msg.sender) & current.submitted == 0) revert RungNotClient(msg.sender);
        uint256 due = block.timestamp + _workSeconds / 4;
        uint256 asked;
        for (uint256 client; clients_ >> client != 0; ++client) {
            if (clients_ >> client & 1 == 0) continue;
            if (current.submitted >> client & 1 == 0) revert RungNotInRound(client);
            if (_due[client].round == current.number) continue; // who is out was asked, too
            _due[client] = Due({ round: current.number, time: uint40(due) });
            asked |= 1 << client;
        }
        if (asked == 0) revert RungAskedAlready(clients_);
        emit Asked(round, asked, due);
    }

    /// @inheritdoc ISparseRung
    function show(uint256 round, bytes calldata order, bytes32[] calldata heads, uint256 place, bytes calldata row)
        external
    {
        Round memory current = _in(round, Phase.Open);
        if (heads.length != order.length) revert RungWrongLength(heads.length, order.length);
        bytes32 a = bytes32(round);
        for (uint256 i; i < order.length; ++i) {
            a = _accumulate(a, uint8(order[i]), heads[i]);
        }
        bytes32 kept = _accumulatorOf(current);
        if (a != kept) revert RungBadSubmissions(a, kept);
        uint256 client = uint8(order[place]);
        _checkDue(current, client);
        if (row.length != 2 * _blocks) revert RungWrongLength(row.length, 2 * _blocks);
        bytes32 head = _headOf(row, _end(round, client));
        if (head != heads[place]) revert RungWrongData(client, head, heads[place]);
        _due[client].time = 0;
        emit Shown(round, client);
    }

    /// @inheritdoc ISparseRung
    function leaveOut(uint256 round, uint256 client) external {
        Round memory current = _in(round, Phase.Open);
        uint256 due = _checkDue(current, client);
        if (block.timestamp <= due) revert RungAnswerDue(block.timestamp, due);
        _out = Out({ round: current.number, clients: uint120(excluded() | 1 << client) }); // client < 120: it submitted
        emit LeftOut(round, client);
    }

    /// @dev Until when the client is to show its row. Refuse if it is not asked for, or the client is out.
    function _checkDue(Round memory current, uint256 client) private view returns (uint256) {
        Due memory due = _due[client];
        if (due.round != current.number || due.time == 0) revert RungNotAsked(client);
        if (excluded() >> client & 1 == 1) revert RungNotInRound(client);
        return due.time;
    }

    // --------------------------------------------------------------------------------------------------- commitments

    function _addHead(Round memory round, uint256 client, bytes32 head) internal {
        _accumulator = _accumulate(_accumulatorOf(round), client, head);
        emit Committed(head);
        _complete(round, client);
    }

    /// @dev Of the current round, which is `round`.
    function _accumulatorOf(Round memory round) internal view returns (bytes32) {
        return round.submitted == 0 ? bytes32(uint256(round.number)) : _accumulator;
    }

    /// @dev keccak256(abi.encode(before, client, head)), without memory of its own for each.
    function _accumulate(bytes32 before, uint256 client, bytes32 head) internal pure returns (bytes32 digest) {
        // slither-disable-next-line assembly
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, before)
            mstore(add(free, 0x20), client)
            mstore(add(free, 0x40), head)
            digest := keccak256(free, 0x60)
        }
    }

    /// @dev c_K: with it a commitment is of one client, and for one round.
    function _end(uint256 round, uint256 client) internal pure returns (bytes32) {
        return bytes32(round << 8 | client);
    }

    /// @dev c_0 of a whole row.
    function _headOf(bytes calldata row, bytes32 end) private view returns (bytes32 head) {
        uint256 size = 2 * pageBlocks;
        head = end;
        for (uint256 k = (row.length + size - 1) / size; k > 0; --k) {
            uint256 to = k * size < row.length ? k * size : row.length;
            head = Merkle.pair(keccak256(row[(k - 1) * size:to]), head);
        }
    }
}
// slither-disable-end timestamp,incorrect-equality,divide-before-multiply
