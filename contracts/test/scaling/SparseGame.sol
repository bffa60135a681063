// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IRung } from "../../src/scaling/IRung.sol";
import { ISparseRung } from "../../src/scaling/ISparseRung.sol";
import { Attack } from "../attacks/scaling/Attack.sol";
import { Vm } from "../utils/Base.sol";
import { Picks } from "./Picks.sol";

/// @notice A rung 5 and what its clients hold; everybody plays by the rules here.
abstract contract SparseGame is Attack {
    using Picks for Picks.Row;

    string internal constant RUNG_5 = "Rung5Sparse.sol:Rung5Sparse";

    ISparseRung internal rung;
    Picks.Row[] internal rows; // by client
    uint256 internal n;
    uint256 internal size; // blocks in a page
    uint32 internal parameters;
    uint8[] internal order; // of submissions

    function start(uint256 count, uint32 P, bool clipped, uint256 seed) internal {
        (, uint16[] memory weights) = members(count);
        start(weights, P, clipped, seed, drawPicks);
    }

    function start(
        uint16[] memory weights,
        uint32 P,
        bool clipped,
        uint256 seed,
        function(uint256, uint256) view returns (Picks.Row memory) drawRow
    ) internal {
        (n, parameters) = (weights.length, P);
        (address[] memory accounts,) = members(n);
        rung = ISparseRung(assertTaken(RUNG_5, abi.encode(config(P), clipped, accounts, weights)));
        size = rung.pageBlocks();
        delete rows;
        for (uint256 i; i < n; ++i) {
            rows.push(drawRow(seed, i));
        }
        rung.openRound();
        delete order;
    }

    /// @dev A round that costs the most gas: all but the last client's update, which is the shortest, are clipped.
    function startDear(uint256 count, uint32 P) internal {
        uint16[] memory weights = equal(count, 1);
        weights[count - 1] = uint16(count); // half of the samples
        start(weights, P, true, 0, drawDear);
    }

    function equal(uint256 count, uint16 weight) internal pure returns (uint16[] memory weights) {
        weights = new uint16[](count);
        for (uint256 i; i < count; ++i) {
            weights[i] = weight;
        }
    }

    /// @dev No byte is zero, and each client's update is shorter than the one's before it. As in a round robin everybody
    /// meets one other in each block, and everybody else in n blocks: a and c where a + c is the block's number, modulo m,
    /// the last one whom that leaves alone. They have opposite signs: hardly a byte of D beside its diagonal is zero.
    function drawDear(uint256, uint256 i) internal view returns (Picks.Row memory r) {
        uint256 blocks = (uint256(parameters) + 63) / 64;
        (r.indices, r.values) = (new bytes(blocks), new bytes(blocks));
        uint256 m = n % 2 == 0 ? n - 1 : n;
        for (uint256 b; b < blocks; ++b) {
            uint256 t = b % m;
            uint256 other = i == m ? t * (m + 1) / 2 % m : (t + m - i) % m;
            if (other == i) other = m;
            uint256 index = i == m ? 0 : (2 * i + m - t) % m; // a − c, of which the sign is taken off: the pair's own
            if (index > m / 2) index = m - index;
            r.indices[b] = bytes1(uint8(0x40 | index));
            r.values[b] = bytes1(uint8(i < other ? 127 - i : 129 + i));
        }
    }

    /// @dev Few different indices, so that many meet; extremes and zeros among the values.
    function drawPicks(uint256 seed, uint256 i) internal view returns (Picks.Row memory r) {
        uint256 blocks = (uint256(parameters) + 63) / 64;
        (r.indices, r.values) = (new bytes(blocks), new bytes(blocks));
        for (uint256 b; b < blocks; ++b) {
            uint256 noise = draw(seed, "pick", i << 128 | b);
            r.indices[b] = bytes1(uint8(noise % 2 == 0 ? noise >> 8 & 0xc1 : noise >> 8));
            r.values[b] =
                noise >> 32 & 7 == 0 ? bytes1(0x80) : noise >> 32 & 7 == 1 ? bytes1(0x7f) : bytes1(uint8(noise >> 40));
        }
    }

    function commit(uint256 i) internal {
        uint256 round = rung.currentRound().number;
        bytes32 head = rows[i].head(size, round, i);
        vm.prank(member(i));
        rung.submit(round, abi.encode(head));
        order.push(uint8(i));
    }

    function commitAll() internal {
        for (uint256 i = n; i > 0; --i) {
            commit(i - 1); // not in ascending order
        }
    }

    /// @dev Page k of all clients in the round but those in `out`; `state` is what the last step left.
    function stepOf(uint256 k, uint256 out, ISparseRung.State memory state)
        internal
        view
        returns (ISparseRung.Step memory step)
    {
        uint256 round = rung.currentRound().number;
        bool last = (k + 1) * size >= rows[0].indices.length;
        uint256 submitted = rung.currentRound().submitted;
        step.state = state;
        if (k == 0) step.order = orderBytes();
        for (uint256 i; i < n; ++i) {
            if (submitted >> i & 1 == 0) continue;
            if (out >> i & 1 == 1) {
                if (k == 0) step.absent = append(step.absent, rows[i].head(size, round, i));
                continue;
            }
            step.rows = abi.encodePacked(step.rows, rows[i].page(k, size));
            if (!last) step.tails = append(step.tails, rows[i].tail(size, round, i, k + 1));
        }
    }

    function work(uint256 k, uint256 out, ISparseRung.State memory state)
        internal
        returns (ISparseRung.State memory next)
    {
        bytes memory payload = abi.encode(stepOf(k, out, state));
        uint256 round = rung.currentRound().number;
        vm.recordLogs();
        rung.work(round, payload);
        next = stateLeft();
    }

    /// @dev What a page that was not the last one logged.
    function stateLeft() internal returns (ISparseRung.State memory next) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == ISparseRung.Worked.selector) next = abi.decode(logs[i].data, (ISparseRung.State));
        }
    }

    /// @dev All pages, without those in `out`, and what must come of it.
    function finish(uint256 out) internal {
        ISparseRung.State memory state;
        for (uint256 k; k * size < rows[0].indices.length; ++k) {
            state = work(k, out, state);
        }
        assertFinished(out);
    }

    function assertFinished(uint256 out) internal view {
        uint256 round = rung.currentRound().number;
        vm.assertEq(rung.currentRound().finished, round, "finished");
        vm.assertEq(
            rung.resultDigest(), keccak256(abi.encode(digestOf(out), keccak256(abi.encode(truth(out))))), "result"
        );
    }

    /// @dev Scores by the plain reference, 0 for who is out or did not submit.
    function truth(uint256 out) internal view returns (int256[] memory all) {
        (uint256[] memory list, Picks.Row[] memory held, uint256[] memory w) = present(out);
        int256[] memory some = Picks.scores(held, rung.clipped() ? Picks.clip(held, w, parameters) : w, parameters);
        all = new int256[](n);
        for (uint256 i; i < list.length; ++i) {
            all[list[i]] = some[i];
        }
    }

    function digestOf(uint256 out) internal view returns (bytes32) {
        (uint256[] memory list,,) = present(out);
        bytes32[] memory heads = new bytes32[](list.length);
        uint256 bits;
        for (uint256 i; i < list.length; ++i) {
            heads[i] = rows[list[i]].head(size, rung.currentRound().number, list[i]);
            bits |= 1 << list[i];
        }
        return keccak256(abi.encode(bits, heads));
    }

    function present(uint256 out)
        internal
        view
        returns (uint256[] memory list, Picks.Row[] memory held, uint256[] memory w)
    {
        uint256 bits = rung.currentRound().submitted & ~out;
        (, uint256[] memory weights) = rung.clients();
        uint256 count;
        for (uint256 i; i < n; ++i) {
            count += bits >> i & 1;
        }
        (list, held, w) = (new uint256[](count), new Picks.Row[](count), new uint256[](count));
        count = 0;
        for (uint256 i; i < n; ++i) {
            if (bits >> i & 1 == 0) continue;
            (list[count], held[count], w[count]) = (i, rows[i], weights[i]);
            ++count;
        }
    }

    /// @dev Client i shows its row, as it committed to it.
    function showAs(uint256 i) internal {
        bytes memory call = showCall(i);
        vm.prank(member(i));
        (bool ok,) = address(rung).call(call);
        vm.assertTrue(ok, "shown");
    }

    function showCall(uint256 i) internal view returns (bytes memory) {
        uint256 round = rung.currentRound().number;
        bytes memory row;
        for (uint256 k; k * size < rows[i].indices.length; ++k) {
            row = abi.encodePacked(row, rows[i].page(k, size));
        }
        return abi.encodeCall(ISparseRung.show, (round, orderBytes(), headsInOrder(), placeOf(i), row));
    }

    function headsInOrder() internal view returns (bytes32[] memory heads) {
        uint256 round = rung.currentRound().number;
        heads = new bytes32[](order.length);
        for (uint256 k; k < order.length; ++k) {
            heads[k] = rows[order[k]].head(size, round, order[k]);
        }
    }

    function placeOf(uint256 i) internal view returns (uint256 place) {
        while (order[place] != i) ++place;
    }

    /// @dev In the first round; asking for its number would use up an expected revert.
    function askAs(uint256 by, uint256 clients_) internal {
        vm.prank(member(by));
        rung.ask(1, clients_);
    }

    function orderBytes() internal view returns (bytes memory all) {
        for (uint256 i; i < order.length; ++i) {
            all = abi.encodePacked(all, order[i]);
        }
    }

    function noState() internal pure returns (ISparseRung.State memory) { }

    function append(bytes32[] memory list, bytes32 item) internal pure returns (bytes32[] memory longer) {
        longer = new bytes32[](list.length + 1);
        for (uint256 i; i < list.length; ++i) {
            longer[i] = list[i];
        }
        longer[list.length] = item;
    }
}
