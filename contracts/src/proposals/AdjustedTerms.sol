// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ONE } from "../core/IEscrow.sol";
import { IAccuracyAdjusted } from "./IAccuracyAdjusted.sol";

/// @title AdjustedTerms
/// @notice The terms of an accuracy-adjusted pool.
/// @dev A base before the escrow, so that wrong terms are refused before it asks other contracts anything.
abstract contract AdjustedTerms is IAccuracyAdjusted {
    Terms internal _terms;

    constructor(Terms memory terms_) {
        if (terms_.fullSamples == 0) revert BadTerms("fullSamples", 0);
        if (terms_.gainCap == 0 || terms_.gainCap > uint32(type(int32).max)) {
            revert BadTerms("gainCap", terms_.gainCap);
        }
        if (terms_.penaltyCap > ONE) revert BadTerms("penaltyCap", terms_.penaltyCap);
        // Above one half, or two different hashes could both be agreed on.
        if (terms_.quorum <= ONE / 2 || terms_.quorum > ONE) revert BadTerms("quorum", terms_.quorum);
        if (terms_.attestSeconds == 0) revert BadTerms("attestSeconds", 0);
        _terms = terms_;
    }

    /// @inheritdoc IAccuracyAdjusted
    function terms() external view returns (Terms memory) {
        return _terms;
    }
}
