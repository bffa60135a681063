// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IDeposits } from "../../src/scaling/IDeposits.sol";
import { IBlobRung } from "../../src/scaling/IBlobRung.sol";
import { IOptimisticRung } from "../../src/scaling/IOptimisticRung.sol";
import { IProvenRung } from "../../src/scaling/IProvenRung.sol";
import { IRung } from "../../src/scaling/IRung.sol";
import { ISparseRung } from "../../src/scaling/ISparseRung.sol";
import { Exact } from "./Exact.sol";
import { Picks } from "./Picks.sol";
import { RungTest } from "./RungTest.sol";
import { Sealing } from "./Sealing.sol";

/// forge-config: default.fuzz.runs = 8
contract Rung0Test is RungTest {
    function artifact() internal pure virtual override returns (string memory) {
        return "Rung0Naive.sol:Rung0Naive";
    }

    function submitRow(uint256 round, uint256 i, bytes memory row) internal override {
        int256[] memory values = new int256[](parameters);
        for (uint256 j; j < values.length; ++j) {
            values[j] = Exact.value(row, j) * 1e18;
        }
        vm.prank(members[i]);
        rung.submit(round, abi.encode(values));
    }

    function finish(uint256 round, bytes[] memory, uint256[] memory, Exact.Result memory) internal override {
        rung.work(round, "");
        rung.work(round, "");
    }

    function pokePayload() internal pure override returns (bytes memory) {
        return "";
    }

    function test_RevertWhen_WrongLength() public {
        start(1, 40, 1);
        rung.openRound();
        vm.expectRevert(abi.encodeWithSelector(IRung.RungWrongLength.selector, 39, 40));
        vm.prank(members[0]);
        rung.submit(1, abi.encode(new int256[](39)));
    }
}

/// forge-config: default.fuzz.runs = 16
contract Rung1Test is RungTest {
    function artifact() internal pure virtual override returns (string memory) {
        return "Rung1Packed.sol:Rung1Packed";
    }

    function loggedSums() internal pure override returns (uint256) {
        return 4 * (1024 + 1024 + 64);
    }

    /// @dev In two transactions when there are at least two words.
    function submitRow(uint256 round, uint256 i, bytes memory row) internal override {
        uint256 first = row.length / 64 * 32;
        if (first != 0) {
            vm.prank(members[i]);
            rung.submit(round, Exact.slice(row, 0, first));
        }
        vm.prank(members[i]);
        rung.submit(round, Exact.slice(row, first, row.length));
    }

    /// @dev A chunk a transaction.
    function finish(uint256 round, bytes[] memory, uint256[] memory, Exact.Result memory exact) internal override {
        for (uint256 k; k < exact.chunkScores.length; ++k) {
            rung.work(round, abi.encode(uint256(1)));
        }
    }

    function pokePayload() internal pure override returns (bytes memory) {
        return abi.encode(uint256(1));
    }

    function test_RevertWhen_WrongLength() public {
        start(1, 40, 1);
        rung.openRound();
        vm.expectRevert(abi.encodeWithSelector(IRung.RungWrongLength.selector, 96, 64));
        vm.prank(members[0]);
        rung.submit(1, new bytes(96));
        vm.expectRevert(abi.encodeWithSelector(IRung.RungWrongLength.selector, 40, 64));
        vm.prank(members[0]);
        rung.submit(1, new bytes(40));
    }

    /// @dev More than is left is what is left, whatever the number: the first time, and on top of chunks that are done.
    function test_CountBeyondTheLastChunk() public {
        for (uint256 done; done < 3; ++done) {
            start(2, 2085, 7);
            rung.openRound();
            bytes[] memory rows = new bytes[](2);
            for (uint256 i; i < 2; ++i) {
                rows[i] = drawRow(7, i);
                submitRow(1, i, rows[i]);
            }
            if (done != 0) rung.work(1, abi.encode(done));
            rung.work(1, abi.encode(type(uint256).max));
            (, uint256[] memory w) = rung.clients();
            Exact.Result memory exact = Exact.compute(rows, w, parameters);
            assertResult(exact, exact.scores, 1);
        }
    }

    /// @dev No constructor bounds it: a chunk of as many clients as there may be, read from storage, fits.
    function test_SmallestStepFitsATransaction() public {
        parameters = 2000;
        for (uint256 i; i < 120; ++i) {
            members.push(address(uint160(0xC0DE00 + i)));
            weights.push(uint16(1 + i % 16));
        }
        rung = IRung(vm.deployCode(artifact(), arguments()));
        rung.openRound();
        for (uint256 i; i < 120; ++i) {
            submitRow(1, i, drawRow(1, i));
        }
        pokeWork(1);
        vm.assertLe(vm.lastCallGas().gasTotalUsed, 16_777_216, "gas");
        pokeWork(1);
        vm.assertEq(rung.currentRound().finished, 1, "finished");
    }
}

/// forge-config: default.fuzz.runs = 16
contract Rung2Test is RungTest {
    struct State {
        uint256 chunks;
        bytes32 digest;
        bytes32[] heads;
        int256[] scores;
    }

    struct Step {
        State state;
        uint256 count;
        bytes32[] tails;
        bytes data;
    }

    event Worked(uint256 indexed round, State state);

    error RungWrongState(bytes32 given, bytes32 kept);
    error RungWrongData(uint256 client, bytes32 opened, bytes32 committed);

    function artifact() internal pure virtual override returns (string memory) {
        return "Rung2Calldata.sol:Rung2Calldata";
    }

    function loggedSums() internal pure override returns (uint256) {
        return 4 * (1024 + 1024 + 64);
    }

    function submitRow(uint256 round, uint256 i, bytes memory row) internal override {
        vm.prank(members[i]);
        rung.submit(round, abi.encode(Exact.head(row, 0)));
    }

    /// @dev One chunk, then two a transaction.
    function finish(uint256 round, bytes[] memory rows, uint256[] memory list, Exact.Result memory exact)
        internal
        override
    {
        State memory state;
        (state.heads, state.scores) = (new bytes32[](list.length), new int256[](list.length));
        for (uint256 i; i < list.length; ++i) {
            state.heads[i] = Exact.head(rows[i], 0);
        }
        uint256 count;
        for (uint256 k; k < exact.chunkScores.length; k += count) {
            count = k == 0 || k + 1 == exact.chunkScores.length ? 1 : 2;
            bytes memory data;
            bytes32[] memory tails = new bytes32[](list.length);
            for (uint256 c = k; c < k + count; ++c) {
                for (uint256 i; i < list.length; ++i) {
                    data = abi.encodePacked(data, Exact.slice(rows[i], 1024 * c, 1024));
                    tails[i] = Exact.head(rows[i], c + 1);
                }
            }
            rung.work(round, abi.encode(Step({ state: state, count: count, tails: tails, data: data })));
            state.chunks = k + count;
            for (uint256 c = k; c < k + count; ++c) {
                state.digest = keccak256(abi.encode(state.digest, Exact.chunkHash(exact, c)));
                for (uint256 i; i < list.length; ++i) {
                    state.scores[i] += exact.chunkScores[c][list[i]];
                }
            }
            state.heads = tails;
        }
    }

    function pokePayload() internal pure override returns (bytes memory) {
        Step memory step;
        return abi.encode(step);
    }

    function test_RevertWhen_DataAreNotCommitted() public {
        start(1, 40, 1);
        rung.openRound();
        bytes memory row = drawRow(1, 0);
        submitRow(1, 0, row);
        row[17] = bytes1(uint8(row[17]) ^ 1);
        Step memory step;
        (step.count, step.tails, step.data) = (1, new bytes32[](1), row);
        bytes32 committed = Exact.head(drawRow(1, 0), 0);
        vm.expectRevert(abi.encodeWithSelector(RungWrongData.selector, 0, Exact.head(row, 0), committed));
        rung.work(1, abi.encode(step));
    }

    /// @dev Whoever works next needs what the last step left, and finds it in the log.
    function test_StateIsInTheLog() public {
        start(1, 1100, 1);
        rung.openRound();
        bytes memory row = drawRow(1, 0);
        submitRow(1, 0, row);
        bytes[] memory rows = new bytes[](1);
        rows[0] = row;
        (, uint256[] memory w) = rung.clients();
        Exact.Result memory exact = Exact.compute(rows, w, parameters);
        Step memory step;
        (step.count, step.tails, step.data) = (1, new bytes32[](1), Exact.slice(row, 0, 1024));
        step.tails[0] = Exact.head(row, 1);
        State memory left = State({
            chunks: 1,
            digest: keccak256(abi.encode(bytes32(0), Exact.chunkHash(exact, 0))),
            heads: step.tails,
            scores: exact.chunkScores[0]
        });
        vm.expectEmit(address(rung));
        emit Worked(1, left);
        rung.work(1, abi.encode(step));
        step.state = left;
        (step.data, step.tails) = (Exact.slice(row, 1024, 1024), new bytes32[](1));
        rung.work(1, abi.encode(step));
        vm.assertEq(rung.currentRound().finished, 1, "and it is enough");
    }

    /// @dev c_K is what the last step's tail says; who works without it is refused.
    function test_AChainMayEndInAnything() public {
        start(1, 40, 1);
        rung.openRound();
        bytes memory row = drawRow(1, 0);
        bytes32 head = keccak256(abi.encode(keccak256(row), bytes32("salt")));
        vm.prank(members[0]);
        rung.submit(1, abi.encode(head));
        Step memory step;
        (step.count, step.tails, step.data) = (1, new bytes32[](1), row);
        vm.expectRevert(abi.encodeWithSelector(RungWrongData.selector, 0, Exact.head(row, 0), head));
        rung.work(1, abi.encode(step));
        step.tails[0] = bytes32("salt");
        rung.work(1, abi.encode(step));
        vm.assertEq(rung.currentRound().finished, 1, "finished");
    }

    function test_RevertWhen_StateIsNotTheLast() public {
        start(1, 1100, 1);
        rung.openRound();
        bytes memory row = drawRow(1, 0);
        submitRow(1, 0, row);
        Step memory step;
        (step.count, step.tails, step.data) = (1, new bytes32[](1), Exact.slice(row, 0, 1024));
        step.tails[0] = Exact.head(row, 1);
        rung.work(1, abi.encode(step));
        step.state.chunks = 1;
        bytes32 given = keccak256(abi.encode(step.state));
        (bool ok, bytes memory reason) = address(rung).call(abi.encodeCall(IRung.work, (1, abi.encode(step))));
        vm.assertTrue(!ok && bytes4(reason) == RungWrongState.selector, "refused");
        vm.assertEq(abi.decode(Exact.slice(reason, 4, 32), (bytes32)), given, "given");
    }
}

abstract contract OptimisticTest is RungTest {
    uint32 internal constant WINDOW = 6 hours; // a quarter of WORK: rung 4 allows no more
    uint96 internal constant BOND = 1 ether;
    uint96 internal constant FEE = 0.01 ether;

    function arguments() internal view override returns (bytes memory) {
        IOptimisticRung.Terms memory terms =
            IOptimisticRung.Terms({ windowSeconds: WINDOW, bond: BOND, fee: FEE, stake: 0.5 ether });
        return abi.encode(
            IRung.Config({ parameters: parameters, submitSeconds: SUBMIT, workSeconds: WORK }), terms, members, weights
        );
    }

    function prepare() internal virtual override {
        vm.deal(address(this), BOND);
        IOptimisticRung(address(rung)).deposit{ value: BOND }();
    }

    function sumsDigest(Exact.Result memory exact) internal pure override returns (bytes32) {
        return Exact.root(exact);
    }

    function finish(uint256 round, bytes[] memory, uint256[] memory, Exact.Result memory exact) internal override {
        rung.work(round, payload(Exact.root(exact), exact.scores));
        IOptimisticRung.Proposal memory p = IOptimisticRung(address(rung)).proposal();
        vm.assertEq(IOptimisticRung(address(rung)).availableOf(address(this)), 0, "the bond is tied up");
        vm.warp(p.deadline - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IOptimisticRung.RungChallengeOpen.selector, p.deadline - 1, p.deadline, 0)
        );
        IOptimisticRung(address(rung)).finalize(round);
        vm.warp(p.deadline);
        IOptimisticRung(address(rung)).finalize(round);
        vm.assertEq(IOptimisticRung(address(rung)).availableOf(address(this)), BOND, "the bond is free");
    }

    function payload(bytes32 root, int256[] memory scores) internal view returns (bytes memory) {
        return abi.encode(IOptimisticRung(address(rung)).basis(), root, scores);
    }

    function pokePayload() internal view override returns (bytes memory) {
        return payload(0, new int256[](members.length));
    }

    function test_RevertWhen_NoBond() public {
        start(1, 40, 1);
        rung.openRound();
        submitRow(1, 0, drawRow(1, 0));
        bytes memory proposed = payload(0, new int256[](1));
        vm.expectRevert(abi.encodeWithSelector(IDeposits.RungShortDeposit.selector, members[0], 0, BOND));
        vm.prank(members[0]);
        rung.work(1, proposed);
    }

    function test_RevertWhen_BondIsWithdrawn() public {
        start(1, 40, 1);
        rung.openRound();
        submitRow(1, 0, drawRow(1, 0));
        pokeWork(1);
        vm.expectRevert(abi.encodeWithSelector(IDeposits.RungShortDeposit.selector, address(this), 0, 1));
        IOptimisticRung(address(rung)).withdraw(1);
    }

    /// @dev What is proposed is kept apart from what is final, while it can still be refuted, and after it was.
    function test_ProposalIsNoResult() public {
        start(1, 40, 1);
        rung.openRound();
        submitRow(1, 0, drawRow(1, 0));
        pokeWork(1);
        bytes32 wrong = keccak256(abi.encode(bytes32(0), keccak256(abi.encode(new int256[](1)))));
        vm.assertEq(IOptimisticRung(address(rung)).proposedDigest(), wrong, "proposed");
        vm.assertEq(rung.resultDigest(), 0, "nothing is final");
        expireFirstDemand();
        vm.assertEq(IOptimisticRung(address(rung)).proposedDigest(), wrong, "rejected");
        vm.assertEq(rung.resultDigest(), 0, "nor after it fell");
        vm.assertEq(rung.currentRound().finished, 0, "no round is finished");
    }

    /// @dev The right result, but its proposer does not answer.
    function test_UnansweredDemandTakesAnHonestBond() public {
        start(1, 40, 1);
        rung.openRound();
        bytes[] memory rows = new bytes[](1);
        rows[0] = drawRow(1, 0);
        submitRow(1, 0, rows[0]);
        (, uint256[] memory w) = rung.clients();
        Exact.Result memory exact = Exact.compute(rows, w, 40);
        rung.work(1, payload(Exact.root(exact), exact.scores));
        address challenger = expireFirstDemand();
        IOptimisticRung optimistic = IOptimisticRung(address(rung));
        vm.assertEq(optimistic.depositOf(address(this)), 0, "the bond is gone");
        vm.assertEq(optimistic.depositOf(challenger), FEE + BOND / 2, "the fee comes back with half of it");
        vm.assertEq(optimistic.burned(), BOND / 2, "the other half is nobody's");
        vm.assertEq(uint256(rung.currentRound().phase), uint256(IRung.Phase.Open), "anyone may propose again");
    }

    function test_RevertWhen_GivingUpARoundWithAProposal() public {
        start(1, 40, 1);
        rung.openRound();
        submitRow(1, 0, drawRow(1, 0));
        vm.warp(NOW + SUBMIT + WORK);
        pokeWork(1); // late, but nobody gave the round up
        vm.expectRevert(abi.encodeWithSelector(IRung.RungWrongPhase.selector, IRung.Phase.Proposed, IRung.Phase.Idle));
        rung.openRound();
    }

    function expireFirstDemand() private returns (address challenger) {
        challenger = account("challenger");
        IOptimisticRung optimistic = IOptimisticRung(address(rung));
        vm.deal(challenger, FEE);
        vm.prank(challenger);
        optimistic.deposit{ value: FEE }();
        bytes32 proposed = optimistic.proposedDigest();
        vm.prank(challenger);
        optimistic.demand(1, proposed, 0);
        vm.warp(NOW + WINDOW);
        vm.prank(challenger);
        optimistic.expire(1, 0);
    }
}

/// forge-config: default.fuzz.runs = 16
contract Rung3Test is OptimisticTest {
    event Data(uint256 indexed round, uint256 indexed client, uint256 indexed part, bytes data);

    function artifact() internal pure virtual override returns (string memory) {
        return "Rung3Optimistic.sol:Rung3Optimistic";
    }

    function submitRow(uint256 round, uint256 i, bytes memory row) internal override {
        vm.prank(members[i]);
        rung.submit(round, row);
    }

    function test_RevertWhen_WrongLength() public {
        start(1, 40, 1);
        rung.openRound();
        vm.expectRevert(abi.encodeWithSelector(IRung.RungWrongLength.selector, 96, 64));
        vm.prank(members[0]);
        rung.submit(1, new bytes(96));
    }

    /// @dev Two parts of one client: who has the logs has the data.
    function test_DataAreInTheLog() public {
        start(1, 122_881, 5);
        rung.openRound();
        bytes memory row = drawRow(5, 0);
        for (uint256 part; part < 2; ++part) {
            bytes memory data = Exact.slice(row, 122_880 * part, 122_880);
            vm.expectEmit(address(rung));
            emit Data(1, 0, part, data);
            vm.prank(members[0]);
            rung.submit(1, data);
        }
        vm.assertEq(rung.currentRound().submitted, 1, "complete");
    }

    /// @dev The contract's own Merkle root is the reference's: the accumulator binds it.
    function test_RootIsOfTheData() public {
        start(1, 2085, 5);
        rung.openRound();
        bytes memory row = drawRow(5, 0);
        submitRow(1, 0, row);
        bytes32 chained = keccak256(abi.encode(bytes32(0), Exact.partRoot(row), bytes32(0)));
        vm.assertEq(
            IOptimisticRung(address(rung)).accumulator(), keccak256(abi.encode(uint256(1), 0, chained)), "accumulator"
        );
    }
}

interface BlobVm {
    function blobhashes(bytes32[] calldata hashes) external;
}

/// forge-config: default.fuzz.runs = 16
/// forge-config: default.isolate = false
contract Rung4Test is OptimisticTest {
    function artifact() internal pure virtual override returns (string memory) {
        return "Rung4Blobs.sol:Rung4Blobs";
    }

    function prepare() internal override {
        super.prepare();
        for (uint256 i; i < members.length; ++i) {
            vm.deal(members[i], 0.5 ether);
            vm.prank(members[i]);
            IOptimisticRung(address(rung)).deposit{ value: 0.5 ether }();
        }
    }

    /// @dev Any name will do for a blob here: nobody disputes. Real blobs are in the Python tests.
    function submitRow(uint256 round, uint256 i, bytes memory row) internal override {
        bytes32[] memory hashes = new bytes32[](1);
        hashes[0] = bytes32(uint256(1) << 248 | i + 1);
        BlobVm(address(vm)).blobhashes(hashes);
        vm.prank(members[i]);
        rung.submit(round, abi.encode(Exact.partRoot(row)));
        BlobVm(address(vm)).blobhashes(new bytes32[](0));
    }

    function test_RevertWhen_BlobIsMissing() public {
        start(1, 40, 1);
        rung.openRound();
        vm.expectRevert(abi.encodeWithSelector(IBlobRung.RungMissingBlob.selector, 0));
        vm.prank(members[0]);
        rung.submit(1, abi.encode(bytes32(uint256(1))));
    }

    function test_RevertWhen_StakeIsWithdrawn() public {
        start(2, 40, 1);
        rung.openRound();
        submitRow(1, 0, drawRow(1, 0));
        vm.expectRevert(abi.encodeWithSelector(IDeposits.RungShortDeposit.selector, members[0], 0, 1));
        vm.prank(members[0]);
        IOptimisticRung(address(rung)).withdraw(1);
    }

    function test_StakeIsFreeWhenTheRoundIsGivenUp() public {
        start(2, 40, 1);
        rung.openRound();
        submitRow(1, 0, drawRow(1, 0));
        vm.warp(NOW + SUBMIT + WORK);
        vm.assertEq(IOptimisticRung(address(rung)).availableOf(members[0]), 0, "expired, but not given up");
        rung.openRound();
        vm.assertEq(IOptimisticRung(address(rung)).availableOf(members[0]), 0.5 ether, "free");
        vm.prank(members[0]);
        IOptimisticRung(address(rung)).withdraw(0.5 ether);
    }
}

/// forge-config: default.fuzz.runs = 16
contract Rung5Test is RungTest {
    using Picks for Picks.Row;

    bytes32 private digest; // of who took part in the last round, and their heads

    function artifact() internal pure virtual override returns (string memory) {
        return "Rung5Sparse.sol:Rung5Sparse";
    }

    function arguments() internal view override returns (bytes memory) {
        return abi.encode(
            IRung.Config({ parameters: parameters, submitSeconds: SUBMIT, workSeconds: WORK }), false, members, weights
        );
    }

    /// @dev The last value of each block that is not zero; what follows the last parameter is kept: it must not count.
    function carried(bytes memory row) internal pure override returns (bytes memory kept) {
        kept = new bytes(row.length);
        for (uint256 j; j < row.length; ++j) {
            kept[j] = 0x80;
        }
        for (uint256 b; b < row.length; b += 64) {
            for (uint256 j = b + 64; j > b; --j) {
                if (j > row.length || row[j - 1] == 0x80) continue;
                kept[j - 1] = row[j - 1];
                break;
            }
        }
    }

    function submitRow(uint256 round, uint256 i, bytes memory row) internal override {
        vm.prank(members[i]);
        rung.submit(round, abi.encode(Picks.fromRow(row, parameters).head(64_440, round, i)));
    }

    /// @dev All in one page.
    function finish(uint256 round, bytes[] memory rows, uint256[] memory list, Exact.Result memory) internal override {
        ISparseRung.Step memory step;
        uint256 present;
        bytes32[] memory heads = new bytes32[](list.length);
        for (uint256 i; i < list.length; ++i) {
            Picks.Row memory row = Picks.fromRow(rows[i], parameters);
            step.order = abi.encodePacked(step.order, uint8(list[i]));
            step.rows = abi.encodePacked(step.rows, row.page(0, 64_440));
            heads[i] = row.head(64_440, round, list[i]);
            present |= 1 << list[i];
        }
        digest = keccak256(abi.encode(present, heads));
        rung.work(round, abi.encode(step));
    }

    function sumsDigest(Exact.Result memory) internal view override returns (bytes32) {
        return digest;
    }

    function pokePayload() internal pure override returns (bytes memory) {
        ISparseRung.Step memory step;
        return abi.encode(step);
    }

    function test_RevertWhen_WrongLength() public {
        start(1, 40, 1);
        rung.openRound();
        vm.expectRevert(abi.encodeWithSelector(IRung.RungWrongLength.selector, 64, 32));
        vm.prank(members[0]);
        rung.submit(1, new bytes(64));
    }
}

/// @notice Rung 6 with pairings that always hold: rounds, deadlines, what is kept. Who withholds, and faults, are in
/// Proven.t.sol; true and false proofs in Proofs.t.sol and in Python.
/// forge-config: default.fuzz.runs = 16
contract Rung6Test is RungTest {
    uint32 private constant WINDOW = 6 hours;
    bytes32 private message;

    function artifact() internal pure override returns (string memory) {
        return "Rung6Proven.sol:Rung6Proven";
    }

    function arguments() internal view override returns (bytes memory) {
        return abi.encode(
            IRung.Config({ parameters: parameters, submitSeconds: SUBMIT, workSeconds: WORK }),
            IProvenRung.Terms({ windowSeconds: WINDOW, revealSeconds: SUBMIT, stake: 1 ether }),
            Sealing.setup(),
            members,
            weights
        );
    }

    function setUp() public override {
        super.setUp();
        Sealing.mockPairing();
    }

    function prepare() internal override {
        for (uint256 i; i < members.length; ++i) {
            vm.deal(members[i], 1 ether);
            vm.prank(members[i]);
            IDeposits(address(rung)).deposit{ value: 1 ether }();
        }
    }

    /// @dev When all have sealed, all reveal: some tests work long after. Where one is late, the proof opens the seals.
    function submitRow(uint256 round, uint256 i, bytes memory) internal override {
        bytes32 seal = Sealing.seal(rung, round, i, members[i], parameters);
        vm.prank(members[i]);
        rung.submit(round, abi.encode(seal));
        if (rung.currentRound().submitted != (1 << members.length) - 1) return;
        IProvenRung.Opening[] memory openings = new IProvenRung.Opening[](members.length);
        for (uint256 k; k < members.length; ++k) {
            openings[k] = Sealing.opening(round, k, parameters);
        }
        IProvenRung(address(rung)).reveal(round, openings);
    }

    function finish(uint256 round, bytes[] memory, uint256[] memory list, Exact.Result memory exact) internal override {
        IProvenRung proven = IProvenRung(address(rung));
        int256[] memory scores = new int256[](members.length);
        for (uint256 i; i < list.length; ++i) {
            scores[list[i]] = exact.scores.length == list.length ? exact.scores[i] : exact.scores[list[i]];
        }
        uint256 present = proven.present();
        (, uint256[] memory w) = rung.clients();
        message = Sealing.message(rung, members, w, round, present, parameters);
        rung.work(round, abi.encode(Sealing.step(members, round, present, proven.revealed(), parameters, scores)));
        uint256 end = block.timestamp + WINDOW;
        vm.assertEq(rung.currentRound().expiresAt, end, "a window");
        vm.warp(end - 1);
        vm.expectRevert(abi.encodeWithSelector(IProvenRung.RungWindowOpen.selector, end - 1, end));
        proven.finalize(round);
        vm.warp(end);
        proven.finalize(round);
    }

    function sumsDigest(Exact.Result memory) internal view override returns (bytes32) {
        return message;
    }

    function pokePayload() internal view override returns (bytes memory) {
        return abi.encode(Sealing.step(members, 1, 1, 0, parameters, new int256[](members.length)));
    }

    function test_RevertWhen_WrongLength() public {
        start(1, 40, 1);
        rung.openRound();
        vm.expectRevert(abi.encodeWithSelector(IRung.RungWrongLength.selector, 64, 32));
        vm.prank(members[0]);
        rung.submit(1, new bytes(64));
    }
}
