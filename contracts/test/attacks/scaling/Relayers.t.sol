// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IDeposits } from "../../../src/scaling/IDeposits.sol";
import { IRelayedRung } from "../../../src/scaling/IRelayedRung.sol";
import { IRung } from "../../../src/scaling/IRung.sol";
import { RelayedGame } from "../../scaling/RelayedGame.sol";
import { Sealing } from "../../scaling/Sealing.sol";

/// @notice What members of rung 7 want, and who watches, by rounds that were signed and proven in Python.
contract RelayersTest is RelayedGame {
    uint256 private constant SECOND = 2;

    function setUp() public {
        read();
        found(false);
    }

    /// @dev Of round 1, in which everybody is counted, after its result stands. Pairings are mocked to hold from then on, so that
    /// whatever is shown is a fault.
    function stand() private returns (Vector memory v) {
        v = vector("bls", 1, 0);
        bring(1, v);
        Sealing.mockPairing();
    }

    function faultOf(Vector memory v, uint256 client) private pure returns (IRelayedRung.Fault memory fault) {
        fault = abi.decode(v.fault, (IRelayedRung.Fault));
        IRelayedRung.Closing memory closing = abi.decode(v.payload, (IRelayedRung.Closing));
        (fault.place, fault.points) = (client, new bytes(96)); // everybody is present, with one point
        for (uint256 i; i < 96; ++i) {
            fault.points[i] = closing.points[96 * client + i];
        }
    }

    function show(Vector memory v, uint256 client, address challenger) private {
        IRelayedRung.Fault memory fault = faultOf(v, client);
        vm.prank(challenger);
        rung.proveFault(1, fault);
    }

    /// @dev One cheat is shown by its accomplice, whose own fault is then shown as well: until when the result would have been
    /// final, its stake is tied up and the evidence is taken.
    function test_SecondCheatOfAResultKeepsItsStake() public {
        Vector memory v = stand();
        show(v, FAULTY, members[SECOND]);
        vm.assertEq(rung.currentRound().submitted, 0, "fell");
        vm.assertEq(rung.answerable(), 15 & ~(1 << FAULTY), "for whom evidence is taken");
        vm.prank(members[SECOND]);
        rung.resign();
        vm.assertEq(rung.availableOf(members[SECOND]), STAKE / 2, "what it got for the first");
        vm.expectRevert(
            abi.encodeWithSelector(IDeposits.RungShortDeposit.selector, members[SECOND], STAKE / 2, uint256(STAKE))
        );
        vm.prank(members[SECOND]);
        rung.withdraw(STAKE);
        skip(WINDOW - 1);
        vm.recordLogs();
        show(v, SECOND, watcher);
        assertNotEmitted(IRelayedRung.Fell.selector, "it fell once");
        vm.assertEq(rung.depositOf(members[SECOND]), STAKE / 2, "its own stake is gone");
        vm.assertEq(rung.depositOf(watcher), STAKE / 2, "half of it");
        vm.assertEq(rung.burned(), 2 * (STAKE - STAKE / 2), "of both");
        vm.assertEq(rung.excluded(), 1 << FAULTY | 1 << SECOND, "both are out");
        vm.assertEq(rung.resultDigest(), 0, "no result");
    }

    /// @dev A round that is brought at once would take its place, and all evidence with it.
    function test_NextResultHidesTheSecondCheat() public {
        Vector memory v = stand();
        show(v, FAULTY, members[SECOND]);
        Vector memory next = vector("bls", 2, 2);
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungWindowOpen.selector, NOW, NOW + WINDOW));
        bring(2, next);
        skip(WINDOW);
        bring(2, next);
        skip(WINDOW);
        vm.assertEq(rung.resultDigest(), digestOf(next), "of the others");
        vm.assertEq(rung.currentRound().finished, 2, "round 1 has none");
    }

    function test_SameFaultPaysTwice() public {
        Vector memory v = stand();
        show(v, FAULTY, watcher);
        fund(members[FAULTY], STAKE);
        vm.prank(members[FAULTY]);
        rung.rejoin();
        IRelayedRung.Fault memory fault = faultOf(v, FAULTY);
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungAlreadyOut.selector, FAULTY));
        vm.prank(watcher);
        rung.proveFault(1, fault);
        vm.assertEq(rung.depositOf(members[FAULTY]), STAKE, "a stake for a round to come");
    }

    function test_EvidenceIsTakenAfterTheWindow() public {
        Vector memory v = stand();
        show(v, FAULTY, members[SECOND]);
        skip(WINDOW);
        IRelayedRung.Fault memory fault = faultOf(v, SECOND);
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungNothingStands.selector, 1));
        vm.prank(watcher);
        rung.proveFault(1, fault);
        vm.prank(members[SECOND]);
        rung.resign();
        vm.assertEq(rung.availableOf(members[SECOND]), STAKE + STAKE / 2, "free");
    }

    /// @dev When everybody in it is out, there is nobody to wait for.
    function test_EverybodyIsOutAndTheNextRoundWaits() public {
        Vector memory v = stand();
        for (uint256 i; i < 4; ++i) {
            vm.assertEq(rung.answerable(), 15 >> i << i, "who is left");
            show(v, i, watcher);
        }
        vm.assertEq(rung.answerable(), 0, "nobody");
        vm.assertEq(rung.currentRound().closesAt, NOW + WINDOW, "and yet nothing waits until then");
        IRelayedRung.Fault memory fault = faultOf(v, 0);
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungNothingStands.selector, 1));
        vm.prank(watcher);
        rung.proveFault(1, fault);
        for (uint256 i; i < 4; ++i) {
            fund(members[i], STAKE);
            vm.prank(members[i]);
            rung.rejoin();
        }
        bring(2, vector("bls", 2, 0));
        vm.assertEq(rung.currentRound().submitted, 15, "all, at once");
    }

    /// @dev A known limit: a member resigns in front of `work`, and rejoins. Its relayer's transaction is refused.
    function test_KnownLimit_ResigningCostsTheRelayerItsTransaction() public {
        Vector memory v = vector("bls", 1, 0);
        vm.prank(members[3]);
        rung.resign();
        uint256 spent = vm.lastCallGas().gasTotalUsed;
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungNoMember.selector, 3));
        bring(1, v);
        vm.prank(members[3]);
        rung.rejoin();
        spent += vm.lastCallGas().gasTotalUsed;
        vm.assertLe(spent, 80_000, "what it costs the member");
        vm.assertGe(spent, 70_000, "and no less");
        bring(1, v);
    }

    /// @dev A known limit: what was signed for a round is good until that round is closed, also if its signer has left and come
    /// back in between.
    function test_KnownLimit_SignatureOfAYearAgoCounts() public {
        vm.prank(members[3]);
        rung.resign();
        vm.prank(members[3]);
        rung.withdraw(STAKE);
        skip(365 days);
        fund(members[3], STAKE);
        vm.prank(members[3]);
        rung.rejoin();
        bring(1, vector("bls", 1, 0));
        vm.assertEq(rung.currentRound().submitted, 15, "counted");
    }

    /// @dev A known limit: of two sets that are signed for one round, whoever brings one first chooses.
    function test_KnownLimit_RelayerChoosesAmongWhatIsSigned() public {
        Vector memory v = vector("bls", 1, 1);
        vm.assertTrue(v.present != vector("bls", 1, 0).present, "two sets");
        bring(1, v);
        vm.assertEq(rung.currentRound().submitted, v.present, "the one that was brought");
    }
}

/// @notice Vetoes: who never comes, and who is silent. None of them makes a committee of its own.
contract SilentMembersTest is RelayedGame {
    function setUp() public {
        read();
    }

    function giveUp(uint256 i) private {
        vm.prank(members[i]);
        rung.resign();
        vm.prank(members[i]);
        rung.withdraw(STAKE);
    }

    /// @dev A round of the clients from `first` on, where whatever is signed and proven holds.
    function restOf(uint256 first) private view returns (Vector memory v) {
        v = vector("bls", 1, 0);
        IRelayedRung.Closing memory closing = abi.decode(v.payload, (IRelayedRung.Closing));
        closing.absent = (1 << first) - 1;
        closing.accounts = members;
        for (uint256 i; i < first; ++i) {
            closing.keys = bytes.concat(closing.keys, keyOf(i));
        }
        bytes memory points = closing.points;
        closing.points = new bytes(96 * (4 - first));
        for (uint256 i; i < closing.points.length; ++i) {
            closing.points[i] = points[96 * first + i];
        }
        closing.scores = new bytes(16 * (4 - first));
        v.payload = abi.encode(closing);
    }

    /// @dev It waits until the others have given up, then registers: no committee is seated, of which it would be all members.
    function test_LateRegistrantIsAllTheMembers() public {
        rung = deploy(false);
        for (uint256 i; i < 3; ++i) {
            fund(members[i], STAKE);
            register(i, false);
        }
        for (uint256 i; i < 3; ++i) {
            giveUp(i);
        }
        fund(members[3], STAKE);
        register(3, false);
        bytes memory keys = allKeys();
        for (uint256 i; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungNoMember.selector, i));
            rung.seat(keys);
            fund(members[i], STAKE);
            vm.prank(members[i]);
            rung.rejoin();
        }
        rung.seat(keys);
        vm.assertEq(rung.excluded(), 0, "with all of them in");
    }

    /// @dev Members are silent until the others leave: they are all the members then, and close nothing, alone or as a half.
    function test_SilentOnesAreAllTheMembers() public {
        found(false);
        Sealing.mockPairing();
        giveUp(0);
        giveUp(1);
        Vector memory rest = restOf(2);
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungNoMajority.selector, 2, 4));
        bring(1, rest);
        giveUp(2);
        rest = restOf(3);
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungNoMajority.selector, 1, 4));
        bring(1, rest);
        giveUp(3);
        vm.assertEq(address(rung).balance, 0, "all stakes are out");
    }

    /// @dev Three of four go on, without the one that has left.
    function test_MoreThanHalfGoOn() public {
        found(false);
        giveUp(0);
        Vector memory rest = restOf(1);
        Sealing.mockPairing();
        bring(1, rest);
        vm.assertEq(rung.currentRound().submitted, 14, "three of three");
    }

    /// @dev A known limit: with half of all clients out no round is closed any more, and whoever is left cannot change that.
    function test_KnownLimit_HalfOfTheClientsEndIt() public {
        found(false);
        Sealing.mockPairing();
        giveUp(0);
        giveUp(1);
        skip(365 days);
        Vector memory rest = restOf(2);
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungNoMajority.selector, 2, 4));
        bring(1, rest);
    }

    /// @dev A known limit: who resigns in front of `seat` has that refused, as if it had not registered.
    function test_KnownLimit_ResigningInFrontOfTheFirstRound() public {
        rung = deploy(false);
        for (uint256 i; i < 4; ++i) {
            fund(members[i], STAKE);
            register(i, false);
        }
        vm.prank(members[2]);
        rung.resign();
        bytes memory keys = allKeys();
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungNoMember.selector, 2));
        rung.seat(keys);
        vm.prank(members[2]);
        rung.rejoin();
        rung.seat(keys);
    }

    /// @dev A known limit: one client that never registers prevents the first round, for good.
    function test_KnownLimit_OneClientPreventsTheCommittee() public {
        rung = deploy(false);
        for (uint256 i; i < 3; ++i) {
            fund(members[i], STAKE);
            register(i, false);
        }
        bytes memory keys = allKeys();
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungNotRegistered.selector, 3));
        rung.seat(keys);
        vm.prank(members[0]);
        rung.resign();
        vm.prank(members[0]);
        rung.withdraw(STAKE);
        vm.assertEq(members[0].balance, STAKE, "whoever gives up has its stake back");
    }

    /// @dev A known limit: with a third of the members silent no round is closed; nobody can put them out.
    function test_KnownLimit_AThirdOfTheMembersStopsAllRounds() public {
        found(false);
        vm.prank(members[1]);
        rung.resign(); // three are left, one of them silent
        Vector memory v = vector("bls", 1, 2);
        IRelayedRung.Closing memory closing = abi.decode(v.payload, (IRelayedRung.Closing));
        closing.absent = 1 << 1 | 1 << 3;
        v.payload = abi.encode(closing);
        vm.expectRevert(abi.encodeWithSelector(IRelayedRung.RungNoQuorum.selector, 2, 3));
        bring(1, v);
    }
}
