// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Base } from "./Base.sol";

/// @notice Deployments that must be refused.
/// @dev After an expected revert of `vm.deployCode` forge ends the test and passes it, whatever stands below. So each
/// deployment is a call of its own here, and what it reverts with is compared: every case of a test runs.
abstract contract Refusals is Base {
    function deployIt(string calldata artifact, bytes calldata arguments) external returns (address) {
        return vm.deployCode(artifact, arguments);
    }

    /// @dev The address at which the next `deployIt` deploys, after `before` deployments without it. The call itself counts
    /// as a transaction of this contract: `isolate` in foundry.toml.
    function addressAfter(uint256 before) internal view returns (address) {
        return vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + before + 1);
    }

    function assertRefused(string memory artifact, bytes memory arguments, bytes memory reason) internal {
        try this.deployIt(artifact, arguments) {
            vm.assertTrue(false, "it was deployed");
        } catch (bytes memory found) {
            vm.assertEq(found, reason, "why it was refused");
        }
    }
}
