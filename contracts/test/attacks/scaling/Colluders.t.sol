// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IProvenRung } from "../../../src/scaling/IProvenRung.sol";
import { IRung } from "../../../src/scaling/IRung.sol";
import { Sealing } from "../../scaling/Sealing.sol";
import { SealedAttack } from "./Sealers.t.sol";

/// @notice Clients 0 and 1 collude, and show each other's faults when it suits them; client 2 is honest. All have sealed, and
/// handed everything over.
abstract contract ColludersAttack is SealedAttack {
    uint32 internal constant TO_WORK = 2 * REVEAL;

    uint256 internal closesAt;

    function sealAll() internal {
        for (uint256 i; i < N; ++i) {
            sealHonestly(i);
        }
        closesAt = rung.currentRound().closesAt;
    }

    /// @dev One second is left to open seals.
    function warpToLastSecond() internal {
        vm.warp(closesAt + REVEAL - 1);
    }

    function openings(uint256 bits) internal view returns (IProvenRung.Opening[] memory list) {
        list = new IProvenRung.Opening[]((bits & 1) + (bits >> 1 & 1) + (bits >> 2 & 1));
        uint256 count;
        for (uint256 i; i < N; ++i) {
            if (bits >> i & 1 == 1) list[count++] = Sealing.opening(1, i, parameters);
        }
    }

    /// @dev The first of two transactions of a proof of all: two clients' points.
    function beginProof(address prover) internal returns (IProvenRung.Step memory s) {
        s = step(7, 0);
        s.digests = new bytes32[](N);
        for (uint256 i; i < N; ++i) {
            s.digests[i] = Sealing.digest(parameters);
        }
        s.points = new bytes(96 * 2 * 2);
        vm.prank(prover);
        rung.work(1, abi.encode(s));
        (s.next, s.sum, s.salts, s.points) = (2, new bytes(128), new bytes32[](0), new bytes(96 * 2));
    }
}

contract ColludersTest is ColludersAttack {
    function setUp() public override {
        super.setUp();
        deploy("Rung6Proven.sol:Rung6Proven", 70, Sealing.setup());
    }

    /// @dev A proof of all is on its way when the one's fault, shown by the other, undoes it; the other opens its own seal.
    function test_FaultInFrontOfAProofLeavesTheRoundToTheAccomplice() public {
        sealAll();
        warpToLastSecond();
        bytes memory proof = abi.encode(step(7, 0));
        showFault(0, member(1));
        rung.reveal(1, openings(2));
        vm.expectRevert(abi.encodeWithSelector(IRung.RungWrongLength.selector, 3, 2));
        rung.work(1, proof);
        uint256 from = block.timestamp;
        vm.assertEq(rung.currentRound().closesAt, from, "as much time as at first");
        vm.assertEq(rung.currentRound().expiresAt, from + TO_WORK, "to work as well");
        vm.warp(from + 1);
        vm.assertEq(rung.present(), 6, "the honest one is in");
        vm.expectRevert(abi.encodeWithSelector(IRung.RungWrongLength.selector, 1, 2));
        vm.prank(member(1));
        rung.work(1, abi.encode(step(2, 2)));
        vm.warp(from + REVEAL - 1);
        rung.reveal(1, openings(4));
        vm.warp(from + REVEAL);
        rung.work(1, abi.encode(step(6, 6)));
        vm.assertEq(rung.present(), 6, "and counted");
    }

    /// @dev The accomplice's true proof comes in front of the others' reveals, and long after the time to reveal the one's fault makes
    /// it fall: the others have opened their seals meanwhile.
    function test_AProofInFrontOfTheRevealsKeepsNobodyOut() public {
        sealAll();
        vm.warp(closesAt);
        vm.prank(member(1));
        rung.work(1, abi.encode(step(7, 0)));
        vm.warp(closesAt + 30 days);
        rung.reveal(1, openings(4));
        vm.assertEq(rung.present(), 7, "the proof stands as it was");
        showFault(0, member(1));
        vm.assertEq(rung.currentRound().closesAt, block.timestamp, "anew");
        rung.reveal(1, openings(2));
        vm.warp(block.timestamp + REVEAL);
        vm.assertEq(rung.present(), 6, "also who is away then");
        vm.expectRevert(abi.encodeWithSelector(IRung.RungWrongLength.selector, 1, 2));
        vm.prank(member(1));
        rung.work(1, abi.encode(step(2, 2)));
        rung.work(1, abi.encode(step(6, 6)));
        vm.warp(block.timestamp + WINDOW);
        rung.finalize(1);
        vm.assertEq(rung.present(), 6, "final");
    }

    /// @dev Who is not counted, since its seal was closed when the proof came, stays so.
    function test_NobodyOpensASealThatAProofDoesNotCount() public {
        sealAll();
        rung.reveal(1, openings(6));
        vm.warp(closesAt + REVEAL);
        rung.work(1, abi.encode(step(6, 6)));
        vm.expectRevert(
            abi.encodeWithSelector(IProvenRung.RungRevealsClosed.selector, block.timestamp, closesAt + REVEAL)
        );
        rung.reveal(1, openings(1));
        showFault(1, member(0));
        vm.expectRevert(
            abi.encodeWithSelector(IProvenRung.RungRevealsClosed.selector, block.timestamp, closesAt + REVEAL)
        );
        rung.reveal(1, openings(1));
        vm.warp(block.timestamp + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IRung.RungWrongPhase.selector, IRung.Phase.Open, IRung.Phase.Proposed));
        rung.finalize(1);
    }

    /// @dev The others open all seals in one transaction; by its fault the one is out before that.
    function test_FaultInFrontOfRevealsUndoesThem() public {
        sealAll();
        warpToLastSecond();
        showFault(0, member(1));
        vm.expectEmit(address(rung));
        emit IProvenRung.Revealed(1, 6);
        rung.reveal(1, openings(7));
        vm.warp(block.timestamp + REVEAL);
        vm.assertEq(rung.present(), 6, "the others");
        vm.assertEq(rung.revealed(), 6, "who is out is not opened");
    }

    /// @dev Who never sealed has nothing that could be opened.
    function test_WhoNeverSealedIsRevealedWithOthers() public {
        sealHonestly(1);
        sealHonestly(2);
        vm.warp(rung.currentRound().closesAt);
        vm.expectRevert(abi.encodeWithSelector(IProvenRung.RungNotInRound.selector, 0));
        rung.reveal(1, openings(7));
        IProvenRung.Opening[] memory far = openings(4);
        far[0].client = 256;
        vm.expectRevert(abi.encodeWithSelector(IProvenRung.RungNotInRound.selector, 256));
        rung.reveal(1, far);
    }

    /// @dev When all seal early, what was announced lasts till `closesAt` and beyond; a fault before that adds nothing.
    function test_FaultBeforeTheAnnouncedTimeMovesIt() public {
        sealAll();
        showFault(0, member(1));
        vm.assertEq(rung.currentRound().closesAt, closesAt, "to reveal");
        vm.assertEq(rung.currentRound().expiresAt, closesAt + TO_WORK, "to work");
    }

    /// @dev When the time to reveal has passed, those who opened their seals are in: it does not begin again.
    function test_FaultBringsBackWhoDidNotReveal() public {
        sealAll();
        rung.reveal(1, openings(5));
        vm.warp(closesAt + REVEAL);
        showFault(0, member(1));
        vm.assertEq(rung.currentRound().closesAt, closesAt, "over");
        vm.assertEq(rung.currentRound().expiresAt, block.timestamp + TO_WORK, "the time to work is not");
        vm.expectRevert(
            abi.encodeWithSelector(IProvenRung.RungRevealsClosed.selector, block.timestamp, closesAt + REVEAL)
        );
        rung.reveal(1, openings(2));
        vm.assertEq(rung.present(), 4, "who revealed");
    }

    /// @dev Each fault comes at the last moment. Each costs a client half of its stake and its place, so there are n at most.
    function test_FaultsHoldARoundOpenForEver() public {
        sealAll();
        uint256 end = rung.currentRound().expiresAt;
        for (uint256 i; i < N; ++i) {
            warpToLastSecond();
            showFault(i, member((i + 1) % N));
            vm.assertEq(rung.currentRound().closesAt, closesAt + REVEAL - 1, "less than the time to reveal a fault");
            closesAt = rung.currentRound().closesAt;
            vm.assertEq(rung.burned(), (i + 1) * STAKE / 2, "half a stake a fault");
        }
        vm.expectRevert(abi.encodeWithSelector(IProvenRung.RungNotInRound.selector, 0));
        showFault(0, member(1));
        vm.assertEq(closesAt, end - TO_WORK + N * (REVEAL - 1), "n times");
        vm.warp(rung.currentRound().expiresAt);
        rung.openRound();
        vm.assertEq(rung.currentRound().number, 2, "given up");
    }

    /// @dev The longest that there is: a proof at the last moment, and at the last of its window a fault, and so on.
    function test_FallingProofsHoldARoundOpenForEver() public {
        sealAll();
        uint256 end = rung.currentRound().expiresAt;
        rung.reveal(1, openings(7));
        for (uint256 i; i < N; ++i) {
            vm.warp(rung.currentRound().expiresAt - 1);
            rung.work(1, abi.encode(step(7 >> i << i, 7)));
            vm.warp(rung.currentRound().expiresAt - 1);
            showFault(i, member((i + 1) % N));
            end += WINDOW + TO_WORK;
            vm.assertLe(rung.currentRound().expiresAt, end, "a window and the time to work a fault");
        }
        vm.assertEq(rung.burned(), N * STAKE / 2, "half a stake a fault");
        vm.warp(rung.currentRound().expiresAt);
        vm.assertEq(rung.present(), 0, "nobody is left to prove");
        rung.openRound();
    }

    /// @dev Whoever reads it decides by it what to prove, and against whom a fault would fell the proof.
    function test_ReadersAreToldOfOthersThanTheProofCounts() public {
        vm.assertEq(rung.present(), 0, "nobody yet");
        sealHonestly(0);
        sealHonestly(1);
        closesAt = rung.currentRound().closesAt;
        warpToLastSecond();
        rung.work(1, abi.encode(step(3, 0)));
        vm.warp(closesAt + REVEAL);
        vm.assertEq(rung.present(), 3, "whom the proof counts, though nobody revealed in time");
        vm.warp(closesAt + REVEAL - 1 + WINDOW);
        rung.finalize(1);
        vm.assertEq(rung.present(), 3, "whom the result counts");
        rung.openRound();
        vm.assertEq(rung.present(), 0, "nobody yet, again");
    }

    /// @dev A known limit: the last one has what all others sealed, and chooses, for nothing, whether it was in the round.
    function test_KnownLimit_LastOneChooses() public {
        sealAll();
        rung.reveal(1, openings(6));
        vm.warp(closesAt + REVEAL);
        rung.work(1, abi.encode(step(6, 6)));
        vm.warp(block.timestamp + WINDOW);
        rung.finalize(1);
        vm.prank(member(0));
        rung.withdraw(STAKE);
        vm.assertEq(member(0).balance, STAKE, "for nothing");
    }

    /// @dev A known limit: of two that prove by several transactions each, the second loses all that it has sent.
    function test_KnownLimit_SecondProverLosesItsSteps() public {
        sealAll();
        IProvenRung.Step memory last = beginProof(member(2));
        rung.work(1, abi.encode(step(7, 0)));
        vm.expectRevert(abi.encodeWithSelector(IRung.RungWrongPhase.selector, IRung.Phase.Proposed, IRung.Phase.Open));
        vm.prank(member(2));
        rung.work(1, abi.encode(last));
    }

    /// @dev A known limit: where seals are closed, the end of the time to reveal is the end of a proof that has begun.
    function test_KnownLimit_TimeEndsAProofOfSeveral() public {
        sealAll();
        warpToLastSecond();
        IProvenRung.Step memory last = beginProof(member(2));
        vm.warp(block.timestamp + 1);
        vm.expectRevert(abi.encodeWithSelector(IRung.RungNobodySubmitted.selector, 1));
        vm.prank(member(2));
        rung.work(1, abi.encode(last));
    }

    /// @dev What helps against that: everybody reveals before a proof of several transactions.
    function test_TimeEndsAProofOfThoseWhoRevealed() public {
        sealAll();
        warpToLastSecond();
        rung.reveal(1, openings(7));
        IProvenRung.Step memory last = beginProof(member(2));
        vm.warp(block.timestamp + 1);
        vm.prank(member(2));
        rung.work(1, abi.encode(last));
        vm.assertEq(uint256(rung.currentRound().phase), uint256(IRung.Phase.Proposed), "proven");
    }
}

/// @notice The same on rung 8, each client by its blob: all blobs' commitments are the point at infinity. Not isolated: a transaction
/// of its own would have to pay for its blob.
/// forge-config: default.isolate = false
contract BlobColludersTest is ColludersAttack {
    function setUp() public override {
        super.setUp();
        deploy("Rung8Revealed.sol:Rung8Revealed", 40, Sealing.Setup({ logN: 12, tauH: Sealing.ETHEREUM }));
        sealAll();
    }

    function bring(uint256 i) private {
        bytes memory zero = new bytes(48);
        zero[0] = 0xc0;
        bytes32[] memory names = new bytes32[](1);
        names[0] = bytes32(uint256(sha256(zero)) << 8 >> 8 | 1 << 248);
        attackVm.blobhashes(names);
        vm.prank(member(i));
        rung.bring(1, Sealing.salt(1, i), new bytes(96));
    }

    /// @dev The one withholds its blob, for which a proof waits. No fault of the other makes that last longer: here everybody
    /// opens its own seal, and none keeps another from it.
    function test_FaultMakesAProofWaitLonger() public {
        bring(1);
        bring(2);
        warpToLastSecond();
        showFault(1, member(0));
        vm.assertEq(rung.currentRound().closesAt, closesAt, "no longer");
        vm.warp(closesAt + REVEAL);
        rung.work(1, abi.encode(step(4, 4)));
        vm.assertEq(rung.present(), 4, "who has brought its blob, and is not out");
    }

    /// @dev When a proof falls all others' blobs have been there.
    function test_FallOfAProofMakesTheNextOneWait() public {
        for (uint256 i; i < N; ++i) {
            bring(i);
        }
        warpToLastSecond();
        rung.work(1, abi.encode(step(7, 7)));
        vm.warp(block.timestamp + WINDOW - 1);
        showFault(0, member(1));
        vm.assertEq(rung.currentRound().closesAt, closesAt, "as announced");
        vm.assertEq(rung.currentRound().expiresAt, block.timestamp + TO_WORK, "the time to work begins anew");
        rung.work(1, abi.encode(step(6, 6)));
        vm.warp(block.timestamp + WINDOW + 1);
        vm.assertEq(rung.present(), 6, "whom the result counts, though nobody noted it");
    }

    /// @dev A known limit, as on rung 6: it has the others' blobs, and chooses.
    function test_KnownLimit_LastOneChooses() public {
        bring(0);
        bring(2);
        vm.warp(closesAt + REVEAL);
        rung.work(1, abi.encode(step(5, 5)));
        vm.warp(block.timestamp + WINDOW);
        vm.prank(member(1));
        rung.withdraw(STAKE);
        vm.assertEq(member(1).balance, STAKE, "for nothing");
    }

    /// @dev Its event says whose blob came with the transaction, be it for the second time.
    function test_BlobThatCameAgainIsCountedTwice() public {
        bring(0);
        vm.expectEmit(address(rung));
        emit IProvenRung.Revealed(1, 1);
        bring(0);
        vm.assertEq(rung.revealed(), 1, "once");
    }
}
