"""Rounds and forgeries that several test files of this folder use."""

from __future__ import annotations

import numpy as np

from bcfl_support.scaling import lanes
from bcfl_support.scaling.ladder import RUNGS
from bcfl_support.scaling.sparse import SparseRung, sparsify


def draw_values(n, parameters, seed=0):
    """Values with both extremes among them, and weights that differ."""
    rng = np.random.default_rng(seed)
    values = np.clip(np.rint(rng.normal(0, 50, (n, parameters))), -128, 127).astype(np.int8)
    return values, [int(w) for w in rng.integers(1, 2048 // n, n)]


def draw_round(number, n, parameters, seed=0):
    """The same, of which a sparse rung takes one of each block."""
    values, weights = draw_values(n, parameters, seed)
    return sparsify(values, step=1.0) if issubclass(RUNGS[number], SparseRung) else values, weights


def change_leaf(tree, k, change):
    """The same tree with one leaf changed and everything above it recomputed."""
    leaves = list(tree.levels[0])
    leaves[k] = change(leaves[k])
    return lanes.SumTree([h for h, _ in leaves], [s for _, s in leaves])


def shifted(scores, client, delta):
    return tuple(s + (delta if i == client else 0) for i, s in enumerate(scores))


def assert_solvent(rung, fees=0):
    """The contract holds what it owes: Σ deposits + burned + fees that demands hold."""
    functions = rung.contract.functions
    accounts = [*rung.clients, rung.worker, rung.watcher, rung.chain.accounts[len(rung.clients) + 2]]
    owed = sum(functions.depositOf(account).call() for account in accounts) + functions.burned().call()
    assert rung.chain.w3.eth.get_balance(rung.contract.address) == owed + fees * rung.terms.fee
