// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Demands } from "./Demands.sol";
import { IOptimisticRung } from "./IOptimisticRung.sol";
import { IRung } from "./IRung.sol";
import { Judgment } from "./Judgment.sol";
import { Merkle } from "./Merkle.sol";
import { ENVELOPE, MAX_TRANSACTION, Rung } from "./Rung.sol";

// Slither takes whatever comes out of the slot of `_round` for a time, since deadlines are in it. Phases, attempts,
// digests and bits are compared with `==` because they are exact; deadlines are windows apart, and a proposer can shift
// a block by seconds.
// slither-disable-start timestamp,incorrect-equality

/// @title What rungs 3 and 4 share: results that are proposed, questioned, and rejected or final
/// @dev `proveChunk` compares a leaf with what the committed data give: it does not reject who computed from them. `expire`
/// rejects whoever leaves a demand unanswered for `windowSeconds`, honest or not: a proposer has to be there, to get its
/// transactions in, and to pay for as many answers as others pay fees for demands, or it loses its bond.
/// Fees of answered demands are held until the proposal is final, and then its proposer's; when it falls, in whatever
/// way, each goes back to who paid it. So no proposal that fell earned anything, however many searched it. The price:
/// who proposed in good faith, and goes with a client that is put out (rung 4), answered for nothing. A wrong total has
/// a wrong leaf below it, or a node that cannot be opened. A watcher that has the data, a deposit and the time can so
/// have a wrong result rejected; one that has not seen the tree demands leaves, in two stages: in the first window, and
/// then within a window of the last answer and before the end of the second. So it has to look at each answer in time;
/// what it waits with the first stage the second one lacks. Of a tree of depth d it first demands a leaf of each
/// subtree of height ⌊d/2⌋, 2^⌈d/2⌉ at once: each answer shows the nodes beside the way, so that all of these subtrees'
/// roots are known. Then it demands the other leaves of one that differs from its own, fewer than 2^⌊d/2⌋. These fees
/// it has to put down, and has back when it is right. Half of the bond goes to whoever proves the fraud: a proof can be
/// copied before it is mined, as any transaction can.
abstract contract OptimisticRung is Demands, Judgment {
    /// @dev Demands that a proposal answered; of one without any it is not noted that it is final.
    struct Answers {
        uint32 count;
        bool isFinal;
    }

    Proposal internal _proposal;
    mapping(uint256 attempt => Answers) private _answers;

    constructor(Config memory config_, Terms memory terms_, address[] memory accounts, uint16[] memory weights)
        Rung(config_, accounts, weights)
        Demands(terms_)
    {
        if (_workSeconds < 3 * _windowSeconds) revert RungBadConfig("workSeconds", _workSeconds);
        // Then its gas fits as well: most of it is what calldata cost.
        if (_proofBytes() > MAX_TRANSACTION - ENVELOPE) revert RungBadConfig("clients", _members);
    }

    // ---------------------------------------------------------------------------------------------------- proposals

    /// @inheritdoc IRung
    function work(uint256 round, bytes calldata payload) external {
        Round memory current = _closed(round);
        if (current.submitted & ~excluded() == 0) revert RungNobodySubmitted(round);
        (bytes32 computedFrom, bytes32 sumsRoot, int256[] memory scores) =
            abi.decode(payload, (bytes32, bytes32, int256[]));
        // Who takes part may have changed since the proposer computed: a right result would be a wrong one here.
        if (computedFrom != _basis()) revert RungOtherBasis(computedFrom, _basis());
        if (scores.length != _members) revert RungWrongLength(scores.length, _members);
        uint256 available = availableOf(msg.sender);
        if (available < _bond) revert RungShortDeposit(msg.sender, available, _bond);
        (_round.phase, _round.expiresAt) = (Phase.Proposed, uint40(block.timestamp + 2 * _windowSeconds));
        _proposal = Proposal({
            proposer: msg.sender,
            deadline: uint40(block.timestamp + _windowSeconds),
            attempt: _proposal.attempt + 1,
            open: 0
        });
        proposedDigest = _digestResult(sumsRoot, keccak256(abi.encode(scores)));
        emit Proposed(round, msg.sender, sumsRoot, scores);
    }

    /// @inheritdoc IOptimisticRung
    /// @dev Somebody still takes part: who is put out takes the proposal with it. No demand is open, so that all there are
    /// have been counted.
    function finalize(uint256 round) external {
        _in(round, Phase.Proposed);
        Proposal memory p = _proposal;
        uint256 open = p.open + _openDataDemands();
        if (block.timestamp < p.deadline || open != 0) revert RungChallengeOpen(block.timestamp, p.deadline, open);
        uint256 answered = _answers[p.attempt].count;
        if (answered != 0) {
            _answers[p.attempt].isFinal = true;
            _pay(p.proposer, answered * _fee);
        }
        _result = proposedDigest;
        _close(round, _result, new int256[](0)); // sums and scores are in `Proposed`
    }

    // ------------------------------------------------------------------------------------------------------ demands

    /// @inheritdoc IOptimisticRung
    function demand(uint256 round, bytes32 proposed, uint256 chunk) external {
        _in(round, Phase.Proposed);
        if (proposed != proposedDigest) revert RungOtherProposal(proposed, proposedDigest);
        _checkDemandsTaken();
        if (chunk >= 1 << Merkle.depth(_chunks())) revert RungNoChunk(chunk, 1 << Merkle.depth(_chunks()));
        _openDemand(keccak256(abi.encode(round, _proposal.attempt, chunk)), chunk);
        _proposal.open += 1;
        emit Demanded(round, chunk, msg.sender, block.timestamp + _windowSeconds);
    }

    /// @inheritdoc IOptimisticRung
    function answer(uint256 round, uint256 chunk, Leaf calldata leaf, Path calldata path) external {
        _in(round, Phase.Proposed);
        _answerDemand(keccak256(abi.encode(round, _proposal.attempt, chunk)), chunk);
        _checkPath(chunk, leaf, path);
        _proposal.open -= 1;
        _answers[_proposal.attempt].count += 1; // at most the tree's leaves: each is demanded once
        _extend();
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
        (address challenger,) = _closeDemand(keccak256(abi.encode(round, attempt, chunk)), chunk);
        if (_answers[attempt].isFinal) revert RungFeeEarned(chunk);
        _pay(challenger, _fee);
    }

    // ------------------------------------------------------------------------------------------------------- proofs

    /// @inheritdoc IOptimisticRung
    function proveTotal(
        uint256 round,
        uint256 chunk,
        Leaf calldata leaf,
        Path calldata path,
        int256[] calldata proposed
    ) external {
        _in(round, Phase.Proposed);
        if (Merkle.depth(_chunks()) == 0) revert RungNoTree(_parameters);
        (bytes32 root, bytes32 total) = _climb(chunk, leaf, path);
        bytes32 claimed = keccak256(abi.encode(proposed));
        bytes32 opened = _digestResult(root, claimed);
        if (opened != proposedDigest) revert RungBadPath(opened, proposedDigest);
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

    /// @inheritdoc IOptimisticRung
    function proposal() external view returns (Proposal memory) {
        return _proposal;
    }

    /// @inheritdoc IOptimisticRung
    function basis() external view returns (bytes32) {
        return keccak256(abi.encode(accumulator(), excluded()));
    }

    // -------------------------------------------------------------------------------------------------- transitions

    /// @dev `basis` of a round that somebody has submitted to.
    function _basis() private view returns (bytes32) {
        return keccak256(abi.encode(_accumulator, excluded()));
    }

    /// @dev Back to where anyone may propose, with as much time as at first. Submissions may still be open.
    function _reopen() internal {
        uint256 closesAt = _round.closesAt;
        uint256 from = block.timestamp < closesAt ? closesAt : block.timestamp;
        (_round.phase, _round.expiresAt) = (Phase.Open, uint40(from + _workSeconds));
    }

    /// @dev An answer was given: there is a window to look at it. The deadline never moves back, as it was a window after
    /// something that happened before.
    function _extend() internal {
        _proposal.deadline = uint40(block.timestamp + _windowSeconds);
    }

    /// @dev Refuse demands that would come too late. To a proposal: after its deadline, or after two windows. While none
    /// stands: if the round could be given up less than a window after the answer is due.
    function _checkDemandsTaken() internal view {
        uint256 end = _round.expiresAt;
        if (_round.phase == Phase.Proposed) {
            if (_proposal.deadline < end) end = _proposal.deadline;
        } else {
            end -= 2 * _windowSeconds; // it is at least three after the round opened
        }
        if (block.timestamp >= end) revert RungDemandsClosed(block.timestamp, end);
    }

    function _reject(uint256 round, uint256 chunk, address challenger) private {
        address proposer = _proposal.proposer;
        _reopen();
        _slash(proposer, _bond, challenger);
        emit Rejected(round, proposer, challenger, chunk);
    }

    /// @dev Questions to clients that are not answered yet; a rung that asks none has none.
    function _openDataDemands() internal view virtual returns (uint256) {
        return 0;
    }

    /// @dev What of an account's deposit its part in the round ties up.
    function _tied(address account) internal view virtual override returns (uint256 amount) {
        if (_round.phase == Phase.Proposed && _proposal.proposer == account) amount = _bond;
    }
}
// slither-disable-end timestamp,incorrect-equality
