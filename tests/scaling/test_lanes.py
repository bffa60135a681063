"""Bytes, lanes and trees, against plain Python and against the contract's arithmetic."""

from __future__ import annotations

import doctest
from itertools import pairwise

import numpy as np
import pytest
from eth_utils import keccak
from hypothesis import given, settings
from hypothesis import strategies as st
from scaling.cases import draw_values

from bcfl_support.chain import TX_GAS_CAP, load_artifact
from bcfl_support.errors import InvalidInput, InvalidUpdate
from bcfl_support.scaling import lanes


def test_examples_in_the_documentation():
    assert doctest.testmod(lanes).failed == 0


def from_lanes(packed, total_weight, valid):
    """The inverse of `lanes.to_lanes`: the first `valid` sums."""
    words = np.frombuffer(packed, dtype=">u4").astype(np.int64).reshape(-1, 4, 8)
    return (words.transpose(0, 2, 1)[:, :, ::-1].reshape(-1) - lanes.BIAS * total_weight)[:valid]


@given(st.integers(1, 1024), st.integers(0, 2**32))
@settings(max_examples=40)
def test_lanes_go_both_ways(valid, seed):
    values, weights = draw_values(2, valid, seed)
    exact = lanes.compute_round(values, weights)
    packed = lanes.to_lanes(exact.sums, exact.total_weight)
    assert len(packed) == 4 * (-(-valid // 32) * 32)
    assert from_lanes(packed, exact.total_weight, valid).tolist() == exact.sums.tolist()


@pytest.mark.parametrize(
    ("sums", "total_weight", "message"),
    [
        ([3 * 127 + 1], 3, r"sums is \[382\]: int8 values times W go no further; choose it whole, in \[-384, 381\]"),
        ([-3 * 128 - 1], 3, "sums is"),
        ([2**32], 3, "sums is"),
        ([0], 2_049, "total_weight is 2049: the lanes hold no more; choose it whole"),
        ([0], -1, "total_weight is -1"),
        ([0], 1.5, "total_weight is 1.5"),
    ],
)
def test_what_a_lane_does_not_hold_is_refused(sums, total_weight, message):
    with pytest.raises(InvalidInput, match=message):
        lanes.to_lanes(np.array(sums), total_weight)


def test_lanes_hold_the_largest_sums_there_are():
    for value, weight in ((-128, 2_048), (127, 2_048), (-128, 1), (127, 1)):
        sums = np.full(32, value * weight)
        assert from_lanes(lanes.to_lanes(sums, weight), weight, 32).tolist() == sums.tolist()


@given(st.integers(1, 5), st.integers(1, 2100), st.integers(0, 2**32))
@settings(max_examples=40)
def test_round_is_exact(n, parameters, seed):
    values, weights = draw_values(n, parameters, seed)
    exact = lanes.compute_round(values, weights)
    python = values.tolist()
    sums = [sum(w * row[j] for w, row in zip(weights, python, strict=True)) for j in range(parameters)]
    scores = [w * sum(v * a for v, a in zip(row, sums, strict=True)) for w, row in zip(weights, python, strict=True)]
    assert exact.sums.tolist() == sums
    assert list(exact.scores) == scores
    assert sum(exact.scores) == sum(a * a for a in sums)
    assert [sum(column) for column in zip(*exact.chunk_scores, strict=True)] == scores


def test_scores_stay_exact_beyond_float_precision():
    values = np.full((1, 4096), -128, dtype=np.int8)
    assert lanes.compute_round(values, [2048]).scores == (2048**2 * 128**2 * 4096,)


@given(st.sets(st.integers(0, 3), min_size=1), st.integers(1, 2100), st.integers(0, 2**32))
@settings(max_examples=20)
def test_absent_clients_count_nothing(clients, parameters, seed):
    values, weights = draw_values(4, parameters, seed)
    some = sorted(clients)
    alone = lanes.compute_round(values[some], [weights[i] for i in some])
    among = lanes.compute_round(values, weights, some)
    assert among.total_weight == alone.total_weight and among.sums.tolist() == alone.sums.tolist()
    assert [among.scores[i] for i in some] == list(alone.scores)
    assert all(among.scores[i] == 0 for i in range(4) if i not in clients)
    assert [tuple(row[i] for i in some) for row in among.chunk_scores] == list(alone.chunk_scores)


def test_unpack_undoes_pack():
    values, _ = draw_values(1, 77)
    assert lanes.unpack(lanes.pack(values[0]), 77).tolist() == values[0].tolist()


def test_bad_input_is_named():
    with pytest.raises(InvalidUpdate, match="dtype float64"):
        lanes.pack(np.zeros(3))
    with pytest.raises(InvalidUpdate, match="sum to 2,049"):
        lanes.compute_round(np.zeros((2, 3), dtype=np.int8), [2048, 1])
    for weights in ([1.9, 2.9], [1, 0], [1, True]):
        with pytest.raises(InvalidInput, match=r"weights is \[.*: choose it whole, in \[1, 2048\]"):
            lanes.compute_round(np.zeros((2, 3), dtype=np.int8), weights)
    for clients in ([0, 99], [0, -1]):
        with pytest.raises(InvalidInput, match=r"clients is \[0, .*choose it whole, in \[0, 1\]"):
            lanes.compute_round(np.zeros((2, 3), dtype=np.int8), [1, 1], clients)
    with pytest.raises(InvalidUpdate, match=r"shape \(2, 3\), 1 weights"):
        lanes.compute_round(np.zeros((2, 3), dtype=np.int8), [1])


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=9))
@settings(max_examples=40)
def test_merkle_proofs_lead_to_the_root(leaves):
    tree = lanes.MerkleTree(leaves, 1 << (len(leaves) - 1).bit_length())
    for k, leaf in enumerate(leaves):
        node = leaf
        for height, sibling in enumerate(tree.proof(k)):
            node = keccak(sibling + node if k >> height & 1 else node + sibling)
        assert node == tree.root


def test_chunks_open_from_the_front():
    row = bytes(range(256)) * 10
    heads = lanes.compute_heads(lanes.chunks_of(row))
    assert heads[-1] == bytes(32)
    for chunk, (before, after) in zip(lanes.chunks_of(row), pairwise(heads), strict=True):
        assert before == keccak(keccak(chunk) + after)


# ---------------------------------------------------------------- the arithmetic on chain
@pytest.fixture(scope="module")
def kernel(chain):
    return chain.deploy(load_artifact("LaneKernel"))[0]


@given(n=st.integers(1, 6), valid=st.integers(1, 200), seed=st.integers(0, 2**32))
@settings(max_examples=40)
def test_word_parallel_is_numpy(kernel, n, valid, seed):
    values, weights = draw_values(n, valid, seed)
    exact = lanes.compute_round(values, weights)
    data = b"".join(lanes.pack(row) for row in values)
    digest, scores, packed = kernel.functions.fold(weights, data, valid).call()
    assert packed == lanes.to_lanes(exact.sums, exact.total_weight)
    assert digest == keccak(packed)
    assert tuple(scores) == exact.scores
    sums, plain = kernel.functions.foldPlainly(weights, data, valid).call()
    assert sums == exact.sums.tolist()
    assert tuple(plain) == exact.scores


@pytest.mark.parametrize("n", [10, 100])
def test_arithmetic_costs_at_most_sixteen_gas(chain, kernel, n):
    values, weights = draw_values(n, 1024)
    data = b"".join(lanes.pack(row) for row in values)
    receipt = chain.send(kernel.functions.measure(weights, data, 1024), sender=chain.accounts[0], gas=TX_GAS_CAP)
    used = kernel.events.Measured().process_receipt(receipt)[0]["args"]["gasUsed"]
    assert used <= 16 * n * 1024, f"{used / n / 1024:.1f} gas a client and parameter"


def test_what_is_no_row_and_no_counts():
    with pytest.raises(InvalidUpdate, match=r"values have shape \(2, 3\): pack one client's"):
        lanes.pack(np.zeros((2, 3), np.int8))
    with pytest.raises(InvalidInput, match=r"weights is .*: choose one row, whole"):
        lanes.compute_round(np.zeros((2, 3), np.int8), [[1], [2]])
    with pytest.raises(InvalidUpdate, match="values has a mask"):
        lanes.compute_round(np.ma.masked_array(np.zeros((2, 3), np.int8), mask=True), [1, 2])
