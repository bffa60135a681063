// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { IAggregator, PART } from "./IAggregator.sol";
import { Int64Vector } from "./Int64Vector.sol";
import { Rounds } from "./Rounds.sol";

// Slither takes whatever comes out of the slot of `_round` for a time, since a deadline is in it. Phases and counters are
// compared with `==` because they are exact; deadlines lie minutes apart, and a proposer can shift a block by seconds.
// slither-disable-start timestamp,incorrect-equality

/// @title Submissions
/// @notice Who takes part in a round, and with what: commitments first, the updates when nobody can change them any more.
/// @dev Of every update its digest stays for good, by which copies are known; the update itself until its client's next.
abstract contract Submissions is Rounds {
    using Int64Vector for int64[];

    /// @dev Who revealed an update first; the round in which it was last revealed, and by whom (56 bits of the address, to
    /// fit one slot a digest: to meet a client's takes 2^56 accounts, two of one's own 2^28, and gains what one digit more
    /// would).
    struct Seen {
        address client;
        uint40 round;
        uint56 last;
    }

    /// @dev How far a reveal in parts has come.
    struct Parts {
        bytes32 digest;
        uint128 square;
        uint40 round;
        uint32 entries;
    }

    mapping(address client => Parts) private _parts;
    mapping(bytes32 digest => Seen) private _seen;

    /// @inheritdoc IAggregator
    function commit(uint256 number, bytes32 commitment) external {
        Round memory round = _committing(number);
        if (round.committed == _capacity) revert RoundFull(number, _capacity);
        _append(round, commitment);
    }

    /// @inheritdoc IAggregator
    function commitInstead(uint256 number, bytes32 commitment) external {
        Round memory round = _committing(number);
        if (round.committed < _capacity) return _append(round, commitment);
        // Not of the caller's choice: whoever put the largest out would have more of what is left.
        (uint256 place, uint32 theirs) = _smallest(round.committed);
        address other = _participants[place];
        uint32 samples = _join(round.number, commitment);
        if (samples <= theirs) revert NotMoreSamples(samples, theirs);
        _entries[other].round = 0; // the rest stays: who comes back writes over it, for less than into an empty slot
        _participants[place] = msg.sender;
        emit Displaced(round.number, other, msg.sender);
    }

    /// @inheritdoc IAggregator
    function reveal(int64[] calldata update, bytes32 salt) external {
        (Round memory round, Entry storage entry) = _revealing();
        if (update.length != _parameters) revert WrongLength(update.length, _parameters);
        if (update.length > PART) revert RevealInParts(update.length, PART);
        uint256 square = _keep(0, update);
        _open(round, entry, keccak256(abi.encodePacked(update)), salt, square);
    }

    /// @inheritdoc IAggregator
    function revealPart(uint256 from, int64[] calldata values, bytes32 salt) external {
        (Round memory round, Entry storage entry) = _revealing();
        Parts memory parts = _parts[msg.sender];
        if (parts.round != round.number || from == 0) parts = Parts(0, 0, round.number, 0);
        if (from != parts.entries) revert WrongPart(from, parts.entries);
        uint256 left = _parameters - from;
        if (values.length != (left < PART ? left : PART)) revert WrongLength(values.length, left < PART ? left : PART);
        bytes32 digest = keccak256(abi.encodePacked(values));
        parts.digest = from == 0 ? digest : keccak256(abi.encode(parts.digest, digest));
        parts.square += uint128(_keep(from, values)); // P · bound² ≤ 2^108
        parts.entries += uint32(values.length);
        _parts[msg.sender] = parts;
        if (values.length == left) _open(round, entry, parts.digest, salt, parts.square);
    }

    /// @inheritdoc IAggregator
    function commitmentOf(uint256 round, address client, bytes32 digest, bytes32 salt) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), round, client, digest, salt));
    }

    /// @dev The round, if it takes commitments and is the one that is meant. One that comes late and was made for the round
    /// before could not be opened in this one, and would cost its client the penalty of a missing reveal.
    function _committing(uint256 number) private view returns (Round memory round) {
        round = _inTime(Phase.Commit);
        if (round.number != number) revert WrongRound(number, round.number);
    }

    /// @dev The caller takes the next free place.
    function _append(Round memory round, bytes32 commitment) private {
        _join(round.number, commitment);
        if (round.committed == _participants.length) _participants.push(msg.sender);
        else _participants[round.committed] = msg.sender;
        round.committed += 1;
        _round = round;
    }

    /// @dev The caller's entry in the round; its samples.
    function _join(uint40 round, bytes32 commitment) private returns (uint32 samples) {
        if (commitment == 0) revert ZeroCommitment(msg.sender);
        if (_entries[msg.sender].round == round) revert AlreadyCommitted(msg.sender, round);
        samples = registry.eligibleSamples(msg.sender);
        _entries[msg.sender] =
            Entry({ commitment: commitment, round: round, samples: samples, revealed: false, norm: 0, score: 0 });
        emit Committed(round, msg.sender, commitment);
    }

    /// @dev The place of the client with the fewest samples, the first of several; and its samples.
    function _smallest(uint256 committed) private view returns (uint256 place, uint32 samples) {
        samples = type(uint32).max;
        for (uint256 i; i < committed; ++i) {
            uint32 theirs = _entries[_participants[i]].samples;
            if (theirs < samples) (place, samples) = (i, theirs);
        }
    }

    /// @dev The round and the caller's entry, if it may reveal now.
    function _revealing() private view returns (Round memory round, Entry storage entry) {
        round = _inTime(Phase.Reveal);
        entry = _entries[msg.sender];
        if (entry.round != round.number) revert NotCommitted(msg.sender, round.number);
        if (entry.revealed) revert AlreadyRevealed(msg.sender, round.number);
    }

    /// @dev Check and store entries [from, from + values.length) of the caller's update; Σ of their squares.
    function _keep(uint256 from, int64[] calldata values) private returns (uint256 square) {
        int256[] memory checked = new int256[](values.length);
        for (uint256 j; j < values.length; ++j) {
            int256 value = values[j];
            if (value > _bound || value < -_bound) revert ValueOutOfBounds(from + j, value, uint256(_bound));
            checked[j] = value;
            unchecked {
                square += uint256(value * value); // ≤ 2^20 · 2^88
            }
        }
        int64[] storage update = _updates[msg.sender];
        if (update.length != _parameters) update.resize(_parameters);
        update.writeFrom(from, checked);
    }

    /// @dev The whole update has been shown: compare it with the commitment, and count it in.
    function _open(Round memory round, Entry storage entry, bytes32 digest, bytes32 salt, uint256 square) private {
        bytes32 opened = commitmentOf(round.number, msg.sender, digest, salt);
        if (opened != entry.commitment) revert CommitmentMismatch(entry.commitment, opened);
        // Nobody's work, and everybody's who did none: the second one to reveal it would be taken for a copier.
        if (square == 0) revert ZeroUpdate(msg.sender);
        // A copy is what others revealed in this round, in the last one before it that was not void, or in between. Who
        // revealed it first, and who did last, may repeat it: their own repeats are their own affair. "Revealed" is what a
        // block took in time: whoever sends in the next round what came too late, or was shown in parts and not ended, is
        // here the first one, and its author the copier. Who comes to an update that nobody revealed for so long is no
        // copier, nor when it repeats it, unless another has revealed it since, the first one or, after as long a time again,
        // anybody: that one is the last then. One digit more or less makes another update: what that brings is for the
        // score to say.
        Seen memory seen = _seen[digest];
        uint56 mine = uint56(uint160(msg.sender));
        if (seen.client == address(0)) {
            seen.client = msg.sender;
        } else if (seen.client != msg.sender && seen.last != mine && seen.round >= _numberBefore) {
            revert CopiedUpdate(digest, seen.client);
        }
        (seen.round, seen.last) = (round.number, mine);
        _seen[digest] = seen;

        entry.revealed = true;
        if (_clipped) entry.norm = uint56(Math.sqrt(square)); // ≤ 2^54
        _samples += entry.samples;
        round.revealed += 1;
        emit Revealed(round.number, msg.sender, entry.samples, digest);

        if (round.revealed == round.committed) _openAggregation(round);
        _round = round;
    }
}
// slither-disable-end timestamp,incorrect-equality
