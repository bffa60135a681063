// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IBlobRung } from "../../../src/scaling/IBlobRung.sol";
import { IOptimisticRung } from "../../../src/scaling/IOptimisticRung.sol";
import { IRung } from "../../../src/scaling/IRung.sol";
import { Game } from "../../scaling/Game.sol";
import { Trees } from "../../scaling/Trees.sol";

/// @notice A client's root is not the one that follows from its blob. A watcher that knows nothing else searches for a
/// chunk that differs, whatever the stake and in the least time that the constructor takes.
/// @dev Chunks are all whole, and told apart by their first word. The blob holds what the root says but for chunk `wrong`.
/// forge-config: default.isolate = false
contract SearchesTest is Game {
    using Trees for Trees.Tree;

    uint256 private constant PART = 120;
    uint256 private constant NONE = type(uint256).max;
    bytes32 private constant RUBBISH = bytes32(uint256(0xbad));
    uint256 private constant SMALL = 3; // wei, both bond and stake: half of it is 1, less than any fee

    address private cheat = account("cheat");
    uint256 private chunks;
    uint256 private levels; // of a part's tree
    uint256 private part; // the one that differs
    uint256 private before; // what the cheats have
    /// @dev Each part's tree: node 1 is the root, below node i are 2i and 2i + 1.
    bytes32[][] private committed;
    bytes32[] private published;
    uint256[] private asked; // and not answered
    uint256[] private paidFor;

    function blobs() internal pure override returns (bool) {
        return true;
    }

    // ------------------------------------------------------------------------------------------------- time to search

    /// @dev Three windows to work would leave one for questions, and none for a second stage. Here the cheat comes last, the
    /// watcher a block later, and each answer in the last second.
    function test_ClientAnswersLateToKeepItsStake() public {
        begin(8, 5, NONE);
        vm.warp(NOW + SUBMIT + 12);
        search();
        watcherShows(5);
        vm.assertTrue(block.timestamp + WINDOW < rung.currentRound().expiresAt, "there was a window left for it");
    }

    /// @dev Its own proposal stands first: the client's data are asked for in that one's two windows, and it goes with them.
    function test_CheatProposesToHaveItsDataAskedForTooLate() public {
        begin(8, 5, NONE);
        vm.warp(NOW + SUBMIT);
        proposeAnything(new int256[](3));
        vm.warp(NOW + SUBMIT + WINDOW - 1); // as late as may be
        search();
        watcherShows(5);
        vm.assertEq(rung.availableOf(cheat), rung.terms().bond, "the proposal went, and its bond is free");
    }

    /// @dev A moment before, data are asked for with no proposal.
    function test_CheatProposesBetweenQuestionsToEndThem() public {
        begin(8, 5, NONE);
        vm.warp(NOW + SUBMIT);
        askFirstStage();
        vm.warp(NOW + SUBMIT + 12);
        proposeAnything(new int256[](3));
        vm.warp(NOW + SUBMIT + WINDOW - 1);
        answerAll();
        askSecondStage();
        vm.warp(NOW + SUBMIT + 2 * WINDOW - 2);
        answerAll();
        watcherShows(5);
    }

    // ------------------------------------------------------------------------------------------- what a search pays

    /// @dev Then a cheat shows the blob itself.
    function test_CheatsEarnASearchOfABlobAndShowItThemselves() public {
        earns(1, 0, 1);
        earns(2, 1, 2);
        earns(3, 2, 2); // the last subtree holds one chunk
        earns(8, 5, 5);
        earns(9, 8, 3); // so do three subtrees of height 2
        earns(16, 15, 7);
        earns(17, 3, 8);
        earns(64, 63, 15);
        earns(119, 0, 22);
        earns(120, 119, 22); // of 16 subtrees of height 3 one holds no chunk
        earns(121, 119, 22);
        earns(121, 120, 1);
        earns(240, 239, 22); // the proposed tree is one deeper, and each part's is not
        earns(1000, 999, 12); // the last part holds 40 chunks
    }

    /// @dev `fees` are what the search takes.
    function earns(uint256 chunks_, uint256 wrong, uint256 fees) private {
        begin(chunks_, wrong, NONE);
        vm.warp(NOW + SUBMIT);
        search();
        held(watcher, (1000 - fees) * FEE, "so many fees are held");
        show(cheat, wrong);
        vm.assertEq(rung.excluded(), 4, "out");
        settleAll();
        held(watcher, 1000 * FEE, "the search cost nothing");
        vm.assertEq(cheats(), before - SMALL + SMALL / 2, "what was burned is gone");
    }

    /// @dev Both search a subtree in the same block, as the first stage shows that both differ.
    function test_ClientEarnsTheSearchesOfTwoWatchers() public {
        begin(16, 1, NONE);
        vm.warp(NOW + SUBMIT);
        fund(rung, passer, 3 * FEE);
        askFirstStage();
        vm.warp(block.timestamp + WINDOW - 1);
        answerAll();
        askSecondStage();
        for (uint256 k = 5; k < 8; ++k) {
            ok(passer, dataCall(2, k));
            asked.push(k);
            paidFor.push(k);
        }
        vm.warp(block.timestamp + WINDOW - 1);
        answerAll();
        show(cheat, 1);
        settleAll();
        held(watcher, 1000 * FEE, "the search cost nothing");
        held(passer, 3 * FEE, "nor did the other one's");
        vm.assertEq(cheats(), before - SMALL + SMALL / 2, "what was burned is gone");
    }

    /// @dev As in Races.t.sol, of trees too large to be computed there: a tree of anything will do. Its author answers, and
    /// puts a client of its own out.
    function test_CheatsEarnASearchOfALargeTreeAndTakeItBack() public {
        earnsTree(120, 23);
        earnsTree(121, 23);
        earnsTree(128, 23);
        earnsTree(129, 31);
        earnsTree(240, 31);
        earnsTree(257, 47);
    }

    function earnsTree(uint256 chunks_, uint256 fees) private {
        begin(chunks_, 0, NONE);
        vm.warp(NOW + SUBMIT);
        Trees.Tree memory t = anyTree();
        ok(cheat, abi.encodeCall(IRung.work, (1, t.payload(rung.basis(), t.scores[1]))));
        uint256 below = 1 << t.depth() / 2;
        for (uint256 k; k < t.width; k += below) {
            demand(k);
        }
        vm.warp(NOW + SUBMIT + WINDOW - 1);
        for (uint256 k; k < t.width; k += below) {
            ok(cheat, answerCall(t, k));
        }
        for (uint256 k = 1; k < below; ++k) {
            demand(k);
        }
        vm.warp(NOW + SUBMIT + 2 * WINDOW - 2);
        for (uint256 k = 1; k < below; ++k) {
            ok(cheat, answerCall(t, k));
        }
        held(watcher, (1000 - fees) * FEE, "so many fees are held");
        show(cheat, 0);
        for (uint256 k; k < t.width; ++k) {
            if (k < below || k % below == 0) ok(passer, reclaimCall(1, k));
        }
        held(watcher, 1000 * FEE, "the search cost nothing");
        vm.assertEq(cheats(), before - SMALL + SMALL / 2, "what was burned is gone");
    }

    function anyTree() private view returns (Trees.Tree memory t) {
        t.width = 1;
        while (t.width < chunks) t.width *= 2;
        (t.hashes, t.scores) = (new bytes32[](2 * t.width), new int256[][](2 * t.width));
        for (uint256 k; k < t.width; ++k) {
            (t.hashes[t.width + k], t.scores[t.width + k]) = (keccak256(abi.encode(k)), new int256[](3));
        }
        return t.grow();
    }

    // ----------------------------------------------------------------------------------------------------- padding

    /// @dev The blob holds just what was committed to, so there is nothing to prove; but nobody can compute the root from it,
    /// and whoever wants to propose has to ask. The client has no answer where the rubbish lies.
    function test_ClientPadsItsTreeWithRubbishToEarnFees() public {
        padded(3, 3, 2); // the last leaf, beside chunk 2
        padded(5, 5, 4);
        padded(5, 7, 4); // in a subtree beside chunk 4's
        padded(9, 15, 8);
        padded(120, 120, 112); // beside the last eight chunks
        padded(120, 127, 112);
        padded(121, 121, 120); // the second part has one chunk
        padded(121, 120 + 127, 120);
        padded(240, 239 + 5, 232);
    }

    /// @dev `leaf` is rubbish; the search meets it when it asks for `chunk`.
    function padded(uint256 chunks_, uint256 leaf, uint256 chunk) private {
        begin(chunks_, NONE, leaf);
        vm.warp(NOW + SUBMIT);
        askFirstStage();
        vm.warp(NOW + SUBMIT + WINDOW - 1);
        answerAll();
        if (asked.length == 0) {
            askSecondStage();
            vm.warp(NOW + SUBMIT + 2 * WINDOW - 2);
            answerAll();
        }
        vm.assertEq(asked.length, 1, "one question is left");
        vm.assertEq(asked[0], chunk, "for this chunk");
        vm.warp(block.timestamp + WINDOW);
        ok(watcher, abi.encodeCall(IBlobRung.expireData, (1, 2, chunk)));
        vm.assertEq(rung.excluded(), 4, "out");
        settleAll();
        held(watcher, 1000 * FEE + SMALL / 2, "all fees, and half of the stake");
        vm.assertEq(cheats(), before - SMALL, "the stake is gone");
    }

    /// @dev Zeros are what all have there: each chunk can be shown, and what is not padding is not taken for it.
    function test_WatcherTakesAnHonestTreeForPadding() public {
        begin(5, NONE, NONE);
        vm.warp(NOW + SUBMIT);
        for (uint256 k; k < 5; ++k) {
            ask(k);
        }
        answerAll();
        vm.assertEq(asked.length, 0, "all were answered");
        vm.warp(NOW + SUBMIT + WORK);
        rung.openRound(); // nobody proposed
        settleAll();
        held(member(2), SMALL + 5 * FEE, "a fee each");
        held(watcher, 995 * FEE, "paid");
    }

    /// @dev Rubbish is refused in answers only: who shows that the blob differs brings the client's tree as it is.
    function test_ClientPadsItsTreeWithRubbishNotToBeShown() public {
        begin(3, 2, 3);
        vm.warp(NOW + SUBMIT);
        show(watcher, 2);
        vm.assertEq(rung.excluded(), 4, "out");
    }

    // ------------------------------------------------------------------------------------------------ the beginning

    /// @dev Three clients, the third one the cheat's. Its tree says what nobody published in chunk `wrong`, and has rubbish at
    /// `leaf`, counted from the first chunk on; `NONE`: nowhere.
    function begin(uint256 chunks_, uint256 wrong, uint256 leaf) private {
        vm.warp(NOW);
        delete asked;
        delete paidFor;
        delete committed;
        (chunks, n, levels) = (chunks_, 3, 0);
        while (1 << levels < chunks && 1 << levels < PART) ++levels;
        part = (wrong == NONE ? leaf == NONE ? 0 : chunks - 1 : wrong) / PART;
        IOptimisticRung.Terms memory t = gameTerms();
        (t.stake, t.bond) = (uint96(SMALL), uint96(SMALL));
        IRung.Config memory c = config(uint32(1024 * chunks_));
        rung = IBlobRung(assertTaken(RUNG_4, optimistic(c, t, 3)));
        c.workSeconds -= 1;
        assertRefused(RUNG_4, optimistic(c, t, 3), "workSeconds", c.workSeconds);
        fund(rung, cheat, t.bond);
        fund(rung, watcher, 1000 * FEE);
        rung.openRound();
        uint256 parts = (chunks + PART - 1) / PART;
        for (uint256 p; p < parts; ++p) {
            committed.push(treeOf(p, NONE, leaf));
        }
        published = treeOf(part, wrong, NONE);
        for (uint256 i; i < 3; ++i) {
            fund(rung, member(i), t.stake);
            if (i == 2) vm.warp(NOW + SUBMIT - 1); // the cheat comes last
            attackVm.blobhashes(names(parts, i));
            ok(member(i), abi.encodeCall(IRung.submit, (1, abi.encodePacked(list()[i].parts))));
        }
        attackVm.blobhashes(new bytes32[](0));
        before = cheats();
    }

    function treeOf(uint256 p, uint256 wrong, uint256 leaf) private view returns (bytes32[] memory nodes) {
        uint256 width = 1 << levels;
        nodes = new bytes32[](2 * width);
        for (uint256 k; k < width; ++k) {
            uint256 chunk = PART * p + k;
            if (k < PART && chunk < chunks) nodes[width + k] = keccak256(dataOf(chunk));
            if (chunk == wrong) nodes[width + k] = keccak256("something else");
            if (p == part && chunk == leaf) nodes[width + k] = RUBBISH;
        }
        for (uint256 i = width - 1; i > 0; --i) {
            nodes[i] = keccak256(abi.encode(nodes[2 * i], nodes[2 * i + 1]));
        }
    }

    function dataOf(uint256 chunk) private pure returns (bytes memory data) {
        data = new bytes(1024);
        assembly ("memory-safe") {
            mstore(add(data, 0x20), add(chunk, 1))
        }
    }

    /// @dev All have the same tree; nobody asks the others.
    function list() private view returns (IOptimisticRung.Submission[] memory all) {
        all = new IOptimisticRung.Submission[](3);
        for (uint256 i; i < 3; ++i) {
            (all[i].client, all[i].parts) = (i, new bytes32[](committed.length));
            for (uint256 p; p < committed.length; ++p) {
                all[i].parts[p] = committed[p][1];
            }
            all[i].blobs = names(committed.length, i);
        }
    }

    function names(uint256 count, uint256 i) private pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](count);
        for (uint256 k; k < count; ++k) {
            hashes[k] = bytes32(uint256(1) << 248 | i << 32 | k + 1);
        }
    }

    function proposeAnything(int256[] memory scores) private {
        ok(cheat, abi.encodeCall(IRung.work, (1, abi.encode(rung.basis(), bytes32(uint256(1)), scores))));
    }

    function cheats() private view returns (uint256) {
        return rung.depositOf(cheat) + rung.depositOf(member(2));
    }

    // -------------------------------------------------------------------------------------------------- the search

    function search() private {
        askFirstStage();
        vm.warp(block.timestamp + WINDOW - 1);
        answerAll();
        askSecondStage();
        vm.warp(block.timestamp + WINDOW - 1);
        answerAll();
        vm.assertEq(asked.length, 0, "all were answered");
    }

    function ask(uint256 chunk) private {
        ok(watcher, dataCall(2, chunk));
        asked.push(chunk);
        paidFor.push(chunk);
    }

    /// @dev A chunk of each subtree that has one.
    function askFirstStage() private {
        vm.assertTrue(committed[part][1] != published[1], "the root does not follow from the blob");
        for (uint256 k; k < PART && PART * part + k < chunks; k += 1 << levels / 2) {
            ask(PART * part + k);
        }
    }

    /// @dev All chunks of one that differs but the one that was shown.
    function askSecondStage() private {
        uint256 below = 1 << levels / 2;
        uint256 first = (1 << levels) / below; // the level of the subtrees' roots
        uint256 s;
        while (committed[part][first + s] == published[first + s]) ++s;
        for (uint256 k = below * s + 1; k < below * (s + 1) && k < PART && PART * part + k < chunks; ++k) {
            ask(PART * part + k);
        }
    }

    /// @dev But for the question that put the client out, which was given back at once.
    function settleAll() private {
        for (uint256 i; i < paidFor.length; ++i) {
            if (asked.length == 0 || paidFor[i] != asked[0]) ok(cheat, settleCall(2, paidFor[i]));
        }
    }

    /// @dev The client does what it can: what it cannot answer stays in `asked`.
    function answerAll() private {
        uint256[] memory all = asked;
        delete asked;
        for (uint256 i; i < all.length; ++i) {
            uint256 chunk = all[i];
            bytes memory reply =
                abi.encodeCall(IBlobRung.answerData, (1, list(), 2, chunk, dataOf(chunk), proofOf(chunk)));
            (bytes32 given, bytes32 zeros) = paddingOf(chunk);
            if (given == zeros) {
                ok(member(2), reply);
                continue;
            }
            refused(member(2), reply, abi.encodeWithSelector(IBlobRung.RungBadPadding.selector, 2, given, zeros));
            asked.push(chunk);
        }
    }

    function proofOf(uint256 chunk) private view returns (bytes32[] memory proof) {
        proof = new bytes32[](levels);
        uint256 node = (1 << levels) + chunk % PART;
        for (uint256 level; level < levels; ++level) {
            proof[level] = committed[chunk / PART][node ^ 1];
            node /= 2;
        }
    }

    /// @dev The first sibling that is not zeros though no chunk lies below it, and what it should be; equal if there is none.
    function paddingOf(uint256 chunk) private view returns (bytes32 given, bytes32 zeros) {
        bytes32[] memory proof = proofOf(chunk);
        uint256 p = chunk / PART;
        for (uint256 level; level < levels; ++level) {
            bool chunksBelow;
            for (uint256 k; k < 1 << level; ++k) {
                uint256 leaf = ((chunk % PART >> level) ^ 1) * (1 << level) + k;
                if (leaf < PART && PART * p + leaf < chunks) chunksBelow = true;
            }
            if (!chunksBelow && proof[level] != zeros) return (proof[level], zeros);
            zeros = keccak256(abi.encode(zeros, zeros));
        }
        return (zeros, zeros);
    }

    function watcherShows(uint256 wrong) private {
        uint256 held_ = rung.depositOf(watcher);
        show(watcher, wrong);
        vm.assertEq(rung.excluded(), 4, "out");
        held(member(2), 0, "no fee, and no stake");
        held(watcher, held_ + SMALL / 2, "half of the stake");
        settleAll();
        held(watcher, 1000 * FEE + SMALL / 2, "and all fees");
    }

    /// @dev The point evaluation takes all, see BlobDisputes.t.sol.
    function show(address prover, uint256 chunk) private {
        IBlobRung.Opening memory opening = IBlobRung.Opening({
            element: 34 * (chunk % PART), value: chunk + 2, commitment: new bytes(48), proof: new bytes(48)
        });
        attackVm.mockCall(address(0x0a), "", abi.encode(uint256(4096)));
        ok(prover, abi.encodeCall(IBlobRung.proveData, (1, list(), 2, chunk, dataOf(chunk), proofOf(chunk), opening)));
        attackVm.clearMockedCalls();
    }
}
