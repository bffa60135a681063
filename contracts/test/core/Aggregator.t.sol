// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator, MAX_CAPACITY, MAX_PARAMETERS } from "../../src/core/IAggregator.sol";
import { IClientRegistry } from "../../src/core/IClientRegistry.sol";
import { IEscrow } from "../../src/core/IEscrow.sol";
import { Federation } from "../utils/Federation.sol";
import { Reference } from "../utils/Reference.sol";
import { Refusals } from "../utils/Refusals.sol";

/// @notice The life of a round: phases, deadlines, commit–reveal. What the rounds compute is in AggregatorMaths.t.sol.
contract AggregatorTest is Federation, Refusals {
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
        open();
        commit(alice, a);
        commit(bob, b);
        commit(carol, c);
        endPhase();
    }

    function expectWrongPhase(IAggregator.Phase actual, IAggregator.Phase required) private {
        vm.expectRevert(abi.encodeWithSelector(IAggregator.WrongPhase.selector, actual, required));
    }

    // ---------------------------------------------------------------------------------------------------- deployment

    function test_Deployment() public view {
        vm.assertEq(keccak256(abi.encode(aggregator.config())), keccak256(abi.encode(defaultConfig())), "configuration");
        vm.assertEq(aggregator.publisher(), PUBLISHER, "publisher");
        vm.assertEq(address(aggregator.registry()), address(registry), "registry");
        vm.assertEq(aggregator.rewardPool(), address(pool), "pool");
        vm.assertEq(aggregator.currentRound().number, 0, "no round yet");
        vm.assertEq(aggregator.lastClosedRound(), 0, "none closed");
        vm.assertEq(aggregator.model().length, 3, "a model of P zeros");
        vm.assertEq(aggregator.globalUpdate().length, 3, "an update of P zeros");
    }

    function assertBadConfig(IAggregator.Config memory config, string memory field, uint256 value) private {
        assertRefused(
            "Aggregator.sol:Aggregator",
            abi.encode(registry, pool, PUBLISHER, config),
            abi.encodeWithSelector(IAggregator.BadConfig.selector, field, value)
        );
    }

    function test_RevertWhen_BadConfig() public {
        IAggregator.Config memory config = defaultConfig();
        config.parameters = 0;
        assertBadConfig(config, "parameters", 0);
        config.parameters = uint32(MAX_PARAMETERS + 1);
        assertBadConfig(config, "parameters", 2 ** 20 + 1);
        config = defaultConfig();
        config.minimum = 0;
        assertBadConfig(config, "minimum", 0);
        config = defaultConfig();
        config.minimumSamples = 0;
        assertBadConfig(config, "minimumSamples", 0);
        config = defaultConfig();
        (config.capacity, config.minimum) = (4, 5);
        assertBadConfig(config, "capacity", 4);
        config = defaultConfig();
        config.capacity = uint32(MAX_CAPACITY + 1);
        assertBadConfig(config, "capacity", 257);
        config = defaultConfig();
        config.commitSeconds = 0;
        assertBadConfig(config, "commitSeconds", 0);
        config = defaultConfig();
        config.revealSeconds = 0;
        assertBadConfig(config, "revealSeconds", 0);
        config = defaultConfig();
        config.bound = 0;
        assertBadConfig(config, "bound", 0);
        config.bound = 2 ** 44 + 1;
        assertBadConfig(config, "bound", 2 ** 44 + 1);
        config = defaultConfig();
        config.revealSeconds = uint32(COOL_DOWN) - config.commitSeconds;
        assertBadConfig(config, "coolDown", COOL_DOWN);
        config.revealSeconds -= 1;
        assertGoodConfig(config);
        config.commitSeconds = type(uint32).max; // no sum of the two is cut off
        assertBadConfig(config, "coolDown", COOL_DOWN);
    }

    function test_LargestConfig() public {
        IAggregator.Config memory config = defaultConfig();
        (config.parameters, config.capacity, config.minimum) = (2 ** 20, 256, 256);
        (config.bound, config.clipped) = (2 ** 44, true);
        assertGoodConfig(config);
    }

    function test_SmallestConfig() public {
        IAggregator.Config memory config = defaultConfig();
        (config.parameters, config.capacity, config.minimum, config.minimumSamples) = (1, 1, 1, 1);
        (config.commitSeconds, config.revealSeconds, config.bound) = (2, 2, 1);
        assertGoodConfig(config);
    }

    function assertGoodConfig(IAggregator.Config memory config) private {
        IAggregator made =
            IAggregator(vm.deployCode("Aggregator.sol:Aggregator", abi.encode(registry, pool, PUBLISHER, config)));
        vm.assertEq(keccak256(abi.encode(made.config())), keccak256(abi.encode(config)), "configuration");
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
            if (k == 5) aggregator.score(4 * 3);
            nextBlock();
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
        warpToDeadline();
        aggregator.advance();
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
            aggregator.commit(1, bytes32(uint256(1)));
        }
        if (current != IAggregator.Phase.Reveal) {
            expectWrongPhase(current, IAggregator.Phase.Reveal);
            vm.prank(alice);
            aggregator.reveal(a, 0);
            expectWrongPhase(current, IAggregator.Phase.Reveal);
            vm.prank(alice);
            aggregator.revealPart(0, a, 0);
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

    /// @dev A phase's steps are taken in later blocks than the one in which it began: nobody opens a round and fills it,
    /// or ends a phase and takes the next one's steps, before anybody else can.
    function test_RevertWhen_ThePhaseBeganInThisBlock() public {
        aggregator.openRound();
        expectNextBlock();
        vm.prank(alice);
        aggregator.commit(1, bytes32(uint256(1)));
        nextBlock();
        commit(alice, a);
        commit(bob, b);
        warpToDeadline();
        aggregator.advance();
        expectNextBlock();
        vm.prank(alice);
        aggregator.reveal(a, 0);
        expectNextBlock();
        vm.prank(alice);
        aggregator.revealPart(0, a, 0);
        nextBlock();
        reveal(alice, a);
        reveal(bob, b);
        expectNextBlock();
        aggregator.aggregate(3);
        nextBlock();
        aggregator.aggregate(3);
        expectNextBlock();
        aggregator.score(1);
        nextBlock();
        aggregator.score(6);
        expectNextBlock();
        pool.settle(4);
        nextBlock();
        pool.settle(4);
        assertPhase(IAggregator.Phase.Idle, "a round opens in the block in which the last one closed");
        aggregator.openRound();
        warpToDeadline();
        aggregator.advance();
        expectNextBlock(); // void
        pool.settle(1);
    }

    function expectNextBlock() private {
        vm.expectRevert(abi.encodeWithSelector(IAggregator.TooEarly.selector, block.timestamp, block.timestamp + 1));
    }

    function test_ARoundsEvents() public {
        vm.expectEmit(address(aggregator));
        emit IAggregator.RoundOpened(1, NOW + 600);
        vm.prank(stranger);
        aggregator.openRound();
        vm.assertEq(aggregator.currentRound().cursor, 0, "nothing is done yet");
        nextBlock();

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
        nextBlock();

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
        nextBlock();

        // g = (100·(5, −2, 10⁻⁹) + 50·(−1, 7, 0)) / 150 = (3, 1, 0) and ‖g‖² = 10.
        vm.expectEmit(address(aggregator));
        emit IAggregator.Aggregated(1, 10e18);
        aggregator.aggregate(3);
        nextBlock();
        // S_alice = 100·(15 − 2)/150 = 26/3, S_bob = 50·(−3 + 7)/150 = 4/3: their sum is 10.
        vm.expectEmit(address(aggregator));
        emit IAggregator.Scored(1, alice, int256(26e18) / 3);
        vm.expectEmit(address(aggregator));
        emit IAggregator.Scored(1, bob, int256(4e18) / 3);
        vm.expectEmit(address(aggregator));
        emit IAggregator.RoundScored(1);
        aggregator.score(2 * 3);
        nextBlock();

        vm.expectEmit(address(aggregator));
        emit IAggregator.RoundClosed(1);
        pool.settle(4);
    }

    function test_LastClosedRound() public {
        aggregator.openRound();
        vm.assertEq(aggregator.lastClosedRound(), 0, "round 1 runs");
        endPhase();
        vm.assertEq(aggregator.lastClosedRound(), 0, "round 1 is to be settled");
        pool.settle(1);
        vm.assertEq(aggregator.lastClosedRound(), 1, "round 1 is over");
    }

    // ----------------------------------------------------------------------------------------------------- committing

    function test_CommitIsStored() public {
        open();
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

    /// @dev Who fills a round does not end its commitments: nobody can shorten what was announced.
    function test_AFullRoundWaitsForItsDeadline() public {
        register(client(3), 1);
        register(client(4), 1);
        open();
        for (uint256 i; i < 4; ++i) {
            commit(client(i), a);
        }
        assertPhase(IAggregator.Phase.Commit, "full");
        vm.expectRevert(abi.encodeWithSelector(IAggregator.RoundFull.selector, 1, 4));
        vm.prank(client(4));
        aggregator.commit(1, bytes32(uint256(1)));
        vm.expectRevert(abi.encodeWithSelector(IAggregator.TooEarly.selector, NOW + 1, NOW + 600));
        aggregator.advance();
        warpToDeadline();
        vm.expectEmit(address(aggregator));
        emit IAggregator.RevealOpened(1, 4, NOW + 600 + 300);
        aggregator.advance();
    }

    /// @dev Who has more samples takes the place of the one that has fewest, as if that one had not committed.
    function test_CommitInstead() public {
        register(client(3), 1);
        register(client(4), 2);
        register(client(5), 1);
        open();
        for (uint256 i; i < 3; ++i) {
            commit(client(i), a);
        }
        bytes32 free = commitmentFor(client(3), a);
        vm.prank(client(3));
        aggregator.commitInstead(1, free); // a free place is taken as by `commit`
        vm.assertEq(aggregator.participantAt(3), client(3), "the last one");
        vm.assertEq(aggregator.currentRound().committed, 4, "full");
        expectInstead(5, abi.encodeWithSelector(IAggregator.NotMoreSamples.selector, 1, 1));
        expectInstead(0, abi.encodeWithSelector(IAggregator.AlreadyCommitted.selector, client(0), 1));
        expectInstead(9, abi.encodeWithSelector(IClientRegistry.NotRegistered.selector, client(9)));
        bytes32 commitment = commitmentFor(client(4), b);
        vm.expectEmit(address(aggregator));
        emit IAggregator.Committed(1, client(4), commitment);
        vm.expectEmit(address(aggregator));
        emit IAggregator.Displaced(1, client(3), client(4));
        vm.prank(client(4));
        aggregator.commitInstead(1, commitment);
        vm.assertEq(aggregator.participantAt(3), client(4), "the place");
        vm.assertEq(aggregator.currentRound().committed, 4, "as many as before");
        vm.assertEq(aggregator.entryOf(client(3)).commitment, bytes32(0), "no part in the round");
        vm.assertEq(aggregator.entryOf(client(4)).samples, 2, "its samples");
        expectInstead(3, abi.encodeWithSelector(IAggregator.NotMoreSamples.selector, 1, 2)); // not back again
        endPhase();
        bytes32 salt = saltOf(client(3), 1);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.NotCommitted.selector, client(3), 1));
        vm.prank(client(3));
        aggregator.reveal(a, salt);
        reveal(client(4), b);
        vm.assertEq(aggregator.totalSamples(), 2, "counted once");
        bytes memory late = abi.encodeWithSelector(
            IAggregator.WrongPhase.selector, IAggregator.Phase.Reveal, IAggregator.Phase.Commit
        );
        expectInstead(3, late);
    }

    /// @dev Of several with the fewest the first goes; and equal samples stay where they are, or two clients would take one
    /// another's place for ever.
    function test_TheFirstOfTheFewestGoes() public {
        for (uint256 i = 3; i < 7; ++i) {
            register(client(i), 5);
        }
        register(client(7), 6);
        open();
        for (uint256 i = 3; i < 6; ++i) {
            commit(client(i), a);
        }
        commit(carol, a); // 7 samples
        expectInstead(6, abi.encodeWithSelector(IAggregator.NotMoreSamples.selector, 5, 5));
        vm.prank(client(7));
        aggregator.commitInstead(1, bytes32(uint256(1)));
        vm.assertEq(aggregator.participantAt(0), client(7), "the first of three");
        warpToDeadline();
        uint256 deadline = aggregator.currentRound().deadline;
        expectInstead(6, abi.encodeWithSelector(IAggregator.DeadlinePassed.selector, deadline, deadline));
    }

    function expectInstead(uint256 i, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(client(i));
        aggregator.commitInstead(1, bytes32(uint256(1)));
    }

    /// @dev Reveals may end early: when the last one is there, nobody is left to wait for.
    function test_TheLastRevealOpensTheAggregation() public {
        committedByThree();
        reveal(alice, a);
        reveal(bob, b);
        assertPhase(IAggregator.Phase.Reveal, "carol's is missing");
        reveal(carol, c);
        assertPhase(IAggregator.Phase.Aggregate, "before the deadline");
        vm.assertTrue(block.timestamp < NOW + 900, "time is left");
    }

    function test_RevertWhen_ZeroCommitment() public {
        open();
        vm.expectRevert(abi.encodeWithSelector(IAggregator.ZeroCommitment.selector, alice));
        vm.prank(alice);
        aggregator.commit(1, 0);
    }

    function test_RevertWhen_AlreadyCommitted() public {
        open();
        commit(alice, a);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.AlreadyCommitted.selector, alice, 1));
        vm.prank(alice);
        aggregator.commit(1, bytes32(uint256(1)));
    }

    function test_RevertWhen_CommitterIsNotRegistered() public {
        open();
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.NotRegistered.selector, stranger));
        vm.prank(stranger);
        aggregator.commit(1, bytes32(uint256(1)));
    }

    function test_RevertWhen_CommitterHasLeft() public {
        open();
        vm.prank(alice);
        registry.deregister();
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.AlreadyLeft.selector, alice, NOW + 1 + COOL_DOWN));
        vm.prank(alice);
        aggregator.commit(1, bytes32(uint256(1)));
    }

    function test_RevertWhen_CommitterLostItsStake() public {
        open();
        vm.prank(address(pool));
        registry.slash(alice, 0.5 ether + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IClientRegistry.StakeBelowMaintenance.selector, 0.5 ether - 1, 0.5 ether, 100)
        );
        vm.prank(alice);
        aggregator.commit(1, bytes32(uint256(1)));
    }

    function test_RevertWhen_CommitIsLate() public {
        aggregator.openRound();
        vm.warp(NOW + 599);
        commit(alice, a);
        vm.warp(NOW + 600);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.DeadlinePassed.selector, NOW + 600, NOW + 600));
        vm.prank(bob);
        aggregator.commit(1, bytes32(uint256(1)));
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
        open();
        bytes32 commitment = commitmentFor(alice, a);
        vm.prank(bob);
        aggregator.commit(1, commitment);
        commit(alice, a);
        endPhase();
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
        open();
        commit(alice, a);
        commit(bob, b);
        endPhase();
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
        open();
        commit(alice, update);
        commit(bob, b);
        endPhase();
        bytes32 salt = saltOf(alice, 1);
        vm.expectRevert(
            abi.encodeWithSelector(IAggregator.ValueOutOfBounds.selector, index, int256(value), uint256(100e9))
        );
        vm.prank(alice);
        aggregator.reveal(update, salt);
    }

    function test_ValuesAtTheBoundAreTaken() public {
        int64[] memory update = vector(100e9, -100e9, 0);
        open();
        commit(alice, update);
        commit(bob, b);
        endPhase();
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
        open();
        commit(alice, a);
        commit(bob, a);
        endPhase();
        reveal(alice, a);
        bytes32 salt = saltOf(bob, 1);
        vm.expectRevert(
            abi.encodeWithSelector(IAggregator.CopiedUpdate.selector, keccak256(abi.encodePacked(a)), alice)
        );
        vm.prank(bob);
        aggregator.reveal(a, salt);
    }

    /// @dev What another client revealed in this round or the last is a copy. One's own update may be shown again, and what
    /// is older than the last round belongs to nobody.
    function test_RevertWhen_CopiedFromTheLastRound() public {
        int64[][] memory updates = new int64[][](3);
        (updates[0], updates[1], updates[2]) = (a, b, c);
        play(updates);

        open(); // round 2
        commit(alice, a);
        commit(carol, b);
        endPhase();
        expectCopied(carol, b, bob);
        reveal(alice, a);
        endPhase();
        compute();
        pool.settle(4);

        open(); // round 3
        commit(bob, a);
        commit(carol, b);
        endPhase();
        expectCopied(bob, a, alice); // she showed it again in round 2
        reveal(carol, b); // bob showed it in round 1
        vm.assertTrue(aggregator.entryOf(carol).revealed, "two rounds later");
    }

    function test_RevertWhen_ZeroUpdate() public {
        int64[] memory zeros = new int64[](3);
        open();
        commit(alice, zeros);
        commit(bob, b);
        endPhase();
        bytes32 salt = saltOf(alice, 1);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.ZeroUpdate.selector, alice));
        vm.prank(alice);
        aggregator.reveal(zeros, salt);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.ZeroUpdate.selector, alice));
        vm.prank(alice);
        aggregator.revealPart(0, zeros, salt);
    }

    function expectCopied(address who, int64[] memory update, address first) private {
        bytes32 salt = saltOf(who, aggregator.currentRound().number);
        vm.expectRevert(
            abi.encodeWithSelector(IAggregator.CopiedUpdate.selector, keccak256(abi.encodePacked(update)), first)
        );
        vm.prank(who);
        aggregator.reveal(update, salt);
    }

    /// @dev A commitment is for one round, which both the call and the hash name: what is sent for another is refused, and
    /// the same words do not open it in the next one.
    function test_RevertWhen_CommitmentOfAnotherRound() public {
        bytes32 commitment = aggregator.commitmentOf(1, alice, keccak256(abi.encodePacked(a)), saltOf(alice, 1));
        playVoid();
        open();
        for (uint256 other = 1; other < 4; other += 2) {
            vm.expectRevert(abi.encodeWithSelector(IAggregator.WrongRound.selector, other, 2));
            vm.prank(alice);
            aggregator.commit(other, commitment);
            vm.expectRevert(abi.encodeWithSelector(IAggregator.WrongRound.selector, other, 2));
            vm.prank(alice);
            aggregator.commitInstead(other, commitment);
        }
        vm.prank(alice);
        aggregator.commit(2, commitment);
        commit(bob, b);
        endPhase();
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
        open();
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
        open();
        commit(alice, a);
        warpToDeadline();
        vm.expectEmit(address(aggregator));
        emit IAggregator.RoundVoid(1, IAggregator.Phase.Commit, 1, 2);
        aggregator.advance();
        assertPhase(IAggregator.Phase.Settle, "nothing to average");
        vm.assertEq(aggregator.participants().length, 0, "nobody had the chance to reveal");
        nextBlock();
        pool.settle(1);
        vm.assertEq(registry.clientOf(alice).stake, 1 ether, "so nobody is punished");
        vm.assertTrue(aggregator.currentRound().isVoid, "void");
        IAggregator.Entry memory none;
        vm.assertEq(
            keccak256(abi.encode(aggregator.entryOf(alice))), keccak256(abi.encode(none)), "nor has anybody a part"
        );
    }

    /// @dev 50 of 157 samples are revealed and 51 are asked for; with 57 the round is averaged.
    function test_RoundBelowTheMinimumSamplesIsVoid() public {
        IAggregator.Config memory config = defaultConfig();
        config.minimumSamples = 57; // as many as bob and carol have
        deploy(config, defaultTerms());
        register(alice, 100);
        register(bob, 50);
        register(carol, 7);
        committedByThree();
        reveal(bob, b);
        warpToDeadline();
        vm.expectEmit(address(aggregator));
        emit IAggregator.RoundVoid(1, IAggregator.Phase.Reveal, 50, 57);
        aggregator.advance();
        assertPhase(IAggregator.Phase.Settle, "nothing to average");
        vm.assertTrue(aggregator.currentRound().isVoid, "void");
        vm.assertEq(aggregator.participants().length, 3, "they did take part");
        vm.assertEq(aggregator.totalSamples(), 50, "what was revealed");
        nextBlock();
        pool.settle(6);
        vm.assertEq(registry.clientOf(alice).stake, 0.9 ether, "a missing reveal costs the cap");
        vm.assertEq(registry.clientOf(bob).stake, 0.5 ether, "bob did what he should");
        vm.assertEq(aggregator.presentSamples(), 0, "no round that was not void yet");
        vm.assertEq(aggregator.samplesOf(1), 0, "what was revealed in vain does not count");

        committedByThree();
        reveal(bob, b);
        reveal(carol, c);
        endPhase();
        compute();
        vm.assertTrue(!aggregator.currentRound().isVoid, "57 are just enough");
        pool.settle(6);
        vm.assertEq(aggregator.presentSamples(), 57, "and were present");
    }

    /// @dev All revealed, and still too few: void before the deadline.
    function test_TooFewSamplesOfAllAreVoidAtOnce() public {
        IAggregator.Config memory config = defaultConfig();
        config.minimumSamples = 58;
        deploy(config, defaultTerms());
        register(bob, 50);
        register(carol, 7);
        open();
        commit(bob, b);
        commit(carol, c);
        endPhase();
        reveal(bob, b);
        bytes32 salt = saltOf(carol, 1);
        vm.expectEmit(address(aggregator));
        emit IAggregator.RoundVoid(1, IAggregator.Phase.Reveal, 57, 58);
        vm.prank(carol);
        aggregator.reveal(c, salt);
        assertPhase(IAggregator.Phase.Settle, "void");
    }

    /// @dev Those of the last closed round that was not void, whatever runs now.
    function test_PresentSamples() public {
        int64[][] memory updates = new int64[][](3);
        (updates[0], updates[1], updates[2]) = (a, b, c);
        playToSettle(updates);
        vm.assertEq(aggregator.presentSamples(), 0, "round 1 is not closed");
        pool.settle(6);
        vm.assertEq(aggregator.presentSamples(), 157, "round 1");
        playVoid();
        vm.assertEq(aggregator.presentSamples(), 157, "round 2 was void");
        updates[0] = new int64[](0);
        playToSettle(updates);
        vm.assertEq(aggregator.presentSamples(), 157, "round 3 is not closed");
        vm.assertEq(aggregator.totalSamples(), 57, "its own samples");
        pool.settle(6);
        vm.assertEq(aggregator.presentSamples(), 57, "round 3");
        vm.assertEq(aggregator.samplesOf(1), 157, "what was present in round 1");
        vm.assertEq(aggregator.samplesOf(2), 0, "what counts of a void round");
        vm.assertEq(aggregator.samplesOf(3), 57, "what was present in round 3");
        open();
        vm.assertEq(aggregator.presentSamples(), 57, "round 4 runs");
        vm.assertEq(aggregator.totalSamples(), 0, "and has none yet");
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
        compute();
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
        endPhase();
        pool.settle(6);
        open();
        commit(carol, c);
        commit(bob, b);
        endPhase();
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
        nextBlock();
        vm.expectRevert(abi.encodeWithSelector(IAggregator.ZeroCount.selector));
        aggregator.score(0);
    }

    /// @dev Entries stay at the ends of their range: a revert would end the federation there. They come back, too.
    function test_TheModelStaysWithinInt64() public {
        bytes32 firstSlot = keccak256(abi.encode(uint256(7))); // of `_model`: the 8th slot of the storage layout
        uint256 lanes = uint256(uint64(type(int64).max)) << 64 | uint256(uint64(type(int64).min + 5));
        vm.store(address(aggregator), firstSlot, bytes32(lanes));
        vm.assertEq(int256(aggregator.model()[1]), type(int64).max, "entry 1 is as large as it can be");
        vm.assertEq(int256(aggregator.model()[0]), type(int64).min + 5, "entry 0 nearly as small");
        int64[][] memory updates = new int64[][](2);
        (updates[0], updates[1]) = (vector(-4e9, 4e9, 1), vector(-4e9, 4e9, 2));
        play(updates);
        vm.assertEq(int256(aggregator.model()[0]), type(int64).min, "the lower end");
        vm.assertEq(int256(aggregator.model()[1]), type(int64).max, "the upper end");
        vm.assertEq(int256(aggregator.globalUpdate()[0]), -4e9, "the average is what it is");
        vm.assertEq(int256(aggregator.globalUpdate()[1]), 4e9, "on either side");
        (updates[0], updates[1]) = (vector(3e9, -3e9, 1), vector(3e9, -3e9, 2));
        play(updates);
        vm.assertEq(int256(aggregator.model()[0]), int256(type(int64).min) + 3e9, "up again");
        vm.assertEq(int256(aggregator.model()[1]), int256(type(int64).max) - 3e9, "down again");
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
        compute();
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
