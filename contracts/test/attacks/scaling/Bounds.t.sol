// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IProvenRung } from "../../../src/scaling/IProvenRung.sol";
import { IRelayedRung } from "../../../src/scaling/IRelayedRung.sol";
import { IRung } from "../../../src/scaling/IRung.sol";
import { ISparseRung } from "../../../src/scaling/ISparseRung.sol";
import { Sealing } from "../../scaling/Sealing.sol";
import { SizesTest } from "./Sizes.t.sol";

/// @notice What constructors take at most, to the byte: sizes at which one byte a client, a part, a level or a chunk more, or
/// less, would move the bound. That what is taken can be disputed and finished is for `Sizes.t.sol` to say.
/// forge-config: default.isolate = false
contract BoundsTest is SizesTest {
    string private constant RUNG_5 = "Rung5Sparse.sol:Rung5Sparse";
    string private constant RUNG_6 = "Rung6Proven.sol:Rung6Proven";
    string private constant RUNG_7 = "Rung7Relayed.sol:Rung7Relayed";
    uint256 private constant MOST = 120; // clients

    // -------------------------------------------------------------------------------------------------------- rung 2

    /// @dev A chunk of each client, with a head, a tail and a score of each.
    function test_DeployerWantsOneClientMoreThanAStepHolds() public {
        uint32[5] memory parameters = [uint32(993), 2_000, 961, 992, 960];
        uint256[5] memory most = [uint256(116), 116, 119, 119, 120];
        for (uint256 k; k < 5; ++k) {
            (uint32 P, uint256 n) = (parameters[k], most[k]);
            uint256 each = 96 + (P < 1_024 ? (uint256(P) + 31) / 32 * 32 : 1_024);
            vm.assertLe(n * each, TRANSACTION - ENVELOPE, "fits");
            assertTaken(RUNG_2, simple(P, n));
            if (n == MOST) continue;
            vm.assertGe((n + 1) * each, TRANSACTION - ENVELOPE + 1, "does not");
            assertRefused(RUNG_2, simple(P, n + 1), "clients", n + 1);
        }
    }

    // ------------------------------------------------------------------------------------------------- rungs 3 and 4

    /// @dev Calldata of `proveChunk`, one thing after the other.
    function disputeBytes(uint256 parameters, uint256 n) private pure returns (uint256 size) {
        uint256 chunks = (parameters + 1_023) / 1_024;
        uint256 row = parameters < 1_024 ? (parameters + 31) / 32 * 32 : 1_024;
        size = 4 + 18 * 32; // selector, heads, offsets, lengths
        for (uint256 i; i < n; ++i) {
            size += 32; // a score in the leaf
            size += 6 * 32; // a submission without its parts
            for (uint256 part; part * 120 < chunks; ++part) {
                size += 64;
            }
            size += row;
            for (uint256 leaves = 1; leaves < (chunks < 120 ? chunks : 120); leaves *= 2) {
                size += 32; // a sibling in the part
            }
        }
        for (uint256 leaves = 1; leaves < chunks; leaves *= 2) {
            size += 32 + 32 * n; // a sibling in the sum tree
        }
    }

    function test_DeployerWantsOneClientMoreThanCanBeDisputed() public {
        uint32[3] memory parameters = [uint32(800), 5_096, 2_188_960];
        uint256[3] memory most = [uint256(118), 86, 42];
        for (uint256 k; k < 3; ++k) {
            (uint32 P, uint256 n) = (parameters[k], most[k]);
            vm.assertLe(disputeBytes(P, n), TRANSACTION - ENVELOPE, "fits");
            vm.assertGe(disputeBytes(P, n + 1), TRANSACTION - ENVELOPE + 1, "does not");
            assertTaken(RUNG_3, optimistic(config(P), terms(), n));
            assertRefused(RUNG_3, optimistic(config(P), terms(), n + 1), "clients", n + 1);
        }
    }

    // -------------------------------------------------------------------------------------------------------- rung 5

    function sparse(uint256 parameters, uint256 n) private pure returns (bytes memory) {
        (address[] memory accounts, uint16[] memory weights) = members(n);
        return abi.encode(config(uint32(parameters)), false, accounts, weights);
    }

    /// @dev Strips of 180 blocks, of n clients, as long as their bytes and their gas fit; one at least.
    function strips(uint256 n) private pure returns (uint256 count) {
        uint256 bytes_ = 2 * ENVELOPE + 64 * n + 4 * n * (n + 1);
        uint256 gas = 580 * n * n;
        while (true) {
            bytes_ += 360 * n;
            gas += 510 * n * (n - 1) + 9_100 * n;
            if (bytes_ > TRANSACTION || gas > 15_800_000) return count == 0 ? 1 : count;
            ++count;
        }
    }

    /// @dev Few, many, and numbers of clients at which a little more or less in the reckoning moves a strip.
    function test_DeployerWantsPagesThatFitNoTransaction() public {
        uint8[16] memory clients = [1, 2, 3, 4, 5, 16, 34, 53, 61, 71, 80, 82, 94, 104, 119, 120];
        for (uint256 k; k < clients.length; ++k) {
            ISparseRung rung = ISparseRung(assertTaken(RUNG_5, sparse(1_000, clients[k])));
            vm.assertEq(rung.pageBlocks(), 180 * strips(clients[k]), "blocks in a page");
        }
    }

    function test_DeployerWantsRowsThatNobodyCanShow() public {
        for (uint256 n = 1; n <= MOST; n += 17) {
            uint256 blocks = (TRANSACTION - ENVELOPE - 34 * n) / 2; // to the byte
            assertTaken(RUNG_5, sparse(64 * blocks, n));
            assertRefused(RUNG_5, sparse(64 * blocks + 1, n), "clients", n);
        }
    }

    // -------------------------------------------------------------------------------------------------- rungs 6 and 7

    function proven(uint256 points, uint256 n) private pure returns (bytes memory) {
        (address[] memory accounts, uint16[] memory weights) = members(n);
        IProvenRung.Terms memory t = IProvenRung.Terms({ windowSeconds: 60, revealSeconds: 60, stake: STAKE });
        return abi.encode(config(uint32(points << Sealing.LOG_N)), t, Sealing.setup(), accounts, weights);
    }

    function relayed(uint256 points, uint256 n) private pure returns (bytes memory) {
        (address[] memory accounts, uint16[] memory weights) = members(n);
        IRelayedRung.Terms memory t = IRelayedRung.Terms({ windowSeconds: 60, stake: STAKE, ecdsa: false });
        return abi.encode(config(uint32(points << Sealing.LOG_N)), t, Sealing.setup(), accounts, weights);
    }

    /// @dev The smallest step: 2,208 bytes, 128 a point of one client, 112 a client.
    function test_DeployerWantsStepsOfOneClientTooLarge() public {
        Sealing.mockPairing();
        vm.assertEq(uint256(2_208 + 128 * 1_005 + 112 * 2), TRANSACTION, "not a byte is left");
        assertTaken(RUNG_6, proven(1_005, 2));
        uint256[2][3] memory over = [[uint256(1_006), 1], [uint256(992), 17], [uint256(1_005), 3]];
        for (uint256 k; k < 3; ++k) {
            uint256 parameters = over[k][0] << Sealing.LOG_N;
            assertRefused(RUNG_6, proven(over[k][0], over[k][1]), "parameters", parameters);
        }
    }

    /// @dev A round: 1,536 bytes, 32 a chunk, 160 a client, and 96 for each chunk of each.
    function test_DeployerWantsRoundsTooLarge() public {
        Sealing.mockPairing();
        uint256[2][3] memory taken = [[uint256(400), 3], [uint256(159), 8], [uint256(15), 80]];
        for (uint256 k; k < 3; ++k) {
            (uint256 K, uint256 n) = (taken[k][0], taken[k][1]);
            vm.assertEq(1_536 + 32 * K + n * (96 * K + 160), TRANSACTION - ENVELOPE - 32, "a word is left");
            assertTaken(RUNG_7, relayed(K, n));
        }
        uint256[2][4] memory over = [[uint256(1_003), 1], [uint256(181), 7], [uint256(44), 29], [uint256(13), 91]];
        for (uint256 k; k < 4; ++k) {
            (uint256 K, uint256 n) = (over[k][0], over[k][1]);
            vm.assertEq(1_536 + 32 * K + n * (96 * K + 160), TRANSACTION - ENVELOPE + 32, "a word too many");
            assertRefused(RUNG_7, relayed(K, n), "clients", n);
        }
    }
}
