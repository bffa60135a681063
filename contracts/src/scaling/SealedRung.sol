// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Deposits } from "./Deposits.sol";
import { IProvenRung } from "./IProvenRung.sol";
import { IRung } from "./IRung.sol";
import { Rung } from "./Rung.sol";

// Slither takes whatever comes out of the slot of `_round` for a time, since deadlines are in it. Rounds and bits are compared
// with `==` because they are exact; deadlines are windows apart, and a proposer can shift a block by seconds.
// slither-disable-start timestamp,incorrect-equality

/// @title Seals: who has put one down, who has opened it, who is out
abstract contract SealedRung is IProvenRung, Deposits {
    /// @dev Bits of the current round's clients. Kept in one slot, `BITS` for each below the round's number: of any other
    /// round, nobody has revealed and nobody is out.
    struct Marks {
        uint256 revealed;
        uint256 excluded;
    }

    /// @dev The most clients: so many bits twice, and 24 of the round's number, fill a slot.
    uint256 internal constant BITS = 116;

    uint256 internal immutable _windowSeconds;
    uint256 internal immutable _revealSeconds;
    /// @dev keccak of all clients' addresses, a word each.
    bytes32 internal immutable _roster;

    uint256 internal _marks;
    /// @dev A client's seal or, if its bit in `Marks.revealed` is set, its digest.
    mapping(uint256 client => bytes32) internal _seals;

    constructor(Terms memory terms_, address[] memory accounts) Deposits(terms_.stake) {
        if (terms_.windowSeconds == 0) revert RungBadConfig("windowSeconds", 0);
        if (terms_.revealSeconds == 0) revert RungBadConfig("revealSeconds", 0);
        if (terms_.stake == 0) revert RungBadConfig("stake", 0);
        if (_workSeconds < 2 * uint256(terms_.revealSeconds)) revert RungBadConfig("workSeconds", _workSeconds);
        if (accounts.length > BITS) revert RungBadConfig("clients", accounts.length);
        for (uint256 i = 1; i < accounts.length; ++i) {
            if (accounts[i] <= accounts[i - 1]) revert RungBadConfig("order of client", i);
        }
        (_windowSeconds, _revealSeconds) = (terms_.windowSeconds, terms_.revealSeconds);
        _roster = keccak256(abi.encodePacked(accounts));
    }

    /// @inheritdoc IRung
    function submit(uint256 round, bytes calldata payload) external virtual {
        _seal(round, payload);
    }

    /// @inheritdoc IProvenRung
    function reveal(uint256 round, Opening[] calldata openings) external virtual {
        // While a proof of all stands, too: or one brought in front of the reveals would keep seals closed until it falls.
        Round memory current = _round.phase == Phase.Proposed ? _in(round, Phase.Proposed) : _closed(round);
        uint256 time = _workTime(current);
        if (!_revealing(current, time)) revert RungRevealsClosed(time, current.closesAt + _revealSeconds);
        Marks memory marks = _marksOf(current);
        uint256 bits;
        for (uint256 i; i < openings.length; ++i) {
            uint256 client = openings[i].client;
            if (current.submitted >> client & 1 == 0) revert RungNotInRound(client);
            // else whoever reveals one first, or shows its fault, undoes a transaction for all
            if ((marks.revealed | marks.excluded) >> client & 1 == 1) continue;
            bytes32 digest = openings[i].digest;
            _checkSeal(round, marks, client, _account(client), openings[i].salt, digest);
            _seals[client] = digest;
            bits |= 1 << client;
            marks.revealed |= 1 << client;
        }
        _mark(current, marks);
        emit Revealed(round, bits);
    }

    /// @inheritdoc IProvenRung
    function terms() external view returns (Terms memory) {
        return
            Terms({
                windowSeconds: uint32(_windowSeconds), revealSeconds: uint32(_revealSeconds), stake: uint96(_stake)
            });
    }

    /// @inheritdoc IProvenRung
    function revealed() external view returns (uint256) {
        return _marksOf(_round).revealed;
    }

    /// @inheritdoc IProvenRung
    function excluded() external view returns (uint256) {
        return _marksOf(_round).excluded;
    }

    /// @inheritdoc IProvenRung
    function present() external view returns (uint256) {
        Round memory round = _round;
        if (round.number == 0) return 0;
        // Who was out before a proof is still, and who has been put out since was not counted, or it would have fallen.
        return _presentAt(round, _marksOf(round), _workTime(round));
    }

    // ----------------------------------------------------------------------------------------------- who is in, or out

    /// @dev Keep the caller's seal.
    function _seal(uint256 round, bytes calldata payload) internal {
        (Round memory current, uint256 client) = _enter(round);
        if (payload.length != 32) revert RungWrongLength(payload.length, 32);
        uint256 held = depositOf(msg.sender); // nothing of it is tied up: this client is not in yet
        if (held < _stake) revert RungShortDeposit(msg.sender, held, _stake);
        _seals[client] = bytes32(payload);
        _complete(current, client);
    }

    /// @dev Of the current round, which is `round`.
    function _marksOf(Round memory round) internal view returns (Marks memory marks) {
        uint256 word = _marks;
        if (word >> 2 * BITS != round.number) return marks;
        marks = Marks({ revealed: word >> BITS & (1 << BITS) - 1, excluded: word & (1 << BITS) - 1 });
    }

    function _mark(Round memory round, Marks memory marks) internal {
        _marks = uint256(round.number) << 2 * BITS | marks.revealed << BITS | marks.excluded; // of clients below 116
    }

    /// @dev When the proof that stands was brought, or the last result; else now.
    function _workTime(Round memory round) internal view returns (uint256) {
        return round.phase == Phase.Open ? block.timestamp : round.expiresAt - _windowSeconds;
    }

    /// @dev Whom a proof brought at `time` counts.
    function _presentAt(Round memory round, Marks memory marks, uint256 time) internal view returns (uint256) {
        return (_revealing(round, time) ? round.submitted : marks.revealed) & ~marks.excluded;
    }

    /// @dev Whether seals could be opened at `time`, or would be later.
    function _revealing(Round memory round, uint256 time) internal view returns (bool) {
        return time < round.closesAt + _revealSeconds;
    }

    /// @dev Refuse a client that has not sealed, or is out.
    function _checkIn(Round memory round, Marks memory marks, uint256 client) internal pure {
        if ((round.submitted & ~marks.excluded) >> client & 1 == 0) revert RungNotInRound(client);
    }

    /// @dev Refuse a digest that is not the one which a client sealed.
    function _checkSeal(
        uint256 round,
        Marks memory marks,
        uint256 client,
        address account,
        bytes32 salt,
        bytes32 digest
    ) internal view {
        bool open = marks.revealed >> client & 1 == 1;
        bytes32 opened =
            open ? digest : keccak256(abi.encode(block.chainid, address(this), round, account, salt, digest));
        bytes32 kept = _seals[client];
        if (opened != kept) revert RungWrongSeal(client, opened, kept);
    }

    /// @dev Put a client out of the round: a proof that counted it falls, and there is time to work, as much as at first. So there
    /// is to reveal, if there was any or would be without that proof: the others may have waited for one of all, which this undoes
    /// whether it stands or is on its way. What a client can do so to the others' time it can do once, for half of its stake.
    function _exclude(Round memory round, Marks memory marks, uint256 client, address challenger) internal virtual {
        // When all seal early, that is before `closesAt`: what was announced to last till then, and longer, does.
        uint256 from = block.timestamp < round.closesAt ? round.closesAt : block.timestamp;
        bool open = round.phase == Phase.Open;
        uint256 time = _workTime(round);
        if (open || _presentAt(round, marks, time) >> client & 1 == 1) {
            if (_revealing(round, time)) _round.closesAt = uint40(from);
            (_round.phase, _round.expiresAt) = (Phase.Open, uint40(from + _workSeconds));
            if (!open) emit Fell(round.number);
        }
        marks.excluded |= 1 << client;
        _mark(round, marks);
        _slash(_account(client), _stake, challenger);
        emit Excluded(round.number, client, challenger);
    }

    /// @dev A client's stake, as long as it is in a round that is not over and not out of it.
    function _tied(address account) internal view virtual override returns (uint256 amount) {
        Round memory round = _round;
        if (round.phase == Phase.Idle) return 0;
        if (round.submitted & ~_marksOf(round).excluded & _bitOf(account) != 0) amount = _stake;
    }
}
// slither-disable-end timestamp,incorrect-equality
