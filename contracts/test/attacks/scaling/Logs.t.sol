// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IBlobRung } from "../../../src/scaling/IBlobRung.sol";
import { IOptimisticRung } from "../../../src/scaling/IOptimisticRung.sol";
import { IRung } from "../../../src/scaling/IRung.sol";
import { Exact } from "../../scaling/Exact.sol";
import { Trees } from "../../scaling/Trees.sol";
import { Vm } from "../../utils/Base.sol";
import { BlobAttack } from "./Attack.sol";

/// @notice A client that is a contract: what it sends is derived within the call, and not in the transaction.
contract Hider {
    bytes private _row;

    constructor(bytes memory row) {
        _row = row;
    }

    function join(IBlobRung rung, uint256 parts) external payable {
        if (msg.value != 0) rung.deposit{ value: msg.value }();
        bytes memory payload;
        for (uint256 k; k < parts; ++k) {
            payload = abi.encodePacked(payload, root(k));
        }
        rung.submit(rung.currentRound().number, payload);
    }

    function answer(IBlobRung rung, IOptimisticRung.Submission[] calldata list, uint256 place, uint256 chunk) external {
        rung.answerData(1, list, place, chunk, Exact.slice(_row, 1024 * chunk, 1024), Trees.partProof(_row, chunk));
    }

    function root(uint256 k) public view returns (bytes32) {
        return keccak256(abi.encode(_row, k));
    }
}

/// @notice Rung 4: somebody wants who reads logs, and has no traces, not to be able to answer or prove anything. Not isolated,
/// since names of blobs hold for the test's own transaction.
/// forge-config: default.isolate = false
contract LogsTest is BlobAttack {
    Hider private hider;
    address private asker = account("asker");

    /// @dev Client 0 is honest, client 1 a contract.
    function startHidden(uint32 parameters) private {
        hider = new Hider("secret");
        (address[] memory accounts, uint16[] memory weights) = members(2);
        accounts[1] = address(hider);
        rung = IBlobRung(assertTaken(RUNG_4, abi.encode(config(parameters), terms(), accounts, weights)));
        fund(rung, member(0), STAKE);
        fund(rung, asker, FEE);
        rung.openRound();
    }

    /// @dev The contract sends `parts` of its roots, with as many blobs.
    function join(uint256 parts, uint256 stake) private {
        vm.deal(address(this), stake);
        attackVm.blobhashes(names(parts, 1));
        hider.join{ value: stake }(rung, parts); // the transaction's input: a selector, an address and a number
        attackVm.blobhashes(new bytes32[](0));
    }

    /// @dev All submissions of the round, from nothing but the logs since `vm.recordLogs`.
    function readLogs(uint256 needed) private returns (IOptimisticRung.Submission[] memory list) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        list = new IOptimisticRung.Submission[](2);
        bytes[2] memory parts; // (root, blob) of each part that a client has sent
        bytes memory run; // those of the call that is being read
        uint256 count;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != address(rung)) continue;
            if (logs[i].topics.length == 0) {
                run = abi.encodePacked(run, logs[i].data);
                continue;
            }
            bytes32 kind = logs[i].topics[0];
            if (kind != IRung.Submitted.selector && kind != IBlobRung.Sent.selector) continue;
            uint256 client = uint256(logs[i].topics[2]);
            (parts[client], run) = (abi.encodePacked(parts[client], run), "");
            if (kind == IRung.Submitted.selector) list[count++] = lastOf(client, parts[client], needed);
        }
    }

    function lastOf(uint256 client, bytes memory parts, uint256 needed)
        private
        pure
        returns (IOptimisticRung.Submission memory s)
    {
        (s.client, s.parts, s.blobs) = (client, new bytes32[](needed), new bytes32[](needed));
        for (uint256 k; k < needed; ++k) {
            uint256 from = parts.length - 64 * (needed - k);
            (s.parts[k], s.blobs[k]) = abi.decode(Exact.slice(parts, from, 64), (bytes32, bytes32));
        }
    }

    function assertBinds(IOptimisticRung.Submission[] memory list) private view {
        bytes32 a = bytes32(uint256(1));
        for (uint256 i; i < list.length; ++i) {
            bytes32 c = 0;
            for (uint256 k; k < list[i].parts.length; ++k) {
                c = keccak256(abi.encode(c, list[i].parts[k], list[i].blobs[k]));
            }
            a = keccak256(abi.encode(a, list[i].client, c));
        }
        vm.assertEq(a, rung.accumulator(), "the round's submissions");
    }

    /// @dev Whoever answers brings everybody's roots along. The honest client has them from the log, and keeps its stake.
    function test_ClientHidesItsRootToTakeAnothersStake() public {
        startHidden(PARAMETERS);
        rows.push(drawRow(7, 2112));
        vm.recordLogs();
        submitRoot(0, Exact.partRoot(rows[0]));
        join(1, STAKE);
        IOptimisticRung.Submission[] memory list = readLogs(1);
        assertBinds(list);
        vm.assertEq(list[1].parts[0], hider.root(0), "the contract's root");
        submitted = rung.accumulator();
        vm.prank(asker);
        rung.demandData(1, submitted, 0, 0);
        rung.answerData(1, list, 0, 0, Exact.slice(rows[0], 0, 1024), Trees.partProof(rows[0], 0));
        vm.warp(NOW + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IOptimisticRung.RungNoDemand.selector, 0));
        rung.expireData(1, 0, 0);
        vm.assertEq(rung.depositOf(member(0)), STAKE, "the honest client's stake");
        vm.assertEq(rung.depositOf(asker), 0, "a fee for nothing");
    }

    /// @dev Seven parts: one, then six more; and the contract begins with two, and then sends all at once.
    function test_ClientHidesItsRootsInSeveralTransactions() public {
        startHidden(7 * 122_880);
        vm.recordLogs();
        join(2, STAKE);
        for (uint256 k; k < 2; ++k) {
            attackVm.blobhashes(names(k == 0 ? 1 : 6, 0));
            vm.prank(member(0));
            rung.submit(1, k == 0 ? abi.encode(bytes32("first")) : drawRow(3, 32 * 6));
        }
        join(7, 0);
        IOptimisticRung.Submission[] memory list = readLogs(7);
        assertBinds(list);
        vm.assertEq(list[0].client, 0, "complete first");
        vm.assertEq(list[0].parts[0], bytes32("first"), "its first part");
        vm.assertEq(list[1].parts[6], hider.root(6), "the contract's last");
    }

    /// @dev One part, then all of the contract's, then the other six: `Sent` says where the first one ends, and whose it is.
    function test_ClientHidesAnothersRootBehindItsOwn() public {
        startHidden(7 * 122_880);
        vm.recordLogs();
        attackVm.blobhashes(names(1, 0));
        vm.prank(member(0));
        rung.submit(1, abi.encode(bytes32("first")));
        join(7, STAKE);
        attackVm.blobhashes(names(6, 0));
        vm.prank(member(0));
        rung.submit(1, drawRow(3, 32 * 6));
        IOptimisticRung.Submission[] memory list = readLogs(7);
        assertBinds(list);
        vm.assertEq(list[0].client, 1, "the contract was complete first");
        vm.assertEq(list[1].parts[0], bytes32("first"), "the other's first part");
    }

    /// @dev A search needs the siblings that each answer brings, and nobody can have a chunk shown once more.
    function test_ClientHidesSiblingsFromWhoSearches() public {
        start(SUBMIT);
        vm.warp(NOW + SUBMIT);
        demandData(0, 0);
        Hider answerer = new Hider(rows[0]);
        vm.recordLogs();
        answerer.answer(rung, submissions(), 0, 0);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs[0].topics[0], IBlobRung.DataAnswered.selector, "an answer");
        (bytes memory data, bytes32[] memory proof) = abi.decode(logs[0].data, (bytes, bytes32[]));
        vm.assertEq(data, Exact.slice(rows[0], 0, 1024), "the chunk");
        vm.assertEq(
            keccak256(abi.encode(proof)), keccak256(abi.encode(Trees.partProof(rows[0], 0))), "and its siblings"
        );
        vm.expectRevert(abi.encodeWithSelector(IOptimisticRung.RungDemandExists.selector, 0));
        vm.prank(watcher);
        rung.demandData(1, submitted, 0, 0);
    }
}
