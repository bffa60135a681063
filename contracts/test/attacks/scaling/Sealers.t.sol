// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { FIELD } from "../../../src/scaling/Bls.sol";
import { IDeposits } from "../../../src/scaling/IDeposits.sol";
import { IProvenRung } from "../../../src/scaling/IProvenRung.sol";
import { IRung } from "../../../src/scaling/IRung.sol";
import { Sealing } from "../../scaling/Sealing.sol";
import { Attack } from "./Attack.sol";

interface IRevealedRung is IProvenRung {
    function bring(uint256 round, bytes32 salt, bytes calldata point) external;
}

/// @notice Three clients of rung 6, or of rung 8 by each client, who have sealed; pairings are mocked to hold, so that every
/// fault is one.
abstract contract SealedAttack is Attack {
    uint32 internal constant REVEAL = 1 hours;
    uint256 internal constant N = 3;

    IRevealedRung internal rung;
    uint32 internal parameters;

    function deploy(string memory artifact, uint32 parameters_, Sealing.Setup memory setup) internal {
        Sealing.mockPairing();
        parameters = parameters_;
        (address[] memory accounts, uint16[] memory weights) = members(N);
        IRung.Config memory c = IRung.Config({ parameters: parameters, submitSeconds: 1 days, workSeconds: 2 hours });
        IProvenRung.Terms memory t = IProvenRung.Terms({ windowSeconds: WINDOW, revealSeconds: REVEAL, stake: STAKE });
        rung = IRevealedRung(assertTaken(artifact, abi.encode(c, t, setup, accounts, weights)));
        rung.openRound();
        for (uint256 i; i < N; ++i) {
            vm.deal(member(i), STAKE);
            vm.prank(member(i));
            rung.deposit{ value: STAKE }();
        }
    }

    function sealAs(uint256 i, bytes32 seal) internal {
        vm.prank(member(i));
        rung.submit(1, abi.encode(seal));
    }

    function sealHonestly(uint256 i) internal {
        sealAs(i, Sealing.seal(rung, 1, i, member(i), parameters));
    }

    function step(uint256 present, uint256 revealed) internal view returns (IProvenRung.Step memory) {
        (address[] memory accounts,) = members(N);
        return Sealing.step(accounts, 1, present, revealed, parameters, new int256[](N));
    }

    function showFault(uint256 i, address challenger) internal {
        show(i, challenger, 3, 200);
    }

    function show(uint256 i, address challenger, uint256 position, uint256 value) internal {
        bytes memory points = new bytes(96 * Sealing.chunks(parameters));
        vm.prank(challenger);
        rung.proveFault(1, i, Sealing.salt(1, i), points, position, value, new bytes(96));
    }
}

contract SealersTest is SealedAttack {
    address private watcher = account("watcher");

    function setUp() public override {
        super.setUp();
        deploy("Rung6Proven.sol:Rung6Proven", 70, Sealing.setup());
        for (uint256 i; i < N; ++i) {
            sealHonestly(i);
        }
    }

    /// @dev All have sealed a day before submissions close. A client shows its own fault, which fells a proof: no deadline comes
    /// sooner than it was announced.
    function test_FaultOfItsOwnEndsTheTimeToRevealSooner() public {
        uint256 closesAt = rung.currentRound().closesAt;
        rung.work(1, abi.encode(step(7, 0)));
        showFault(0, member(0));
        vm.assertEq(rung.currentRound().closesAt, closesAt, "seals may be opened as long as was announced");
        vm.assertEq(rung.currentRound().expiresAt, closesAt + 2 hours, "and the round is given up no sooner");
        vm.warp(closesAt + REVEAL - 1);
        IProvenRung.Opening[] memory openings = new IProvenRung.Opening[](1);
        openings[0] = Sealing.opening(1, 1, parameters);
        rung.reveal(1, openings);
        vm.warp(closesAt + REVEAL);
        vm.assertEq(rung.present(), 2, "who revealed is in");
        vm.expectRevert(abi.encodeWithSelector(IRung.RungNotExpired.selector, closesAt + REVEAL, closesAt + 2 hours));
        rung.openRound();
    }

    /// @dev An int8 is no fault, up to its ends, nor is a zero behind the parameters; one further is.
    function test_HarmlessEntriesAreShownAsFaults() public {
        vm.warp(rung.currentRound().closesAt);
        uint256[2][4] memory harmless =
            [[uint256(3), 127], [uint256(3), FIELD - 128], [uint256(69), 0], [uint256(70), 0]];
        for (uint256 k; k < 4; ++k) {
            (uint256 position, uint256 value) = (harmless[k][0], harmless[k][1]);
            vm.expectRevert(abi.encodeWithSelector(IProvenRung.RungNoFault.selector, position, value));
            this.showTo(position, value);
        }
        show(0, watcher, 3, 128);
        show(1, watcher, 69, FIELD - 129);
        show(2, watcher, 70, 1);
        vm.assertEq(rung.present(), 0, "all three are out");
    }

    function showTo(uint256 position, uint256 value) external {
        show(0, watcher, position, value);
    }

    /// @dev A salt for each client that is in, or none.
    function test_RevertWhen_SaltsAreMissingOrTooMany() public {
        vm.warp(rung.currentRound().closesAt);
        IProvenRung.Step memory made = step(7, 0);
        bytes32[] memory salts = made.salts;
        for (uint256 given = 1; given < 6; ++given) {
            if (given == N) continue;
            made.salts = new bytes32[](given);
            for (uint256 i; i < given && i < N; ++i) {
                made.salts[i] = salts[i];
            }
            vm.expectRevert(abi.encodeWithSelector(IRung.RungWrongLength.selector, given, N));
            rung.work(1, abi.encode(made));
        }
    }

    /// @dev The refusal says how many bytes are due: all points, or those of the clients that are left.
    function test_RevertWhen_PointsAreCutOrPadded() public {
        vm.warp(rung.currentRound().closesAt);
        IProvenRung.Step memory padded = step(7, 0);
        uint256 due = padded.points.length;
        padded.points = bytes.concat(padded.points, hex"00");
        vm.expectRevert(abi.encodeWithSelector(IRung.RungWrongLength.selector, due + 1, due));
        rung.work(1, abi.encode(padded));
    }

    /// @dev After `closesAt` the time to reveal begins anew, as it does for whoever is late.
    function test_FaultLeavesNoTimeToReveal() public {
        vm.warp(rung.currentRound().closesAt + REVEAL - 1);
        rung.work(1, abi.encode(step(7, 0)));
        vm.warp(block.timestamp + WINDOW - 1);
        showFault(0, member(0));
        vm.assertEq(rung.currentRound().closesAt, block.timestamp, "as much time as at first");
        vm.assertEq(rung.currentRound().expiresAt, block.timestamp + 2 hours, "to work as well");
        vm.assertEq(rung.present(), 6, "everybody else");
    }

    /// @dev The round goes on when a proof falls, and with it all stakes: the second pays as the first does.
    function test_SecondCheatOfAProofKeepsItsStake() public {
        rung.work(1, abi.encode(step(7, 0)));
        showFault(0, member(1)); // by its accomplice
        vm.expectRevert(abi.encodeWithSelector(IDeposits.RungShortDeposit.selector, member(1), STAKE / 2, STAKE));
        vm.prank(member(1));
        rung.withdraw(STAKE);
        showFault(1, watcher);
        vm.assertEq(rung.depositOf(member(1)), STAKE / 2, "what it got for the first");
        vm.assertEq(rung.depositOf(watcher), STAKE / 2, "and half of its own stake");
        vm.assertEq(rung.burned(), STAKE, "of both");
    }

    /// @dev A known limit: a client that shows its own fault changes who is in the round, and a proof of several transactions,
    /// begun before, ends nowhere. That costs a stake, half of it burned.
    function test_KnownLimit_ProofOfSeveralTransactionsIsDisturbed() public {
        IProvenRung.Step memory s = step(7, 0);
        s.digests = new bytes32[](N);
        for (uint256 i; i < N; ++i) {
            s.digests[i] = Sealing.digest(parameters);
        }
        s.points = new bytes(96 * 2 * 2);
        rung.work(1, abi.encode(s)); // two clients' points
        showFault(0, member(0));
        (s.next, s.sum, s.salts, s.points) = (2, new bytes(128), new bytes32[](0), new bytes(96 * 2));
        vm.expectRevert(abi.encodeWithSelector(IRung.RungWrongLength.selector, N, 2));
        rung.work(1, abi.encode(s));
        vm.assertEq(rung.depositOf(member(0)), STAKE / 2, "what it keeps");
    }

    /// @dev A known limit: a result is final by `finalize`, and falls until somebody calls that.
    function test_KnownLimit_ResultFallsLongAfterItsWindow() public {
        rung.work(1, abi.encode(step(7, 0)));
        vm.warp(block.timestamp + 30 days);
        showFault(0, watcher);
        vm.assertEq(uint256(rung.currentRound().phase), uint256(IRung.Phase.Open), "fell");
    }
}

/// @notice Rung 8 by each client. The blobs' names are the test's; real ones come from tests/scaling. Not isolated: a transaction of
/// its own would have to pay for its blobs.
/// forge-config: default.isolate = false
contract BlobSealersTest is SealedAttack {
    /// @dev The generator, and its second coordinate with another last bit: on no curve, and in the same half.
    bytes private constant X =
        hex"17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb";
    bytes private constant Y =
        hex"08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1";
    bytes private constant OFF =
        hex"08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e0";

    error BlsBadPoint();

    function setUp() public override {
        super.setUp();
        Sealing.Setup memory setup = Sealing.Setup({ logN: 12, tauH: Sealing.ETHEREUM });
        deploy("Rung8Revealed.sol:Rung8Revealed", 40, setup);
    }

    /// @dev Bring a point in a transaction whose blob has this compressed commitment.
    function bringAs(uint256 i, bytes memory point, bytes memory commitment) private {
        publish(commitment);
        vm.prank(member(i));
        rung.bring(1, Sealing.salt(1, i), point);
    }

    function publish(bytes memory commitment) private {
        bytes32[] memory names = new bytes32[](1);
        names[0] = bytes32(uint256(sha256(commitment)) << 8 >> 8 | 1 << 248);
        attackVm.blobhashes(names);
    }

    function compress(bytes memory x) private pure returns (bytes memory c) {
        c = bytes.concat(x);
        c[0] |= 0x80; // y is the smaller one
    }

    function sealPoint(uint256 i, bytes memory point) private {
        bytes32 salt = Sealing.salt(1, i);
        sealAs(i, keccak256(abi.encode(block.chainid, address(rung), 1, member(i), salt, keccak256(point))));
    }

    /// @dev Its blob is there, and what it sealed is the blob's commitment but for a bit of y: if it counted as present, nobody
    /// could prove the round, or a fault.
    function test_ClientCannotBeCountedAndCannotBePutOut() public {
        sealHonestly(0);
        sealPoint(1, bytes.concat(X, OFF));
        sealHonestly(2);
        bytes memory zero = new bytes(48);
        zero[0] = 0xc0;
        bringAs(0, new bytes(96), zero);
        publish(compress(X));
        vm.expectRevert(abi.encodeWithSelector(BlsBadPoint.selector));
        vm.prank(member(1));
        rung.bring(1, Sealing.salt(1, 1), bytes.concat(X, OFF));
        bringAs(2, new bytes(96), zero);
        vm.assertEq(rung.revealed(), 5, "not by that point");
        vm.warp(rung.currentRound().closesAt + REVEAL);
        rung.work(1, abi.encode(step(5, 5)));
        vm.assertEq(uint256(rung.currentRound().phase), uint256(IRung.Phase.Proposed), "the round is the others'");
    }

    function test_TruePointIsTaken() public {
        for (uint256 i; i < N; ++i) {
            sealPoint(i, bytes.concat(X, Y));
        }
        bringAs(1, bytes.concat(X, Y), compress(X));
        vm.assertEq(rung.revealed(), 2, "revealed");
    }

    /// @dev What is final by time alone ties nothing up any more: nobody has to note it first.
    function test_StakesStayTiedUntilSomebodyPaysForIt() public {
        bytes memory zero = new bytes(48);
        zero[0] = 0xc0;
        for (uint256 i; i < N; ++i) {
            sealHonestly(i);
        }
        for (uint256 i; i < N; ++i) {
            bringAs(i, new bytes(96), zero);
        }
        rung.work(1, abi.encode(step(7, 7)));
        vm.warp(block.timestamp + WINDOW - 1);
        vm.assertEq(rung.availableOf(member(0)), 0, "it may fall");
        vm.warp(block.timestamp + 1);
        vm.prank(member(0));
        rung.withdraw(STAKE);
        vm.assertEq(member(0).balance, STAKE, "its own again");
    }
}
