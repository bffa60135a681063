// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { OwnBlobs } from "./OwnBlobs.sol";
import { Rung7Relayed } from "./Rung7Relayed.sol";

/// @title Rung 8: as rung 7, and the updates travel with the transaction, a blob each, whose commitments are the round's
/// @notice `work` takes what it takes on rung 7, in a transaction whose blob i is that of the i-th client that is present.
contract Rung8Relayed is Rung7Relayed, OwnBlobs {
    constructor(
        Config memory config_,
        Terms memory terms_,
        Setup memory setup_,
        address[] memory accounts,
        uint16[] memory weights
    ) Rung7Relayed(config_, terms_, setup_, accounts, weights) {
        if (setupDigest != CEREMONY) revert RungOtherSetup(setupDigest, CEREMONY);
        if (_points != 1) revert RungBadConfig("parameters", config_.parameters);
        if (accounts.length > MAX_BLOBS) revert RungBadConfig("clients", accounts.length);
    }

    /// @dev Each is its blob's commitment: that it is on the curve the sum in `_fold` sees.
    function _checkPoints(bytes calldata points, uint256 n) internal view override {
        for (uint256 i; i < n; ++i) {
            _checkBlob(i, points[96 * i:96 * (i + 1)]);
        }
    }
}
