// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice The arithmetic once more, slow and obvious: nested loops over plain arrays. Tests compare the contracts to it.
library Reference {
    uint256 internal constant ONE = 1_000_000;

    /// @notice g_j = Σ_i n_i·v_ij / Σ_i n_i, toward zero.
    function average(int64[][] memory updates, uint256[] memory samples) internal pure returns (int256[] memory g) {
        int256 total;
        for (uint256 i; i < samples.length; ++i) {
            total += int256(samples[i]);
        }
        g = new int256[](updates[0].length);
        for (uint256 j; j < g.length; ++j) {
            int256 sum;
            for (uint256 i; i < samples.length; ++i) {
                sum += int256(samples[i]) * int256(updates[i][j]);
            }
            g[j] = sum / total;
        }
    }

    /// @notice S_i = n_i · Σ_j v_ij·g_j / Σ_i n_i, toward zero.
    function scores(int64[][] memory updates, uint256[] memory samples, int256[] memory g)
        internal
        pure
        returns (int256[] memory s)
    {
        int256 total;
        for (uint256 i; i < samples.length; ++i) {
            total += int256(samples[i]);
        }
        s = new int256[](updates.length);
        for (uint256 i; i < s.length; ++i) {
            int256 product;
            for (uint256 j; j < g.length; ++j) {
                product += int256(updates[i][j]) * g[j];
            }
            s[i] = int256(samples[i]) * product / total;
        }
    }

    /// @notice ‖g‖² = Σ_j g_j².
    function normSquared(int256[] memory g) internal pure returns (uint256 square) {
        for (uint256 j; j < g.length; ++j) {
            square += uint256(g[j] * g[j]);
        }
    }

    /// @notice C: the share of the rounds round − window + 1 … round with `good[r]`, in millionths. Rounds before the
    /// first count as missed.
    /// @param good Indexed by the round's number, which counts from 1.
    function consistency(bool[] memory good, uint256 round, uint256 window) internal pure returns (uint256) {
        uint256 hits;
        for (uint256 back; back < window && back < round; ++back) {
            if (good[round - back]) hits += 1;
        }
        return hits * ONE / window;
    }

    /// @notice max(S, 0) · (1 + α·C) · F.
    function weight(int256 s, uint256 alpha, uint256 c, uint256 factor) internal pure returns (uint256) {
        if (s <= 0) return 0;
        return uint256(s) * (ONE + alpha * c / ONE) / ONE * factor / ONE;
    }

    /// @notice What a client with score s < 0 loses: stake · min(rate · (−s)/‖g‖², cap).
    function penalty(uint256 stake, int256 s, uint256 square, uint256 rate, uint256 cap)
        internal
        pure
        returns (uint256)
    {
        uint256 ratio = uint256(-s) * rate / square;
        return stake * (ratio < cap ? ratio : cap) / ONE;
    }
}
