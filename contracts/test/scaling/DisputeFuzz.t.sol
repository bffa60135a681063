// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IOptimisticRung } from "../../src/scaling/IOptimisticRung.sol";
import { IRung } from "../../src/scaling/IRung.sol";
import { Game } from "./Game.sol";
import { Trees } from "./Trees.sol";

/// @notice Random rounds and random lies: a wrong leaf falls where it is wrong and nowhere else, and what is right stands.
/// forge-config: deep.fuzz.runs = 400
/// forge-config: default.fuzz.runs = 6
contract DisputeFuzzTest is Game {
    using Trees for Trees.Tree;

    function blobs() internal pure override returns (bool) {
        return false;
    }

    function begin(uint256 seed) private {
        uint256 size = draw(seed, "P", 0) % 5000 + 1;
        if (seed % 3 == 0) size = 1024 * (size % 4 + 1) + size % 3 - 1; // about a whole number of chunks
        start(uint32(size), draw(seed, "n", 0) % 5 + 1, seed >> 8);
    }

    function testFuzz_WrongLeafFallsWhereItIsWrong(uint256 seed) public {
        begin(seed);
        Trees.Tree memory t = Trees.leaves(exactWithout(0));
        uint256 wrong = draw(seed, "wrong", 0) % t.width;
        uint256 bit = 1 << draw(seed, "bit", 0) % 256;
        if (seed % 2 == 0) {
            t.hashes[t.width + wrong] ^= bytes32(bit);
        } else {
            uint256 i = draw(seed, "client", 0) % n;
            t.scores[t.width + wrong][i] ^= int256(bit);
        }
        t.grow();
        propose(t);
        uint256 chunks = (uint256(parameters) + 1023) / 1024;
        IOptimisticRung.Evidence memory none;
        for (uint256 k; k < t.width; ++k) {
            if (k == wrong) continue;
            refused(
                watcher,
                chunkCall(t, k, k < chunks ? evidence(k, 0) : none),
                abi.encodeWithSelector(IOptimisticRung.RungNoFraud.selector, k)
            );
        }
        ok(watcher, chunkCall(t, wrong, wrong < chunks ? evidence(wrong, 0) : none));
        assertRejected(watcher, 100 * FEE);
        assertBooks(0);
    }

    function testFuzz_WrongTotalFalls(uint256 seed) public {
        begin(seed);
        Trees.Tree memory t = trueTree();
        int256[] memory wrong = plus(t.scores[1], 0, 0);
        wrong[draw(seed, "client", 0) % n] ^= int256(1 << draw(seed, "bit", 0) % 256);
        proposeScores(t, wrong);
        uint256 k = draw(seed, "chunk", 0) % t.width;
        if (t.width == 1) {
            t.scores[1] = wrong;
            ok(watcher, chunkCall(t, 0));
        } else {
            ok(watcher, totalCall(t, k, wrong));
        }
        assertRejected(watcher, 100 * FEE);
    }

    /// @dev With right evidence, and with a word of the call changed: whatever is sent.
    function testFuzz_RightResultStands(uint256 seed) public {
        begin(seed);
        Trees.Tree memory t = trueTree();
        propose(t);
        uint256 chunks = (uint256(parameters) + 1023) / 1024;
        IOptimisticRung.Evidence memory none;
        for (uint256 k; k < t.width; ++k) {
            bytes memory call_ = chunkCall(t, k, k < chunks ? evidence(k, 0) : none);
            bytes memory total = totalCall(t, k, t.scores[1]);
            stands(call_);
            stands(total);
            for (uint256 j; j < 16; ++j) {
                stands(changed(call_, draw(seed, "change", 16 * k + j)));
                stands(changed(total, draw(seed, "total", 16 * k + j)));
            }
        }
        vm.warp(NOW + WINDOW);
        rung.finalize(1);
        held(proposer, ODD_BOND, "the bond is whole");
    }

    function stands(bytes memory call_) private {
        vm.prank(watcher);
        (bool done,) = address(rung).call(call_);
        vm.assertTrue(!done, "what is right was rejected");
        assertPhase(IRung.Phase.Proposed);
    }

    /// @dev A bit of a word of the arguments.
    function changed(bytes memory call_, uint256 random) private pure returns (bytes memory other) {
        other = abi.encodePacked(call_);
        uint256 from = 4 + 32 * (random % ((call_.length - 4) / 32));
        if (random >> 32 & 1 == 1) from = 4 + 32 * (random % 40 % ((call_.length - 4) / 32)); // more often the first ones
        uint256 bit = random >> 64 & 1 == 1 ? 1 << (random >> 72) % 256 : random >> 128 & 3;
        assembly ("memory-safe") {
            let place := add(add(other, 0x20), from)
            mstore(place, xor(mload(place), bit))
        }
    }
}
