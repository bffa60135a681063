// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { OwnBlobs } from "./OwnBlobs.sol";
import { Rung6Proven } from "./Rung6Proven.sol";

/// @title Rung 8, a blob transaction a client: as rung 6, and who opens its seal brings the blob that it sealed
/// @notice `submit`, `work` and `proveFault` are as on rung 6. A client opens its seal by `revealBlobs`, in a transaction with the
/// blob whose commitment its point is; `reveal` refuses. A proof counts nobody whose blob has not been there: as long as
/// seals may be opened, it waits for all.
contract Rung8Revealed is Rung6Proven, OwnBlobs {
    error RungNotRevealed(uint256 clients);
    error RungNeedsBlobs();

    constructor(
        Config memory config_,
        Terms memory terms_,
        Setup memory setup_,
        address[] memory accounts,
        uint16[] memory weights
    ) Rung6Proven(config_, terms_, setup_, accounts, weights) {
        if (setupDigest != CEREMONY) revert RungOtherSetup(setupDigest, CEREMONY);
        if (_points != 1) revert RungBadConfig("parameters", config_.parameters);
    }

    /// @notice Open seals by the blobs that were sealed. Anyone may who knows salts and blobs; a transaction takes six.
    /// @param openings Whose, and by which salt and digest.
    /// @param points The commitments, 96 bytes each: of the transaction's first blob, the second, and so on.
    function revealBlobs(uint256 round, Opening[] calldata openings, bytes calldata points) external {
        if (points.length != 96 * openings.length) revert RungWrongLength(points.length, 96 * openings.length);
        for (uint256 i; i < openings.length; ++i) {
            bytes32 opened = _digestOf(points, i);
            if (opened != openings[i].digest) revert RungWrongData(openings[i].client, opened, openings[i].digest);
            _checkBlob(i, points[96 * i:96 * (i + 1)]);
        }
        _reveal(round, openings);
    }

    /// @notice Refused here: a seal is opened together with its blob.
    function reveal(uint256, Opening[] calldata) external pure override {
        revert RungNeedsBlobs();
    }

    /// @dev Nobody's update counts that nobody could have had.
    function _checkRevealed(uint256 hidden) internal pure override {
        if (hidden != 0) revert RungNotRevealed(hidden);
    }
}
