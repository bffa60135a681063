"""Coalitions as rows of a matrix, and their evaluation in blocks: order, errors that name the coalition, workers."""

import os
import threading

import joblib
import numpy as np
import pytest

from bcfl_support.errors import InvalidInput, UtilityError
from bcfl_support.shapley import coalitions as c


def test_rows_of_the_matrix_are_the_bits_of_their_number():
    matrix = c.coalition_matrix(11)
    assert matrix.shape == (2048, 11) and matrix.dtype == np.bool_
    for mask in (0, 1, 2, 0b10000000001, 2047):
        expected = [bool(mask >> i & 1) for i in range(11)]
        assert matrix[mask].tolist() == expected
        assert c.coalition_members(mask) == c.coalition_members(matrix[mask]) == tuple(np.flatnonzero(expected))


@pytest.mark.parametrize("n", [0, 25, -1])
def test_too_many_clients_for_a_table_are_refused(n):
    with pytest.raises(ValueError, match=rf"n is {n}: .* an estimator is there; choose it whole, in \[1, 24\]"):
        c.coalition_matrix(n)


def test_a_negative_mask_is_no_coalition():
    with pytest.raises(ValueError, match=r"coalition is -5: it is a bit mask; choose it whole, in \[0, ∞\)"):
        c.coalition_members(-5)
    assert c.coalition_members(1 << 70) == (70,)


def test_evaluation_keeps_the_order_of_the_rows_across_blocks():
    rows = np.random.default_rng(0).random((3 * c.BLOCK + 17, 5)) < 0.5
    calls = []

    def utility(block):
        calls.append(len(block))
        return block @ np.arange(5.0)

    assert (c.evaluate(utility, rows) == rows @ np.arange(5.0)).all()
    assert max(calls) <= c.BLOCK and sum(calls) == len(rows)


def test_a_failing_utility_propagates_with_its_coalition():
    def utility(rows):
        if rows[:, 1].any() and (rows[:, 1] & rows[:, 3]).any():
            raise ZeroDivisionError("no samples left")
        return rows.sum(axis=1)

    with pytest.raises(UtilityError, match=r"utility of coalition \(1, 3\) failed: .*no samples left") as caught:
        c.evaluate(utility, c.coalition_matrix(4))
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_an_error_that_no_single_coalition_causes_is_passed_on_unchanged():
    def utility(rows):
        if len(rows) > 1:
            raise MemoryError("too many at once")
        return rows.sum(axis=1)

    with pytest.raises(MemoryError, match="too many at once"):
        c.evaluate(utility, c.coalition_matrix(4))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_names_its_coalition(bad):
    def utility(rows):
        return np.where(rows[:, 0] & rows[:, 2], bad, 1.0)

    with pytest.raises(UtilityError, match=rf"utility of coalition \(0, 2\) is {bad}; it must be a finite number"):
        c.evaluate(utility, c.coalition_matrix(3))


def test_a_utility_of_the_wrong_shape_is_refused():
    with pytest.raises(UtilityError, match=r"returned shape \(4, 1\) for 4 coalitions; give \(4,\)"):
        c.evaluate(lambda rows: rows[:, :1], c.coalition_matrix(2))


def test_errors_survive_the_way_back_from_a_worker_process():
    def utility(rows):
        if (rows == [True, False, False]).all(axis=1).any():  # one alone: of several, the first back would be named
            raise RuntimeError("diverged")
        return np.zeros(len(rows))

    with joblib.parallel_config("loky", n_jobs=2), pytest.raises(UtilityError, match=r"coalition \(0,\) failed"):
        c.evaluate(utility, c.coalition_matrix(3))


def test_threads_share_the_work():
    seen = set()
    both = threading.Barrier(2, timeout=20)

    def utility(rows):
        seen.add(threading.get_ident())
        both.wait()
        return rows.sum(axis=1)

    with joblib.parallel_config("threading", n_jobs=2):
        values = c.evaluate(utility, c.coalition_matrix(6))
    assert (values == c.coalition_matrix(6).sum(axis=1)).all()
    assert len(seen) == 2


def test_work_moves_to_a_dask_cluster():
    distributed = pytest.importorskip("distributed")
    from bcfl_support.shapley.by_order import permutation_shapley

    def where(rows):
        return np.full(len(rows), float(os.getpid()))

    def game(rows):
        return (rows @ np.arange(6.0)) ** 2

    here = permutation_shapley(game, 6, budget=400, rng=np.random.default_rng(1))
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config("dask"),
    ):
        workers = {float(worker.pid) for worker in cluster.workers.values()}
        processes = set(c.evaluate(where, c.coalition_matrix(8)))
        there = permutation_shapley(game, 6, budget=400, rng=np.random.default_rng(1))
    assert processes <= workers and os.getpid() not in processes
    assert (here.values == there.values).all()


def test_client_numbers_are_no_row():
    with pytest.raises(InvalidInput, match="coalition holds more than truth values"):
        c.coalition_members(np.array([0, 2]))
    assert c.coalition_members(np.array([1, 0, 1])) == (0, 2)
    with pytest.raises(InvalidInput, match="coalitions holds more than truth values"):
        c.evaluate(lambda rows: rows.sum(axis=1), np.array([[0, 1, 2]]))
    assert c.evaluate(lambda rows: np.logical_not(rows).sum(axis=1), np.array([[0, 1, 1]])).tolist() == [1.0]


def test_a_utility_cannot_change_what_it_is_asked():
    def writes(rows):
        rows[:, 0] = True
        return rows.sum(axis=1)

    with pytest.raises(UtilityError, match="read-only"):
        c.evaluate(writes, np.zeros((2, 3), dtype=bool))


def test_a_utility_may_write_into_its_array_anew():
    """Blocks are asked one after another, or by threads at once: none shares its values with another."""
    room = np.zeros(c.BLOCK)

    def reused(rows):
        room[: len(rows)] = rows.sum(axis=1) ** 2.0 + rows[:, 0]
        return room[: len(rows)]

    table = c.coalition_matrix(14)
    assert len(table) > c.BLOCK
    assert np.array_equal(c.evaluate(reused, table), table.sum(axis=1) ** 2.0 + table[:, 0])
