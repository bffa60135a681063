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

    function assertRefused(string memory artifact, bytes memory arguments, bytes memory reason) internal {
        try this.deployIt(artifact, arguments) {
            vm.assertTrue(false, "it was deployed");
        } catch (bytes memory found) {
            vm.assertEq(found, reason, "why it was refused");
        }
    }
}
