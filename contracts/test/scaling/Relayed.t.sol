// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IDeposits } from "../../src/scaling/IDeposits.sol";
import { IRelayedRung } from "../../src/scaling/IRelayedRung.sol";
import { IRung } from "../../src/scaling/IRung.sol";
import { Refusals } from "../utils/Refusals.sol";
import { RelayedGame } from "./RelayedGame.sol";

/// @notice Rung 7, by what its interface promises. That lies are refused is tested where proofs for them can be made, in
/// tests/scaling/test_relayed.py.
contract RelayedTest is RelayedGame {
    event Proven(uint256 indexed round, address indexed prover, bytes32 sumsDigest, int256[] scores);

    function setUp() public {
        read();
        found(false);
    }

    function current() private view returns (IRung.Round memory) {
        return rung.currentRound();
    }

    function test_SeatedAndOpen() public view {
        IRung.Round memory round = current();
        vm.assertEq(round.number, 1, "number");
        vm.assertEq(uint256(round.phase), uint256(IRung.Phase.Open), "phase");
        vm.assertEq(rung.resultDigest(), 0, "no result");
        vm.assertEq(rung.excluded(), 0, "all are members");
        IRelayedRung.Terms memory terms = rung.terms();
        vm.assertEq(terms.windowSeconds, WINDOW, "window");
        vm.assertEq(terms.stake, STAKE, "stake");
        vm.assertTrue(!terms.ecdsa, "keys of BLS12-381");
        for (uint256 i; i < members.length; ++i) {
            vm.assertEq(rung.keyOf(members[i]), keccak256(keyOf(i)), "key");
            vm.assertEq(rung.availableOf(members[i]), 0, "tied");
        }
    }

    function test_RoundsWithSomebodyAbsent() public {
        uint8[3] memory sets = [3, 1, 4];
        for (uint256 round = 1; round <= 3; ++round) {
            Vector memory v = vector("bls", round, sets[round - 1]);
            vm.expectEmit(address(rung));
            emit Proven(round, relayer, v.message, abi.decode(v.scores, (int256[])));
            bring(round, v);
            vm.assertEq(current().submitted, v.present, "who is in it");
            skip(WINDOW);
            vm.assertEq(rung.resultDigest(), digestOf(v), "result");
            vm.assertEq(current().finished, round, "finished");
            vm.assertEq(current().submitted, 0, "nothing stands");
        }
    }

    function test_AResultStandsForAWindow() public {
        bring(1, vector("bls", 1, 0));
        vm.assertEq(current().number, 2, "the next is open");
        vm.assertEq(current().finished, 0, "not final");
        vm.assertEq(current().closesAt, NOW + WINDOW, "until then");
        vm.assertEq(rung.resultDigest(), 0, "no result yet");
        skip(WINDOW - 1);
        Vector memory next = vector("bls", 2, 2);
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungWindowOpen.selector, NOW + WINDOW - 1, NOW + WINDOW));
        bring(2, next);
        skip(1);
        bring(2, next);
        vm.assertEq(rung.resultDigest(), digestOf(vector("bls", 1, 0)), "the first one");
        skip(WINDOW);
        vm.assertEq(rung.resultDigest(), digestOf(next), "the second one");
    }

    function test_RevertWhen_ATransactionIsReplayed() public {
        Vector memory v = vector("bls", 1, 0);
        bring(1, v);
        skip(WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IRung.RungWrongRound.selector, 1, 2));
        bring(1, v);
    }

    function test_RevertWhen_SomethingIsAskedThatIsNotDoneHere() public {
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungAlwaysOpen.selector, 1));
        rung.openRound();
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungAlwaysOpen.selector, 1));
        rung.submit(1, "");
        bytes memory keys = allKeys();
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungAlreadySeated.selector));
        rung.seat(keys);
    }

    function test_AFaultFellsTheResultAndTakesTheStake() public {
        bring(1, vector("bls", 1, 2)); // without the client that has one
        skip(WINDOW);
        Vector memory v = vector("bls", 2, 0);
        bring(2, v);
        show(2, v);
        vm.assertEq(rung.resultDigest(), digestOf(vector("bls", 1, 2)), "the one before");
        vm.assertEq(current().number, 3, "the open round is as it was");
        vm.assertEq(current().finished, 1, "final");
        vm.assertEq(rung.excluded(), 1 << FAULTY, "out");
        vm.assertEq(rung.depositOf(members[FAULTY]), 0, "its stake");
        vm.assertEq(rung.depositOf(watcher), STAKE / 2, "half");
        vm.assertEq(rung.burned(), STAKE - STAKE / 2, "the other half");
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungAlreadyOut.selector, FAULTY));
        show(2, v);
        skip(WINDOW);
        vm.assertEq(rung.resultDigest(), digestOf(vector("bls", 1, 2)), "the one before, still");
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungNothingStands.selector, 2));
        show(2, v);
        Vector memory next = vector("bls", 3, 0);
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungNoMember.selector, FAULTY));
        bring(3, next);
        bring(3, vector("bls", 3, 2));
        vm.assertEq(current().finished, 1, "round 2 has no result");
        skip(WINDOW);
        vm.assertEq(rung.resultDigest(), digestOf(vector("bls", 3, 2)), "of the others");
    }

    function test_RevertWhen_AFaultComesTooLateOrForAnotherResult() public {
        Vector memory v = vector("bls", 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungNothingStands.selector, 1));
        show(1, v);
        bring(1, v);
        Vector memory other = vector("bls", 1, 1);
        bytes32 given = digestOf(other);
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungOtherResult.selector, given, digestOf(v)));
        show(1, other);
        skip(WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungNothingStands.selector, 1));
        show(1, v);
    }

    function test_AMemberComesAndGoes() public {
        vm.prank(members[3]);
        rung.resign();
        vm.assertEq(rung.availableOf(members[3]), STAKE, "nothing counts it");
        Vector memory v = vector("bls", 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungNoMember.selector, 3));
        bring(1, v);
        bring(1, vector("bls", 1, 4));
        vm.prank(members[3]);
        rung.withdraw(1);
        vm.expectRevert(
            abi.encodeWithSelector(IDeposits.RungShortDeposit.selector, members[3], STAKE - 1, uint256(STAKE))
        );
        vm.prank(members[3]);
        rung.rejoin();
        fund(members[3], 1);
        vm.prank(members[3]);
        rung.rejoin();
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungStillMember.selector, 3));
        vm.prank(members[3]);
        rung.rejoin();
        vm.expectRevert(abi.encodeWithSelector(IRung.RungNotClient.selector, watcher));
        vm.prank(watcher);
        rung.resign();
    }

    function test_WhoIsCountedStaysTied() public {
        bring(1, vector("bls", 1, 0));
        vm.prank(members[0]);
        rung.resign();
        vm.assertEq(rung.availableOf(members[0]), 0, "counted");
        vm.expectRevert(abi.encodeWithSelector(IDeposits.RungShortDeposit.selector, members[0], 0, 1));
        vm.prank(members[0]);
        rung.withdraw(1);
        skip(WINDOW);
        vm.prank(members[0]);
        rung.withdraw(STAKE);
        vm.assertEq(members[0].balance, STAKE, "its own again");
    }

    function test_RevertWhen_TooFewAreLeft() public {
        for (uint256 i = 2; i < 4; ++i) {
            vm.prank(members[i]);
            rung.resign();
        }
        Vector memory v = vector("bls", 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungNoMember.selector, 2));
        bring(1, v);
    }

    /// @dev Whatever is cut off or changed: it is refused, and burns what precompiles were given at most; or it was nothing that
    /// is read, and what comes of it is what was proven.
    function testFuzz_BrokenPayloads(uint256 seed) public {
        Vector memory v = vector("bls", 1, seed % SETS);
        bytes memory payload = v.payload;
        uint256 place = (seed >> 64) % payload.length;
        if (seed >> 8 & 1 == 0) {
            assembly ("memory-safe") {
                mstore(payload, place) // shorter
            }
        } else {
            payload[place] ^= bytes1(uint8(1 + (seed >> 200) % 255));
        }
        vm.prank(relayer);
        (bool ok,) = address(rung).call(abi.encodeCall(IRung.work, (1, payload)));
        vm.assertLe(vm.lastCallGas().gasTotalUsed, 450_000, "gas");
        skip(WINDOW);
        vm.assertEq(rung.resultDigest(), ok ? digestOf(v) : bytes32(0), "nothing else");
    }
}

/// @notice What a deployment refuses, and the way to a committee.
contract RelayedFoundingTest is RelayedGame, Refusals {
    function setUp() public {
        read();
    }

    function bad(string memory field, uint256 value) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IRung.RungBadConfig.selector, field, value);
    }

    function test_RevertWhen_ItCannotBeDeployed() public {
        assertRefused("Rung7Relayed.sol", arguments(0, STAKE, false), bad("windowSeconds", 0));
        assertRefused("Rung7Relayed.sol", arguments(WINDOW, 0, false), bad("stake", 0));
        (members[1], members[2]) = (members[2], members[1]);
        assertRefused("Rung7Relayed.sol", arguments(WINDOW, STAKE, true), bad("order of client", 2));
    }

    function test_RevertWhen_ItIsNoSetupOfBlobs() public {
        (bool ok, bytes memory why) =
            address(this).call(abi.encodeCall(this.deployIt, ("Rung8Relayed.sol", arguments(WINDOW, STAKE, false))));
        vm.assertTrue(!ok, "a toy's setup");
        vm.assertEq(bytes32(bytes4(why)), bytes32(bytes4(keccak256("RungOtherSetup(bytes32,bytes32)"))), "why");
    }
}

/// @notice The same by the accounts' own signatures.
contract RelayedByAccountsTest is RelayedGame {
    function setUp() public {
        read();
        deploy(false); // the vectors are signed for the second contract of this one
        found(true);
    }

    function test_Rounds() public {
        bring(1, vector("ecdsa", 1, 0));
        skip(WINDOW);
        vm.assertEq(rung.resultDigest(), digestOf(vector("ecdsa", 1, 0)), "all");
        bring(2, vector("ecdsa", 2, 1));
        show(2, vector("ecdsa", 2, 1));
        vm.assertEq(rung.resultDigest(), digestOf(vector("ecdsa", 1, 0)), "all, still");
    }

    function test_RevertWhen_AKeyIsBrought() public {
        IRelayedRung other = IRelayedRung(vm.deployCode("Rung7Relayed.sol", arguments(WINDOW, STAKE, true)));
        vm.deal(members[0], STAKE);
        vm.prank(members[0]);
        other.deposit{ value: STAKE }();
        bytes memory key = keyOf(0);
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungBadKey.selector));
        vm.prank(members[0]);
        other.register(key, "");
    }
}
