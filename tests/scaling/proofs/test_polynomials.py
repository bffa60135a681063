"""Values, coefficients and Lagrange polynomials, against sums written out."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bcfl_support.scaling.proofs import polynomials as p
from bcfl_support.scaling.proofs.polynomials import R

FIELD = st.integers(0, R - 1)


def test_examples_in_the_documentation():
    assert doctest.testmod(p).failed == 0


@pytest.mark.parametrize("log_n", [0, 1, 5, 12])
def test_roots_have_their_order(log_n):
    root = p.root_of_unity(log_n)
    assert pow(root, 1 << log_n, R) == 1
    assert log_n == 0 or pow(root, 1 << (log_n - 1), R) == R - 1
    if log_n == 12:  # EIP-4844's
        assert root == 0x564C0A11A0F704F4FC3E8ACFE0F8245F0AD1347B378FBF96E206DA11A5D36306


@given(st.integers(0, 6), st.data())
@settings(max_examples=40)
def test_polynomials_have_their_values(log_n, data):
    n, root = 1 << log_n, p.root_of_unity(log_n)
    values = data.draw(st.lists(st.integers(-(2**62), R - 1), max_size=n))
    made = p.interpolate(values, log_n)
    assert made.length() <= n
    padded = values + [0] * (n - len(values))
    assert [int(made(pow(root, j, R))) for j in range(n)] == [v % R for v in padded]
    assert int(made(0)) * n % R == sum(values) % R  # the sum over the roots is N·p(0)


@given(st.integers(0, 6), FIELD, st.integers(0, 2**32))
@settings(max_examples=40)
def test_lagrange_values_evaluate(log_n, point, seed):
    n, root = 1 << log_n, p.root_of_unity(log_n)
    if pow(point, n, R) == 1:
        with pytest.raises(ValueError):
            p.lagrange_at(point, log_n)
        return
    lagrange = p.lagrange_at(point, log_n)
    slow = [pow(root, j, R) * (pow(point, n, R) - 1) * pow(n * (point - pow(root, j, R)), -1, R) % R for j in range(n)]
    assert lagrange == slow and sum(lagrange) % R == 1
    values = np.random.default_rng(seed).integers(-(2**62) + 1, 2**62, n)
    exact = sum(int(v) * x for v, x in zip(values, lagrange, strict=True))
    assert p.dot(values, p.to_limbs(lagrange)) == exact
    assert exact % R == int(p.interpolate(values.tolist(), log_n)(point))


def test_sums_are_exact_at_their_bounds():
    for value in (2**62 - 1, 1 - 2**62, 127, -128, 2**15, -(2**15), 2**15 - 1):
        for number in (R - 1, 1, 0):
            assert p.dot(np.full(5, value), p.to_limbs([number] * 5)) == 5 * value * number
    assert p.dot(np.array([3], dtype=np.int8), p.to_limbs([R - 1] * 4)) == 3 * (R - 1)  # zeros beyond
    assert p.dot(np.zeros(4, dtype=np.int8), p.to_limbs([R - 1] * 4)) == 0


@given(st.lists(FIELD, min_size=1, max_size=9), FIELD)
@settings(max_examples=40)
def test_a_value_is_divided_out(coefficients, point):
    whole = p.POLYNOMIALS(coefficients)
    quotient = p.divide_out(whole, point)
    assert quotient * p.POLYNOMIALS([-point, 1]) + int(whole(point)) == whole
