"""Exact Shapley values of one round by other libraries, each coalition's model built and measured one at a time.

`shapley.py` runs this file in the peers' own environment (pyDVL needs numpy < 2) with the round in an .npz file, and
imports `CoalitionLoss` from it for the plain loop, so that every contestant evaluates the same function:

    python shapley_peers.py round.npz pydvl        (or pydvl_cached, shapiq, shapiq_batched)

prints one JSON object with "seconds", "evaluations" and "values". Imports and first calls are not timed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np


class CoalitionLoss:
    """−L(w + Σ_{i∈S} p_i g_i) of a ReLU network on validation data: one forward pass a call, float64."""

    def __init__(self, arrays: Any) -> None:
        self.params, self.updates, self.x, self.y = (arrays[name] for name in ("params", "updates", "x", "y"))
        self.samples = arrays["samples"]
        self.shares = self.samples / self.samples.sum()
        self.units = [int(count) for count in arrays["units"]]
        self.rows = np.arange(len(self.y))
        self.n = len(self.updates)
        self.calls = 0

    def __call__(self, clients: Iterable[int]) -> float:
        self.calls += 1
        present = list(clients)
        w = self.params + self.shares[present] @ self.updates[present]
        z, start = self.x, 0
        for inputs, outputs in zip(self.units[:-1], self.units[1:]):  # noqa: B905 the peers may run on an older Python
            weight = w[start : start + inputs * outputs].reshape(outputs, inputs)
            start += inputs * outputs
            z = (z if start == inputs * outputs else np.maximum(z, 0.0)) @ weight.T + w[start : start + outputs]
            start += outputs
        top = z.max(axis=1)
        log_sums = np.log(np.exp(z - top[:, None]).sum(axis=1)) + top
        return float((z[self.rows, self.y] - log_sums).mean())


def run_pydvl(loss: CoalitionLoss, cached: bool) -> tuple[np.ndarray, int]:
    """`ShapleyValuation` over all subsets; as shipped it evaluates v(S) and v(S ∪ {i}) anew for every client."""
    from pydvl.valuation import DeterministicUniformSampler, NoStopping, ShapleyValuation
    from pydvl.valuation.dataset import Dataset
    from pydvl.valuation.samplers import FiniteSequentialIndexIteration
    from pydvl.valuation.utility.base import UtilityBase

    class Utility(UtilityBase):
        def __init__(self) -> None:
            self.known: dict[tuple[int, ...], float] = {}

        def __call__(self, sample: Any) -> float:
            clients = () if sample is None else tuple(sorted(int(i) for i in sample.subset))
            if not cached:
                return loss(clients)
            if clients not in self.known:
                self.known[clients] = loss(clients)
            return self.known[clients]

        def with_dataset(self, data: Any, copy: bool = True) -> Any:
            self._training_data = data
            return self

    data = Dataset(np.arange(loss.n, dtype=float).reshape(-1, 1), np.zeros(loss.n))
    sampler = DeterministicUniformSampler(index_iteration=FiniteSequentialIndexIteration)
    result = ShapleyValuation(Utility(), sampler, NoStopping(), show_warnings=False).fit(data).result
    return result.values[np.argsort(result.indices)], loss.calls


def run_shapiq(loss: CoalitionLoss, batched: bool) -> tuple[np.ndarray, int]:
    """`ExactComputer`; its games take (m, n) matrices, so our batched utility plugs in as it is."""
    import shapiq

    def looped(matrix: np.ndarray) -> np.ndarray:
        return np.array([loss(np.flatnonzero(row)) for row in matrix])

    game = make_batched(loss) if batched else looped
    found = shapiq.ExactComputer(game, n_players=loss.n)("SV")
    return np.array([found[(i,)] for i in range(loss.n)]), 1 << loss.n if batched else loss.calls


def make_batched(loss: CoalitionLoss) -> Any:
    """Our utility of the same round."""
    from bcfl_support.learning import MLP, SoftmaxRegression
    from bcfl_support.shapley import round_utility

    model = (MLP if len(loss.units) == 3 else SoftmaxRegression)(*loss.units)
    return round_utility(model, loss.params, loss.updates, loss.samples, loss.x, loss.y)


METHODS: dict[str, Callable[[CoalitionLoss], tuple[np.ndarray, int]]] = {
    "pydvl": lambda loss: run_pydvl(loss, cached=False),
    "pydvl_cached": lambda loss: run_pydvl(loss, cached=True),
    "shapiq": lambda loss: run_shapiq(loss, batched=False),
    "shapiq_batched": lambda loss: run_shapiq(loss, batched=True),
}


def main() -> None:
    """Run one method and print its time and values."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("arrays", type=Path)
    parser.add_argument("method", choices=METHODS)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")  # the libraries' own, about each other's versions
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    arrays = dict(np.load(options.arrays))
    run = METHODS[options.method]
    run(CoalitionLoss({**arrays, "updates": arrays["updates"][:3], "samples": arrays["samples"][:3]}))  # imports
    start = time.perf_counter()
    values, evaluations = run(CoalitionLoss(arrays))
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "evaluations": evaluations, "values": values.tolist()}))


if __name__ == "__main__":
    main()
