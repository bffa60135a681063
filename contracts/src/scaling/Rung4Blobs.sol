// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IBlobRung } from "./IBlobRung.sol";
import { IOptimisticRung } from "./IOptimisticRung.sol";
import { IRung } from "./IRung.sol";
import { Judgment } from "./Judgment.sol";
import { Merkle } from "./Merkle.sol";
import { OptimisticRung } from "./OptimisticRung.sol";
import { Rung } from "./Rung.sol";

// Slither takes whatever comes out of the slot of `_round` for a time, since deadlines are in it. Phases, attempts,
// digests and bits are compared with `==` because they are exact; deadlines are windows apart, and a proposer can shift
// a block by seconds.
// slither-disable-start timestamp,incorrect-equality

/// @title Rung 4: optimistic, the updates in blobs
/// @notice `submit` takes Merkle roots, one after the other, one for each blob of the transaction. Blobs are kept by
/// the network for some 18 days, and cost gas of their own kind.
/// @dev Nothing ties a root to its blob until somebody asks. A proposer has to compare all of them before it proposes, and
/// to have a client whose data differ put out first (`demandData`, `proveData`): it cannot answer for what it has not
/// seen, and a proposal falls when a client it counted is put out. A proposer and a client that conspire can so take a wrong
/// proposal back for half of a stake, before it is shown to be wrong, and one that finds a client asleep for nothing; fees
/// it earns by neither. Each client holds a round up once at most.
/// Roots and blobs' hashes are in the log (`Committed`): who reads the blobs knows which parts differ, and searches one
/// as `OptimisticRung` says of a proposed tree, by the siblings in `DataAnswered`. It asks for a chunk of each subtree
/// of height ⌊d/2⌋ of the part's tree, of depth d, and then for all other chunks of one subtree that differs. A chunk
/// that differs is then known, or was not shown. Fees for answers are held until the round is over, and a client that
/// is put out earns none of it.
contract Rung4Blobs is OptimisticRung, IBlobRung {
    /// @dev Clients put out of a round, and demands for data not yet answered in it, by clients that are not out.
    struct Out {
        uint120 clients;
        uint32 open;
    }

    /// @dev Field elements a chunk takes in a blob: ⌈1024 / 31⌉.
    uint256 private constant ELEMENTS = 34;
    /// @dev Order of the BLS12-381 scalar field, and a root of unity of order 4,096 in it (EIP-4844).
    uint256 private constant FIELD = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    uint256 private constant ROOT = 0x564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306;
    address private constant POINT_EVALUATION = address(0x0a);

    /// @dev Kept of past rounds as well: `settleData` has to know who was out.
    mapping(uint256 round => Out) private _out;
    /// @dev How many of `Out.open` each client owes an answer.
    mapping(uint256 round => mapping(uint256 client => uint32 open)) private _owed;

    constructor(Config memory config_, Terms memory terms_, address[] memory accounts, uint16[] memory weights)
        OptimisticRung(config_, terms_, accounts, weights)
    {
        // A search of a blob has two stages, and `_checkDemandsTaken` keeps two windows for the last answer and for what
        // follows from it.
        if (_workSeconds < 4 * _windowSeconds) revert RungBadConfig("workSeconds", _workSeconds);
        if (terms_.stake == 0) revert RungBadConfig("stake", 0);
    }

    /// @inheritdoc IRung
    function submit(uint256 round, bytes calldata payload) external {
        (Round memory current, uint256 client) = _enter(round);
        uint256 held = depositOf(msg.sender); // nothing of it is tied up: no proposal stands, this client is not in yet
        if (held < _stake) revert RungShortDeposit(msg.sender, held, _stake);
        // a remainder is refused two lines below
        // slither-disable-next-line divide-before-multiply
        uint256 count = payload.length / 32;
        if (payload.length % 32 != 0) revert RungWrongLength(payload.length, 32 * count);
        (Pending memory pending, bool complete) = _more(current, client, count);
        for (uint256 i; i < count; ++i) {
            bytes32 root = bytes32(payload[32 * i:]);
            bytes32 blob = blobhash(i);
            if (blob == 0) revert RungMissingBlob(i);
            pending.chain = Merkle.triple(pending.chain, root, blob);
            emit Committed(root, blob);
        }
        if (blobhash(count) != 0) revert RungUnusedBlob(count);
        _keep(current, client, pending, complete);
        if (!complete) emit Sent(round, client);
    }

    // ------------------------------------------------------------------------------------------------ data in dispute

    /// @inheritdoc IBlobRung
    function demandData(uint256 round, bytes32 submitted, uint256 client, uint256 chunk) external {
        _live(round, client);
        _checkClosed(_round); // an answer names all submissions: one more would make it a wrong one
        if (submitted != _accumulator) revert RungOtherSubmissions(submitted, _accumulator);
        _checkDemandsTaken();
        if (chunk >= _chunks()) revert RungNoChunk(chunk, _chunks());
        _openDemand(_dataKey(round, client, chunk), chunk);
        _out[round].open += 1;
        _owed[round][client] += 1;
        emit DataDemanded(round, client, chunk, block.timestamp + _windowSeconds);
    }

    /// @inheritdoc IBlobRung
    function answerData(
        uint256 round,
        Submission[] calldata submissions,
        uint256 place,
        uint256 chunk,
        bytes calldata data,
        bytes32[] calldata proof
    ) external {
        Submission calldata submission = _checkChunk(round, submissions, place, chunk, data, proof);
        _checkPadding(submission.client, chunk, proof);
        _answerDemand(_dataKey(round, submission.client, chunk), chunk);
        _out[round].open -= 1;
        _owed[round][submission.client] -= 1;
        if (_round.phase == Phase.Proposed) _extend();
        emit DataAnswered(round, submission.client, chunk, data, proof);
    }

    /// @inheritdoc IBlobRung
    function expireData(uint256 round, uint256 client, uint256 chunk) external {
        _live(round, client);
        address challenger = _expireDemand(_dataKey(round, client, chunk), chunk);
        _exclude(round, client, challenger);
    }

    /// @inheritdoc IBlobRung
    function proveData(
        uint256 round,
        Submission[] calldata submissions,
        uint256 place,
        uint256 chunk,
        bytes calldata data,
        bytes32[] calldata proof,
        Opening calldata opening
    ) external {
        Submission calldata submission = _checkChunk(round, submissions, place, chunk, data, proof);
        _checkOpening(submission.blobs[chunk / PART], opening);
        uint256 first = ELEMENTS * (chunk % PART);
        uint256 from = 31 * (opening.element - first); // reverts below the chunk's first element
        if (from >= data.length) revert RungBadOpening(opening.element);
        if (opening.value == _element(data, from)) revert RungDataAgree(submission.client, opening.element);
        _exclude(round, submission.client, msg.sender);
    }

    /// @inheritdoc IBlobRung
    function settleData(uint256 round, uint256 client, uint256 chunk) external {
        bool isOut = uint256(_out[round].clients) >> client & 1 == 1;
        if (_round.number == round && _round.phase != Phase.Idle && !isOut) revert RungDemandLive(chunk);
        (address challenger, bool answered) = _closeDemand(_dataKey(round, client, chunk), chunk);
        _pay(answered && !isOut ? _account(client) : challenger, _fee);
    }

    /// @inheritdoc IOptimisticRung
    function excluded() public view override(IOptimisticRung, Judgment) returns (uint256) {
        return _out[_round.number].clients;
    }

    function _openDataDemands() internal view override returns (uint256) {
        return _out[_round.number].open;
    }

    /// @dev Besides a proposer's bond, the stake of a client in a round that is not over.
    function _tied(address account) internal view override returns (uint256 amount) {
        amount = super._tied(account);
        if (_round.phase != Phase.Idle && _round.submitted & ~excluded() & _bitOf(account) != 0) {
            amount += _stake;
        }
    }

    /// @dev Put a client out of the round; what it was asked does not hold the round up any more. The proposal goes and
    /// its proposer keeps the bond: it may have acted in good faith, which nothing here can tell from bad.
    function _exclude(uint256 round, uint256 client, address challenger) private {
        Out memory out = _out[round];
        out.clients |= uint120(1 << client); // client < 120, since its bit in `submitted` was set
        out.open -= _owed[round][client];
        _out[round] = out;
        if (_round.phase == Phase.Proposed) emit Canceled(round, _proposal.proposer);
        _reopen();
        _slash(_account(client), _stake, challenger);
        emit Excluded(round, client, challenger);
    }

    /// @dev Refuse a client that has not completed its submission to the round, or is out of it.
    function _live(uint256 round, uint256 client) private view {
        if (round != _round.number) revert RungWrongRound(round, _round.number);
        if (_round.phase == Phase.Idle) revert RungWrongPhase(Phase.Idle, Phase.Open);
        if ((_round.submitted & ~excluded()) >> client & 1 == 0) revert RungNotInRound(client);
    }

    /// @dev Refuse bytes that are not the chunk which the submission at `place` committed to.
    function _checkChunk(
        uint256 round,
        Submission[] calldata submissions,
        uint256 place,
        uint256 chunk,
        bytes calldata data,
        bytes32[] calldata proof
    ) private view returns (Submission calldata submission) {
        _checkSubmissions(round, submissions);
        submission = submissions[place];
        _live(round, submission.client);
        if (chunk >= _chunks()) revert RungNoChunk(chunk, _chunks());
        uint256 stride = _stride(_valid(chunk));
        if (data.length != stride) revert RungWrongLength(data.length, stride);
        if (proof.length != _partDepth()) revert RungWrongLength(proof.length, _partDepth());
        bytes32 opened = Merkle.open(keccak256(data), chunk % PART, proof);
        bytes32 committed = submission.parts[chunk / PART];
        if (opened != committed) revert RungBadProof(submission.client, opened, committed);
    }

    /// @dev Refuse siblings wholly beyond the part's last chunk that are not zeros: the client chose them, and nobody else
    /// can know them. `proveData` takes them, since it is for others to prove.
    function _checkPadding(uint256 client, uint256 chunk, bytes32[] calldata proof) private view {
        uint256 place = chunk % PART;
        uint256 count = _chunks() - (chunk - place); // in this part, if it is the last one
        if (count > PART) count = PART;
        bytes32 zeros; // root of a subtree of padding, as high as the level
        for (uint256 level; level < proof.length; ++level) {
            uint256 beside = place % 2 == 0 ? place + 1 : place - 1;
            if (beside << level >= count && proof[level] != zeros) revert RungBadPadding(client, proof[level], zeros);
            (place, zeros) = (place / 2, Merkle.pair(zeros, zeros));
        }
    }

    /// @dev Refuse an opening that is not of this blob (EIP-4844's point evaluation precompile, 50,000 gas).
    function _checkOpening(bytes32 blob, Opening calldata opening) private view {
        // 192 bytes for the precompile, which reads the same wherever commitment ends and proof begins: nothing is hashed
        // slither-disable-next-line encode-packed-collision
        bytes memory input =
            abi.encodePacked(blob, _point(opening.element), opening.value, opening.commitment, opening.proof);
        // precompiles have no interface to call them by
        // slither-disable-next-line low-level-calls
        (bool ok,) = POINT_EVALUATION.staticcall{ gas: 60_000 }(input); // a failing precompile burns all it is given
        if (!ok) revert RungBadOpening(opening.element);
    }

    /// @dev The point at which a blob's polynomial has the value of the element: ROOT to the power of its place with
    /// the 12 bits reversed.
    function _point(uint256 element) private pure returns (uint256 point) {
        if (element >> 12 != 0) revert RungBadOpening(element);
        point = 1;
        for (uint256 bit; bit < 12; ++bit) {
            point = mulmod(point, point, FIELD);
            if (element >> bit & 1 == 1) point = mulmod(point, ROOT, FIELD); // lowest bit first: highest when reversed
        }
    }

    /// @dev 31 bytes from `from` on as a big-endian number, zeros after the end of `data`.
    function _element(bytes calldata data, uint256 from) private pure returns (uint256) {
        uint256 size = data.length - from < 31 ? data.length - from : 31;
        return uint256(bytes32(data[from:from + size])) >> 8;
    }

    function _dataKey(uint256 round, uint256 client, uint256 chunk) private pure returns (bytes32) {
        return keccak256(abi.encode("data", round, client, chunk));
    }
}
// slither-disable-end timestamp,incorrect-equality
