// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IClientRegistry } from "../../src/core/IClientRegistry.sol";
import { IRewardPool } from "../../src/core/IRewardPool.sol";

/// @notice A client that takes no ether.
contract RefusingClient { }

/// @notice A client that, when paid its stake, asks for it again.
contract ReenteringLeaver {
    IClientRegistry private immutable _registry;
    bytes public reentryAnswer;

    constructor(IClientRegistry registry) {
        _registry = registry;
    }

    function join(uint256 samples) external {
        _registry.register{ value: _registry.requiredStake(samples) }(samples);
    }

    function goAway() external {
        _registry.deregister();
    }

    function take() external {
        _registry.withdrawStake();
    }

    receive() external payable {
        (, reentryAnswer) = address(_registry).call(abi.encodeCall(IClientRegistry.withdrawStake, ()));
    }
}

/// @notice A client that, when paid its credit, calls the pool again with a call of its choice.
contract ReenteringEarner {
    IRewardPool private immutable _pool;
    bytes private _again;
    bool public answered;
    bytes public reentryAnswer;

    constructor(IRewardPool pool, bytes memory again) {
        _pool = pool;
        _again = again;
    }

    function withdraw() external {
        _pool.withdraw();
    }

    receive() external payable {
        (answered, reentryAnswer) = address(_pool).call(_again);
    }
}
