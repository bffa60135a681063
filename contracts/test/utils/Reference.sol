// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice The arithmetic once more, slow and obvious: nested loops over plain arrays. Tests compare the contracts to it.
/// @dev An empty update is that of a client which did not reveal.
library Reference {
    uint256 internal constant ONE = 1_000_000;

    // -------------------------------------------------------------------------------------------------------- digests

    /// @notice Entries from … from + size − 1, or up to the end.
    function slice(int64[] memory update, uint256 from, uint256 size) internal pure returns (int64[] memory part) {
        uint256 left = update.length - from;
        part = new int64[](left < size ? left : size);
        for (uint256 j; j < part.length; ++j) {
            part[j] = update[from + j];
        }
    }

    /// @notice The digest of an update: of its first 2,048 entries, then chained with that of each 2,048 more.
    function digest(int64[] memory update) internal pure returns (bytes32 chained) {
        chained = keccak256(abi.encodePacked(slice(update, 0, 2_048)));
        for (uint256 from = 2_048; from < update.length; from += 2_048) {
            chained = keccak256(abi.encode(chained, keccak256(abi.encodePacked(slice(update, from, 2_048)))));
        }
    }

    // ------------------------------------------------------------------------------------------------------- clipping

    /// @notice ‖v‖, rounded down: the root is found by halving the interval that it must lie in.
    function norm(int64[] memory v) internal pure returns (uint256 low) {
        uint256 square;
        for (uint256 j; j < v.length; ++j) {
            square += uint256(int256(v[j]) * int256(v[j]));
        }
        uint256 high = 2 ** 64; // low² ≤ square < high²
        while (high - low > 1) {
            uint256 middle = (low + high) / 2;
            if (middle * middle <= square) low = middle;
            else high = middle;
        }
    }

    /// @notice R, the median length of the revealed updates by samples: the smallest such that those not longer hold half
    /// of the samples. Nothing is sorted: every length is tried.
    function medianNorm(int64[][] memory updates, uint256[] memory samples) internal pure returns (uint256 median) {
        median = type(uint256).max;
        uint256 all = held(updates, samples, type(uint256).max);
        for (uint256 i; i < updates.length; ++i) {
            if (updates[i].length == 0) continue;
            uint256 length = norm(updates[i]);
            if (length < median && 2 * held(updates, samples, length) >= all) median = length;
        }
    }

    /// @dev Samples of the revealed updates that are not longer than `length`.
    function held(int64[][] memory updates, uint256[] memory samples, uint256 length)
        private
        pure
        returns (uint256 sum)
    {
        for (uint256 i; i < updates.length; ++i) {
            if (updates[i].length != 0 && norm(updates[i]) <= length) sum += samples[i];
        }
    }

    /// @notice w_i and W: n_i and Σ n_i, or, clipped, n_i · ⌊min(1, R/‖v_i‖)·10^9⌋ and 10^9 · Σ n_i.
    function weights(int64[][] memory updates, uint256[] memory samples, bool clipped)
        internal
        pure
        returns (int256[] memory w, int256 total)
    {
        uint256 median = clipped ? medianNorm(updates, samples) : 0;
        w = new int256[](samples.length);
        for (uint256 i; i < samples.length; ++i) {
            if (updates[i].length == 0) continue;
            uint256 share = 1;
            if (clipped) {
                uint256 length = norm(updates[i]);
                share = median * 1e9 / length;
                if (share > 1e9) share = 1e9;
            }
            w[i] = int256(samples[i] * share);
            total += int256(samples[i] * (clipped ? 1e9 : 1));
        }
    }

    // ------------------------------------------------------------------------------------------- averages and scores

    /// @notice g_j = Σ_i w_i·v_ij / W, toward zero.
    function average(int64[][] memory updates, uint256[] memory samples, uint256 parameters, bool clipped)
        internal
        pure
        returns (int256[] memory g)
    {
        (int256[] memory w, int256 total) = weights(updates, samples, clipped);
        g = new int256[](parameters);
        for (uint256 j; j < parameters; ++j) {
            int256 sum;
            for (uint256 i; i < samples.length; ++i) {
                if (updates[i].length != 0) sum += w[i] * int256(updates[i][j]);
            }
            g[j] = sum / total;
        }
    }

    /// @notice S_i = w_i · Σ_j v_ij·g_j / W, toward zero; zero without a reveal.
    function scores(int64[][] memory updates, uint256[] memory samples, int256[] memory g, bool clipped)
        internal
        pure
        returns (int256[] memory s)
    {
        (int256[] memory w, int256 total) = weights(updates, samples, clipped);
        s = new int256[](updates.length);
        for (uint256 i; i < s.length; ++i) {
            int256 product;
            for (uint256 j; j < updates[i].length; ++j) {
                product += int256(updates[i][j]) * g[j];
            }
            s[i] = w[i] * product / total;
        }
    }

    /// @notice ‖g‖² = Σ_j g_j².
    function normSquared(int256[] memory g) internal pure returns (uint256 square) {
        for (uint256 j; j < g.length; ++j) {
            square += uint256(g[j] * g[j]);
        }
    }

    // ---------------------------------------------------------------------------------------------------------- money

    /// @notice C: the share of the last `window` rounds up to `round` with `good[r]`, in millionths. Void rounds do not
    /// count; rounds before the first count as missed.
    /// @param good Indexed by the round's number, which counts from 1.
    /// @param isVoid Likewise.
    function consistency(bool[] memory good, bool[] memory isVoid, uint256 round, uint256 window)
        internal
        pure
        returns (uint256)
    {
        uint256 hits;
        uint256 counted;
        for (uint256 r = round; r > 0 && counted < window; --r) {
            if (isVoid[r]) continue;
            counted += 1;
            if (good[r]) hits += 1;
        }
        return hits * ONE / window;
    }

    /// @notice max(S, 0) · (1 + α·C) · F.
    function weight(int256 s, uint256 alpha, uint256 c, uint256 factor) internal pure returns (uint256) {
        if (s <= 0) return 0;
        return uint256(s) * (ONE + alpha * c / ONE) / ONE * factor / ONE;
    }

    /// @notice What a round shares: all of `budget` from `fullSamples` on, N/fullSamples of it with fewer, and never more
    /// than there is.
    function shared(uint256 budget, uint256 samples, uint256 fullSamples, uint256 pot) internal pure returns (uint256) {
        uint256 part = samples >= fullSamples ? budget : budget * samples / fullSamples;
        return part <= pot ? part : pot;
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

    /// @notice Samples that must say the same: the smallest number that is at least `quorum` millionths of those present.
    function needed(uint256 present, uint256 quorum) internal pure returns (uint256 n) {
        while (n * ONE < present * quorum) {
            ++n;
        }
    }
}
