// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IBlobRung } from "../../src/scaling/IBlobRung.sol";
import { IOptimisticRung } from "../../src/scaling/IOptimisticRung.sol";
import { IRung } from "../../src/scaling/IRung.sol";
import { Attack } from "../attacks/scaling/Attack.sol";
import { Exact } from "./Exact.sol";
import { Trees } from "./Trees.sol";

/// @notice A round of rung 3 or 4 with all submissions in, and what is needed to dispute about it.
/// @dev Bond and stake are odd: half a wei is somebody's. Clients submit in an order that is not ascending.
abstract contract Game is Attack {
    using Trees for Trees.Tree;

    uint96 internal constant ODD_BOND = BOND + 1;
    uint96 internal constant ODD_STAKE = STAKE + 1;

    IBlobRung internal rung; // on rung 3 only what `IOptimisticRung` has is called
    uint32 internal parameters;
    uint256 internal n;
    bytes[] internal rows;
    uint256[] internal order;

    address internal proposer = account("proposer");
    address internal watcher = account("watcher");
    address internal passer = account("passer-by");

    /// @dev Whether clients' data are in blobs: rung 4.
    function blobs() internal pure virtual returns (bool);

    function gameTerms() internal pure virtual returns (IOptimisticRung.Terms memory) {
        return IOptimisticRung.Terms({ windowSeconds: WINDOW, bond: ODD_BOND, fee: FEE, stake: ODD_STAKE });
    }

    // ---------------------------------------------------------------------------------------------------- beginning

    function deployRung(uint32 parameters_, uint256 n_) internal {
        (parameters, n) = (parameters_, n_);
        (address made,) = create(blobs() ? RUNG_4 : RUNG_3, optimistic(config(parameters_), gameTerms(), n_));
        vm.assertTrue(made != address(0), "deployed");
        rung = IBlobRung(made);
    }

    /// @dev A round to which all clients have submitted; the proposer has a bond down, the watcher a hundred fees.
    function start(uint32 parameters_, uint256 n_, uint256 seed) internal {
        deployRung(parameters_, n_);
        fund(rung, proposer, ODD_BOND);
        fund(rung, watcher, 100 * FEE);
        for (uint256 i; i < n; ++i) {
            rows.push(drawRow(seed + i, (uint256(parameters) + 31) / 32 * 32));
            if (blobs()) fund(rung, member(i), ODD_STAKE);
        }
        openAndSubmit();
    }

    /// @dev Client n − 1 first, then 0, 1, and so on.
    function openAndSubmit() internal {
        rung.openRound();
        delete order;
        for (uint256 k; k < n; ++k) {
            submitRow((k + n - 1) % n);
        }
    }

    function submitRow(uint256 i) internal {
        order.push(i);
        uint256 round = rung.currentRound().number;
        if (!blobs()) {
            vm.prank(member(i));
            return rung.submit(round, rows[i]);
        }
        attackVm.blobhashes(blobOf(i));
        vm.prank(member(i));
        rung.submit(round, abi.encode(rootOf(i)));
        attackVm.blobhashes(new bytes32[](0));
    }

    /// @dev What client i commits to.
    function rootOf(uint256 i) internal view virtual returns (bytes32) {
        return Exact.partRoot(rows[i]);
    }

    /// @dev The name of client i's only blob.
    function blobOf(uint256 i) internal pure returns (bytes32[] memory list) {
        list = new bytes32[](1);
        if (blobs()) list[0] = bytes32(uint256(1) << 248 | i + 1);
    }

    // ------------------------------------------------------------------------------------------------ off the chain

    /// @dev What is true of the round when the clients in `out` do not count.
    function exactWithout(uint256 out) internal view returns (Exact.Result memory) {
        (, uint256[] memory weights) = rung.clients();
        for (uint256 i; i < n; ++i) {
            if (out >> i & 1 == 1) weights[i] = 0;
        }
        return Exact.compute(rows, weights, parameters);
    }

    function trueTree() internal view returns (Trees.Tree memory) {
        return Trees.full(exactWithout(0));
    }

    function submissions() internal view returns (IOptimisticRung.Submission[] memory list) {
        list = new IOptimisticRung.Submission[](order.length);
        for (uint256 k; k < order.length; ++k) {
            list[k].client = order[k];
            list[k].parts = new bytes32[](1);
            list[k].parts[0] = rootOf(order[k]);
            list[k].blobs = blobOf(order[k]);
        }
    }

    function evidence(uint256 chunk, uint256 out) internal view returns (IOptimisticRung.Evidence memory e) {
        e.submissions = submissions();
        for (uint256 k; k < order.length; ++k) {
            if (out >> order[k] & 1 == 1) continue;
            bytes memory row = rows[order[k]];
            e.data = abi.encodePacked(e.data, Exact.slice(row, 1024 * chunk, 1024));
            e.proofs = joined(e.proofs, Trees.partProof(row, chunk));
        }
    }

    function joined(bytes32[] memory a, bytes32[] memory b) internal pure returns (bytes32[] memory all) {
        all = new bytes32[](a.length + b.length);
        for (uint256 i; i < all.length; ++i) {
            all[i] = i < a.length ? a[i] : b[i - a.length];
        }
    }

    function plus(int256[] memory values, uint256 i, int256 change) internal pure returns (int256[] memory changed) {
        changed = new int256[](values.length);
        for (uint256 c; c < values.length; ++c) {
            changed[c] = values[c] + (c == i ? change : int256(0));
        }
    }

    // ---------------------------------------------------------------------------------------------------- the moves

    function propose(Trees.Tree memory t) internal {
        proposeScores(t, t.scores[1]);
    }

    function proposeScores(Trees.Tree memory t, int256[] memory scores) internal {
        uint256 round = rung.currentRound().number;
        bytes memory payload = t.payload(rung.basis(), scores);
        vm.prank(proposer);
        rung.work(round, payload);
    }

    function demand(uint256 chunk) internal {
        ok(watcher, demandCall(chunk));
    }

    /// @dev Of the proposal that stands.
    function demandCall(uint256 chunk) internal view returns (bytes memory) {
        return abi.encodeCall(IOptimisticRung.demand, (1, rung.proposedDigest(), chunk));
    }

    function answerCall(Trees.Tree memory t, uint256 chunk) internal pure returns (bytes memory) {
        return abi.encodeCall(IOptimisticRung.answer, (1, chunk, t.leaf(chunk), t.path(chunk)));
    }

    function reclaimCall(uint256 attempt, uint256 chunk) internal pure returns (bytes memory) {
        return abi.encodeCall(IOptimisticRung.reclaim, (1, attempt, chunk));
    }

    function chunkCall(Trees.Tree memory t, uint256 chunk) internal view returns (bytes memory) {
        return chunkCall(t, chunk, evidence(chunk, 0));
    }

    function chunkCall(Trees.Tree memory t, uint256 chunk, IOptimisticRung.Evidence memory e)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodeCall(IOptimisticRung.proveChunk, (1, chunk, t.leaf(chunk), t.path(chunk), e));
    }

    function totalCall(Trees.Tree memory t, uint256 chunk, int256[] memory proposed)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodeCall(IOptimisticRung.proveTotal, (1, chunk, t.leaf(chunk), t.path(chunk), proposed));
    }

    /// @dev Of the submissions that are in.
    function dataCall(uint256 client, uint256 chunk) internal view returns (bytes memory) {
        return abi.encodeCall(IBlobRung.demandData, (1, rung.accumulator(), client, chunk));
    }

    function settleCall(uint256 client, uint256 chunk) internal pure returns (bytes memory) {
        return abi.encodeCall(IBlobRung.settleData, (1, client, chunk));
    }

    // --------------------------------------------------------------------------------------------------- statements

    function ok(address caller, bytes memory call_) internal {
        vm.prank(caller);
        (bool done, bytes memory reason) = address(rung).call(call_);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(reason, 0x20), mload(reason))
            }
        }
    }

    /// @dev The call is refused with these bytes, selector and arguments.
    function refused(address caller, bytes memory call_, bytes memory reason) internal {
        vm.prank(caller);
        (bool done, bytes memory given) = address(rung).call(call_);
        vm.assertTrue(!done, "refused");
        if (keccak256(given) != keccak256(reason)) vm.assertEq(bytes4(given), bytes4(reason), "for this reason");
        vm.assertEq(keccak256(given), keccak256(reason), "with these values");
    }

    function digestOf(bytes32 root, int256[] memory scores) internal pure returns (bytes32) {
        return keccak256(abi.encode(root, keccak256(abi.encode(scores))));
    }

    function held(address account_, uint256 amount, string memory who) internal view {
        vm.assertEq(rung.depositOf(account_), amount, who);
    }

    function assertPhase(IRung.Phase phase) internal view {
        vm.assertEq(uint256(rung.currentRound().phase), uint256(phase), "phase");
    }

    /// @dev All that may hold a deposit in these tests, with the fees that `demands` hold, answered or not.
    function assertBooks(uint256 demands) internal view {
        uint256 owed = rung.burned() + demands * FEE + rung.depositOf(proposer) + rung.depositOf(watcher)
            + rung.depositOf(passer) + rung.depositOf(address(this));
        for (uint256 i; i < n; ++i) {
            owed += rung.depositOf(member(i));
        }
        vm.assertEq(address(rung).balance, owed, "the contract holds what it owes");
    }

    /// @dev When a round may be given up that was reopened now.
    function reopenedUntil() internal view returns (uint256) {
        uint256 closesAt = rung.currentRound().closesAt;
        return (block.timestamp < closesAt ? closesAt : block.timestamp) + WORK;
    }

    /// @dev The proposal fell to `challenger`, which had `before` put down with its fees.
    function assertRejected(address challenger, uint256 before) internal view {
        assertPhase(IRung.Phase.Open);
        vm.assertEq(rung.currentRound().expiresAt, reopenedUntil(), "as much time as at first");
        held(proposer, 0, "the bond is gone");
        held(challenger, before + ODD_BOND / 2, "the smaller half to who caught it");
        vm.assertEq(rung.burned(), ODD_BOND / 2 + 1, "the larger half is nobody's");
    }
}
