// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IProvenRung } from "./IProvenRung.sol";
import { IRung } from "./IRung.sol";
import { RoundProof } from "./RoundProof.sol";
import { ENVELOPE, MAX_TRANSACTION, Rung } from "./Rung.sol";
import { SealedRung } from "./SealedRung.sol";

// Slither takes whatever comes out of the slot of `_round` for a time, since deadlines are in it: digests, counts and bits are
// none, and compared exactly. Deadlines are windows apart. How many points there are is compared with what it was divided out of.
// slither-disable-start timestamp,incorrect-equality,divide-before-multiply

/// @title Rung 6: sealed commitments, then one proof of everybody's scores
/// @notice `submit` takes a seal, `work` takes `abi.encode(Step)`: see `IProvenRung`. Addresses rise strictly, so that clients'
/// numbers are in the transcript's order.
/// @dev The proof's gas depends on the number of points, not on P. Round and phase are looked at before anything is hashed: who
/// sends a proof that somebody else's has made needless pays for the bytes of that transaction, and little more: 1.06M gas of
/// ten clients at P = 100,000, where one that is taken costs 2.37M. A proof over several transactions is kept by a hash for
/// each sender: nobody can write over another's. But what was begun before ends nowhere, and its gas is lost, when another's proof
/// stands (of 100 clients at that P, three transactions, 14.5M gas by the first two), or who takes part has changed: a fault was
/// shown, for half a stake if it is one's own, or the time to reveal has passed. It binds t_4, and with it all that the transcript
/// does, the round included; so what an earlier round left is no beginning of anything in this one, and seals are compared once,
/// in the first.
contract Rung6Proven is SealedRung, RoundProof {
    /// @dev Bytes of an ABI-encoded step besides its parts, rounded up.
    uint256 private constant FRAME = 800;
    /// @dev Bounds of int8, the lower one modulo r.
    uint256 private constant HIGHEST = 127;
    uint256 private constant LOWEST = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfefffffffeffffff81; // r − 128

    bytes32 internal _proposed;
    mapping(address prover => bytes32) private _kept;

    constructor(
        Config memory config_,
        Terms memory terms_,
        Setup memory setup_,
        address[] memory accounts,
        uint16[] memory weights
    ) Rung(config_, accounts, weights) SealedRung(terms_, accounts) RoundProof(setup_, config_.parameters) {
        // The smallest step: one client's points, and of all clients an address, a salt, a digest and a score.
        uint256 step = ENVELOPE + FRAME + 384 + 128 * _points + 112 * accounts.length;
        if (step > MAX_TRANSACTION) revert RungBadConfig("parameters", config_.parameters);
    }

    /// @inheritdoc IRung
    function work(uint256 round, bytes calldata payload) external {
        Round memory current = _closed(round);
        Step calldata step;
        // slither-disable-next-line assembly
        assembly ("memory-safe") {
            // abi.encode(step) begins with the step's offset; Solidity checks all accesses through `step`.
            step := add(payload.offset, calldataload(payload.offset))
        }
        Marks memory marks = _marksOf(current);
        uint256 bits = _presentAt(current, marks, block.timestamp);
        if (bits == 0) revert RungNobodySubmitted(round);
        _checkRevealed(bits & ~marks.revealed);
        uint256[] memory list = _indices(bits);
        bytes32[] memory digests = _digests(step, list);
        bytes32 who = _who(step.clients, list);
        if (step.next == 0) _checkSeals(round, marks, step, list, digests);
        uint256[] memory weights = _weightsOf(list);
        bytes32 message = _messageOf(round, who, _recordsOf(weights, digests));
        if (_prove(round, message, weights, step)) _propose(round, message, list, step.scores);
    }

    /// @inheritdoc IProvenRung
    function finalize(uint256 round) external {
        _finalize(round);
    }

    /// @inheritdoc IProvenRung
    function proveFault(
        uint256 round,
        uint256 client,
        bytes32 salt,
        bytes calldata points,
        uint256 position,
        uint256 value,
        bytes calldata opening
    ) external {
        Round memory current = _round;
        if (round != current.number) revert RungWrongRound(round, current.number);
        if (current.phase == Phase.Idle) revert RungWrongPhase(Phase.Idle, Phase.Open);
        _checkClosed(current);
        Marks memory marks = _marksOf(current);
        _checkIn(current, marks, client);
        uint256 end = _points << _logN;
        if (position >= end) revert RungNoEntry(position, end);
        bool allowed = position < _parameters ? value <= HIGHEST || value >= LOWEST : value == 0;
        if (allowed) revert RungNoFault(position, value);
        if (points.length != 96 * _points) revert RungWrongLength(points.length, 96 * _points);
        _checkSeal(round, marks, client, _account(client), salt, _digestOf(points, 0));
        uint256 place = position >> _logN;
        _checkEntry(points[96 * place:], position - (place << _logN), value, opening);
        _exclude(current, marks, client, msg.sender);
    }

    /// @dev See `finalize`.
    function _finalize(uint256 round) internal {
        uint256 end = _in(round, Phase.Proposed).expiresAt;
        if (block.timestamp < end) revert RungWindowOpen(block.timestamp, end);
        _result = _proposed;
        _close(round, _result, new int256[](0)); // the scores are in `Proven`
    }

    /// @inheritdoc IProvenRung
    function proposedDigest() external view virtual returns (bytes32) {
        return _proposed;
    }

    // --------------------------------------------------------------------------------------------------- what it reads

    /// @dev A proof may open seals itself. A rung on which they are opened for another purpose refuses that here.
    /// @param hidden Bits of those that are not open.
    function _checkRevealed(uint256 hidden) internal view virtual { }

    /// @dev keccak of the points of each client in `list`; what of it the step's points do not give is taken as it says.
    function _digests(Step calldata step, uint256[] memory list) private view returns (bytes32[] memory digests) {
        uint256 n = list.length;
        uint256 size = 96 * _points;
        uint256 count = step.points.length / size;
        bool whole = step.digests.length == 0;
        if (whole ? step.next != 0 || count != n : step.digests.length != n) {
            revert RungWrongLength(whole ? count : step.digests.length, n);
        }
        if (count * size != step.points.length || step.next > n || count > n - step.next) {
            revert RungWrongLength(step.points.length, size * (n - (step.next < n ? step.next : n)));
        }
        digests = whole ? new bytes32[](n) : step.digests;
        for (uint256 i; i < count; ++i) {
            bytes32 opened = _digestOf(step.points, i);
            bytes32 said = digests[step.next + i];
            if (!whole && opened != said) revert RungWrongData(list[step.next + i], opened, said);
            digests[step.next + i] = opened;
        }
    }

    /// @dev keccak of the addresses of `list`, a word each. All are brought along: storage would cost five times as much.
    function _who(address[] calldata clients_, uint256[] memory list) private view returns (bytes32) {
        bytes32 given = keccak256(abi.encodePacked(clients_));
        if (given != _roster) revert RungWrongClients(given, _roster);
        if (list.length == clients_.length) return given;
        address[] memory some = new address[](list.length);
        for (uint256 i; i < list.length; ++i) {
            some[i] = clients_[list[i]];
        }
        return keccak256(abi.encodePacked(some));
    }

    /// @dev Refuse digests that are not those sealed.
    function _checkSeals(
        uint256 round,
        Marks memory marks,
        Step calldata step,
        uint256[] memory list,
        bytes32[] memory digests
    ) private view {
        uint256 given = step.salts.length;
        if (given != 0 && given != list.length) revert RungWrongLength(given, list.length);
        for (uint256 i; i < list.length; ++i) {
            uint256 client = list[i];
            bytes32 salt = given == 0 ? bytes32(0) : step.salts[i];
            _checkSeal(round, marks, client, step.clients[client], salt, digests[i]);
        }
    }

    // ------------------------------------------------------------------------------------------------ what it proves

    /// @dev Fold the step's points and, when these are the last, check the equation. Whether they are.
    function _prove(uint256 round, bytes32 message, uint256[] memory weights, Step calldata step)
        private
        returns (bool done)
    {
        Challenges memory c = _draw(message, step.scores, msg.sender, step.proof, false);
        Progress memory progress = Progress({ next: step.next, sum: step.sum });
        if (step.next != 0) {
            bytes32 given = _hash(c, progress);
            bytes32 kept = _kept[msg.sender];
            if (given != kept) revert RungWrongState(given, kept);
        }
        _fold(c, progress, weights, step.scores, step.proof, step.points);
        done = progress.next == weights.length;
        if (done) {
            _pair(c, progress.sum, step.proof, "");
            if (step.next != 0) delete _kept[msg.sender];
        } else {
            _kept[msg.sender] = _hash(c, progress);
            emit Worked(round, msg.sender, progress.next, progress.sum);
        }
    }

    function _hash(Challenges memory c, Progress memory progress) private pure returns (bytes32) {
        return keccak256(abi.encode(c.end, progress.next, progress.sum));
    }

    /// @dev The scores stand, for a window at least.
    function _propose(uint256 round, bytes32 message, uint256[] memory list, bytes calldata packed) private {
        int256[] memory scores = new int256[](_members);
        for (uint256 i; i < list.length; ++i) {
            scores[list[i]] = int128(uint128(bytes16(packed[16 * i:])));
        }
        _proposed = _digestResult(message, keccak256(abi.encode(scores)));
        (_round.phase, _round.expiresAt) = (Phase.Proposed, uint40(block.timestamp + _windowSeconds));
        emit Proven(round, msg.sender, message, scores);
    }
}
// slither-disable-end timestamp,incorrect-equality,divide-before-multiply
