// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator, PART } from "../../src/core/IAggregator.sol";
import { Federation } from "../utils/Federation.sol";
import { Reference } from "../utils/Reference.sol";

/// @notice Revealing an update of more entries than a transaction holds: 4,100 of them, in parts of 2,048, 2,048 and 4.
contract RevealPartsTest is Federation {
    uint256 private constant P = 4_100;
    uint256 private constant TRANSACTION_CAP = 16_777_216;
    address private alice = client(0);
    address private bob = client(1);
    int64[] private update;

    function setUp() public {
        IAggregator.Config memory config = defaultConfig();
        config.parameters = uint32(P);
        deploy(config, defaultTerms());
        register(alice, 100);
        register(bob, 50);
        update = randomUpdate(1, P, 100e9);
        begin();
    }

    /// @dev Both have committed to the same update.
    function begin() private {
        open();
        commit(alice, update);
        commit(bob, update);
        endPhase();
    }

    function reason(bytes4 selector, uint256 a, uint256 b) private pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, a, b);
    }

    function part(address who, uint256 from, uint256 size) private {
        send(who, from, Reference.slice(update, from, size), "");
    }

    function refusePart(address who, uint256 from, uint256 size, bytes memory why) private {
        send(who, from, Reference.slice(update, from, size), why);
    }

    function send(address who, uint256 from, int64[] memory values, bytes memory why) private {
        bytes32 salt = saltOf(who, aggregator.currentRound().number);
        if (why.length != 0) vm.expectRevert(why);
        vm.prank(who);
        aggregator.revealPart(from, values, salt);
    }

    // ------------------------------------------------------------------------------------------------------ in order

    /// @dev The digest by hand: that of the first part, chained with the second's, chained with the third's.
    function test_TheDigestIsChained() public {
        bytes32 digest = keccak256(abi.encodePacked(Reference.slice(update, 0, 2_048)));
        digest = keccak256(abi.encode(digest, keccak256(abi.encodePacked(Reference.slice(update, 2_048, 2_048)))));
        digest = keccak256(abi.encode(digest, keccak256(abi.encodePacked(Reference.slice(update, 4_096, 4)))));
        part(alice, 0, PART);
        vm.assertLe(vm.lastCallGas().gasTotalUsed, TRANSACTION_CAP, "a first part fits a transaction");
        part(alice, PART, PART);
        vm.assertTrue(!aggregator.entryOf(alice).revealed, "a part is missing");
        vm.assertEq(aggregator.totalSamples(), 0, "nothing counts yet");
        int64[] memory last = Reference.slice(update, 4_096, 4);
        bytes32 salt = saltOf(alice, 1);
        vm.expectEmit(address(aggregator));
        emit IAggregator.Revealed(1, alice, 100, digest);
        vm.prank(alice);
        aggregator.revealPart(4_096, last, salt);
        vm.assertTrue(aggregator.entryOf(alice).revealed, "the last part reveals");
        vm.assertEq(keccak256(abi.encode(aggregator.updateOf(alice))), keccak256(abi.encode(update)), "the update");
        refusePart(alice, 0, PART, abi.encodeWithSelector(IAggregator.AlreadyRevealed.selector, alice, 1));
    }

    /// @dev The last part has one entry less than the others, or as many.
    function test_TheLastPartIsNearlyWholeOrWhole() public {
        for (uint256 missing; missing < 2; ++missing) {
            IAggregator.Config memory config = defaultConfig();
            config.parameters = uint32(2 * PART - missing);
            deploy(config, defaultTerms());
            register(alice, 100);
            register(bob, 50);
            update = randomUpdate(1, config.parameters, 100e9);
            begin();
            part(alice, 0, PART);
            bytes4 wrong = IAggregator.WrongLength.selector;
            refusePart(alice, PART, PART - 2, abi.encodeWithSelector(wrong, PART - 2, PART - missing));
            part(alice, PART, PART - missing);
            vm.assertTrue(aggregator.entryOf(alice).revealed, "in two parts");
        }
    }

    /// @dev The refusal names how long the part has to be.
    function test_RevertWhen_APartHasAnotherLength() public {
        for (uint256 given = PART - 1; given <= PART + 1; given += 2) {
            refusePart(alice, 0, given, abi.encodeWithSelector(IAggregator.WrongLength.selector, given, PART));
        }
    }

    /// @dev Two clients' parts, in turn: each has its own place.
    function test_PartsOfTwoClientsInTurn() public {
        commitmentsOf(randomUpdate(2, P, 100e9));
        int64[] memory other = randomUpdate(2, P, 100e9);
        for (uint256 from; from < P; from += PART) {
            part(alice, from, PART);
            send(bob, from, Reference.slice(other, from, PART), "");
        }
        assertPhase(IAggregator.Phase.Aggregate, "both revealed");
        vm.assertEq(keccak256(abi.encode(aggregator.updateOf(bob))), keccak256(abi.encode(other)), "bob's");
        vm.assertEq(keccak256(abi.encode(aggregator.updateOf(alice))), keccak256(abi.encode(update)), "alice's");
    }

    /// @dev A new round, in which Bob has committed to an update of his own.
    function commitmentsOf(int64[] memory bobs) private {
        endPhase();
        pool.settle(4);
        open();
        commit(alice, update);
        commit(bob, bobs);
        endPhase();
    }

    function test_BeginningAnew() public {
        int64[] memory wrong = randomUpdate(3, PART, 100e9);
        send(alice, 0, wrong, "");
        part(alice, 0, PART);
        part(alice, PART, PART);
        part(alice, 0, PART);
        part(alice, PART, PART);
        part(alice, 2 * PART, PART);
        vm.assertTrue(aggregator.entryOf(alice).revealed, "what was sent first is forgotten");
    }

    // ------------------------------------------------------------------------------------------------------- refused

    function test_RevertWhen_WrongPart() public {
        refusePart(alice, PART, PART, reason(IAggregator.WrongPart.selector, PART, 0));
        part(alice, 0, PART);
        refusePart(alice, 4_096, 4, reason(IAggregator.WrongPart.selector, 4_096, PART));
        refusePart(alice, 4, PART, reason(IAggregator.WrongPart.selector, 4, PART));
        refusePart(bob, PART, PART, reason(IAggregator.WrongPart.selector, PART, 0));
        send(alice, type(uint256).max, new int64[](1), reason(IAggregator.WrongPart.selector, type(uint256).max, PART));
    }

    function test_RevertWhen_PartOfAnotherLength() public {
        refusePart(alice, 0, PART - 1, reason(IAggregator.WrongLength.selector, PART - 1, PART));
        refusePart(alice, 0, PART + 1, reason(IAggregator.WrongLength.selector, PART + 1, PART));
        refusePart(alice, 0, 0, reason(IAggregator.WrongLength.selector, 0, PART));
        part(alice, 0, PART);
        part(alice, PART, PART);
        refusePart(alice, 4_096, 3, reason(IAggregator.WrongLength.selector, 3, 4));
        send(alice, 4_096, new int64[](5), reason(IAggregator.WrongLength.selector, 5, 4));
    }

    function test_RevertWhen_TooLongForOneTransaction() public {
        vm.expectRevert(reason(IAggregator.RevealInParts.selector, P, PART));
        vm.prank(alice);
        aggregator.reveal(update, 0);
        vm.expectRevert(reason(IAggregator.WrongLength.selector, PART, P));
        vm.prank(alice);
        aggregator.reveal(new int64[](PART), 0);
    }

    /// @dev The index is that in the update, not that in the part.
    function test_RevertWhen_ValueOutOfBounds() public {
        part(alice, 0, PART);
        int64[] memory values = Reference.slice(update, PART, PART);
        values[7] = -100e9 - 1;
        send(
            alice,
            PART,
            values,
            abi.encodeWithSelector(IAggregator.ValueOutOfBounds.selector, PART + 7, int256(-100e9 - 1), uint256(100e9))
        );
    }

    /// @dev Another part than the one committed to is found out with the last one; the right ones may still follow.
    function test_RevertWhen_CommitmentMismatch() public {
        int64[] memory wrong = Reference.slice(update, 0, PART);
        wrong[5] += 1;
        send(alice, 0, wrong, "");
        part(alice, PART, PART);
        int64[] memory shown = update;
        shown[5] += 1;
        bytes32 opened = aggregator.commitmentOf(1, alice, Reference.digest(shown), saltOf(alice, 1));
        bytes32 commitment = aggregator.entryOf(alice).commitment;
        refusePart(alice, 4_096, 4, abi.encodeWithSelector(IAggregator.CommitmentMismatch.selector, commitment, opened));
        revealParts(alice, update, 0);
        vm.assertTrue(aggregator.entryOf(alice).revealed, "revealed after all");
    }

    function test_RevertWhen_CopiedInParts() public {
        revealParts(alice, update, 0);
        part(bob, 0, PART);
        part(bob, PART, PART);
        refusePart(
            bob, 4_096, 4, abi.encodeWithSelector(IAggregator.CopiedUpdate.selector, Reference.digest(update), alice)
        );
    }

    function test_RevertWhen_AllPartsAreZero() public {
        int64[] memory zeros = new int64[](P);
        commitmentsOf(zeros);
        send(bob, 0, Reference.slice(zeros, 0, PART), "");
        send(bob, PART, Reference.slice(zeros, PART, PART), "");
        send(bob, 4_096, new int64[](4), abi.encodeWithSelector(IAggregator.ZeroUpdate.selector, bob));
    }

    /// @dev What was shown in one round does not count in the next one.
    function test_RevertWhen_GoingOnInTheNextRound() public {
        part(alice, 0, PART);
        commitmentsOf(randomUpdate(2, P, 100e9));
        refusePart(alice, PART, PART, reason(IAggregator.WrongPart.selector, PART, 0));
    }

    function test_RevertWhen_PartsAreLate() public {
        part(alice, 0, PART);
        warpToDeadline();
        refusePart(alice, PART, PART, reason(IAggregator.DeadlinePassed.selector, block.timestamp, block.timestamp));
        aggregator.advance();
        vm.assertTrue(aggregator.currentRound().isVoid, "half a reveal is none");
    }

    function test_RevertWhen_NotCommitted() public {
        register(client(2), 1);
        refusePart(client(2), 0, PART, abi.encodeWithSelector(IAggregator.NotCommitted.selector, client(2), 1));
    }
}
