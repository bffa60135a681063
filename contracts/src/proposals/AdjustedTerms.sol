// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator } from "../core/IAggregator.sol";
import { IClientRegistry } from "../core/IClientRegistry.sol";
import { ONE } from "../core/IEscrow.sol";
import { IAccuracyAdjusted } from "./IAccuracyAdjusted.sol";

/// @title AdjustedTerms
/// @notice The terms of an accuracy-adjusted pool.
/// @dev A base before the escrow, so that wrong terms are refused before it asks how the contracts name one another.
abstract contract AdjustedTerms is IAccuracyAdjusted {
    Terms internal _terms;

    constructor(IClientRegistry registry_, IAggregator aggregator_, Terms memory terms_) {
        if (terms_.fullSamples == 0) revert BadTerms("fullSamples", 0);
        if (terms_.gainCap == 0 || terms_.gainCap > uint32(type(int32).max)) {
            revert BadTerms("gainCap", terms_.gainCap);
        }
        if (terms_.penaltyCap > ONE) revert BadTerms("penaltyCap", terms_.penaltyCap);
        // Above one half, or two different hashes could both be agreed on.
        if (terms_.quorum <= ONE / 2 || terms_.quorum > ONE) revert BadTerms("quorum", terms_.quorum);
        // Penalties come with the settlement, which has to wait for the attestation to end, and as long again where agreed
        // gains are withheld: who leaves when a round begins must not have its stake by then. What a cool-down needs on top
        // depends on blocks, and on who moves rounds on: see `attestSeconds`.
        IAggregator.Config memory config = aggregator_.config();
        uint256 busy = uint256(config.commitSeconds) + config.revealSeconds + 2 * uint256(terms_.attestSeconds);
        if (terms_.attestSeconds == 0 || busy >= registry_.coolDown()) {
            revert BadTerms("attestSeconds", terms_.attestSeconds);
        }
        _terms = terms_;
    }

    /// @inheritdoc IAccuracyAdjusted
    function terms() external view returns (Terms memory) {
        return _terms;
    }
}
