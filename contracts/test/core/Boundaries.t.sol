// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator, PART } from "../../src/core/IAggregator.sol";
import { IFairnessLedger } from "../../src/core/IFairnessLedger.sol";
import { Federation } from "../utils/Federation.sol";
import { ILedger } from "../utils/Getters.sol";

/// @notice The last value that is accepted and the first that is not, where a random draw hardly ever falls.
contract BoundariesTest is Federation {
    /// @dev Two rounds, an epoch, of clients 0 and 1 with two samples and one.
    function playEpoch() private {
        deploy(defaultConfig(), defaultTerms());
        register(client(0), 2);
        register(client(1), 1);
        int64[][] memory updates = new int64[][](2);
        (updates[0], updates[1]) = (vector(1e9, 2e9, 3e9), vector(2e9, 0, 0));
        play(updates);
        (updates[0], updates[1]) = (vector(1e9, 2e9, 4e9), vector(3e9, 0, 0));
        play(updates);
    }

    /// @dev An update of exactly one part goes in one transaction.
    function test_AWholePartIsRevealedAtOnce() public {
        IAggregator.Config memory config = defaultConfig();
        (config.parameters, config.minimum) = (uint32(PART), 1);
        deploy(config, defaultTerms());
        register(client(0), 1);
        int64[] memory update = randomUpdate(1, PART, 100e9);
        open();
        commit(client(0), update);
        endPhase();
        reveal(client(0), update);
        vm.assertTrue(aggregator.entryOf(client(0)).revealed, "revealed");
    }

    /// @dev One entry more is not, though it is as long as the model.
    function test_RevertWhen_MoreThanAPartIsRevealedAtOnce() public {
        IAggregator.Config memory config = defaultConfig();
        (config.parameters, config.minimum) = (uint32(PART + 1), 1);
        deploy(config, defaultTerms());
        register(client(0), 1);
        int64[] memory update = randomUpdate(1, PART + 1, 100e9);
        open();
        commit(client(0), update);
        endPhase();
        vm.expectRevert(abi.encodeWithSelector(IAggregator.RevealInParts.selector, PART + 1, PART));
        vm.prank(client(0));
        aggregator.reveal(update, 0);
    }

    /// @dev 666,667 millionths of 3 samples are 2.000001: three have to agree.
    function test_TheQuorumIsRoundedUp() public {
        playEpoch();
        ILedger strict = ILedger(
            vm.deployCode(
                "FairnessLedger.sol:FairnessLedger", abi.encode(registry, aggregator, INTERVAL, 666_667, 3600)
            )
        );
        vm.prank(client(0));
        strict.attest(0, keccak256("record"), keccak256("factors"));
        vm.assertEq(strict.epochOf(0).needed, 3, "needed");
        vm.assertTrue(strict.epochOf(0).record == 0, "two do not agree");
    }

    /// @dev The first vote on the longest epoch reads the samples of all of its rounds, far below a transaction's gas.
    function test_TheLongestEpochIsAttestedInOneTransaction() public {
        playEpoch();
        for (uint256 round = 3; round <= 1_000; ++round) {
            playVoid();
        }
        ILedger longest = ILedger(
            vm.deployCode("FairnessLedger.sol:FairnessLedger", abi.encode(registry, aggregator, 1_000, 600_000, 3600))
        );
        vm.prank(client(0));
        longest.attest(0, keccak256("record"), keccak256("factors"));
        vm.assertLe(vm.lastCallGas().gasTotalUsed, 4_000_000, "gas");
        vm.assertEq(longest.epochOf(0).needed, 2, "needed, of 3 present in the first rounds");
    }

    function test_FactorsUpToTheirBounds() public {
        playEpoch();
        refuse(client(0), 499_999, client(1), 1_500_000, client(0), 499_999);
        refuse(client(0), 500_000, client(1), 1_500_001, client(1), 1_500_001);
    }

    /// @dev Factors that are agreed on, since client 0 has two samples of three, and of which `wrong`'s is refused.
    function refuse(address a, uint32 fa, address b, uint32 fb, address wrong, uint256 factor) private {
        ILedger fresh = ILedger(
            vm.deployCode(
                "FairnessLedger.sol:FairnessLedger", abi.encode(registry, aggregator, INTERVAL, QUORUM, ATTEST_SECONDS)
            )
        );
        address[] memory clients = new address[](2);
        uint32[] memory factors = new uint32[](2);
        (clients[0], factors[0], clients[1], factors[1]) = (a, fa, b, fb);
        vm.prank(client(0));
        fresh.attest(0, keccak256("record"), keccak256(abi.encode(clients, factors)));
        vm.expectRevert(
            abi.encodeWithSelector(IFairnessLedger.FactorOutOfBounds.selector, wrong, factor, 500_000, 1_500_000)
        );
        fresh.applyFactors(0, keccak256("record"), clients, factors);
    }
}
