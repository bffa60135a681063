// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator } from "../../src/core/IAggregator.sol";
import { IClientRegistry } from "../../src/core/IClientRegistry.sol";
import { IEscrow } from "../../src/core/IEscrow.sol";
import { Federation } from "../utils/Federation.sol";

/// @notice The life of a round: phases, deadlines, commit–reveal. What the rounds compute is in AggregatorMaths.t.sol.
contract AggregatorTest is Federation {
    int64[] private a = vector(5e9, -2e9, 1);
    int64[] private b = vector(-1e9, 7e9, 0);
    int64[] private c = vector(3, 4e9, -100e9);
    address private alice = client(0);
    address private bob = client(1);
    address private carol = client(2);
    address private stranger = account("stranger");

    function setUp() public {
        deploy(defaultConfig(), defaultTerms());
        register(alice, 100);
        register(bob, 50);
        register(carol, 7);
    }

    function committedByThree() private {
        aggregator.openRound();
        commit(alice, a);
        commit(bob, b);
        commit(carol, c);
        warpToDeadline();
        aggregator.advance();
    }

    function expectWrongPhase(IAggregator.Phase actual, IAggregator.Phase required) private {
        vm.expectRevert(abi.encodeWithSelector(IAggregator.WrongPhase.selector, actual, required));
    }

    // ---------------------------------------------------------------------------------------------------- deployment

    function test_Deployment() public view {
        vm.assertEq(keccak256(abi.encode(aggregator.config())), keccak256(abi.encode(defaultConfig())), "configuration");
        vm.assertEq(aggregator.publisher(), PUBLISHER, "publisher");
        vm.assertEq(aggregator.registry(), address(registry), "registry");
        vm.assertEq(aggregator.rewardPool(), address(pool), "pool");
        vm.assertEq(aggregator.currentRound().number, 0, "no round yet");
        vm.assertEq(aggregator.lastClosedRound(), 0, "none closed");
        vm.assertEq(aggregator.model().length, 3, "a model of P zeros");
        vm.assertEq(aggregator.globalUpdate().length, 3, "an update of P zeros");
    }

    function expectBadConfig(IAggregator.Config memory config, string memory field, uint256 value) private {
        vm.expectRevert(abi.encodeWithSelector(IAggregator.BadConfig.selector, field, value));
        vm.deployCode("Aggregator.sol:Aggregator", abi.encode(registry, pool, PUBLISHER, config));
    }

    function test_RevertWhen_BadConfig() public {
        IAggregator.Config memory config = defaultConfig();
        config.parameters = 0;
        expectBadConfig(config, "parameters", 0);
        config = defaultConfig();
        config.minimum = 0;
        expectBadConfig(config, "minimum", 0);
        config = defaultConfig();
        (config.capacity, config.minimum) = (4, 5);
        expectBadConfig(config, "capacity", 4);
        config = defaultConfig();
        config.commitSeconds = 0;
        expectBadConfig(config, "commitSeconds", 0);
        config = defaultConfig();
        config.revealSeconds = 0;
        expectBadConfig(config, "revealSeconds", 0);
        config = defaultConfig();
        config.bound = 0;
        expectBadConfig(config, "bound", 0);
        config.bound = 2 ** 44 + 1;
        expectBadConfig(config, "bound", 2 ** 44 + 1);
    }

    // -------------------------------------------------------------------------------------------------------- phases

    /// @dev At every stop of a round, every function that belongs elsewhere must say so.
    function test_RevertWhen_WrongPhase() public {
        IAggregator.Phase[6] memory order = [
            IAggregator.Phase.Idle,
            IAggregator.Phase.Commit,
            IAggregator.Phase.Reveal,
            IAggregator.Phase.Aggregate,
            IAggregator.Phase.Score,
            IAggregator.Phase.Settle
        ];
        for (uint256 k; k < order.length; ++k) {
            if (k == 1) aggregator.openRound();
            if (k == 2) fillCommitments();
            if (k == 3) revealAll();
            if (k == 4) aggregator.aggregate(3);
            if (k == 5) aggregator.score(4);
            assertPhase(order[k], "on the way");
            refuseAllBut(order[k]);
        }
        pool.settle(8);
        assertPhase(IAggregator.Phase.Idle, "after settling");
    }

    function fillCommitments() private {
        register(client(3), 1);
        for (uint256 i; i < 4; ++i) {
            commit(client(i), vector(1, 2, int64(int256(i))));
        }
    }

    function revealAll() private {
        for (uint256 i; i < 4; ++i) {
            reveal(client(i), vector(1, 2, int64(int256(i))));
        }
    }

    function refuseAllBut(IAggregator.Phase current) private {
        if (current != IAggregator.Phase.Idle) {
            expectWrongPhase(current, IAggregator.Phase.Idle);
            aggregator.openRound();
        }
        if (current != IAggregator.Phase.Commit) {
            expectWrongPhase(current, IAggregator.Phase.Commit);
            vm.prank(alice);
            aggregator.commit(bytes32(uint256(1)));
        }
        if (current != IAggregator.Phase.Reveal) {
            expectWrongPhase(current, IAggregator.Phase.Reveal);
            vm.prank(alice);
            aggregator.reveal(a, 0);
        }
        if (current != IAggregator.Phase.Commit && current != IAggregator.Phase.Reveal) {
            expectWrongPhase(current, IAggregator.Phase.Commit);
            aggregator.advance();
        }
        if (current != IAggregator.Phase.Aggregate) {
            expectWrongPhase(current, IAggregator.Phase.Aggregate);
            aggregator.aggregate(1);
        }
        if (current != IAggregator.Phase.Score) {
            expectWrongPhase(current, IAggregator.Phase.Score);
            aggregator.score(1);
        }
        if (current != IAggregator.Phase.Settle) {
            expectWrongPhase(current, IAggregator.Phase.Settle);
            vm.prank(address(pool));
            aggregator.closeRound();
            vm.expectRevert(abi.encodeWithSelector(IEscrow.NothingToSettle.selector, aggregator.currentRound().number));
            pool.settle(1);
        }
    }

    function test_ARoundsEvents() public {
        vm.expectEmit(address(aggregator));
        emit IAggregator.RoundOpened(1, NOW + 600);
        vm.prank(stranger);
        aggregator.openRound();

        bytes32 commitment = commitmentFor(alice, a);
        vm.expectEmit(address(aggregator));
        emit IAggregator.Committed(1, alice, commitment);
        commit(alice, a);
        commit(bob, b);

        warpToDeadline();
        vm.expectEmit(address(aggregator));
        emit IAggregator.RevealOpened(1, 2, NOW + 600 + 300);
        vm.prank(stranger);
        aggregator.advance();

        vm.expectEmit(address(aggregator));
        emit IAggregator.Revealed(1, alice, 100, keccak256(abi.encodePacked(a)));
        reveal(alice, a);
        bytes32 salt = saltOf(bob, 1);
        vm.expectEmit(address(aggregator));
        emit IAggregator.Revealed(1, bob, 50, keccak256(abi.encodePacked(b)));
        vm.expectEmit(address(aggregator));
        emit IAggregator.AggregationOpened(1, 2, 150);
        vm.prank(bob);
        aggregator.reveal(b, salt);

        // g = (100·(5, −2, 10⁻⁹) + 50·(−1, 7, 0)) / 150 = (3, 1, 0) and ‖g‖² = 10.
        vm.expectEmit(address(aggregator));
        emit IAggregator.Aggregated(1, 10e18);
        aggregator.aggregate(3);
        // S_alice = 100·(15 − 2)/150 = 26/3, S_bob = 50·(−3 + 7)/150 = 4/3: their sum is 10.
        vm.expectEmit(address(aggregator));
        emit IAggregator.Scored(1, alice, int256(26e18) / 3);
        vm.expectEmit(address(aggregator));
        emit IAggregator.Scored(1, bob, int256(4e18) / 3);
        vm.expectEmit(address(aggregator));
        emit IAggregator.RoundScored(1);
        aggregator.score(2);

        vm.expectEmit(address(aggregator));
        emit IAggregator.RoundClosed(1);
        pool.settle(4);
    }

    function test_LastClosedRound() public {
        aggregator.openRound();
        vm.assertEq(aggregator.lastClosedRound(), 0, "round 1 runs");
        warpToDeadline();
        aggregator.advance();
        vm.assertEq(aggregator.lastClosedRound(), 0, "round 1 is to be settled");
        pool.settle(1);
        vm.assertEq(aggregator.lastClosedRound(), 1, "round 1 is over");
    }

    // ----------------------------------------------------------------------------------------------------- committing

    function test_CommitIsStored() public {
        aggregator.openRound();
        commit(carol, c);
        commit(alice, a);
        IAggregator.Entry memory entry = aggregator.entryOf(carol);
        vm.assertEq(entry.commitment, commitmentFor(carol, c), "commitment");
        vm.assertEq(entry.round, 1, "round");
        vm.assertEq(entry.samples, 7, "samples");
        vm.assertTrue(!entry.revealed && entry.score == 0, "nothing revealed");
        address[] memory list = aggregator.participants();
        vm.assertEq(list.length, 2, "two participants");
        vm.assertEq(list[0], carol, "in the order of their commitments");
        vm.assertEq(aggregator.participantAt(1), alice, "the second");
    }

    function test_FullRoundOpensTheRevealAtOnce() public {
        register(client(3), 1);
        aggregator.openRound();
        for (uint256 i; i < 3; ++i) {
            commit(client(i), vector(0, 0, int64(int256(i))));
        }
        bytes32 commitment = commitmentFor(client(3), c);
        vm.warp(NOW + 10);
        vm.expectEmit(address(aggregator));
        emit IAggregator.Committed(1, client(3), commitment);
        vm.expectEmit(address(aggregator));
        emit IAggregator.RevealOpened(1, 4, NOW + 10 + 300);
        vm.prank(client(3));
        aggregator.commit(commitment);
        assertPhase(IAggregator.Phase.Reveal, "no waiting");
    }

    function test_RevertWhen_CommittingToAFullRound() public {
        register(client(3), 1);
        register(client(4), 1);
        aggregator.openRound();
        for (uint256 i; i < 4; ++i) {
            commit(client(i), a);
        }
        expectWrongPhase(IAggregator.Phase.Reveal, IAggregator.Phase.Commit);
        vm.prank(client(4));
        aggregator.commit(bytes32(uint256(1)));
    }

    function test_RevertWhen_ZeroCommitment() public {
        aggregator.openRound();
        vm.expectRevert(abi.encodeWithSelector(IAggregator.ZeroCommitment.selector, alice));
        vm.prank(alice);
        aggregator.commit(0);
    }

    function test_RevertWhen_AlreadyCommitted() public {
        aggregator.openRound();
        commit(alice, a);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.AlreadyCommitted.selector, alice, 1));
        vm.prank(alice);
        aggregator.commit(bytes32(uint256(1)));
    }

    function test_RevertWhen_CommitterIsNotRegistered() public {
        aggregator.openRound();
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.NotRegistered.selector, stranger));
        vm.prank(stranger);
        aggregator.commit(bytes32(uint256(1)));
    }

    function test_RevertWhen_CommitterHasLeft() public {
        aggregator.openRound();
        vm.prank(alice);
        registry.deregister();
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.AlreadyLeft.selector, alice, NOW + COOL_DOWN));
        vm.prank(alice);
        aggregator.commit(bytes32(uint256(1)));
    }

    function test_RevertWhen_CommitterLostItsStake() public {
        aggregator.openRound();
        vm.prank(address(pool));
        registry.slash(alice, 0.5 ether + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IClientRegistry.StakeBelowMaintenance.selector, 0.5 ether - 1, 0.5 ether, 100)
        );
        vm.prank(alice);
        aggregator.commit(bytes32(uint256(1)));
    }

    function test_RevertWhen_CommitIsLate() public {
        aggregator.openRound();
        vm.warp(NOW + 599);
        commit(alice, a);
        vm.warp(NOW + 600);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.DeadlinePassed.selector, NOW + 600, NOW + 600));
        vm.prank(bob);
        aggregator.commit(bytes32(uint256(1)));
    }

    function testFuzz_CommitmentBindsEverything(uint256 round, address who, bytes32 digest, bytes32 salt) public {
        bytes32 here = aggregator.commitmentOf(round, who, digest, salt);
        bytes32 expected = keccak256(abi.encode(block.chainid, aggregator, round, who, digest, salt));
        vm.assertEq(here, expected, "abi.encode of six values");

        IAggregator other = IAggregator(
            vm.deployCode("Aggregator.sol:Aggregator", abi.encode(registry, pool, PUBLISHER, defaultConfig()))
        );
        vm.assertTrue(other.commitmentOf(round, who, digest, salt) != here, "another contract");
        vm.chainId(block.chainid + 1);
        vm.assertTrue(aggregator.commitmentOf(round, who, digest, salt) != here, "another chain");
    }

    /// @dev Bob copies Alice's commitment from the mempool and, once she has revealed, tries to open it as his own.
    function test_RevertWhen_RevealingACopiedCommitment() public {
        aggregator.openRound();
        bytes32 commitment = commitmentFor(alice, a);
        vm.prank(bob);
        aggregator.commit(commitment);
        commit(alice, a);
        warpToDeadline();
        aggregator.advance();
        reveal(alice, a);

        bytes32 opened = aggregator.commitmentOf(1, bob, keccak256(abi.encodePacked(a)), saltOf(alice, 1));
        bytes32 salt = saltOf(alice, 1);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.CommitmentMismatch.selector, commitment, opened));
        vm.prank(bob);
        aggregator.reveal(a, salt);
    }

    // ------------------------------------------------------------------------------------------------------ revealing

    function test_RevealIsStored() public {
        committedByThree();
        reveal(bob, b);
        vm.assertTrue(aggregator.entryOf(bob).revealed, "revealed");
        vm.assertEq(keccak256(abi.encode(aggregator.updateOf(bob))), keccak256(abi.encode(b)), "the update");
        vm.assertEq(aggregator.totalSamples(), 50, "its weight");
        vm.assertEq(aggregator.currentRound().revealed, 1, "counted");
    }

    function test_WeightIsThatOfTheCommit() public {
        committedByThree();
        vm.prank(alice);
        registry.deregister();
        reveal(alice, a);
        vm.assertEq(aggregator.entryOf(alice).samples, 100, "leaving after the commit changes nothing");
    }

    function test_RevertWhen_NotCommitted() public {
        aggregator.openRound();
        commit(alice, a);
        commit(bob, b);
        warpToDeadline();
        aggregator.advance();
        vm.expectRevert(abi.encodeWithSelector(IAggregator.NotCommitted.selector, carol, 1));
        vm.prank(carol);
        aggregator.reveal(c, 0);
    }

    function test_RevertWhen_AlreadyRevealed() public {
        committedByThree();
        reveal(alice, a);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.AlreadyRevealed.selector, alice, 1));
        vm.prank(alice);
        aggregator.reveal(a, 0);
    }

    function testFuzz_RevertWhen_WrongLength(uint256 length) public {
        length = bound(length, 0, 9);
        if (length == 3) length = 10;
        committedByThree();
        vm.expectRevert(abi.encodeWithSelector(IAggregator.WrongLength.selector, length, 3));
        vm.prank(alice);
        aggregator.reveal(new int64[](length), 0);
    }

    function test_RevertWhen_WrongSaltOrUpdate() public {
        committedByThree();
        bytes32 commitment = aggregator.entryOf(alice).commitment;
        bytes32 opened = aggregator.commitmentOf(1, alice, keccak256(abi.encodePacked(a)), bytes32(0));
        vm.expectRevert(abi.encodeWithSelector(IAggregator.CommitmentMismatch.selector, commitment, opened));
        vm.prank(alice);
        aggregator.reveal(a, 0);

        opened = aggregator.commitmentOf(1, alice, keccak256(abi.encodePacked(b)), saltOf(alice, 1));
        bytes32 salt = saltOf(alice, 1);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.CommitmentMismatch.selector, commitment, opened));
        vm.prank(alice);
        aggregator.reveal(b, salt);
    }

    function testFuzz_RevertWhen_ValueOutOfBounds(uint256 index, int64 value) public {
        index = bound(index, 0, 2);
        if (value >= -100e9 && value <= 100e9) value = value < 0 ? -100e9 - 1 : int64(100e9 + 1);
        int64[] memory update = vector(1, 2, 3);
        update[index] = value;
        aggregator.openRound();
        commit(alice, update);
        commit(bob, b);
        warpToDeadline();
        aggregator.advance();
        bytes32 salt = saltOf(alice, 1);
        vm.expectRevert(
            abi.encodeWithSelector(IAggregator.ValueOutOfBounds.selector, index, int256(value), uint256(100e9))
        );
        vm.prank(alice);
        aggregator.reveal(update, salt);
    }

    function test_ValuesAtTheBoundAreTaken() public {
        int64[] memory update = vector(100e9, -100e9, 0);
        aggregator.openRound();
        commit(alice, update);
        commit(bob, b);
        warpToDeadline();
        aggregator.advance();
        reveal(alice, update);
        vm.assertTrue(aggregator.entryOf(alice).revealed, "both bounds belong to the range");
    }

    /// @dev A word of calldata that is no int64 never reaches the arithmetic, whatever its low 64 bits say.
    function test_RevertWhen_CalldataHasDirtyHighBits() public {
        committedByThree();
        bytes memory call = abi.encodeCall(IAggregator.reveal, (a, saltOf(alice, 1)));
        call[4 + 3 * 32] = 0x01; // the highest byte of the first entry: selector, offset, salt, length, entries
        vm.prank(alice);
        (bool ok,) = address(aggregator).call(call);
        vm.assertTrue(!ok, "dirty high bits");
        call[4 + 3 * 32] = 0x00;
        vm.prank(alice);
        (ok,) = address(aggregator).call(call);
        vm.assertTrue(ok, "the same call, clean");
    }

    /// @dev Bob guessed Alice's update and committed to it himself: the first to reveal it keeps it.
    function test_RevertWhen_CopiedUpdate() public {
        aggregator.openRound();
        commit(alice, a);
        commit(bob, a);
        warpToDeadline();
        aggregator.advance();
        reveal(alice, a);
        bytes32 salt = saltOf(bob, 1);
        vm.expectRevert(
            abi.encodeWithSelector(IAggregator.CopiedUpdate.selector, keccak256(abi.encodePacked(a)), alice)
        );
        vm.prank(bob);
        aggregator.reveal(a, salt);
    }

    /// @dev In a later round nobody may show an old update again, not even its author.
    function test_RevertWhen_ReplayedUpdate() public {
        committedByThree();
        reveal(alice, a);
        reveal(bob, b);
        reveal(carol, c);
        aggregator.aggregate(3);
        aggregator.score(3);
        pool.settle(6);

        aggregator.openRound();
        commit(alice, a);
        commit(carol, b);
        warpToDeadline();
        aggregator.advance();
        expectCopied(alice, a, alice);
        expectCopied(carol, b, bob);
    }

    function expectCopied(address who, int64[] memory update, address first) private {
        bytes32 salt = saltOf(who, aggregator.currentRound().number);
        vm.expectRevert(
            abi.encodeWithSelector(IAggregator.CopiedUpdate.selector, keccak256(abi.encodePacked(update)), first)
        );
        vm.prank(who);
        aggregator.reveal(update, salt);
    }

    /// @dev A commitment binds its round: the same words do not open it in the next one.
    function test_RevertWhen_CommitmentOfAnotherRound() public {
        bytes32 commitment = aggregator.commitmentOf(1, alice, keccak256(abi.encodePacked(a)), saltOf(alice, 1));
        playVoid();
        aggregator.openRound();
        vm.prank(alice);
        aggregator.commit(commitment);
        commit(bob, b);
        warpToDeadline();
        aggregator.advance();
        bytes32 opened = aggregator.commitmentOf(2, alice, keccak256(abi.encodePacked(a)), saltOf(alice, 1));
        bytes32 salt = saltOf(alice, 1);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.CommitmentMismatch.selector, commitment, opened));
        vm.prank(alice);
        aggregator.reveal(a, salt);
    }

    function test_RevertWhen_RevealIsLate() public {
        committedByThree();
        bytes32 salt = saltOf(alice, 1);
        vm.warp(NOW + 600 + 299);
        reveal(bob, b);
        vm.warp(NOW + 600 + 300);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.DeadlinePassed.selector, NOW + 900, NOW + 900));
        vm.prank(alice);
        aggregator.reveal(a, salt);
    }

    // ------------------------------------------------------------------------------------------- advancing, void rounds

    function testFuzz_RevertWhen_TooEarly(uint256 wait) public {
        aggregator.openRound();
        commit(alice, a);
        commit(bob, b);
        uint256 time = NOW + bound(wait, 0, 599);
        vm.warp(time);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.TooEarly.selector, time, NOW + 600));
        aggregator.advance();

        vm.warp(NOW + 600);
        aggregator.advance();
        time = NOW + 600 + bound(wait, 0, 299);
        vm.warp(time);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.TooEarly.selector, time, NOW + 900));
        aggregator.advance();
    }

    function test_RoundBelowTheMinimumIsVoid() public {
        aggregator.openRound();
        commit(alice, a);
        warpToDeadline();
        vm.expectEmit(address(aggregator));
        emit IAggregator.RoundVoid(1, IAggregator.Phase.Commit, 1, 2);
        aggregator.advance();
        assertPhase(IAggregator.Phase.Settle, "nothing to average");
        vm.assertEq(aggregator.participants().length, 0, "nobody had the chance to reveal");
        pool.settle(1);
        vm.assertEq(registry.clientOf(alice).stake, 1 ether, "so nobody is punished");
    }

    function test_RoundWithoutARevealIsVoid() public {
        committedByThree();
        warpToDeadline();
        vm.expectEmit(address(aggregator));
        emit IAggregator.RoundVoid(1, IAggregator.Phase.Reveal, 0, 1);
        aggregator.advance();
        assertPhase(IAggregator.Phase.Settle, "nothing to average");
        vm.assertEq(aggregator.participants().length, 3, "all of them failed to reveal");
    }

    function test_MissingRevealsAreLeftOut() public {
        committedByThree();
        reveal(bob, b);
        reveal(carol, c);
        warpToDeadline();
        vm.expectEmit(address(aggregator));
        emit IAggregator.AggregationOpened(1, 2, 57);
        aggregator.advance();
        aggregator.aggregate(3);
        aggregator.score(3);
        int64[] memory g = aggregator.globalUpdate();
        vm.assertEq(int256(g[0]), int256(50 * -1e9 + 7 * 3) / 57, "alice's 100 samples do not count");
        vm.assertEq(int256(aggregator.entryOf(alice).score), 0, "nor has she a score");
    }

    /// @dev A client that reveals in one round and not in the next: the old update is still in the buffer.
    function test_OldUpdateOfASilentClientIsLeftOut() public {
        int64[][] memory updates = new int64[][](3);
        (updates[0], updates[1], updates[2]) = (a, b, c);
        play(updates);
        (updates[0], updates[1], updates[2]) = (new int64[](0), vector(2e9, 1, 0), vector(4e9, 1, 0));
        playToSettle(updates);
        vm.assertEq(aggregator.updateOf(alice).length, 3, "alice's update of round 1 is still there");
        int64[] memory g = aggregator.globalUpdate();
        vm.assertEq(int256(g[0]), int256(50 * 2e9 + 7 * 4e9) / 57, "but not averaged");
        vm.assertEq(int256(aggregator.entryOf(alice).score), 0, "and not scored");
    }

    /// @dev The list of participants is a buffer: a smaller round must not see the rest of a larger one.
    function test_SmallerRoundAfterALargerOne() public {
        committedByThree();
        warpToDeadline();
        aggregator.advance();
        pool.settle(6);
        aggregator.openRound();
        commit(carol, c);
        commit(bob, b);
        warpToDeadline();
        aggregator.advance();
        vm.assertEq(aggregator.participants().length, 2, "two now");
        vm.assertEq(aggregator.entryOf(alice).commitment, bytes32(0), "alice has no part in round 2");
        reveal(bob, b);
        reveal(carol, c);
        vm.assertEq(aggregator.totalSamples(), 57, "round 1 left nothing behind");
    }

    // ------------------------------------------------------------------------------------------------- pages, the end

    function test_RevertWhen_ZeroCount() public {
        int64[][] memory updates = new int64[][](2);
        (updates[0], updates[1]) = (a, b);
        playToAggregate(updates);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.ZeroCount.selector));
        aggregator.aggregate(0);
        aggregator.aggregate(3);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.ZeroCount.selector));
        aggregator.score(0);
    }

    function test_RevertWhen_ModelOverflow() public {
        bytes32 firstSlot = keccak256(abi.encode(uint256(8))); // of `_model`: the 9th slot of the storage layout
        vm.store(address(aggregator), firstSlot, bytes32(uint256(uint64(type(int64).max)) << 64));
        vm.assertEq(int256(aggregator.model()[1]), type(int64).max, "entry 1 is as large as it can be");
        int64[][] memory updates = new int64[][](2);
        (updates[0], updates[1]) = (vector(0, 4e9, 0), vector(0, 4e9 + 2, 0));
        playToAggregate(updates);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAggregator.ModelOverflow.selector, 1, int256(type(int64).max) + int256(150 * 4e9 + 50 * 2) / 150
            )
        );
        aggregator.aggregate(3);
    }

    function testFuzz_RevertWhen_NotRewardPool(address caller) public {
        if (caller == address(pool)) return;
        vm.expectRevert(abi.encodeWithSelector(IAggregator.NotRewardPool.selector, caller, address(pool)));
        vm.prank(caller);
        aggregator.closeRound();
    }

    function test_StopLetsTheRoundEnd() public {
        int64[][] memory updates = new int64[][](2);
        (updates[0], updates[1]) = (a, b);
        playToAggregate(updates);
        vm.expectEmit(address(aggregator));
        emit IAggregator.Stopped(1);
        vm.prank(PUBLISHER);
        aggregator.stop();
        aggregator.aggregate(3);
        aggregator.score(2);
        pool.settle(4);
        vm.assertEq(aggregator.lastClosedRound(), 1, "the running round ends as usual");
        vm.assertTrue(aggregator.currentRound().stopped, "and is the last");
        vm.expectRevert(abi.encodeWithSelector(IAggregator.FederationStopped.selector));
        aggregator.openRound();
    }

    function testFuzz_RevertWhen_NotPublisher(address caller) public {
        if (caller == PUBLISHER) return;
        vm.expectRevert(abi.encodeWithSelector(IAggregator.NotPublisher.selector, caller, PUBLISHER));
        vm.prank(caller);
        aggregator.stop();
    }
}
