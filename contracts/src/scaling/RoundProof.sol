// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Bls, FIELD } from "./Bls.sol";

// Points are copied and folded by the byte, thousands of them: hence assembly. Challenges are hashes modulo r, and no lottery's.
// How many points there are is compared with what it was divided out of.
// slither-disable-start assembly,weak-prng,divide-before-multiply

/// @title One proof of a round's scores, checked without the updates
/// @notice An update of P integers is cut into K = ⌈P/N⌉ chunks, and each is committed to as a polynomial with these values on
/// the roots of unity (KZG). With weights w_i, A = Σ_i w_i·v_i and scores S_i = w_i·⟨v_i, A⟩, challenges ρ, ζ, γ, δ and
/// a_k = A_k(ζ), the prover's C_q, C_f, π_ζ, π_0 hold if
///     e(L, −H)·e(M, τ·H) = 1          M = δ·π_ζ + δ²·π_0
///     L = Σ_ik w_i·δ·(γ^k + ρ^i·a_k)·C_ik − δ·(ζ^N − 1)·C_q + (δ² − δ)·C_f + δ·ζ·π_ζ + σ
///         − (δ·Σ_k γ^k·a_k + δ²·Σ_i ρ^i·S_i/N)·G           i from 0, k from 1
/// where a signature σ is one more point of L and its pair one more of the product. A false score passes with a probability
/// below 2^-220 a try, for whoever does not know τ: nobody does, if one of those who made the setup was honest.
/// @dev The transcript, byte by byte, with K ≥ 1 points of 96 bytes (x, y) for each of n clients, in rising order:
///     record_i = w_i (8) | keccak(C_i1 | … | C_iK) (32)
///     m        = keccak(abi.encode(chain id, contract, round, setup's digest, P, keccak(clients, 32 each), keccak(records)))
///     seed     = keccak(keccak(m | S_1 (16) | … | S_n (16)) | sender (32))
///     ρ: t_1 = keccak(seed)                    ζ: t_2 = keccak(t_1 | C_q | C_f)
///     γ: t_3 = keccak(t_2 | a_1 … a_K)         δ: t_4 = keccak(t_3 | π_ζ | π_0 | σ)         each modulo r
/// A proof is C_q | C_f | a_1 … a_K | π_ζ | π_0, 384 + 32K bytes, and σ, 96 more. Every a_k is below r, and scores are int128,
/// so that none of them has a second form.
abstract contract RoundProof {
    /// @notice Whose commitments are taken.
    /// @dev The secret τ was never known to anybody, and of the points τ^i·G nobody holds one with i ≥ N. That is what keeps
    /// polynomials below degree N, and no contract can see it: with τ^N·G, f + c·(X^N − 1) and q − c pass for every c, and so
    /// does every score. So N has to be the number of *all* powers of τ that are public, or that can be computed from what is:
    /// where those of s are public, so are those of a multiple of s, of s + 1, of s², and of what else is made of s by a
    /// polynomial that somebody knows, but for fewer where its degree is above one. Ethereum's ceremony made four sets, each
    /// with a secret of its own. The constructor knows τ·H of one, the one for blobs, as it stands: of that 4,096 powers are
    /// public, and N is 4,096 with it, neither less, where scores could be forged, nor more, where updates could not be
    /// committed to. It knows nothing that is made of it, and no other setup: not the ceremony's other three sets, of 8,192,
    /// 16,384 and 32,768 powers, which are good with that N only. Whoever deploys chooses the setup, and whoever takes part has
    /// to know which it is: `setupDigest` says.
    /// @param logN The logarithm of N, the entries of a chunk.
    /// @param tauH τ·H, 256 bytes as EIP-2537 takes them.
    struct Setup {
        uint8 logN;
        bytes tauH;
    }

    /// @dev What hashes say, and t_4, which binds all that they were made of.
    struct Challenges {
        uint256 rho;
        uint256 zeta;
        uint256 gamma;
        uint256 delta;
        bytes32 end;
    }

    /// @dev How far L has come.
    /// @param next Clients whose points are in it.
    /// @param sum What they come to, 128 bytes; none before the first.
    struct Progress {
        uint256 next;
        bytes sum;
    }

    uint256 private constant R = FIELD; // assembly, as slither reads it, has no names of other files
    uint256 private constant RAW = 96; // bytes of a point that travels
    uint256 private constant MAX_LOG_N = 22;
    /// @dev keccak256 of τ·H of Ethereum's ceremony, and the logarithm of how many powers it has.
    bytes32 private constant ETHEREUM = 0x41be2ba5a82594c4645b379d55d48e70494b4d7c37c127f32e1da3287ce08918;
    uint256 private constant ETHEREUM_LOG_N = 12;
    uint256 private constant MAX_PARAMETERS = 1 << 24; // |S| ≤ 2^102 then, for a total weight of 2^32

    uint256 internal immutable _logN;
    /// @dev K, points of a client.
    uint256 internal immutable _points;
    uint256 private immutable _size; // P
    uint256 private immutable _inverse; // of N
    uint256 private immutable _root; // ω
    bytes32 private immutable _tau0;
    bytes32 private immutable _tau1;
    bytes32 private immutable _tau2;
    bytes32 private immutable _tau3;
    bytes32 private immutable _tau4;
    bytes32 private immutable _tau5;
    bytes32 private immutable _tau6;
    bytes32 private immutable _tau7;
    /// @notice keccak256(N as 32 bytes, τ·H): what a transcript says of the setup.
    bytes32 public immutable setupDigest;

    /// @notice The setup or P is none that a round can be proven with, τ·H is infinity, or Ethereum's for blobs with another N.
    error ProofBadSetup(uint256 logN, uint256 parameters);
    /// @notice Bytes are missing, or too many: of a proof, of scores, or of clients' points.
    error ProofBadLength(uint256 actual, uint256 required);
    /// @notice A scalar is not below r, the only form that is taken.
    error ProofBadScalar(uint256 index, uint256 value);
    /// @notice A weight does not fit the 8 bytes of its record.
    error ProofBadWeight(uint256 index, uint256 value);
    /// @notice The pairing is not one: weights, commitments, scores, sender and proof are not those of one round.
    error ProofFails();

    constructor(Setup memory setup_, uint256 parameters) {
        bytes memory tau = setup_.tauH;
        bool wrong = setup_.logN > MAX_LOG_N || parameters == 0 || parameters > MAX_PARAMETERS;
        wrong = wrong || setup_.logN != ETHEREUM_LOG_N && keccak256(tau) == ETHEREUM;
        wrong = wrong || keccak256(tau) == keccak256(new bytes(Bls.KEY)); // infinity: τ = 0
        if (wrong || tau.length != Bls.KEY) revert ProofBadSetup(setup_.logN, parameters);
        (_logN, _size) = (setup_.logN, parameters);
        uint256 n = 1 << uint256(setup_.logN);
        _points = (parameters + n - 1) / n;
        (_inverse, _root) = (Bls.power(n, R - 2), Bls.power(7, (R - 1) / n));
        (_tau0, _tau1, _tau2, _tau3) = (_wordOf(tau, 0), _wordOf(tau, 1), _wordOf(tau, 2), _wordOf(tau, 3));
        (_tau4, _tau5, _tau6, _tau7) = (_wordOf(tau, 4), _wordOf(tau, 5), _wordOf(tau, 6), _wordOf(tau, 7));
        setupDigest = keccak256(abi.encodePacked(n, tau));
        // A point outside the group would pair with none; so would it never verify. That it is one is seen here, once, by
        // whether the precompile answers, and not by what.
        // slither-disable-next-line unused-return
        Bls.pairing(bytes.concat(new bytes(Bls.POINT), tau));
    }

    // -------------------------------------------------------------------------------------------------- the transcript

    /// @dev keccak(C_1 | … | C_K) of the client whose points stand at `place` in `points`.
    function _digestOf(bytes calldata points, uint256 place) internal view returns (bytes32 digest) {
        uint256 size = RAW * _points;
        bytes calldata own = points[size * place:size * (place + 1)];
        assembly ("memory-safe") {
            let free := mload(0x40) // not kept
            calldatacopy(free, own.offset, own.length)
            digest := keccak256(free, own.length)
        }
    }

    /// @dev keccak(record_1 | … | record_n). Refuse weights that do not fit: L would count all of them, and the challenges
    /// would not depend on what is cut off.
    function _recordsOf(uint256[] memory weights, bytes32[] memory digests) internal pure returns (bytes32 digest) {
        bytes memory records = new bytes(40 * weights.length + 32);
        for (uint256 i; i < weights.length; ++i) {
            (uint256 weight, bytes32 own) = (weights[i], digests[i]);
            if (weight >> 64 != 0) revert ProofBadWeight(i, weight);
            assembly ("memory-safe") {
                let record := add(add(records, 0x20), mul(40, i))
                mstore(record, shl(192, weight)) // 8 bytes; the zeros after them are written over
                mstore(add(record, 8), own)
            }
        }
        assembly ("memory-safe") {
            digest := keccak256(add(records, 0x20), mul(40, mload(weights)))
        }
    }

    /// @dev m, what clients sign where they do: the round without its scores.
    /// @param clients keccak of their addresses, a word each.
    /// @param records As `_recordsOf` gives it.
    function _messageOf(uint256 round, bytes32 clients, bytes32 records) internal view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), round, setupDigest, _size, clients, records));
    }

    /// @dev Refuse other lengths, and draw the challenges.
    /// @param scores int128, 16 bytes each.
    /// @param proof With a signature, or without one.
    function _draw(bytes32 message, bytes calldata scores, address sender, bytes calldata proof, bool signed)
        internal
        view
        returns (Challenges memory c)
    {
        uint256 middle = 2 * RAW + 32 * _points;
        uint256 length = middle + (signed ? 3 : 2) * RAW;
        if (proof.length != length) revert ProofBadLength(proof.length, length);
        bytes32 t = keccak256(abi.encode(keccak256(bytes.concat(message, scores)), sender));
        t = keccak256(bytes.concat(t));
        c.rho = uint256(t) % R;
        t = keccak256(bytes.concat(t, proof[:2 * RAW]));
        c.zeta = uint256(t) % R;
        t = keccak256(bytes.concat(t, proof[2 * RAW:middle]));
        c.gamma = uint256(t) % R;
        c.end = keccak256(bytes.concat(t, proof[middle:]));
        c.delta = uint256(c.end) % R;
    }

    // ---------------------------------------------------------------------------------------------------- the equation

    /// @dev Add the next clients' points to L and, with the last of them, all that is left. Changes `progress`.
    /// @param weights w_i of all clients.
    /// @param points Of some clients from `progress.next` on, one client's after the other's.
    function _fold(
        Challenges memory c,
        Progress memory progress,
        uint256[] memory weights,
        bytes calldata scores,
        bytes calldata proof,
        bytes calldata points
    ) internal view {
        uint256 n = weights.length;
        uint256 size = RAW * _points;
        uint256 count = points.length / size;
        uint256 left = n - progress.next;
        if (scores.length != 16 * n) revert ProofBadLength(scores.length, 16 * n);
        if (count == 0 || count > left || points.length != count * size) {
            revert ProofBadLength(points.length, left * size);
        }
        bool last = count == left;
        uint256 ends = last ? (proof.length - 32 * _points) / RAW : 0; // as many points as a proof has: G for π_0
        bytes memory terms = new bytes(Bls.TERM * (count * _points + ends));
        uint256[] memory factors = _factors(c, proof);
        _putClients(terms, c.rho, progress.next, weights, factors, points);
        if (last) _putEnds(terms, terms.length - Bls.TERM * ends, c, scores, proof, factors);
        bytes memory sum = Bls.msm(terms);
        progress.sum = progress.next == 0 ? sum : Bls.add(progress.sum, sum);
        progress.next += count;
    }

    /// @dev Refuse an L, complete, that does not pair to one.
    /// @param more Further pairs, of the signature.
    function _pair(Challenges memory c, bytes memory sum, bytes calldata proof, bytes memory more) internal view {
        uint256 middle = 2 * RAW + 32 * _points;
        bytes memory terms = new bytes(2 * Bls.TERM);
        Bls.putTerm(terms, 0, proof[middle:], c.delta);
        Bls.putTerm(terms, Bls.TERM, proof[middle + RAW:], mulmod(c.delta, c.delta, R));
        if (!Bls.pairing(bytes.concat(sum, Bls.MINUS_H, Bls.msm(terms), _tauH(), more))) revert ProofFails();
    }

    /// @dev Refuse a value that is not the one which a commitment has at a position of its chunk:
    /// e(C − y·G + ω^j·π, −H)·e(π, τ·H) = 1.
    /// @param commitment C, 96 bytes.
    /// @param j The position, below N.
    /// @param value y.
    /// @param opening π, 96 bytes.
    function _checkEntry(bytes calldata commitment, uint256 j, uint256 value, bytes calldata opening) internal view {
        if (value >= R) revert ProofBadScalar(0, value);
        if (opening.length != RAW) revert ProofBadLength(opening.length, RAW);
        bytes memory terms = new bytes(3 * Bls.TERM);
        Bls.putTerm(terms, 0, commitment, 1);
        Bls.putTerm(terms, Bls.TERM, opening, Bls.power(_root, j));
        Bls.putGenerator(terms, 2 * Bls.TERM, R - value);
        bytes memory sum = Bls.msm(terms);
        terms = new bytes(Bls.TERM);
        Bls.putTerm(terms, 0, opening, 0);
        assembly ("memory-safe") {
            mstore(terms, 128) // the point alone
        }
        if (!Bls.pairing(bytes.concat(sum, Bls.MINUS_H, terms, _tauH()))) revert ProofFails();
    }

    /// @dev δ·γ^k and δ·a_k, in turn, for each chunk; what `_putClients` reads.
    function _factors(Challenges memory c, bytes calldata proof) private view returns (uint256[] memory factors) {
        factors = new uint256[](2 * _points);
        uint256 power = c.delta;
        for (uint256 k; k < _points; ++k) {
            uint256 a = uint256(bytes32(proof[2 * RAW + 32 * k:]));
            if (a >= R) revert ProofBadScalar(k, a);
            power = mulmod(power, c.gamma, R);
            (factors[2 * k], factors[2 * k + 1]) = (power, mulmod(c.delta, a, R));
        }
    }

    /// @dev Solidity equivalent, for each client i of `points` and chunk k, with from = 160·(K·(i − first) + k):
    /// putTerm(terms, from, C_ik, weights[i]·factors[2k] + rho^i·weights[i]·factors[2k + 1] modulo r).
    /// @param first The client whose points come first.
    function _putClients(
        bytes memory terms,
        uint256 rho,
        uint256 first,
        uint256[] memory weights,
        uint256[] memory factors,
        bytes calldata points
    ) private pure {
        uint256 power = Bls.power(rho, first);
        assembly ("memory-safe") {
            let target := add(terms, 0x30) // behind the first 16 bytes of x, which are zero
            let weight := add(add(weights, 0x20), shl(5, first))
            let start := add(factors, 0x20)
            let lastFactor := add(start, shl(5, mload(factors)))
            let source := points.offset
            for { let end := add(source, points.length) } lt(source, end) { weight := add(weight, 0x20) } {
                let w := mload(weight)
                let mixed := mulmod(w, power, R)
                for { let factor := start } lt(factor, lastFactor) { factor := add(factor, 0x40) } {
                    calldatacopy(target, source, 48)
                    calldatacopy(add(target, 0x40), add(source, 48), 48)
                    mstore(
                        add(target, 0x70), // 128 bytes from the term's start
                        addmod(mulmod(w, mload(factor), R), mulmod(mixed, mload(add(factor, 0x20)), R), R)
                    )
                    target := add(target, 160)
                    source := add(source, 96)
                }
                power := mulmod(power, rho, R)
            }
        }
    }

    /// @dev C_q, C_f, π_ζ, the signature if there is one, and G, from `from` on.
    function _putEnds(
        bytes memory terms,
        uint256 from,
        Challenges memory c,
        bytes calldata scores,
        bytes calldata proof,
        uint256[] memory factors
    ) private view {
        uint256 middle = 2 * RAW + 32 * _points;
        uint256 square = mulmod(c.delta, c.delta, R);
        uint256 power = c.zeta; // ζ^N
        for (uint256 k; k < _logN; ++k) {
            power = mulmod(power, power, R);
        }
        Bls.putTerm(terms, from, proof, R - mulmod(c.delta, addmod(power, R - 1, R), R));
        Bls.putTerm(terms, from + Bls.TERM, proof[RAW:], addmod(square, R - c.delta, R));
        Bls.putTerm(terms, from + 2 * Bls.TERM, proof[middle:], mulmod(c.delta, c.zeta, R));
        from += 3 * Bls.TERM;
        if (proof.length == middle + 3 * RAW) {
            Bls.putTerm(terms, from, proof[middle + 2 * RAW:], 1);
            from += Bls.TERM;
        }
        uint256 opened = mulmod(square, mulmod(_claim(c.rho, scores), _inverse, R), R);
        for (uint256 k; k < _points; ++k) {
            uint256 a = uint256(bytes32(proof[2 * RAW + 32 * k:]));
            opened = addmod(opened, mulmod(factors[2 * k], a, R), R);
        }
        Bls.putGenerator(terms, from, R - opened);
    }

    /// @dev Σ_i ρ^i·S_i modulo r. Solidity equivalent of a step:
    /// sum += power * uint256(int256(S_i) mod r); power *= rho, with S_i = int128(bytes16(scores[16i:]))
    function _claim(uint256 rho, bytes calldata scores) private pure returns (uint256 sum) {
        assembly ("memory-safe") {
            let power := 1
            let source := scores.offset
            for { let end := add(source, scores.length) } lt(source, end) { source := add(source, 16) } {
                let score := sar(128, calldataload(source))
                if slt(score, 0) { score := add(R, score) } // |S| < 2^127 < r
                sum := addmod(sum, mulmod(power, score, R), R)
                power := mulmod(power, rho, R)
            }
        }
    }

    function _tauH() private view returns (bytes memory) {
        return bytes.concat(_tau0, _tau1, _tau2, _tau3, _tau4, _tau5, _tau6, _tau7);
    }

    function _wordOf(bytes memory data, uint256 place) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 0x20), shl(5, place))) // data has 8 words
        }
    }
}
// slither-disable-end assembly,weak-prng,divide-before-multiply
