// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ONE } from "./IEscrow.sol";
import { IRewardPool } from "./IRewardPool.sol";

/// @title RewardRule
/// @notice What a reward pool goes by: its terms, how far a settlement has come, and what consistency is.
abstract contract RewardRule is IRewardPool {
    Terms internal _terms;
    Settlement internal _settlement;

    constructor(Terms memory terms_) {
        if (terms_.fullSamples == 0) revert BadTerms("fullSamples", 0);
        if (terms_.alpha > 10 * ONE) revert BadTerms("alpha", terms_.alpha);
        if (terms_.window == 0 || terms_.window > 64) revert BadTerms("window", terms_.window);
        if (terms_.penaltyCap > ONE) revert BadTerms("penaltyCap", terms_.penaltyCap);
        _terms = terms_;
    }

    /// @inheritdoc IRewardPool
    function terms() external view returns (Terms memory) {
        return _terms;
    }

    /// @inheritdoc IRewardPool
    function settlement() external view returns (Settlement memory) {
        return _settlement;
    }

    /// @dev The history moved on to the counted round number `round`, its own bit still empty. Rounds a client was absent
    /// from shift in zeros; after 64 of them nothing else is left.
    function _shifted(Account memory account, uint256 round) internal pure returns (uint64) {
        return account.history << uint64(round - account.lastRound);
    }

    /// @dev The share of ones among the newest `window` bits, in millionths.
    function _consistency(uint256 history, uint256 window) internal pure returns (uint256) {
        uint256 bits = history & ((1 << window) - 1);
        uint256 ones;
        for (; bits != 0; bits &= bits - 1) {
            ++ones;
        }
        return ones * ONE / window;
    }
}
