// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IRegistry } from "../utils/Getters.sol";
import { IClientRegistry } from "../../src/core/IClientRegistry.sol";
import { Refusals } from "../utils/Refusals.sol";
import { RefusingClient, ReenteringLeaver } from "../actors/BadClients.sol";

contract ClientRegistryTest is Refusals {
    uint256 private constant PRICE = 0.01 ether;
    uint256 private constant COOL_DOWN = 1 days;
    uint256 private constant NOW = 1_700_000_000;

    IRegistry private registry;
    address private alice = account("alice");
    address private bob = account("bob");
    address private slasher = account("slasher");

    function setUp() public {
        vm.warp(NOW);
        registry = deployRegistry(PRICE, COOL_DOWN);
        vm.deal(alice, 1_000_000 ether);
        vm.deal(bob, 1_000_000 ether);
    }

    function deployRegistry(uint256 price, uint256 coolDown) private returns (IRegistry) {
        return IRegistry(vm.deployCode("ClientRegistry.sol:ClientRegistry", abi.encode(price, coolDown, slasher)));
    }

    function join(address who, uint256 samples) private {
        uint256 stake = registry.requiredStake(samples);
        vm.prank(who);
        registry.register{ value: stake }(samples);
    }

    function assertClient(address who, uint256 stake, uint256 samples, uint256 joinedAt, uint256 unlockAt)
        private
        view
    {
        IClientRegistry.Client memory c = registry.clientOf(who);
        vm.assertEq(c.stake, stake, "stake");
        vm.assertEq(c.samples, samples, "samples");
        vm.assertEq(c.joinedAt, joinedAt, "joinedAt");
        vm.assertEq(c.unlockAt, unlockAt, "unlockAt");
    }

    // ---------------------------------------------------------------------------------------------------- deployment

    function test_Deployment() public view {
        vm.assertEq(registry.stakePerSample(), PRICE, "stakePerSample");
        vm.assertEq(registry.coolDown(), COOL_DOWN, "coolDown");
        vm.assertEq(registry.slasher(), slasher, "slasher");
    }

    function test_RevertWhen_StakePerSampleTooLarge() public {
        uint256 limit = type(uint64).max;
        deployRegistry(limit, COOL_DOWN);
        assertRefused(
            "ClientRegistry.sol:ClientRegistry",
            abi.encode(limit + 1, COOL_DOWN, slasher),
            abi.encodeWithSelector(IClientRegistry.StakePerSampleTooLarge.selector, limit + 1, limit)
        );
    }

    /// @dev 2^40 − NOW seconds would wrap `unlockAt` to 0, "still active", and lock every stake for ever.
    function test_RevertWhen_CoolDownTooLong() public {
        uint256 limit = type(uint32).max;
        deployRegistry(PRICE, limit);
        for (uint256 k; k < 2; ++k) {
            uint256 coolDown = k == 0 ? limit + 1 : 2 ** 40 - NOW;
            assertRefused(
                "ClientRegistry.sol:ClientRegistry",
                abi.encode(PRICE, coolDown, slasher),
                abi.encodeWithSelector(IClientRegistry.CoolDownTooLong.selector, coolDown, limit)
            );
        }
    }

    // -------------------------------------------------------------------------------------------------- registration

    function test_RegisterEmits() public {
        vm.expectEmit(address(registry));
        emit IClientRegistry.Registered(alice, 120);
        join(alice, 120);
        assertClient(alice, 1.2 ether, 120, NOW, 0);
    }

    /// @dev The assembly of `register` against the layout written out: slot 0's mapping, four fields in one word.
    function testFuzz_RegisterFillsOneSlot(uint256 price, uint256 samples, uint256 time) public {
        price = bound(price, 0, type(uint64).max);
        samples = bound(samples, 1, type(uint32).max);
        time = bound(time, 1, 2 ** 40 - 1);
        registry = deployRegistry(price, COOL_DOWN);
        vm.warp(time);
        vm.deal(alice, price * samples);
        join(alice, samples);

        assertClient(alice, price * samples, samples, time, 0);
        uint256 word = price * samples + samples * 2 ** 96 + time * 2 ** 128;
        bytes32 slot = keccak256(abi.encode(alice, uint256(0)));
        vm.assertEq(uint256(vm.load(address(registry), slot)), word, "the packed slot");
        vm.assertEq(uint256(vm.load(address(registry), bytes32(uint256(slot) + 1))), 0, "the slot after it");
        vm.assertEq(address(registry).balance, price * samples, "balance");
    }

    function test_RevertWhen_AlreadyRegistered() public {
        join(alice, 1);
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.AlreadyRegistered.selector, alice));
        vm.prank(alice);
        registry.register{ value: PRICE }(1);
    }

    function test_RevertWhen_AlreadyRegisteredAndLeaving() public {
        join(alice, 1);
        vm.prank(alice);
        registry.deregister();
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.AlreadyRegistered.selector, alice));
        vm.prank(alice);
        registry.register{ value: PRICE }(1);
    }

    function test_RevertWhen_ZeroSamples() public {
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.ZeroSamples.selector, alice));
        vm.prank(alice);
        registry.register(0);
    }

    /// @dev 2^32 samples would spill into `joinedAt`.
    function testFuzz_RevertWhen_TooManySamples(uint256 samples) public {
        samples = bound(samples, 2 ** 32, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.TooManySamples.selector, samples, type(uint32).max));
        vm.prank(alice);
        registry.register(samples);
    }

    function testFuzz_RevertWhen_InsufficientStake(uint256 samples, uint256 sent) public {
        samples = bound(samples, 1, 1_000_000);
        sent = bound(sent, 0, samples * PRICE - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IClientRegistry.InsufficientStake.selector, sent, samples * PRICE, samples)
        );
        vm.prank(alice);
        registry.register{ value: sent }(samples);
    }

    function testFuzz_RevertWhen_ExcessStake(uint256 samples, uint256 excess) public {
        samples = bound(samples, 1, 1_000_000);
        uint256 sent = samples * PRICE + bound(excess, 1, 1000 ether);
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.ExcessStake.selector, sent, samples * PRICE, samples));
        vm.prank(alice);
        registry.register{ value: sent }(samples);
    }

    function test_RevertWhen_EtherWithoutACall() public {
        vm.prank(alice);
        (bool ok,) = address(registry).call{ value: 1 ether }("");
        vm.assertTrue(!ok, "plain transfers would belong to nobody");
    }

    // --------------------------------------------------------------------------------------------------------- stake

    /// @dev What was burned can be made up for, and nothing else.
    function testFuzz_AddStake(uint256 burned, uint256 amount) public {
        burned = bound(burned, 1, 1.2 ether);
        amount = bound(amount, 1, burned);
        join(alice, 120);
        vm.prank(slasher);
        registry.slash(alice, burned);
        vm.expectEmit(address(registry));
        emit IClientRegistry.StakeAdded(alice, amount, 1.2 ether - burned + amount);
        vm.prank(alice);
        registry.addStake{ value: amount }();
        assertClient(alice, 1.2 ether - burned + amount, 120, NOW, 0);
        uint256 missing = burned - amount;
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.ExcessStake.selector, missing + 1, missing, 120));
        vm.prank(alice);
        registry.addStake{ value: missing + 1 }();
    }

    function test_RevertWhen_AddStakeAfterLeaving() public {
        join(alice, 120);
        vm.prank(slasher);
        registry.slash(alice, 1);
        vm.prank(alice);
        registry.deregister();
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.AlreadyLeft.selector, alice, NOW + COOL_DOWN));
        vm.prank(alice);
        registry.addStake{ value: 1 }();
    }

    function test_RevertWhen_AddStakeOfAStranger() public {
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.NotRegistered.selector, bob));
        vm.prank(bob);
        registry.addStake{ value: 1 }();
    }

    function test_RevertWhen_ZeroAmount() public {
        join(alice, 1);
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.ZeroAmount.selector));
        vm.prank(alice);
        registry.addStake();
    }

    // ------------------------------------------------------------------------------------------------------- leaving

    function test_LeaveAndTakeTheStake() public {
        join(alice, 120);
        join(bob, 7);
        vm.warp(NOW + 100);
        vm.expectEmit(address(registry));
        emit IClientRegistry.Left(alice, NOW + 100 + COOL_DOWN);
        vm.prank(alice);
        registry.deregister();
        assertClient(alice, 1.2 ether, 120, NOW, NOW + 100 + COOL_DOWN);

        vm.warp(NOW + 100 + COOL_DOWN);
        uint256 before = alice.balance;
        vm.expectEmit(address(registry));
        emit IClientRegistry.StakeWithdrawn(alice, 1.2 ether);
        vm.prank(alice);
        registry.withdrawStake();
        assertClient(alice, 0, 0, 0, 0);
        vm.assertEq(alice.balance, before + 1.2 ether, "alice has her stake");
        vm.assertEq(address(registry).balance, 0.07 ether, "bob's stake is untouched");

        join(alice, 3);
        assertClient(alice, 0.03 ether, 3, NOW + 100 + COOL_DOWN, 0);
    }

    function test_RevertWhen_DeregisterOfAStranger() public {
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.NotRegistered.selector, bob));
        vm.prank(bob);
        registry.deregister();
    }

    /// @dev Leaving twice would restart the cool-down, or shorten it.
    function test_RevertWhen_AlreadyLeft() public {
        join(alice, 1);
        vm.prank(alice);
        registry.deregister();
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.AlreadyLeft.selector, alice, NOW + COOL_DOWN));
        vm.prank(alice);
        registry.deregister();
    }

    function test_RevertWhen_WithdrawStakeOfAStranger() public {
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.NotRegistered.selector, bob));
        vm.prank(bob);
        registry.withdrawStake();
    }

    function test_RevertWhen_StillActive() public {
        join(alice, 1);
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.StillActive.selector, alice));
        vm.prank(alice);
        registry.withdrawStake();
    }

    function testFuzz_RevertWhen_CoolingDown(uint256 wait) public {
        wait = bound(wait, 0, COOL_DOWN - 1);
        join(alice, 1);
        vm.prank(alice);
        registry.deregister();
        vm.warp(NOW + wait);
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.CoolingDown.selector, NOW + wait, NOW + COOL_DOWN));
        vm.prank(alice);
        registry.withdrawStake();
    }

    function test_RevertWhen_StakeTakenTwice() public {
        join(alice, 1);
        join(bob, 1);
        vm.prank(alice);
        registry.deregister();
        vm.warp(NOW + COOL_DOWN);
        vm.prank(alice);
        registry.withdrawStake();
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.NotRegistered.selector, alice));
        vm.prank(alice);
        registry.withdrawStake();
    }

    function test_RevertWhen_TransferFailed() public {
        RefusingClient refusing = new RefusingClient();
        vm.deal(address(refusing), 1 ether);
        join(address(refusing), 5);
        vm.prank(address(refusing));
        registry.deregister();
        vm.warp(NOW + COOL_DOWN);
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.TransferFailed.selector, address(refusing), 0.05 ether));
        vm.prank(address(refusing));
        registry.withdrawStake();
        assertClient(address(refusing), 0.05 ether, 5, NOW, NOW + COOL_DOWN);
    }

    function test_ReenteringWithdrawStakeFindsNobody() public {
        join(alice, 100);
        ReenteringLeaver thief = new ReenteringLeaver(registry);
        vm.deal(address(thief), 1 ether);
        thief.join(10);
        thief.goAway();
        vm.warp(NOW + COOL_DOWN);
        thief.take();

        vm.assertEq(address(thief).balance, 1 ether, "its own stake, once");
        vm.assertEq(address(registry).balance, 1 ether, "alice's stake");
        bytes memory expected = abi.encodeWithSelector(IClientRegistry.NotRegistered.selector, address(thief));
        vm.assertEq(keccak256(thief.reentryAnswer()), keccak256(expected), "what the second call got");
    }

    // ------------------------------------------------------------------------------------------------------ slashing

    function testFuzz_SlashBurns(uint256 amount) public {
        join(alice, 120);
        uint256 burned = amount < 1.2 ether ? amount : 1.2 ether;
        uint256 before = address(0).balance;
        vm.expectEmit(address(registry));
        emit IClientRegistry.Slashed(alice, burned, 1.2 ether - burned);
        vm.prank(slasher);
        vm.assertEq(registry.slash(alice, amount), burned, "burned");
        assertClient(alice, 1.2 ether - burned, 120, NOW, 0);
        vm.assertEq(address(registry).balance, 1.2 ether - burned, "registry's balance");
        vm.assertEq(address(0).balance, before + burned, "nobody has it");
    }

    function test_SlashDuringTheCoolDown() public {
        join(alice, 120);
        vm.prank(alice);
        registry.deregister();
        vm.warp(NOW + COOL_DOWN - 1);
        vm.prank(slasher);
        registry.slash(alice, 1 ether);
        assertClient(alice, 0.2 ether, 120, NOW, NOW + COOL_DOWN);
        vm.warp(NOW + COOL_DOWN);
        uint256 before = alice.balance;
        vm.prank(alice);
        registry.withdrawStake();
        vm.assertEq(alice.balance, before + 0.2 ether, "what was left");
    }

    function test_SlashOfAStrangerBurnsNothing() public {
        join(alice, 1);
        vm.prank(slasher);
        vm.assertEq(registry.slash(bob, 1 ether), 0, "burned");
        vm.assertEq(address(registry).balance, PRICE, "alice's stake");
    }

    function testFuzz_RevertWhen_NotSlasher(address caller) public {
        if (caller == slasher) return;
        join(alice, 1);
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.NotSlasher.selector, caller, slasher));
        vm.prank(caller);
        registry.slash(alice, 1);
    }

    // --------------------------------------------------------------------------------------------------- eligibility

    function test_EligibleDownToHalfTheStake() public {
        join(alice, 120);
        vm.assertEq(registry.eligibleSamples(alice), 120, "full stake");
        vm.prank(slasher);
        registry.slash(alice, 0.6 ether);
        vm.assertEq(registry.eligibleSamples(alice), 120, "half the stake, full weight");
        vm.prank(slasher);
        registry.slash(alice, 1);
        vm.expectRevert(
            abi.encodeWithSelector(IClientRegistry.StakeBelowMaintenance.selector, 0.6 ether - 1, 0.6 ether, 120)
        );
        registry.eligibleSamples(alice);
        vm.prank(alice);
        registry.addStake{ value: 1 }();
        vm.assertEq(registry.eligibleSamples(alice), 120, "one wei added");
    }

    /// @dev Half of three wei is one; half of one is none.
    function test_HalfTheStakeIsRoundedDownToTheWei() public {
        registry = deployRegistry(1, COOL_DOWN);
        join(alice, 3);
        join(bob, 1);
        vm.prank(slasher);
        registry.slash(alice, 2);
        vm.assertEq(registry.eligibleSamples(alice), 3, "one wei of three");
        vm.prank(slasher);
        registry.slash(alice, 1);
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.StakeBelowMaintenance.selector, 0, 1, 3));
        registry.eligibleSamples(alice);
        vm.prank(slasher);
        registry.slash(bob, 1);
        vm.assertEq(registry.eligibleSamples(bob), 1, "none of one wei");
    }

    function test_RevertWhen_EligibleStranger() public {
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.NotRegistered.selector, bob));
        registry.eligibleSamples(bob);
    }

    function test_RevertWhen_EligibleLeaver() public {
        join(alice, 1);
        vm.prank(alice);
        registry.deregister();
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.AlreadyLeft.selector, alice, NOW + COOL_DOWN));
        registry.eligibleSamples(alice);
    }
}
