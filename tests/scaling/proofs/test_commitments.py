"""Commitments against ckzg, against sums of powers, and against the averages they stand for; single entries opened."""

from __future__ import annotations

import doctest
from dataclasses import replace

import ckzg
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scaling.proofs.cases import OFF_CURVE, OFF_GROUP, draw_round, toy

from bcfl_support.errors import InvalidInput, InvalidUpdate, ProofError
from bcfl_support.scaling import proofs
from bcfl_support.scaling.proofs import commitments as c
from bcfl_support.scaling.proofs.polynomials import R, interpolate, root_of_unity
from bcfl_support.scaling.proofs.setup import decode_point, encode_point, times


def test_examples_in_the_documentation():
    assert doctest.testmod(c).failed == 0


def by_powers(setup, values):
    """The second implementation: coefficients times powers."""
    parts = [values[k : k + setup.n] for k in range(0, len(values), setup.n)]
    return tuple(encode_point(setup.commit_polynomial(interpolate([int(v) for v in p], setup.log_n))) for p in parts)


VECTORS = {
    "zeros": np.zeros(5, dtype=np.int8),
    "extremes": np.array([-128, 127] * 20, dtype=np.int8),
    "small": np.random.default_rng(0).integers(-127, 128, 4096).astype(np.int8),
    "one more than a chunk": np.random.default_rng(1).integers(-127, 128, 4097).astype(np.int8),
    "int64": np.random.default_rng(2).integers(-(2**62) + 1, 2**62, 100),
    "positive": np.arange(1, 4097),
    "alone": np.array([7]),
}


@pytest.mark.parametrize("name", VECTORS)
def test_ethereums_commitments_are_sums_of_powers(name):
    setup, values = proofs.ethereum_setup(), VECTORS[name]
    assert proofs.commit(setup, values) == by_powers(setup, values)


@pytest.mark.parametrize("name", VECTORS)
def test_toy_commitments_are_sums_of_powers(name):
    values = VECTORS[name][:200]
    assert proofs.commit(toy(5), values) == by_powers(toy(5), values) == proofs.commit(toy(5, False), values)
    assert proofs.commit(replace(toy(5), secret=None), values) == by_powers(toy(5), values)


def test_a_commitment_is_the_blobs_of_eip_4844():
    """Entry j is the blob's element bitrev(j), as whoever publishes the update as a blob must place it."""
    setup, values = proofs.ethereum_setup(), VECTORS["small"]
    blob = bytearray(4096 * 32)
    for j, value in enumerate(values):
        element = int(f"{j:012b}"[::-1], 2)
        blob[32 * element : 32 * element + 32] = (int(value) % R).to_bytes(32, "big")
    expected = ckzg.blob_to_kzg_commitment(bytes(blob), setup.kzg)
    assert decode_point("C", proofs.commit(setup, values)[0]).to_compressed_bytes() == expected


@given(st.integers(1, 5), st.integers(1, 40), st.integers(0, 2**32))
@settings(max_examples=30)
def test_averages_come_for_free(n, parameters, seed):
    updates, weights = draw_round(n, parameters, seed)
    total = sum(w * row.astype(np.int64) for w, row in zip(weights, updates, strict=True))
    rows = [proofs.commit(toy(3), row) for row in updates]
    assert proofs.average(rows, weights) == proofs.commit(toy(3), total)


def test_ethereums_average():
    updates, weights = draw_round(3, 5000)
    setup = proofs.ethereum_setup()
    total = sum(w * row.astype(np.int64) for w, row in zip(weights, updates, strict=True))
    assert proofs.average([proofs.commit(setup, row) for row in updates], weights) == proofs.commit(setup, total)


def test_averages_are_refused():
    one = proofs.commit(toy(3), np.arange(9))
    for rows, weights in (([one, one[:1]], [1, 2]), ([one], [1, 2]), ([], [])):
        with pytest.raises(InvalidInput, match="K for each"):
            proofs.average(rows, weights)
    with pytest.raises(ProofError, match="a commitment of client 1 is no point"):
        proofs.average([one, (one[0], OFF_GROUP)], [1, 2])


@pytest.mark.parametrize(
    "values", [np.array([0.5]), np.array([2**62]), np.array([-(2**62)]), "12", np.zeros((2, 2), int), np.zeros(0, int)]
)
def test_what_cannot_be_committed_to_is_refused(values):
    with pytest.raises(InvalidInput, match=r"values is|values has shape"):
        proofs.commit(toy(3), values)


@given(st.integers(1, 20), st.integers(0, 2**32), st.data())
@settings(max_examples=30)
def test_entries_open(parameters, seed, data):
    values = draw_round(1, parameters, seed)[0][0]
    setup = toy(3)
    points = proofs.commit(setup, values)
    position = data.draw(st.integers(0, 8 * len(points) - 1))
    shown = proofs.open_entry(setup, values, position)
    assert shown.entry == (int(values[position]) if position < parameters else 0)
    proofs.verify_entry(setup, points, shown)
    assert proofs.open_entry(toy(3, False), values, position) == shown
    other = replace(shown, value=(shown.value + data.draw(st.integers(1, R - 1))) % R)
    with pytest.raises(ProofError, match=f"entry {position} is not"):
        proofs.verify_entry(setup, points, other)


def test_ckzg_verifies_an_opening():
    setup, values = proofs.ethereum_setup(), VECTORS["one more than a chunk"]
    points = proofs.commit(setup, values)
    for position in (0, 1, 77, 4095, 4096, 4097):
        shown = proofs.open_entry(setup, values, position)
        proofs.verify_entry(setup, points, shown)
        chunk, j = divmod(position, 4096)
        raw = [decode_point("it", p).to_compressed_bytes() for p in (points[chunk], shown.proof)]
        z = pow(root_of_unity(12), j, R).to_bytes(32, "big")
        assert ckzg.verify_kzg_proof(raw[0], z, shown.value.to_bytes(32, "big"), raw[1], setup.kzg)


def test_openings_are_refused():
    setup, values = toy(3), np.arange(10) * 20
    points = proofs.commit(setup, values)
    shown = proofs.open_entry(setup, values, 9)
    proofs.verify_entry(setup, points, shown)
    for change, reason in (
        ({"position": 8}, "entry 8 is not 180"),
        ({"position": 16}, "position is 16: no other was committed to"),
        ({"position": -1}, "position is -1"),
        ({"value": shown.value + R}, "each has one form only"),
        ({"value": shown.value - R}, "each has one form only"),
        ({"proof": OFF_CURVE}, "the proof is no point"),
        ({"proof": OFF_GROUP}, "the proof is no point"),
        ({"proof": bytes(96)}, "entry 9 is not 180"),
        ({"proof": shown.proof[:-1]}, "the proof is no point"),
    ):
        with pytest.raises(ProofError, match=reason):
            proofs.verify_entry(setup, points, replace(shown, **change))
    zero = proofs.open_entry(setup, values, 0)
    with pytest.raises(ProofError, match="each has one form only"):
        proofs.verify_entry(setup, points, replace(zero, value=R))
    with pytest.raises(ProofError, match="the commitment is no point"):
        proofs.verify_entry(setup, (points[0], OFF_GROUP), shown)
    with pytest.raises(ProofError, match="entry 9 is not 180"):
        proofs.verify_entry(setup, points[::-1], shown)
    with pytest.raises(InvalidInput, match="position is 16"):
        proofs.open_entry(setup, values, 16)


@pytest.mark.parametrize(
    ("bad", "at"), [(128, 3), (-129, 3), (2**62 - 1, 9), (-(2**62) + 1, 0), (1, 12), (-1, 15), (300, 12)]
)
def test_faults_are_proven(bad, at):
    """12 parameters in chunks of 8: from position 12 there is padding, where nothing but 0 is allowed."""
    setup, parameters = toy(3), 12
    sent = np.zeros(16, dtype=np.int64)
    sent[:12] = draw_round(1, 12)[0][0]
    assert proofs.find_fault(setup, sent, parameters) is None
    sent[at] = bad
    assert proofs.find_fault(setup, sent, parameters) == at
    points = proofs.commit(setup, sent)
    shown = proofs.open_entry(setup, sent, at)
    assert shown.entry == bad
    proofs.verify_fault(setup, points, parameters, shown)
    innocent = proofs.open_entry(setup, sent, (at + 1) % 16)
    with pytest.raises(ProofError, match="no fault"):
        proofs.verify_fault(setup, points, parameters, innocent)
    with pytest.raises(ProofError, match="is not"):  # who invents a value proves nothing
        proofs.verify_fault(setup, points, parameters, replace(innocent, value=500))
    with pytest.raises(InvalidUpdate, match="3 commitments, 12 entries have 2"):
        proofs.verify_fault(setup, (*points, points[0]), parameters, shown)


def test_an_honest_update_has_no_fault():
    setup, updates = toy(3), draw_round(1, 12)[0]
    points = proofs.commit(setup, updates[0])
    for position in range(16):
        with pytest.raises(ProofError, match="allowed: no fault"):
            proofs.verify_fault(setup, points, 12, proofs.open_entry(setup, updates[0], position))


def test_an_element_of_the_field_is_opened_whatever_it_is():
    """A client may commit to what no integer type holds."""
    setup, sent = toy(2), [5, R // 2, R // 2 + 1, R - 1]
    points = (encode_point(setup.commit_polynomial(interpolate(sent, 2))),)
    assert proofs.find_fault(setup, sent, 4) == 1
    with pytest.raises(InvalidUpdate, match="choose it whole"):
        proofs.find_fault(setup, [1.5], 1)
    for position, entry in enumerate((5, R // 2, -(R // 2), -1)):
        shown = proofs.open_entry(setup, sent, position)
        assert shown.entry == entry
        proofs.verify_entry(setup, points, shown)
        assert proofs.open_entry(toy(2, False), sent, position) == shown


def test_commitments_are_malleable():
    """Why they must be sealed: anybody adds to another's without knowing it."""
    mine, theirs = np.arange(4), np.array([9, -9, 3, 1])
    added = decode_point("it", proofs.commit(toy(2), theirs)[0]) + decode_point("it", proofs.commit(toy(2), mine)[0])
    assert encode_point(added) == proofs.commit(toy(2), mine + theirs)[0]
    assert proofs.commit(toy(2), np.ones(4, int))[0] == encode_point(times(1))


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int64, object, list])
def test_numbers_of_any_type_mean_their_value(kind):
    values = draw_round(1, 100)[0][0] % 100
    setup, points = toy(4), proofs.commit(toy(4), values)
    row = values.tolist() if kind is list else values.astype(kind)
    shown = proofs.open_entry(setup, row, np.int8(90))
    assert shown == proofs.open_entry(setup, values, 90) and type(shown.position) is int
    proofs.verify_entry(setup, points, replace(shown, position=np.int8(90)))
    assert proofs.find_fault(setup, row, np.int8(100)) is None and setup.count_chunks(np.int8(100)) == 7
    weights = np.array([100, 27], np.int8)
    assert proofs.average([points, points], weights) == proofs.average((points, points), [100, 27])
    narrow = proofs.Opening(np.int16(3), np.int16(values[3]), proofs.open_entry(setup, values, 3).proof)
    proofs.verify_entry(setup, points, narrow)


NO_ROWS = [
    None,
    [1.5] * 9,
    [float("nan")] * 9,
    ["1"] * 9,
    "123456789",
    [None] * 9,
    [[1], [2, 3]],
    np.zeros((3, 3), int),
    5,
]


@pytest.mark.parametrize("row", NO_ROWS, ids=range(len(NO_ROWS)))
def test_what_is_no_row_is_neither_opened_nor_without_fault(row):
    for call in (lambda: proofs.open_entry(toy(3), row, 0), lambda: proofs.find_fault(toy(3), row, 9)):
        with pytest.raises(InvalidInput, match=r"values (is|has)"):
            call()


@pytest.mark.parametrize("length", [0, 11, 17])
def test_rows_of_another_length_are_not_without_fault(length):
    with pytest.raises(
        InvalidUpdate, match=rf"values has shape \({length},\): give one row of P = 12, and padding up to 16"
    ):
        proofs.find_fault(toy(3), np.zeros(length, int), 12)


@pytest.mark.parametrize("parameters", [0, -1, 2.5, float("nan"), None, "12", [12]])
def test_what_is_no_number_of_parameters(parameters):
    setup, points = toy(3), proofs.commit(toy(3), np.arange(12))
    shown = proofs.open_entry(setup, np.arange(12), 1)
    for call in (
        lambda: proofs.find_fault(setup, np.zeros(12, int), parameters),
        lambda: proofs.verify_fault(setup, points, parameters, shown),
        lambda: setup.count_chunks(parameters),
    ):
        with pytest.raises(InvalidInput, match="parameters is"):
            call()


@pytest.mark.parametrize("position", [-1, 16, 0.5, float("nan"), None, "3", [3]])
def test_positions_that_there_are_not(position):
    setup, points = toy(3), proofs.commit(toy(3), np.arange(12))
    with pytest.raises(InvalidInput, match="position is"):
        proofs.open_entry(setup, np.arange(12), position)
    shown = proofs.open_entry(setup, np.arange(12), 1)
    with pytest.raises(ProofError, match="position is"):
        proofs.verify_entry(setup, points, replace(shown, position=position))
    if position != 16:
        with pytest.raises(ProofError, match="value is"):
            proofs.verify_entry(setup, points, replace(shown, value=position))


def test_a_field_element_below_zero_is_an_entry_below_zero():
    """r − 1 is −1, which an update may have."""
    assert proofs.find_fault(toy(2), [5, R - 1, R - 128, 0], 4) is None
    assert proofs.find_fault(toy(2), [5, R - 1, R - 129, 0], 4) == 2


@pytest.mark.parametrize(
    "weights", [[1.5, 1], "12", ["1", "2"], None, 3, [None, 1], [True, 1], [float("nan"), 1], [[1], [2]]]
)
def test_weights_that_are_not_whole_average_nothing(weights):
    one = proofs.commit(toy(3), np.arange(9))
    with pytest.raises(InvalidInput, match="weights is"):
        proofs.average([one, one], weights)


def test_what_is_no_commitment_and_no_opening():
    one, shown = proofs.commit(toy(3), np.arange(9)), proofs.open_entry(toy(3), np.arange(9), 1)
    for other in (None, 3, [None, one], b"x", "xy"):
        with pytest.raises(InvalidInput, match="commitments"):
            proofs.average(other, [1, 2])
    for other in (None, 3, 0.5):
        with pytest.raises(InvalidInput, match="commitments is"):
            proofs.verify_entry(toy(3), other, shown)
    for other in (None, (1, 2, 3), {}):
        with pytest.raises(InvalidInput, match="opening is"):
            proofs.verify_entry(toy(3), one, other)
    with pytest.raises(ProofError, match="position is 1"):
        proofs.verify_entry(toy(3), [], shown)
