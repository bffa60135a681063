// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IOptimisticRung } from "./IOptimisticRung.sol";
import { IRung } from "./IRung.sol";
import { LanePacked } from "./LanePacked.sol";
import { Rung } from "./Rung.sol";

/// @title What rungs 3 and 4 share: deposits, proposals, demands, and the judgment on one chunk
/// @dev An honest proposer cannot lose its bond: `proveChunk` compares its leaf with what the committed data give, and
/// those are what it computed from; `expire` needs a demand it left unanswered for `windowSeconds`.
/// A cheat cannot keep it, if one watcher has the data: a wrong total has a wrong leaf below it, or a node that cannot
/// be opened. A watcher that has not seen the tree demands leaves: each answer shows the nodes beside the way, and the
/// first of them that differs from its own says where to look next, so at most one demand a level is needed.
abstract contract OptimisticRung is IOptimisticRung, Rung {
    using LanePacked for LanePacked.Workspace;

    /// @notice Chunks in a part: 122,880 bytes fit a transaction of 128 KiB, and a blob.
    uint256 internal constant PART = 120;

    struct Demand {
        address challenger;
        uint40 deadline;
    }

    /// @dev A submission that takes several transactions.
    struct Pending {
        bytes32 chain;
        uint32 round;
        uint32 parts;
    }

    uint256 internal immutable _windowSeconds;
    uint256 internal immutable _bond;
    uint256 internal immutable _fee;
    uint256 internal immutable _stake;

    /// @inheritdoc IOptimisticRung
    bytes32 public accumulator;
    Proposal internal _proposal;
    /// @inheritdoc IOptimisticRung
    uint256 public burned;
    mapping(bytes32 key => Demand) private _demands;
    mapping(uint256 client => Pending) private _pending;

    constructor(Config memory config_, Terms memory terms_, address[] memory accounts, uint16[] memory weights)
        Rung(config_, accounts, weights)
    {
        if (terms_.windowSeconds == 0) revert RungBadConfig("windowSeconds", 0);
        if (terms_.bond == 0) revert RungBadConfig("bond", 0);
        _windowSeconds = terms_.windowSeconds;
        (_bond, _fee, _stake) = (terms_.bond, terms_.fee, terms_.stake);
    }

    // ------------------------------------------------------------------------------------------------------- deposits

    /// @inheritdoc IOptimisticRung
    function deposit() external payable {
        _pay(msg.sender, msg.value);
        emit Deposited(msg.sender, msg.value);
    }

    /// @inheritdoc IOptimisticRung
    function withdraw(uint256 amount) external {
        uint256 available = availableOf(msg.sender);
        if (amount > available) revert RungShortDeposit(msg.sender, available, amount);
        _memberOf[msg.sender].held -= uint128(amount); // at most what is held
        emit Withdrawn(msg.sender, amount);
        (bool ok,) = msg.sender.call{ value: amount }("");
        if (!ok) revert RungTransferFailed(msg.sender, amount);
    }

    /// @dev Take `loss` from a cheat: half for who caught it, half for nobody, so that catching oneself does not pay.
    function _slash(address cheat, uint256 loss, address challenger) internal {
        _memberOf[cheat].held -= uint128(loss); // tied up since before: it is there
        _pay(challenger, loss / 2);
        burned += loss - loss / 2;
    }

    function _pay(address account, uint256 amount) internal {
        _memberOf[account].held += uint128(amount); // all ether there is fits 2^87 wei
    }

    /// @dev Take a fee from the caller's free deposit; the demand holds it.
    function _charge(uint256 amount) internal {
        uint256 available = availableOf(msg.sender);
        if (amount > available) revert RungShortDeposit(msg.sender, available, amount);
        _memberOf[msg.sender].held -= uint128(amount); // at most what is held
    }

    /// @dev What of an account's deposit its part in the round ties up.
    function _tied(address account) internal view virtual returns (uint256 amount) {
        if (_round.phase == Phase.Proposed && _proposal.proposer == account) amount = _bond;
    }

    // ---------------------------------------------------------------------------------------------------- submissions

    function _partCount() internal view returns (uint256) {
        return (_chunks() + PART - 1) / PART;
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
            bytes32 before = round.submitted == 0 ? bytes32(uint256(round.number)) : accumulator;
            accumulator = keccak256(abi.encode(before, client, pending.chain));
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

    function _chain(bytes32 chain, bytes32[] memory roots, bytes32[] memory blobs) private pure returns (bytes32) {
        for (uint256 i; i < roots.length; ++i) {
            chain = keccak256(abi.encode(chain, roots[i], blobs[i]));
        }
        return chain;
    }

    /// @dev Refuse submissions that are not the round's.
    function _checkSubmissions(uint256 round, Submission[] calldata submissions) internal view {
        bytes32 a = bytes32(round);
        for (uint256 i; i < submissions.length; ++i) {
            Submission calldata s = submissions[i];
            if (s.blobs.length != s.parts.length) revert RungWrongLength(s.blobs.length, s.parts.length);
            a = keccak256(abi.encode(a, s.client, _chain(0, s.parts, s.blobs)));
        }
        if (a != accumulator) revert RungBadSubmissions(a, accumulator);
    }

    // ------------------------------------------------------------------------------------------------------ proposals

    /// @inheritdoc IRung
    function work(uint256 round, bytes calldata payload) external {
        _closed(round);
        (bytes32 sumsRoot, int256[] memory scores) = abi.decode(payload, (bytes32, int256[]));
        if (scores.length != _members) revert RungWrongLength(scores.length, _members);
        uint256 available = availableOf(msg.sender);
        if (available < _bond) revert RungShortDeposit(msg.sender, available, _bond);
        _round.phase = Phase.Proposed;
        _proposal = Proposal(msg.sender, uint40(block.timestamp + _windowSeconds), _proposal.attempt + 1, 0);
        _result = _digestResult(sumsRoot, keccak256(abi.encode(scores)));
        emit Proposed(round, msg.sender, sumsRoot, scores);
    }

    /// @inheritdoc IOptimisticRung
    function finalize(uint256 round) external {
        _in(round, Phase.Proposed);
        Proposal memory p = _proposal;
        uint256 open = p.open + _openDataDemands();
        if (block.timestamp < p.deadline || open != 0) revert RungChallengeOpen(block.timestamp, p.deadline, open);
        _close(round, _result, new int256[](0)); // sums and scores are in `Proposed`
    }

    function _openDataDemands() internal view virtual returns (uint256) {
        return 0;
    }

    /// @dev Back to where anyone may propose, with as much time as at first.
    function _reopen() internal {
        _round.phase = Phase.Open;
        _round.expiresAt = uint40(block.timestamp + _workSeconds);
    }

    function _reject(uint256 round, uint256 chunk, address challenger) private {
        address proposer = _proposal.proposer;
        _reopen();
        _slash(proposer, _bond, challenger);
        emit Rejected(round, proposer, challenger, chunk);
    }

    // -------------------------------------------------------------------------------------------------------- demands

    /// @inheritdoc IOptimisticRung
    function demand(uint256 round, uint256 chunk) external {
        _in(round, Phase.Proposed);
        if (chunk >= 1 << _depth(_chunks())) revert RungNoChunk(chunk, 1 << _depth(_chunks()));
        bytes32 key = keccak256(abi.encode(round, _proposal.attempt, chunk));
        _openDemand(key, chunk);
        _proposal.open += 1;
        emit Demanded(round, chunk, msg.sender, block.timestamp + _windowSeconds);
    }

    /// @inheritdoc IOptimisticRung
    function answer(uint256 round, uint256 chunk, Leaf calldata leaf, Path calldata path) external {
        _in(round, Phase.Proposed);
        _closeDemand(keccak256(abi.encode(round, _proposal.attempt, chunk)), chunk);
        _checkPath(chunk, leaf, path);
        _proposal.open -= 1;
        _proposal.deadline = uint40(block.timestamp + _windowSeconds);
        _pay(_proposal.proposer, _fee);
        emit Answered(round, chunk, leaf, path);
    }

    /// @inheritdoc IOptimisticRung
    function expire(uint256 round, uint256 chunk) external {
        _in(round, Phase.Proposed);
        address challenger = _expireDemand(keccak256(abi.encode(round, _proposal.attempt, chunk)), chunk);
        _reject(round, chunk, challenger);
    }

    /// @inheritdoc IOptimisticRung
    function reclaim(uint256 round, uint256 attempt, uint256 chunk) external {
        if (_round.phase == Phase.Proposed && _round.number == round && _proposal.attempt == attempt) {
            revert RungDemandLive(chunk);
        }
        _pay(_closeDemand(keccak256(abi.encode(round, attempt, chunk)), chunk), _fee);
    }

    function _openDemand(bytes32 key, uint256 chunk) internal {
        if (_demands[key].challenger != address(0)) revert RungDemandExists(chunk);
        _charge(_fee);
        _demands[key] = Demand(msg.sender, uint40(block.timestamp + _windowSeconds));
    }

    /// @dev The fee is then the caller's to pay out.
    function _closeDemand(bytes32 key, uint256 chunk) internal returns (address challenger) {
        challenger = _demands[key].challenger;
        if (challenger == address(0)) revert RungNoDemand(chunk);
        delete _demands[key];
    }

    /// @dev Close an overdue demand and give the fee back.
    function _expireDemand(bytes32 key, uint256 chunk) internal returns (address challenger) {
        uint256 deadline = _demands[key].deadline;
        challenger = _closeDemand(key, chunk);
        if (block.timestamp < deadline) revert RungAnswerDue(block.timestamp, deadline);
        _pay(challenger, _fee);
    }

    // ----------------------------------------------------------------------------------------------------- judgment

    /// @inheritdoc IOptimisticRung
    function proveTotal(
        uint256 round,
        uint256 chunk,
        Leaf calldata leaf,
        Path calldata path,
        int256[] calldata proposed
    ) external {
        _in(round, Phase.Proposed);
        (bytes32 root, bytes32 total) = _climb(chunk, leaf, path);
        bytes32 claimed = keccak256(abi.encode(proposed));
        bytes32 opened = _digestResult(root, claimed);
        if (opened != _result) revert RungBadPath(opened, _result);
        if (total == claimed) revert RungNoFraud(chunk);
        _reject(round, chunk, msg.sender);
    }

    /// @inheritdoc IOptimisticRung
    function proveChunk(
        uint256 round,
        uint256 chunk,
        Leaf calldata leaf,
        Path calldata path,
        Evidence calldata evidence
    ) external {
        _in(round, Phase.Proposed);
        _checkPath(chunk, leaf, path);
        bytes32 claimed = _digest(leaf.sums, leaf.scores);
        int256[] memory scores = new int256[](_members);
        bytes32 sums;
        if (chunk < _chunks()) {
            _checkSubmissions(round, evidence.submissions);
            sums = _recompute(chunk, evidence, scores);
        } // else the leaf is padding: (0, zeros)
        if (_digest(sums, scores) == claimed) revert RungNoFraud(chunk);
        _reject(round, chunk, msg.sender);
    }

    /// @dev Sum and score one chunk from the committed data. Fills `scores`, one a client.
    function _recompute(uint256 chunk, Evidence calldata evidence, int256[] memory scores)
        private
        view
        returns (bytes32 sums)
    {
        uint256[] memory list = _takingPart(evidence.submissions);
        uint256 valid = _valid(chunk);
        uint256 stride = _stride(valid);
        if (evidence.data.length != list.length * stride) {
            revert RungWrongLength(evidence.data.length, list.length * stride);
        }
        LanePacked.Workspace memory ws = LanePacked.workspace(_weightsOf(list), stride);
        bytes memory target = ws.data;
        bytes calldata data = evidence.data;
        assembly ("memory-safe") {
            calldatacopy(add(target, 0x20), data.offset, data.length) // as long as `target`, checked above
        }
        _checkProofs(chunk, stride, evidence);
        int256[] memory rows = new int256[](list.length);
        sums = ws.fold(stride, valid, rows);
        for (uint256 i; i < list.length; ++i) {
            scores[list[i]] = rows[i];
        }
    }

    /// @dev Each row of the data must be the chunk its client committed to.
    function _checkProofs(uint256 chunk, uint256 stride, Evidence calldata evidence) private view {
        uint256 depth = _partDepth();
        uint256 out = excluded();
        uint256 row;
        for (uint256 i; i < evidence.submissions.length; ++i) {
            Submission calldata s = evidence.submissions[i];
            if (out >> s.client & 1 == 1) continue;
            bytes32 opened = _openChunk(
                keccak256(evidence.data[row * stride:(row + 1) * stride]),
                chunk % PART,
                evidence.proofs[row * depth:(row + 1) * depth]
            );
            bytes32 committed = s.parts[chunk / PART];
            if (opened != committed) revert RungBadProof(s.client, opened, committed);
            ++row;
        }
    }

    /// @dev Clients of the round that were not put out, in the order of their submissions.
    function _takingPart(Submission[] calldata submissions) private view returns (uint256[] memory list) {
        uint256 out = excluded();
        list = new uint256[](submissions.length);
        uint256 count;
        for (uint256 i; i < submissions.length; ++i) {
            if (out >> submissions[i].client & 1 == 0) list[count++] = submissions[i].client;
        }
        assembly ("memory-safe") {
            mstore(list, count) // shorten
        }
    }

    // ---------------------------------------------------------------------------------------------------------- trees

    /// @dev Levels above the leaves of a tree over `leaves` of them: ⌈log2 leaves⌉.
    function _depth(uint256 leaves) internal pure returns (uint256 depth) {
        while (1 << depth < leaves) ++depth;
    }

    /// @dev Levels of a part's tree; all parts have the same.
    function _partDepth() internal view returns (uint256) {
        return _depth(_chunks() < PART ? _chunks() : PART);
    }

    /// @dev Root of a part's tree by one leaf and its siblings.
    function _openChunk(bytes32 leaf, uint256 place, bytes32[] calldata siblings) internal pure returns (bytes32) {
        for (uint256 level; level < siblings.length; ++level) {
            leaf = place >> level & 1 == 0 ? _pair(leaf, siblings[level]) : _pair(siblings[level], leaf);
        }
        return leaf;
    }

    /// @dev Refuse a path that does not lead to the proposed root and scores.
    function _checkPath(uint256 chunk, Leaf calldata leaf, Path calldata path) private view {
        (bytes32 root, bytes32 total) = _climb(chunk, leaf, path);
        bytes32 opened = _digestResult(root, total);
        if (opened != _result) revert RungBadPath(opened, _result);
    }

    /// @dev The root a path leads to, and the digest of its scores.
    function _climb(uint256 chunk, Leaf calldata leaf, Path calldata path)
        private
        view
        returns (bytes32 hash, bytes32 total)
    {
        uint256 depth = _depth(_chunks());
        uint256 n = _members;
        if (chunk >= 1 << depth) revert RungNoChunk(chunk, 1 << depth);
        if (path.hashes.length != depth) revert RungWrongLength(path.hashes.length, depth);
        if (path.scores.length != depth * n) revert RungWrongLength(path.scores.length, depth * n);
        if (leaf.scores.length != n) revert RungWrongLength(leaf.scores.length, n);
        hash = leaf.sums;
        int256[] memory scores = leaf.scores;
        for (uint256 level; level < depth; ++level) {
            int256[] calldata beside = path.scores[level * n:(level + 1) * n];
            bytes32 mine = _digest(hash, scores);
            bytes32 other = _digest(path.hashes[level], beside);
            hash = chunk >> level & 1 == 0 ? _pair(mine, other) : _pair(other, mine);
            unchecked {
                // Modulo 2^256: a cheat gains nothing by an overflow, since every score below the root is checked.
                for (uint256 i; i < n; ++i) {
                    scores[i] += beside[i];
                }
            }
        }
        total = keccak256(abi.encode(scores));
    }

    /// @dev Digest of a node of the sum tree.
    function _digest(bytes32 hash, int256[] memory scores) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(hash, scores));
    }

    /// @dev keccak256(abi.encode(a, b)).
    function _pair(bytes32 a, bytes32 b) internal pure returns (bytes32 digest) {
        assembly ("memory-safe") {
            mstore(0x00, a)
            mstore(0x20, b)
            digest := keccak256(0x00, 0x40)
        }
    }

    // ----------------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IOptimisticRung
    function terms() external view returns (Terms memory) {
        return Terms(uint32(_windowSeconds), uint96(_bond), uint96(_fee), uint96(_stake));
    }

    /// @inheritdoc IOptimisticRung
    function proposal() external view returns (Proposal memory) {
        return _proposal;
    }

    /// @inheritdoc IOptimisticRung
    function excluded() public view virtual returns (uint256) {
        return 0;
    }

    /// @inheritdoc IOptimisticRung
    function depositOf(address account) public view returns (uint256) {
        return _memberOf[account].held;
    }

    /// @inheritdoc IOptimisticRung
    function availableOf(address account) public view returns (uint256) {
        uint256 tied = _tied(account);
        uint256 held = _memberOf[account].held;
        return held > tied ? held - tied : 0;
    }
}
