// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IBlobRung } from "../../src/scaling/IBlobRung.sol";
import { IDeposits } from "../../src/scaling/IDeposits.sol";
import { IOptimisticRung } from "../../src/scaling/IOptimisticRung.sol";
import { IRung } from "../../src/scaling/IRung.sol";
import { Exact } from "./Exact.sol";
import { Game } from "./Game.sol";
import { Trees } from "./Trees.sol";

interface HandlerVm {
    function mockCall(address callee, bytes calldata data, bytes calldata returned) external;
    function clearMockedCalls() external;
}

/// @notice Lives rounds of rung 3 or 4 at random. Who is honest does what it has to at the last moment; who is not does
/// anything else: wrong proposals, shown or withheld, silence, needless questions, false proofs, trees padded with rubbish.
/// @dev The books are the handler's own, by the rules of `IOptimisticRung`. What must be refused is tried and noted when it
/// is not; what must succeed is called plainly, so that a revert is a finding.
abstract contract DisputeHandler is Game {
    using Trees for Trees.Tree;

    /// @dev Right and answered; a wrong leaf or total that all can see; one whose tree is withheld; right and not answered.
    enum Kind {
        Honest,
        WrongLeaf,
        WrongTotal,
        HiddenLeaf,
        HiddenTotal,
        Absent
    }

    enum Due {
        Nothing,
        Open,
        SubmitRest,
        AskAll,
        Propose,
        Finalize,
        Prove,
        Ask,
        Answer,
        Expire,
        AnswerData,
        ExpireData
    }

    /// @dev Kept until its fee is paid to somebody.
    struct Question {
        bool data;
        bool answered;
        uint256 round;
        uint256 attempt;
        uint256 client;
        uint256 chunk;
        address challenger;
        uint256 deadline;
    }

    uint256 internal constant N = 3;
    uint32 internal constant P = 2050; // chunks of 1,024, 1,024 and 2; one padding leaf
    uint256 internal constant CHUNKS = 3;
    uint256 internal constant WIDTH = 4;
    bytes32 internal constant RUBBISH = bytes32(uint256(0xbad));

    // ------------------------------------------------------------------------------------------------------- ghosts

    mapping(address account => uint256) public expected;
    mapping(string what => uint256) public done;
    uint256 public etherIn;
    uint256 public etherOut;
    uint256 public burnedByBooks;
    /// @notice Broken rules, in words; empty while all hold.
    string public finding;
    Question[] private questions;
    uint256 private time;
    uint256 private random;
    uint256 private draws;

    // The round.
    uint256 private beganAt;
    uint256 private lost; // bonds and stakes, in this round
    uint256 private badClients;
    uint256 private paddedClients; // bad ones whose tree has rubbish beyond the last chunk
    bool private restCame;
    bool private allAsked;
    bytes32 private basisBefore; // before the last submission or exclusion
    mapping(uint256 round => uint256 clients) private outOf;

    // The proposal.
    Kind private kind;
    address private author;
    bytes private proposedTree;
    int256[] private proposedScores;
    uint256 private wrongAt;
    uint256 private watchAt;
    uint256 private seen;
    bool private asked;
    bytes32 private digestBefore; // of the proposal before this one

    // Computed once.
    bytes[8] private trees;
    bytes32[N] private roots;
    bytes[CHUNKS][N] private slices;
    bytes32[][CHUNKS][N] private proofs;
    bytes32[N] private rubbishRoots;
    bytes32[][CHUNKS][N] private rubbishProofs;

    constructor() {
        vm.warp(NOW);
        time = NOW;
        deployRung(P, N);
        for (uint256 i; i < N; ++i) {
            rows.push(drawRow(40 + i, 2080));
            roots[i] = Exact.partRoot(rows[i]);
            for (uint256 k; k < CHUNKS; ++k) {
                slices[i][k] = Exact.slice(rows[i], 1024 * k, 1024);
                proofs[i][k] = Trees.partProof(rows[i], k);
            }
            _padWithRubbish(i);
        }
        for (uint256 out; out < 8; ++out) {
            trees[out] = abi.encode(Trees.full(exactWithout(out)));
        }
    }

    /// @dev In the place of the padding leaf, chunk 2's sibling. Chunks 0 and 1 see a node above both.
    function _padWithRubbish(uint256 i) private {
        bytes32 left = proofs[i][2][1];
        bytes32 right = keccak256(abi.encode(keccak256(slices[i][2]), RUBBISH));
        rubbishRoots[i] = keccak256(abi.encode(left, right));
        rubbishProofs[i] = proofs[i];
        (rubbishProofs[i][0][1], rubbishProofs[i][1][1], rubbishProofs[i][2][0]) = (right, right, RUBBISH);
    }

    // ---------------------------------------------------------------------------------------------------- the moves

    /// @notice One random move at most, or some time in which the honest do what is due.
    function play(uint256 seed) external {
        vm.warp(time);
        (random, draws) = (seed, 0);
        uint256 move = next(20);
        if (move == 0) _submit(next(N));
        else if (move < 3) _lie();
        else if (move == 3) _proposeHonestly();
        else if (move < 7) _demand(passer, next(WIDTH));
        else if (move < 9) _answerEarly();
        else if (move == 9) _demandData(next(N), next(CHUNKS));
        else if (move == 10) _proveEarly();
        else if (move == 11) _falseProof();
        else if (move == 12) _refusals();
        else if (move == 13) _proveData();
        else if (move == 14) _withdraw();
        else if (move == 15) _reclaim();
        else _wait();
        _checkTime();
    }

    /// @notice Go on until the round is over, then reclaim and withdraw everything.
    function drain() external {
        vm.warp(time);
        while (_phase() == IRung.Phase.Idle) _wait();
        for (uint256 i; i < 1000 && _phase() != IRung.Phase.Idle; ++i) {
            _step(type(uint256).max);
        }
        _expect(_phase() == IRung.Phase.Idle, "a round does not end");
        while (questions.length != 0) _takeBack(0);
        for (uint256 i; i < 7; ++i) {
            uint256 all = rung.availableOf(accountAt(i));
            if (all != 0) _out(accountAt(i), all);
        }
    }

    function next(uint256 below) private returns (uint256) {
        return draw(random, "next", draws++) % below;
    }

    function accountAt(uint256 i) public view returns (address) {
        if (i < N) return member(i);
        if (i == 3) return proposer;
        if (i == 4) return watcher;
        return i == 5 ? passer : account("liar");
    }

    function _submit(uint256 i) private {
        IRung.Round memory r = rung.currentRound();
        if (r.phase != IRung.Phase.Open || time >= r.closesAt || r.submitted >> i & 1 == 1) return;
        if (blobs()) _top(member(i), ODD_STAKE);
        basisBefore = rung.basis();
        submitRow(i);
        _did("submit");
    }

    function _mayPropose() private view returns (bool) {
        IRung.Round memory r = rung.currentRound();
        return
            r.phase == IRung.Phase.Open && r.submitted & ~rung.excluded() != 0
                && (r.submitted == 7 || time >= r.closesAt);
    }

    function _proposeHonestly() private {
        if (!_mayPropose()) return;
        _proposeAs(proposer, Kind.Honest);
        _did("propose");
    }

    /// @dev By a stranger, or by a client.
    function _lie() private {
        if (!_mayPropose()) return;
        Kind k = Kind(1 + next(5));
        _proposeAs(next(2) == 0 ? member(2) : account("liar"), k);
        if (k == Kind.WrongLeaf) _did("wrong leaf");
        else if (k == Kind.WrongTotal) _did("wrong total");
        else if (k == Kind.HiddenLeaf) _did("hidden leaf");
        else if (k == Kind.HiddenTotal) _did("hidden total");
        else _did("absent");
    }

    function _proposeAs(address who, Kind k) private {
        Trees.Tree memory t = _truth();
        (kind, author, seen, asked, watchAt) = (k, who, 0, false, time + next(WINDOW));
        digestBefore = rung.proposedDigest();
        if (k == Kind.WrongLeaf || k == Kind.HiddenLeaf) {
            wrongAt = next(WIDTH);
            if (next(2) == 0) t.hashes[WIDTH + wrongAt] ^= bytes32(1 << next(256));
            else t.scores[WIDTH + wrongAt][next(N)] ^= int256(1 << next(200));
            t.grow();
        }
        int256[] memory scores = plus(t.scores[1], 0, 0);
        if (k == Kind.WrongTotal || k == Kind.HiddenTotal) scores[next(N)] ^= int256(1 << next(200));
        (proposedTree, proposedScores) = (abi.encode(t), scores);
        _top(who, ODD_BOND);
        uint256 round = rung.currentRound().number;
        if (basisBefore != rung.basis()) _otherBasis(who, round, t.payload(basisBefore, scores));
        bytes memory payload = t.payload(rung.basis(), scores);
        vm.prank(who);
        rung.work(round, payload);
    }

    /// @dev Computed before somebody's submission came, or before a client was put out.
    function _otherBasis(address who, uint256 round, bytes memory payload) private {
        vm.prank(who);
        (bool success, bytes memory reason) = address(rung).call(abi.encodeCall(IRung.work, (round, payload)));
        bytes memory want = abi.encodeWithSelector(IOptimisticRung.RungOtherBasis.selector, basisBefore, rung.basis());
        _expect(!success && keccak256(reason) == keccak256(want), "a proposal from another basis was taken");
        _did("other basis");
    }

    /// @dev With the money for it, at most a few at a time.
    function _demand(address who, uint256 chunk) private {
        IRung.Round memory r = rung.currentRound();
        IOptimisticRung.Proposal memory p = rung.proposal();
        if (r.phase != IRung.Phase.Proposed || time >= p.deadline || time >= r.expiresAt) return;
        for (uint256 i; i < questions.length; ++i) {
            Question memory q = questions[i];
            if (!q.data && q.attempt == p.attempt && q.round == r.number && q.chunk == chunk) return;
        }
        _top(who, FEE);
        bytes32 proposed = rung.proposedDigest();
        _otherProposal(who, r.number, proposed, chunk);
        vm.prank(who);
        rung.demand(r.number, proposed, chunk);
        expected[who] -= FEE;
        questions.push(Question(false, false, r.number, p.attempt, 0, chunk, who, time + WINDOW));
        _did("demand");
    }

    /// @dev Meant for the proposal before this one, or for one that nobody made.
    function _otherProposal(address who, uint256 round, bytes32 current, uint256 chunk) private {
        bytes32 other = next(2) == 0 ? digestBefore : current ^ bytes32(1 << next(256));
        if (other == current) return; // the same result once more
        vm.prank(who);
        (bool success, bytes memory reason) =
            address(rung).call(abi.encodeCall(IOptimisticRung.demand, (round, other, chunk)));
        bytes memory want = abi.encodeWithSelector(IOptimisticRung.RungOtherProposal.selector, other, current);
        _expect(!success && keccak256(reason) == keccak256(want), "a demand to another proposal was taken");
        _did("other proposal");
    }

    function _demandData(uint256 i, uint256 chunk) private {
        IRung.Round memory r = rung.currentRound();
        if (!blobs() || r.phase == IRung.Phase.Idle || (r.submitted & ~rung.excluded()) >> i & 1 == 0) return;
        if (r.phase == IRung.Phase.Proposed && (time >= rung.proposal().deadline || time >= r.expiresAt)) return;
        if (r.phase == IRung.Phase.Open && time >= r.expiresAt - 2 * WINDOW) return;
        for (uint256 j; j < questions.length; ++j) {
            Question memory q = questions[j];
            if (q.data && q.round == r.number && q.client == i && q.chunk == chunk) return;
        }
        _top(passer, FEE);
        bytes32 submitted = rung.accumulator();
        if (r.submitted != 7 && time < r.closesAt) {
            bytes memory early = abi.encodeCall(IBlobRung.demandData, (r.number, submitted, i, chunk));
            _mustFail(passer, early, "data were asked for while submissions were open");
            return _did("data too early");
        }
        bytes32 other = submitted ^ bytes32(1 << next(256));
        bytes memory call_ = abi.encodeCall(IBlobRung.demandData, (r.number, other, i, chunk));
        _mustFail(passer, call_, "a question about other submissions was taken");
        vm.prank(passer);
        rung.demandData(r.number, submitted, i, chunk);
        expected[passer] -= FEE;
        questions.push(Question(true, false, r.number, 0, i, chunk, passer, time + WINDOW));
        _did("demand data");
        // A bad one tries at once, or now and then answers, before it is put out for something else.
        if (_unanswerable(i, chunk)) _badPadding(questions[questions.length - 1]);
        else if (badClients >> i & 1 == 1 && next(3) == 0) _answerData(questions.length - 1, member(i));
    }

    /// @dev Somebody answers a question at once: a proposer that hides its tree, too, or anyone that has a client's data.
    function _answerEarly() private {
        if (questions.length == 0) return;
        uint256 i = next(questions.length);
        if (!_live(i) || time >= questions[i].deadline) return;
        if (questions[i].data) return _answerData(i, next(2) == 0 ? watcher : passer);
        if (kind == Kind.WrongTotal || kind == Kind.HiddenTotal) return; // it cannot
        _answer(i);
    }

    function _answer(uint256 i) private {
        Question memory q = questions[i];
        Trees.Tree memory t = _proposed();
        rung.answer(q.round, q.chunk, t.leaf(q.chunk), t.path(q.chunk));
        seen |= 1 << q.chunk;
        questions[i].answered = true;
        _expect(rung.proposal().deadline == time + WINDOW, "an answer leaves less than a window");
        _did("answer");
    }

    function _answerData(uint256 i, address who) private {
        Question memory q = questions[i];
        if (_unanswerable(q.client, q.chunk)) return _badPadding(q);
        bytes memory reply = _answerDataCall(q, _proofOf(q.client, q.chunk));
        ok(who, reply);
        questions[i].answered = true;
        _mustFail(who, reply, "a question was answered twice");
        _did("answer data");
    }

    /// @dev There is no answer: zeros do not lead to the root, and rubbish is not taken.
    function _badPadding(Question memory q) private {
        bytes memory rubbish = _answerDataCall(q, rubbishProofs[q.client][q.chunk]);
        vm.prank(member(q.client));
        (bool success, bytes memory reason) = address(rung).call(rubbish);
        bytes memory want = abi.encodeWithSelector(IBlobRung.RungBadPadding.selector, q.client, RUBBISH, bytes32(0));
        _expect(!success && keccak256(reason) == keccak256(want), "rubbish was taken for padding");
        bytes memory zeros = _answerDataCall(q, proofs[q.client][q.chunk]);
        _mustFail(member(q.client), zeros, "zeros were taken for rubbish");
        _did("bad padding");
    }

    function _answerDataCall(Question memory q, bytes32[] memory proof) private view returns (bytes memory) {
        uint256 place;
        while (order[place] != q.client) ++place;
        bytes memory data = slices[q.client][q.chunk];
        return abi.encodeCall(IBlobRung.answerData, (q.round, _list(), place, q.chunk, data, proof));
    }

    function _unanswerable(uint256 client, uint256 chunk) private view returns (bool) {
        return _padded(client) && chunk == CHUNKS - 1; // the padding leaf is its sibling
    }

    function _padded(uint256 client) private view returns (bool) {
        return paddedClients >> client & 1 == 1;
    }

    function rootOf(uint256 i) internal view override returns (bytes32) {
        return _padded(i) ? rubbishRoots[i] : roots[i];
    }

    function _proofOf(uint256 i, uint256 k) private view returns (bytes32[] memory) {
        return _padded(i) ? rubbishProofs[i][k] : proofs[i][k];
    }

    function _proveEarly() private {
        if (_phase() == IRung.Phase.Proposed && _known()) _prove();
    }

    function _prove() private {
        uint256 round = rung.currentRound().number;
        Trees.Tree memory t = _proposed();
        uint256 k = kind == Kind.WrongTotal ? next(WIDTH) : wrongAt;
        if (kind == Kind.WrongTotal) ok(watcher, totalCall(round, t, k, proposedScores));
        else ok(watcher, chunkCall(round, t, k));
        _did(kind == Kind.WrongTotal ? "prove total" : wrongAt == CHUNKS ? "prove padding" : "prove chunk");
        _bondLost(watcher);
    }

    function _bondLost(address challenger) private {
        _expect(kind != Kind.Honest, "an honest proposer lost its bond");
        expected[author] -= ODD_BOND;
        expected[challenger] += ODD_BOND / 2;
        burnedByBooks += ODD_BOND - ODD_BOND / 2;
        lost += 1;
        _expect(_phase() == IRung.Phase.Open, "a rejected proposal stands");
    }

    function _expire(uint256 i) private {
        Question memory q = questions[i];
        _forget(i);
        rung.expire(q.round, q.chunk);
        expected[q.challenger] += FEE;
        _bondLost(q.challenger);
        _did("expire");
    }

    function _expireData(uint256 i) private {
        Question memory q = questions[i];
        _forget(i);
        _noteCancel();
        basisBefore = rung.basis();
        rung.expireData(q.round, q.client, q.chunk);
        expected[q.challenger] += FEE;
        _stakeLost(q.client, q.challenger);
        _did("expire data");
    }

    function _noteCancel() private {
        if (_phase() == IRung.Phase.Proposed) _did("cancel");
    }

    function _stakeLost(uint256 client, address challenger) private {
        _expect(badClients >> client & 1 == 1, "an honest client lost its stake");
        expected[member(client)] -= ODD_STAKE;
        expected[challenger] += ODD_STAKE / 2;
        burnedByBooks += ODD_STAKE - ODD_STAKE / 2;
        lost += 1;
        outOf[rung.currentRound().number] |= 1 << client;
        _expect(rung.excluded() >> client & 1 == 1, "a client without a stake takes part");
    }

    /// @dev Good clients' blobs agree with what they committed to, bad ones' do not. All openings are valid here.
    function _proveData() private {
        IRung.Round memory r = rung.currentRound();
        (uint256 i, uint256 k) = (next(N), next(CHUNKS));
        if (!blobs() || r.phase == IRung.Phase.Idle || (r.submitted & ~rung.excluded()) >> i & 1 == 0) return;
        bool bad = badClients >> i & 1 == 1;
        IBlobRung.Opening memory opening = IBlobRung.Opening({
            element: 34 * k,
            value: uint256(bytes32(slices[i][k])) >> 8 ^ (bad ? 1 << next(248) : 0),
            commitment: new bytes(48),
            proof: new bytes(48)
        });
        uint256 place;
        while (order[place] != i) ++place;
        if (bad) {
            basisBefore = rung.basis();
            _noteCancel();
        }
        bytes memory call_ =
            abi.encodeCall(IBlobRung.proveData, (r.number, _list(), place, k, slices[i][k], _proofOf(i, k), opening));
        HandlerVm(address(vm)).mockCall(address(0x0a), "", abi.encode(uint256(4096)));
        if (bad) ok(watcher, call_);
        else _mustFail(watcher, call_, "data that agree put a client out");
        HandlerVm(address(vm)).clearMockedCalls();
        if (!bad) return _did("data agree");
        _stakeLost(i, watcher);
        _did("prove data");
    }

    /// @dev Proofs of leaves that are right, and of right totals, and of what nobody proposed.
    function _falseProof() private {
        if (_phase() != IRung.Phase.Proposed) return;
        uint256 round = rung.currentRound().number;
        Trees.Tree memory t = _proposed();
        uint256 k = next(WIDTH);
        uint256 how = next(4);
        bytes memory call_;
        if (how == 0) {
            if ((kind == Kind.WrongLeaf || kind == Kind.HiddenLeaf) && k == wrongAt) return;
            call_ = chunkCall(round, t, k);
        } else if (how == 1) {
            call_ = totalCall(round, t, k, t.scores[1]); // a wrong total is not this one
        } else if (how == 2) {
            t.scores[WIDTH + k][next(N)] += 1;
            t.grow();
            call_ = chunkCall(round, t, k);
        } else {
            call_ = totalCall(round, t, k, plus(proposedScores, next(N), 1));
        }
        _mustFail(passer, call_, "a false proof was taken");
        _did("false proof");
    }

    /// @dev What comes too early, or too late, or is tied up.
    function _refusals() private {
        if (questions.length != 0) {
            uint256 i = next(questions.length);
            Question memory q = questions[i];
            if (_stands(i)) {
                _mustFail(q.challenger, _reclaimCall(q), "a fee was paid before it was known whose it is");
                if (time < q.deadline || q.answered) {
                    bytes memory early = q.data
                        ? abi.encodeCall(IBlobRung.expireData, (q.round, q.client, q.chunk))
                        : abi.encodeCall(IOptimisticRung.expire, (q.round, q.chunk));
                    _mustFail(q.challenger, early, "a demand expired early, or answered");
                }
            }
        }
        uint256 round = rung.currentRound().number;
        if (_phase() == IRung.Phase.Proposed && (time < rung.proposal().deadline || _owed() != 0)) {
            _mustFail(author, abi.encodeCall(IOptimisticRung.finalize, (round)), "finalized early");
            _mustFail(passer, abi.encodeCall(IRung.openRound, ()), "a proposal was given up");
        }
        address who = accountAt(next(7));
        uint256 more = rung.availableOf(who) + 1;
        _mustFail(who, abi.encodeCall(IDeposits.withdraw, (more)), "more than is free was withdrawn");
        _did("refusals");
    }

    function _withdraw() private {
        address who = accountAt(next(7));
        uint256 free = rung.availableOf(who);
        _out(who, next(2) == 0 ? free : next(free + 1));
        _did("withdraw");
    }

    function _out(address who, uint256 amount) private {
        uint256 before = who.balance;
        vm.prank(who);
        rung.withdraw(amount);
        _expect(who.balance == before + amount, "a withdrawal was paid short");
        expected[who] -= amount;
        etherOut += amount;
    }

    function _reclaim() private {
        if (questions.length == 0) return;
        uint256 i = next(questions.length);
        if (!_stands(i)) _takeBack(i);
    }

    function _takeBack(uint256 i) private {
        Question memory q = questions[i];
        _forget(i);
        ok(watcher, _reclaimCall(q)); // anyone may; the fee goes to who paid it, or to the client that earned it
        bool earned = q.data && q.answered && outOf[q.round] >> q.client & 1 == 0;
        expected[earned ? member(q.client) : q.challenger] += FEE;
        _mustFail(q.challenger, _reclaimCall(q), "a fee was reclaimed twice");
        if (!q.answered) _did(q.data ? "data unanswered" : "reclaim");
        else if (earned) _did("data earned");
        else _did(q.data ? "data not earned" : "reclaim answered");
    }

    // -------------------------------------------------------------------------------------------------------- time

    /// @dev A second, some hours, or to just before or at the end of the window.
    function _wait() private {
        uint256 target = time + 1 + next(next(3) == 0 ? 3 * WINDOW : WINDOW / 4);
        uint256 deadline = rung.proposal().deadline;
        if (next(3) == 0 && deadline > time) target = deadline - next(2);
        for (uint256 i; i < 100; ++i) {
            if (!_step(target)) break;
        }
        time = target;
        vm.warp(time);
    }

    /// @dev What somebody honest has to do next, if that is due by `target`.
    function _step(uint256 target) private returns (bool) {
        (uint256 due, Due what, uint256 i) = _nextDue();
        if (what == Due.Nothing || due > target) return false;
        time = due;
        vm.warp(due);
        if (what == Due.Open) _open();
        else if (what == Due.SubmitRest) _submitRest();
        else if (what == Due.AskAll) _askAll();
        else if (what == Due.Propose) _proposeSomething();
        else if (what == Due.Finalize) _finalize();
        else if (what == Due.Prove) _prove();
        else if (what == Due.Ask) _ask();
        else if (what == Due.Answer) _answer(i);
        else if (what == Due.Expire) _expire(i);
        else if (what == Due.AnswerData) _answerData(i, member(questions[i].client));
        else _expireData(i);
        return true;
    }

    function _nextDue() private view returns (uint256 due, Due what, uint256 index) {
        (due, what) = _dueOfRound();
        for (uint256 i; i < questions.length; ++i) {
            if (!_live(i)) continue;
            Question memory q = questions[i];
            bool answers = q.data ? badClients >> q.client & 1 == 0 : kind == Kind.Honest;
            uint256 then = answers ? q.deadline - 1 : q.deadline;
            if (then >= due) continue;
            (due, index) = (then, i);
            if (q.data) what = answers ? Due.AnswerData : Due.ExpireData;
            else what = answers ? Due.Answer : Due.Expire;
        }
    }

    function _dueOfRound() private view returns (uint256, Due) {
        IRung.Round memory r = rung.currentRound();
        if (r.phase == IRung.Phase.Idle) return (time, Due.Open);
        if (r.phase == IRung.Phase.Open) {
            if (_mayPropose() && badClients == 7 && !allAsked) return (time, Due.AskAll);
            if (_mayPropose()) return (time, Due.Propose);
            if (!restCame && time < r.closesAt) return (r.closesAt - 1, Due.SubmitRest);
            if (r.submitted == 0) return (_notBefore(r.closesAt), Due.Open);
            if (r.submitted & ~rung.excluded() != 0) return (_notBefore(r.closesAt), Due.Propose);
            return (_notBefore(r.expiresAt), Due.Open);
        }
        uint256 deadline = rung.proposal().deadline;
        if (_known()) return (_notBefore(seen == 0 && watchAt < deadline ? watchAt : deadline - 1), Due.Prove);
        if ((kind == Kind.HiddenLeaf || kind == Kind.HiddenTotal) && !asked) return (_notBefore(watchAt), Due.Ask);
        if (_owed() == 0) return (_notBefore(deadline), Due.Finalize);
        return (type(uint256).max, Due.Nothing);
    }

    function _notBefore(uint256 due) private view returns (uint256) {
        return due > time ? due : time;
    }

    function _open() private {
        if (_phase() == IRung.Phase.Open) _did(rung.currentRound().submitted == 0 ? "void" : "given up");
        rung.openRound();
        delete order;
        (beganAt, lost, restCame, allAsked) = (time, 0, false, false);
        badClients = blobs() ? next(8) & next(8) : 0;
        if (next(8) == 0) restCame = true; // nobody comes of itself
        else if (blobs() && next(6) == 0) badClients = 7; // and all are asked, see `_askAll`
        paddedClients = badClients & next(8);
    }

    function _submitRest() private {
        restCame = true;
        for (uint256 i; i < N; ++i) {
            if (next(4) != 0) _submit(i);
            if (badClients == 7) _demandData(i, next(CHUNKS)); // too early, unless it is the last one
        }
    }

    /// @dev As soon as submissions have closed, for two chunks each: the second question dies with its client. Whoever did
    /// not submit cannot be asked.
    function _askAll() private {
        allAsked = true;
        for (uint256 i; i < N; ++i) {
            uint256 chunk = next(CHUNKS);
            _demandData(i, chunk);
            _demandData(i, (chunk + 1) % CHUNKS);
        }
    }

    /// @dev Now and then a liar is faster.
    function _proposeSomething() private {
        if (next(2) == 0) _lie();
        else _proposeHonestly();
    }

    /// @dev Now and then a liar shows a leaf, and falls for it, or for one that it does not show.
    function _ask() private {
        asked = true;
        for (uint256 k; k < WIDTH; ++k) {
            uint256 before = questions.length;
            _demand(watcher, k);
            if (kind == Kind.HiddenLeaf && questions.length > before && next(2) == 0) _answer(before);
        }
    }

    function _finalize() private {
        rung.finalize(rung.currentRound().number);
        _payAuthor();
        _expect(kind == Kind.Honest || kind == Kind.Absent, "a wrong result is final");
        _expect(rung.resultDigest() == digestOf(_truth().hashes[1], _truth().scores[1]), "another result is final");
        _did("finalize");
    }

    /// @dev A fee for each answer to this proposal, and none comes back.
    function _payAuthor() private {
        (uint256 round, uint256 attempt) = (rung.currentRound().number, rung.proposal().attempt);
        uint256 i;
        while (i < questions.length) {
            Question memory q = questions[i];
            if (q.data || q.round != round || q.attempt != attempt) {
                ++i;
                continue;
            }
            _expect(q.answered, "final with an open demand");
            expected[author] += FEE;
            _mustFail(q.challenger, _reclaimCall(q), "a fee of a final proposal was reclaimed");
            _forget(i);
            _did("fee earned");
        }
    }

    /// @dev Submissions, four windows, and four more for each bond or stake that somebody lost; when all clients are out,
    /// the time after which a round is given up.
    function _checkTime() private {
        IRung.Round memory r = rung.currentRound();
        if (r.phase == IRung.Phase.Idle) return;
        uint256 limit = beganAt + SUBMIT + 4 * WINDOW * (1 + lost);
        if (r.submitted & ~rung.excluded() == 0) limit += WORK;
        _expect(time <= limit, "a round does not end in time");
    }

    // ------------------------------------------------------------------------------------------------ what is known

    function _phase() private view returns (IRung.Phase) {
        return rung.currentRound().phase;
    }

    function _truth() private view returns (Trees.Tree memory) {
        IRung.Round memory r = rung.currentRound();
        return abi.decode(trees[~(r.submitted & ~rung.excluded()) & 7], (Trees.Tree));
    }

    function _proposed() private view returns (Trees.Tree memory) {
        return abi.decode(proposedTree, (Trees.Tree));
    }

    /// @dev Whether the watcher can show that the proposal is wrong.
    function _known() private view returns (bool) {
        if (kind == Kind.WrongLeaf || kind == Kind.WrongTotal) return true;
        return kind == Kind.HiddenLeaf && seen >> wrongAt & 1 == 1;
    }

    /// @dev Waits for an answer.
    function _live(uint256 i) private view returns (bool) {
        return !questions[i].answered && _stands(i);
    }

    /// @dev So does what was asked: the proposal, or the client in its round.
    function _stands(uint256 i) private view returns (bool) {
        Question memory q = questions[i];
        IRung.Round memory r = rung.currentRound();
        if (q.round != r.number) return false;
        if (q.data) return r.phase != IRung.Phase.Idle && rung.excluded() >> q.client & 1 == 0;
        return r.phase == IRung.Phase.Proposed && q.attempt == rung.proposal().attempt;
    }

    function _owed() private view returns (uint256 count) {
        for (uint256 i; i < questions.length; ++i) {
            if (_live(i)) ++count;
        }
    }

    function _list() private view returns (IOptimisticRung.Submission[] memory list) {
        list = new IOptimisticRung.Submission[](order.length);
        for (uint256 k; k < order.length; ++k) {
            (list[k].client, list[k].parts, list[k].blobs) = (order[k], new bytes32[](1), blobOf(order[k]));
            list[k].parts[0] = rootOf(order[k]);
        }
    }

    function _evidence(uint256 k, uint256 out) private view returns (IOptimisticRung.Evidence memory e) {
        if (k == CHUNKS) return e;
        e.submissions = _list();
        for (uint256 j; j < order.length; ++j) {
            if (out >> order[j] & 1 == 1) continue;
            e.data = abi.encodePacked(e.data, slices[order[j]][k]);
            e.proofs = joined(e.proofs, _proofOf(order[j], k));
        }
    }

    function chunkCall(uint256 round, Trees.Tree memory t, uint256 k) private view returns (bytes memory) {
        IOptimisticRung.Evidence memory e = _evidence(k, rung.excluded());
        return abi.encodeCall(IOptimisticRung.proveChunk, (round, k, t.leaf(k), t.path(k), e));
    }

    function totalCall(uint256 round, Trees.Tree memory t, uint256 k, int256[] memory scores)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeCall(IOptimisticRung.proveTotal, (round, k, t.leaf(k), t.path(k), scores));
    }

    function _reclaimCall(Question memory q) private pure returns (bytes memory) {
        if (q.data) return abi.encodeCall(IBlobRung.settleData, (q.round, q.client, q.chunk));
        return abi.encodeCall(IOptimisticRung.reclaim, (q.round, q.attempt, q.chunk));
    }

    // ---------------------------------------------------------------------------------------------------- the books

    /// @dev Put down what is missing of `amount`.
    function _top(address who, uint256 amount) private {
        uint256 free = rung.availableOf(who);
        if (free >= amount) return;
        vm.deal(who, who.balance + amount - free);
        vm.prank(who);
        rung.deposit{ value: amount - free }();
        expected[who] += amount - free;
        etherIn += amount - free;
    }

    function _forget(uint256 i) private {
        questions[i] = questions[questions.length - 1];
        questions.pop();
    }

    function _mustFail(address who, bytes memory call_, string memory otherwise) private {
        vm.prank(who);
        (bool success,) = address(rung).call(call_);
        _expect(!success, otherwise);
    }

    function _expect(bool holds, string memory otherwise) private {
        if (!holds) finding = otherwise;
    }

    function _did(string memory what) private {
        done[what] += 1;
    }

    function openFees() external view returns (uint256) {
        return questions.length * FEE;
    }

    function held() external view returns (uint256 balance, uint256 burned) {
        return (address(rung).balance, rung.burned());
    }

    function depositOf(address who) external view returns (uint256) {
        return rung.depositOf(who);
    }
}

contract LoggedHandler is DisputeHandler {
    function blobs() internal pure override returns (bool) {
        return false;
    }
}

contract BlobHandler is DisputeHandler {
    function blobs() internal pure override returns (bool) {
        return true;
    }
}
