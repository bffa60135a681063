// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IProvenRung } from "../../src/scaling/IProvenRung.sol";
import { IRelayedRung } from "../../src/scaling/IRelayedRung.sol";
import { IRung } from "../../src/scaling/IRung.sol";
import { ISparseRung } from "../../src/scaling/ISparseRung.sol";
import { SealedAttack } from "../attacks/scaling/Sealers.t.sol";
import { Vm } from "../utils/Base.sol";
import { Picks } from "./Picks.sol";
import { RelayedGame } from "./RelayedGame.sol";
import { Sealing } from "./Sealing.sol";
import { SparseGame } from "./SparseGame.sol";

/// @notice What is in the log of rung 5: who follows a round has nothing else.
contract SparseEventsTest is SparseGame {
    function test_WhoIsLeftOutIsInTheLog() public {
        start(3, 500, false, 11);
        commitAll();
        askAs(0, 4);
        vm.warp(NOW + WORK / 4 + 1);
        vm.expectEmit(address(rung));
        emit ISparseRung.LeftOut(1, 2);
        rung.leaveOut(1, 2);
    }

    /// @dev One of five clients is out, and has the factor 0; of the others one at least is clipped, and one is not.
    function test_FactorsAreInTheLog() public {
        start(5, 500, true, 11);
        commitAll();
        askAs(0, 4);
        vm.warp(NOW + WORK / 4 + 1);
        rung.leaveOut(1, 2);
        (uint256[] memory list, Picks.Row[] memory held, uint256[] memory w) = present(4);
        uint256[] memory c = Picks.clip(held, w, parameters);
        uint256[] memory factors = new uint256[](5);
        uint256 whole;
        for (uint256 i; i < list.length; ++i) {
            factors[list[i]] = c[i] / w[i];
            if (factors[list[i]] == 1 << 32) ++whole;
        }
        vm.assertTrue(whole > 0 && whole < 4, "some are clipped, and some are not");
        bytes memory payload = abi.encode(stepOf(0, 4, noState()));
        vm.expectEmit(address(rung));
        emit ISparseRung.Clipped(1, factors);
        rung.work(1, payload);
    }
}

/// @notice Of rung 6.
contract SealedEventsTest is SealedAttack {
    address private watcher = account("watcher");

    function setUp() public override {
        super.setUp();
        deploy("Rung6Proven.sol:Rung6Proven", 70, Sealing.setup());
        for (uint256 i; i < N; ++i) {
            sealHonestly(i);
        }
    }

    /// @dev A proof of two transactions: who sends the second needs what the first one's event has.
    function test_SumsOfAProofOfSeveralAreInTheLog() public {
        IProvenRung.Step memory s = step(7, 0);
        s.digests = new bytes32[](N);
        for (uint256 i; i < N; ++i) {
            s.digests[i] = Sealing.digest(parameters);
        }
        s.points = new bytes(96 * 2 * 2);
        vm.expectEmit(address(rung));
        emit IProvenRung.Worked(1, address(this), 2, new bytes(128)); // all points are at infinity, and so is their sum
        rung.work(1, abi.encode(s));
    }

    function test_FaultsAreInTheLog() public {
        vm.recordLogs();
        showFault(0, watcher);
        assertNotEmitted(IProvenRung.Fell.selector, "no proof stands");
        IProvenRung.Step memory s = step(6, 0);
        rung.work(1, abi.encode(s));
        vm.expectEmit(address(rung));
        emit IProvenRung.Fell(1);
        vm.expectEmit(address(rung));
        emit IProvenRung.Excluded(1, 1, watcher);
        showFault(1, watcher);
    }
}

/// @notice Of rung 7.
contract RelayedEventsTest is RelayedGame {
    function setUp() public {
        read();
    }

    function test_MembersAreInTheLog() public {
        rung = deploy(false);
        for (uint256 i; i < members.length; ++i) {
            fund(members[i], STAKE);
            (bytes memory key, bytes memory possession) = (keyOf(i), possessionOf(i));
            vm.expectEmit(address(rung));
            emit IRelayedRung.Registered(i, key);
            vm.prank(members[i]);
            rung.register(key, possession);
        }
        vm.expectEmit(address(rung));
        emit IRelayedRung.Resigned(2);
        vm.prank(members[2]);
        rung.resign();
        vm.expectEmit(address(rung));
        emit IRelayedRung.Rejoined(2);
        vm.prank(members[2]);
        rung.rejoin();

        bytes memory keys = allKeys();
        vm.recordLogs();
        rung.seat(keys);
        // what is noted is only known now: the two logs are compared with it
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs[0].topics[0], IRelayedRung.Seated.selector, "seated");
        vm.assertEq(abi.decode(logs[0].data, (bytes32)), rung.committee(), "the committee");
        vm.assertEq(logs[1].topics[0], IRung.RoundOpened.selector, "opened");
        vm.assertEq(uint256(logs[1].topics[1]), 1, "round 1");
    }

    function test_FaultsAreInTheLog() public {
        found(false);
        Vector memory v = vector("bls", 1, 0);
        bring(1, v);
        vm.expectEmit(address(rung));
        emit IRelayedRung.Fell(1);
        vm.expectEmit(address(rung));
        emit IRelayedRung.Excluded(1, FAULTY, watcher);
        show(1, v);
    }
}
