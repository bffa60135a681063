// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IRung } from "../../src/scaling/IRung.sol";
import { Base, Vm } from "../utils/Base.sol";
import { Exact } from "./Exact.sol";

/// @notice One test for all rungs. What a rung sends differs; what must come out does not.
abstract contract RungTest is Base {
    using Exact for Exact.Result;

    uint256 internal constant NOW = 1_700_000_000;
    uint32 internal constant SUBMIT = 1 hours;
    uint32 internal constant WORK = 1 days;

    IRung internal rung;
    address[] internal members;
    uint16[] internal weights;
    uint32 internal parameters;

    // ------------------------------------------------------------------------------------ what a rung's test fills in

    function artifact() internal pure virtual returns (string memory);

    function arguments() internal view virtual returns (bytes memory) {
        return abi.encode(
            IRung.Config({ parameters: parameters, submitSeconds: SUBMIT, workSeconds: WORK }), members, weights
        );
    }

    /// @dev What must be in place before clients can submit.
    function prepare() internal virtual { }

    /// @dev Client i submits this row, whole.
    function submitRow(uint256 round, uint256 i, bytes memory row) internal virtual;

    /// @dev From closed submissions to the result. `list` are the clients that submitted, ascending.
    function finish(uint256 round, bytes[] memory rows, uint256[] memory list, Exact.Result memory exact)
        internal
        virtual;

    function sumsDigest(Exact.Result memory exact) internal view virtual returns (bytes32) {
        return exact.chain();
    }

    /// @dev What of a row this rung can carry: all of it, but for rung 5.
    function carried(bytes memory row) internal pure virtual returns (bytes memory) {
        return row;
    }

    /// @dev For one transaction of work that would be taken if submissions had closed.
    function pokePayload() internal view virtual returns (bytes memory);

    /// @dev Bytes of sums that a round of 2,085 parameters logs.
    function loggedSums() internal pure virtual returns (uint256) {
        return 0;
    }

    function pokeWork(uint256 round) internal {
        bytes memory payload = pokePayload();
        rung.work(round, payload);
    }

    // ----------------------------------------------------------------------------------------------------- the tests

    function setUp() public virtual {
        vm.warp(NOW);
    }

    function start(uint256 n, uint32 P, uint256 seed) internal {
        delete members;
        delete weights;
        parameters = P;
        for (uint256 i; i < n; ++i) {
            members.push(address(uint160(0xC0DE00 + i)));
            weights.push(uint16(1 + draw(seed, "weight", i) % 400));
        }
        rung = IRung(vm.deployCode(artifact(), arguments()));
        prepare();
    }

    /// @dev A row with extremes in it and, after the last value, whatever bytes come: they must not count.
    function drawRow(uint256 seed, uint256 i) internal view returns (bytes memory row) {
        row = new bytes((uint256(parameters) + 31) / 32 * 32);
        bytes32 noise;
        for (uint256 j; j < row.length; ++j) {
            if (j % 32 == 0) noise = bytes32(draw(seed, "row", i << 128 | j));
            row[j] = noise[j % 32];
            if (uint8(row[j]) % 16 == 0) row[j] = j % 2 == 0 ? bytes1(0) : bytes1(0xff);
        }
        row = carried(row);
    }

    function playRound(uint256 seed) internal {
        rung.openRound();
        uint256 round = rung.currentRound().number;
        bytes[] memory rows = new bytes[](members.length);
        uint256[] memory list = new uint256[](members.length);
        for (uint256 i; i < members.length; ++i) {
            (rows[i], list[i]) = (drawRow(seed, i), i);
            submitRow(round, i, rows[i]);
        }
        (, uint256[] memory w) = rung.clients();
        Exact.Result memory exact = Exact.compute(rows, w, parameters);
        finish(round, rows, list, exact);
        assertResult(exact, exact.scores, round);
    }

    function assertResult(Exact.Result memory exact, int256[] memory scores, uint256 round) internal view {
        bytes32 want = keccak256(abi.encode(sumsDigest(exact), keccak256(abi.encode(scores))));
        vm.assertEq(rung.resultDigest(), want, "result");
        vm.assertEq(rung.currentRound().finished, round, "finished");
        vm.assertEq(uint256(rung.currentRound().phase), uint256(IRung.Phase.Idle), "phase");
        int256 square;
        int256 sum;
        for (uint256 j; j < exact.sums.length; ++j) {
            square += exact.sums[j] * exact.sums[j];
        }
        for (uint256 i; i < scores.length; ++i) {
            sum += scores[i];
        }
        vm.assertEq(sum, square, "the scores split the squared norm");
    }

    function testDifferential_RoundsAreExact(uint256 seed, uint256 n, uint256 P) public {
        n = bound(n, 1, 5);
        P = P % 4 == 0 ? bound(P, 1000, 1100) : bound(P, 1, 100);
        start(n, uint32(P), seed);
        playRound(seed);
        playRound(~seed); // again, over what the first one left
    }

    function test_SeveralChunks() public {
        start(2, 2085, 7);
        playRound(7);
    }

    /// @dev Four bytes a value in the logs of sums, the last chunk padded to whole words and no further.
    function test_LoggedSumsAreAsLongAsTheirChunks() public {
        start(2, 2085, 7);
        vm.recordLogs();
        playRound(7);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 logged;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics.length == 0 || logs[i].topics[0] != IRung.Sums.selector) continue; // rung 5 logs without topics
            logged += abi.decode(logs[i].data, (bytes)).length;
        }
        vm.assertEq(logged, loggedSums(), "bytes of sums in the logs");
    }

    /// @dev Words are taken in pairs. The last chunk's odd one meets nothing that the chunk before left, negative sums least.
    function test_AnOddWordAfterALongerChunk() public {
        start(2, 2048 + 32, 7); // rung 2 takes the last two chunks in one transaction
        for (uint256 turn; turn < 2; ++turn) {
            rung.openRound();
            uint256 round = rung.currentRound().number;
            bytes[] memory rows = new bytes[](2);
            uint256[] memory list = new uint256[](2);
            list[1] = 1;
            for (uint256 i; i < 2; ++i) {
                rows[i] = new bytes(2048 + 32);
                for (uint256 j; j < rows[i].length; ++j) {
                    rows[i][j] = bytes1(uint8(i == turn ? 28 : 228)); // −100 and 100: the weights say which sign a sum has
                }
                rows[i] = carried(rows[i]);
                submitRow(round, i, rows[i]);
            }
            (, uint256[] memory w) = rung.clients();
            Exact.Result memory exact = Exact.compute(rows, w, parameters);
            finish(round, rows, list, exact);
            assertResult(exact, exact.scores, round);
        }
    }

    function test_LargestValuesAndWeights() public {
        parameters = 64;
        for (uint256 i; i < 2; ++i) {
            members.push(address(uint160(0xC0DE00 + i)));
            weights.push(1024); // together 2,048, the bound
        }
        rung = IRung(vm.deployCode(artifact(), arguments()));
        prepare();
        rung.openRound();
        bytes[] memory rows = new bytes[](2);
        uint256[] memory list = new uint256[](2);
        (rows[0], rows[1], list[1]) = (new bytes(64), new bytes(64), 1);
        for (uint256 j; j < 64; ++j) {
            // −128 is byte 0 already, and byte 255 is 127: both extremes of a lane
            if (j >= 32) (rows[0][j], rows[1][j]) = (0xff, 0xff);
        }
        (rows[0], rows[1]) = (carried(rows[0]), carried(rows[1]));
        submitRow(1, 0, rows[0]);
        submitRow(1, 1, rows[1]);
        (, uint256[] memory w) = rung.clients();
        Exact.Result memory exact = Exact.compute(rows, w, 64);
        finish(1, rows, list, exact);
        assertResult(exact, exact.scores, 1);
    }

    function test_LateClientIsLeftOut() public {
        start(3, 50, 3);
        rung.openRound();
        bytes[] memory rows = new bytes[](2);
        uint256[] memory list = new uint256[](2);
        (rows[0], rows[1], list[1]) = (drawRow(3, 0), drawRow(3, 2), 2);
        submitRow(1, 0, rows[0]);
        submitRow(1, 2, rows[1]);
        vm.warp(NOW + SUBMIT);
        uint256[] memory w = new uint256[](2);
        (w[0], w[1]) = (weights[0], weights[2]);
        Exact.Result memory some = Exact.compute(rows, w, 50);
        int256[] memory scores = new int256[](3);
        (scores[0], scores[2]) = (some.scores[0], some.scores[1]);
        Exact.Result memory spread =
            Exact.Result({ sums: some.sums, scores: scores, chunkScores: new int256[][](1), total: some.total });
        spread.chunkScores[0] = scores;
        finish(1, rows, list, spread);
        assertResult(spread, scores, 1);
    }

    /// @dev A deadline does not act by itself: work counts until somebody opens another round.
    function test_WorkAfterTheRoundExpiredCounts() public {
        start(2, 50, 3);
        rung.openRound();
        bytes[] memory rows = new bytes[](2);
        uint256[] memory list = new uint256[](2);
        (rows[0], rows[1], list[1]) = (drawRow(3, 0), drawRow(3, 1), 1);
        submitRow(1, 0, rows[0]);
        submitRow(1, 1, rows[1]);
        vm.warp(NOW + SUBMIT + WORK);
        (, uint256[] memory w) = rung.clients();
        Exact.Result memory exact = Exact.compute(rows, w, 50);
        finish(1, rows, list, exact);
        assertResult(exact, exact.scores, 1);
    }

    // ---------------------------------------------------------------------------------------------------- refusals

    function test_RevertWhen_Stranger() public {
        start(2, 40, 1);
        rung.openRound();
        vm.expectRevert(abi.encodeWithSelector(IRung.RungNotClient.selector, address(this)));
        rung.submit(1, new bytes(64));
    }

    function test_RevertWhen_AnotherRound() public {
        start(2, 40, 1);
        rung.openRound();
        vm.expectRevert(abi.encodeWithSelector(IRung.RungWrongRound.selector, 2, 1));
        vm.prank(members[0]);
        rung.submit(2, new bytes(64));
    }

    function test_RevertWhen_SubmittedTwice() public {
        start(2, 40, 1);
        rung.openRound();
        submitRow(1, 0, drawRow(1, 0));
        vm.expectRevert(abi.encodeWithSelector(IRung.RungAlreadySubmitted.selector, 0));
        vm.prank(members[0]);
        rung.submit(1, new bytes(64));
    }

    function test_RevertWhen_Late() public {
        start(2, 40, 1);
        rung.openRound();
        vm.warp(NOW + SUBMIT);
        vm.expectRevert(abi.encodeWithSelector(IRung.RungSubmissionsClosed.selector, NOW + SUBMIT, NOW + SUBMIT));
        vm.prank(members[0]);
        rung.submit(1, new bytes(64));
    }

    function test_RevertWhen_WorkTooEarly() public {
        start(2, 40, 1);
        rung.openRound();
        submitRow(1, 0, drawRow(1, 0));
        bytes memory payload = pokePayload(); // it may ask the rung: before a revert is expected
        vm.expectRevert(abi.encodeWithSelector(IRung.RungSubmissionsOpen.selector, NOW, NOW + SUBMIT));
        rung.work(1, payload);
    }

    function test_RevertWhen_NobodySubmitted() public {
        start(2, 40, 1);
        rung.openRound();
        vm.warp(NOW + SUBMIT);
        bytes memory payload = pokePayload(); // it may ask the rung: before a revert is expected
        vm.expectRevert(abi.encodeWithSelector(IRung.RungNobodySubmitted.selector, 1));
        rung.work(1, payload);
    }

    function test_RevertWhen_NoRoundIsOpen() public {
        start(2, 40, 1);
        vm.expectRevert(abi.encodeWithSelector(IRung.RungWrongPhase.selector, IRung.Phase.Idle, IRung.Phase.Open));
        vm.prank(members[0]);
        rung.submit(0, new bytes(64));
    }

    function test_RoundThatExpiresIsVoid() public {
        start(2, 40, 1);
        rung.openRound();
        submitRow(1, 0, drawRow(1, 0));
        uint256 end = NOW + SUBMIT + WORK;
        vm.warp(end - 1);
        vm.expectRevert(abi.encodeWithSelector(IRung.RungNotExpired.selector, end - 1, end));
        rung.openRound();
        vm.warp(end);
        vm.expectEmit(address(rung));
        emit IRung.RoundVoid(1);
        vm.expectEmit(address(rung));
        emit IRung.RoundOpened(2);
        rung.openRound();
        vm.assertEq(rung.currentRound().number, 2, "round");
        vm.assertEq(rung.currentRound().submitted, 0, "submitted");
        vm.assertEq(rung.currentRound().finished, 0, "finished");
    }
}
