// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IRung } from "../../src/scaling/IRung.sol";
import { ISparseRung } from "../../src/scaling/ISparseRung.sol";
import { Vm } from "../utils/Base.sol";
import { Picks } from "./Picks.sol";
import { SparseGame } from "./SparseGame.sol";

/// @notice Rung 5 against the plain reference, beyond what all rungs are tested for: pages, clipping, gas.
contract SparseTest is SparseGame {
    using Picks for Picks.Row;

    function play(uint256 count, uint32 P, bool clipped, uint256 seed) private {
        start(count, P, clipped, seed);
        commitAll();
        finish(0);
    }

    /// @dev Odd and even numbers of clients, whole strips and parts of words, a last block that is not full.
    /// forge-config: default.fuzz.runs = 24
    function testDifferential_Rounds(uint256 seed, uint256 count, uint256 P, bool clipped) public {
        play(bound(count, 1, 7), uint32(bound(P, 1, 13_000)), clipped, seed);
    }

    /// @dev Many clients, and one page or two.
    function test_ManyClients() public {
        uint256[3] memory counts = [uint256(31), 97, 120];
        for (uint256 k; k < counts.length; ++k) {
            play(counts[k], uint32(64 * 190 + 7 * k), k % 2 == 0, 77 + k);
        }
    }

    /// @dev Bounds beside zeros, in blocks where most meet, and in a last one that is not full.
    /// forge-config: default.fuzz.runs = 16
    function testDifferential_Extremes(uint256 seed, uint256 count, uint256 missing, bool clipped) public {
        bytes1[5] memory bounds = [bytes1(0x80), bytes1(0x7f), bytes1(0x81), bytes1(0x00), bytes1(0xff)];
        start(bound(count, 2, 4), uint32(64 * 180 * 3 - bound(missing, 0, 64 * 61)), clipped, seed);
        for (uint256 i; i < n; ++i) {
            for (uint256 b; b < rows[i].values.length; ++b) {
                uint256 noise = draw(seed, "extreme", i << 64 | b);
                rows[i].indices[b] = bytes1(uint8(noise & 0xc0) | (noise >> 8 & 3 == 0 ? 0x3e : 0x3f));
                rows[i].values[b] = bounds[noise >> 16 & 3 == 0 ? (noise >> 24) % 5 : draw(seed, "own", i) % 5];
            }
        }
        commitAll();
        finish(0);
    }

    /// @dev Every lane at its bound, in every word of a strip: all meet, values are extreme.
    function test_Extremes() public {
        bytes1[3] memory values = [bytes1(0x80), bytes1(0x7f), bytes1(0x81)];
        for (uint256 a; a < 3; ++a) {
            for (uint256 b; b < 3; ++b) {
                start(3, 64 * 360, false, 1);
                for (uint256 i; i < 3; ++i) {
                    for (uint256 k; k < 360; ++k) {
                        (rows[i].indices[k], rows[i].values[k]) = (0x3f, i == 0 ? values[a] : values[b]);
                    }
                }
                commitAll();
                finish(0);
            }
        }
    }

    /// @dev 40 clients have pages of 1,440 blocks: two of them, the second of one block.
    function test_Pages() public {
        start(40, 64 * 1_440 + 3, false, 5);
        vm.assertEq(size, 1_440, "blocks in a page");
        commitAll();
        ISparseRung.State memory state = work(0, 0, noState());
        vm.assertEq(state.pages, 1, "pages done");
        state.gram[7] = state.gram[7] ^ 0x01;
        bytes memory payload = abi.encode(stepOf(1, 0, state));
        bytes32 given = keccak256(abi.encode(state));
        state.gram[7] = state.gram[7] ^ 0x01;
        bytes32 kept = keccak256(abi.encode(state));
        vm.expectRevert(abi.encodeWithSelector(ISparseRung.RungWrongState.selector, given, kept));
        rung.work(1, payload);
        work(1, 0, state);
        assertFinished(0);
    }

    /// @dev The most clients there may be; the reference would take minutes.
    function test_EveryPageOf120ClientsFits() public {
        assertPagesFit(120, 1);
    }

    function test_EveryPageOf100ClientsFits() public {
        assertPagesFit(100, 1);
    }

    /// @dev The most clients with two, three and four strips in a page: the dearest pages but those of 116 clients or more.
    function test_EveryPageOf94ClientsFits() public {
        assertPagesFit(94, 2);
    }

    function test_EveryPageOf80ClientsFits() public {
        assertPagesFit(80, 3);
    }

    function test_EveryPageOf71ClientsFits() public {
        assertPagesFit(71, 4);
    }

    /// @dev Of few clients bytes bound a page, not gas.
    function test_EveryPageOf33ClientsFits() public {
        assertPagesFit(33, 10);
    }

    /// @dev A round of three full pages: the first one; one that brings a state along and leaves one; the last, which clips.
    function assertPagesFit(uint256 count, uint256 strips) private {
        startDear(count, uint32(64 * 180 * 3 * strips));
        vm.assertEq(size, 180 * strips, "blocks in a page");
        commitAll();
        ISparseRung.State memory state;
        for (uint256 page; page < 3; ++page) {
            bytes memory payload = abi.encode(stepOf(page, 0, state));
            vm.assertLe(payload.length + 100, 131_072 - 512, "bytes");
            vm.recordLogs();
            rung.work(1, payload);
            vm.assertLe(vm.lastCallGas().gasTotalUsed, CAP, "gas");
            state = stateLeft();
        }
        vm.assertEq(rung.currentRound().finished, 1, "finished");
    }

    function test_Gas() public {
        start(10, 100_000, false, 9);
        commitAll();
        vm.snapshotGasLastCall("Sparse10x100000", "submit");
        askAs(0, 2);
        showAs(1);
        vm.snapshotGasLastCall("Sparse10x100000", "show");
        bytes memory payload = abi.encode(stepOf(0, 0, noState()));
        rung.work(1, payload);
        vm.snapshotGasLastCall("Sparse10x100000", "work");
        assertFinished(0);
    }

    /// @dev Of more clients there are more heads to bring.
    function test_GasOfShowingARowOf120Clients() public {
        startDear(120, 100_000);
        commitAll();
        askAs(0, 2);
        showAs(1);
        vm.snapshotGasLastCall("Sparse120x100000", "show");
    }

    /// @dev All that `show` and `work` ask for of who hands nothing over.
    function test_HeadsAreInTheLog() public {
        start(3, 100, false, 1);
        vm.assertEq(rung.accumulator(), bytes32(uint256(1)), "the round's number until somebody submits");
        vm.recordLogs();
        commitAll();
        Vm.Log[] memory logs = vm.getRecordedLogs();
        bytes32 a = bytes32(uint256(1));
        for (uint256 i; i < logs.length; i += 2) {
            (bytes32 head, uint256 client) = (abi.decode(logs[i].data, (bytes32)), uint256(logs[i + 1].topics[2]));
            vm.assertEq(logs[i].topics.length, 0, "anonymous");
            vm.assertEq(logs[i + 1].topics[0], IRung.Submitted.selector, "and whose it is");
            vm.assertEq(head, rows[client].head(size, 1, client), "head");
            a = keccak256(abi.encode(a, client, head));
        }
        vm.assertEq(rung.accumulator(), a, "accumulator");
        finish(0);
        vm.assertEq(rung.accumulator(), a, "also when the round is over");
        rung.openRound();
        vm.assertEq(rung.accumulator(), bytes32(uint256(2)), "of the current round, not of the last one");
    }

    /// @dev The largest factor of the largest weight.
    function test_OneClientWithAllSamples() public {
        start(equal(1, 2048), 64, true, 0, drawDear);
        commitAll();
        finish(0);
        vm.assertEq(truth(0)[0], int256(127 * 127 << 86), "c is 2^43");
    }

    function test_RevertWhen_RowsAreNotCommitted() public {
        start(2, 100, false, 1);
        commitAll();
        ISparseRung.Step memory step = stepOf(0, 0, noState());
        step.rows[3] = step.rows[3] ^ 0x01;
        (bool ok, bytes memory reason) = address(rung).call(abi.encodeCall(IRung.work, (1, abi.encode(step))));
        vm.assertTrue(!ok && bytes4(reason) == ISparseRung.RungBadSubmissions.selector, "refused");
    }

    function test_RevertWhen_WrongLength() public {
        start(2, 100, false, 1);
        commitAll();
        ISparseRung.Step memory step = stepOf(0, 0, noState());
        step.rows = abi.encodePacked(step.rows, bytes1(0));
        vm.expectRevert(abi.encodeWithSelector(IRung.RungWrongLength.selector, 9, 8));
        rung.work(1, abi.encode(step));
        step = stepOf(0, 0, noState());
        step.tails = new bytes32[](2);
        vm.expectRevert(abi.encodeWithSelector(IRung.RungWrongLength.selector, 2, 0));
        rung.work(1, abi.encode(step));
    }
}
