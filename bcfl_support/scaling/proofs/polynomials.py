"""Polynomials over the scalar field of BLS12-381, known by their values on the roots of unity.

With ω of order N, a vector v of N numbers is the polynomial of degree < N with v(ω^j) = v_j::

    v(X) = Σ_j v_j·L_j(X)        L_j(X) = (X^N − 1)/N · ω^j/(X − ω^j)        Σ_j v(ω^j) = N·v(0)

FLINT multiplies polynomials; values become coefficients by one product of that kind (Bluestein 1970).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from flint import fmpz_mod_ctx, fmpz_mod_poly_ctx

R = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
"""The prime r: the order of the group, and the size of the field."""
MAX_LOG_N = 22
"""Largest domain, 2^22: sums in `dot` stay below 2^15 · 2^24 · 2^22 = 2^61."""
POLYNOMIALS = fmpz_mod_poly_ctx(fmpz_mod_ctx(R))
"""Makes a polynomial from its coefficients, the constant one first."""

_LIMBS, _LIMB_BYTES = 11, 3  # 11·24 bits hold a number below r
_DIGIT = 16  # bits of a value that meet a limb at once


def root_of_unity(log_n: int) -> int:
    """ω of order N = 2^log_n, a power of the field's generator 7: EIP-4844's where N is 4,096.

    >>> pow(root_of_unity(2), 2, R) == R - 1
    True
    """
    return pow(7, (R - 1) >> log_n, R)


@functools.lru_cache(maxsize=4)
def _chirp(log_n: int) -> tuple[list[int], list[int], Any]:
    """Bluestein's factors: u^(−i²) for i < N, the same divided by N, and Σ_i u^((i−N+1)²)·X^i, with u² = ω."""
    n, root = 1 << log_n, root_of_unity(log_n + 1)
    squares = [1] * (2 * n)  # powers of u
    for i in range(1, 2 * n):
        squares[i] = squares[i - 1] * root % R
    into = [squares[-i * i % (2 * n)] for i in range(n)]
    scale = pow(n, -1, R)
    middle = POLYNOMIALS([squares[i * i % (2 * n)] for i in range(1 - n, n)])
    return into, [x * scale % R for x in into], middle


def interpolate(values: Sequence[int], log_n: int) -> Any:
    """The polynomial with these values on the roots of unity: the inverse Fourier transform.

    With 2ij = i² + j² − (j−i)² it is a convolution: c_j = u^(−j²)/N · Σ_i (v_i·u^(−i²))·u^((j−i)²).

    >>> [int(c) for c in interpolate([3, 1, 3, 1], 2).coeffs()]
    [2, 0, 1]

    Args:
        values: v_0, v_1, …, at most N; the others are 0.
        log_n: the logarithm of N.

    Returns:
        A polynomial of FLINT's.
    """
    n, (into, out, middle) = 1 << log_n, _chirp(log_n)
    chirped = POLYNOMIALS([v * c % R for v, c in zip(values, into, strict=False)])
    window = chirped.mul_low(middle, 2 * n - 1).right_shift(n - 1).coeffs()
    return POLYNOMIALS([int(c) * o % R for c, o in zip(window, out, strict=False)])


def lagrange_at(point: int, log_n: int) -> list[int]:
    """L_0 … L_{N−1} at one point, with one inversion for all (Montgomery 1987).

    Args:
        point: an element of the field, no root of unity.
        log_n: the logarithm of N; a million values take three seconds.
    """
    n, root = 1 << log_n, root_of_unity(log_n)
    roots = list(accumulate(range(n - 1), lambda x, _: x * root % R, initial=1))
    products = list(accumulate((point - x for x in roots), lambda a, b: a * b % R, initial=1))
    inverse = pow(products.pop(), -1, R)
    scale = (pow(point, n, R) - 1) * pow(n, -1, R) % R
    found = [0] * n
    for j in range(n - 1, -1, -1):
        found[j] = inverse * products[j] % R * roots[j] % R * scale % R
        inverse = inverse * (point - roots[j]) % R
    return found


def to_limbs(numbers: Iterable[int]) -> np.ndarray:
    """Numbers below r in limbs of 24 bits, the lowest first: shape (11, N), int64."""
    raw = b"".join(x.to_bytes(_LIMBS * _LIMB_BYTES, "little") for x in numbers)
    limbs = np.frombuffer(raw, dtype=np.uint8).reshape(-1, _LIMBS, _LIMB_BYTES)
    return np.ascontiguousarray((limbs @ np.array([1, 1 << 8, 1 << 16], dtype=np.int64)).T)


def dot(values: np.ndarray, limbs: np.ndarray) -> int:
    """Σ_j v_j·L_j as an exact integer, not reduced: signed digits of 16 bits times limbs of 24.

    >>> dot(np.array([-3, 2**40]), to_limbs([R - 1, 7])) == -3 * (R - 1) + 7 * 2**40
    True

    Args:
        values: shape (≤ N,), whole numbers below 2^62 in magnitude.
        limbs: L, as `to_limbs` gives them.
    """
    total, place, rest, half = 0, 0, values.astype(np.int64), 1 << (_DIGIT - 1)
    while rest.any():
        digit = ((rest + half) & (2 * half - 1)) - half
        sums = (limbs[:, : len(digit)] @ digit).tolist()
        total += sum(s << (8 * _LIMB_BYTES * k) for k, s in enumerate(sums)) << place
        rest, place = (rest - digit) >> _DIGIT, place + _DIGIT
    return total


def divide_out(polynomial: Any, point: int) -> Any:
    """(p(X) − p(z))/(X − z): committed to, it is the proof of an opening at z.

    Args:
        polynomial: p, of FLINT's.
        point: z.
    """
    return polynomial // POLYNOMIALS([-point % R, 1])
