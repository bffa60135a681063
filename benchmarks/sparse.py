"""What sparse updates cost in accuracy, and what attacks earn when all updates are sparse: rung 5's one value of 64.

    python benchmarks/sparse.py --json            the whole study, written to results/sparse.json
    python benchmarks/sparse.py --json --quick    one seed and few rounds of it, written nowhere
    python benchmarks/sparse.py --json --only accuracy    one section anew, the other one kept as it is

Ten clients train an MLP of 99,985 parameters on digits, five steps of 32 samples at a rate of 0.2 a round; 20 seeds.
The step of the values begins at 2^-9 and follows `choose_step`. Accuracy is of the 30% of the data that no client has.

`accuracy`: for three ways to deal the digits, accuracy after some rounds of FedAvg of dense updates in float64, of
sparse ones with error feedback, and of sparse ones without: one number a seed. `gap` is the mean difference to dense
on the same seeds, in percentage points, with half of its 95% interval.

`attacks`: three of the ten clients lie in rounds 10 and 20 of an honest run of an MLP of 9,985 parameters, each round
and attack by itself, dense and sparse (with feedback). `dense` and `sparse` are the liars' share of what the round pays
in proportion to max(S_i, 0), plain and with clipping as rung 5 clips; `change` is sparse less dense on the same seeds;
in each case the mean over the seeds and half of its 95% interval. `honest` is the liars' share when they do not lie.
They know what the others send; in the sparse rounds what they make of it is sparsified like everybody's update. `met`
is the share of blocks in which two honest clients picked the same parameter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from _common import make_parser, read_result, report, write_result  # first: it sets the threads

# isort: split
import numpy as np
from joblib import Parallel, delayed

from bcfl_support import adversaries, learning
from bcfl_support.incentives import mean_interval
from bcfl_support.scaling import sparse

MODEL, SMALL = learning.MLP(64, 1333, 10), learning.MLP(64, 133, 10)
CLIENTS, LIARS, SEEDS, STEPS, LR, BATCH, FIRST_STEP = 10, 3, 20, 5, 0.2, 32, 2.0**-9
DEALS: dict[str, dict[str, Any]] = {
    "IID": {"partition": "iid"},
    "Dirichlet 1.0": {"partition": "dirichlet", "alpha": 1.0, "min_size": 5},
    "Dirichlet 0.1": {"partition": "dirichlet", "alpha": 0.1, "min_size": 5},
}
MODES = ("dense", "feedback", "plain")
MARKS = (10, 20, 30, 40, 50, 75, 100)
ATTACKED = (10, 20)
SECTIONS = ("accuracy", "attacks")
Played = tuple[learning.FederatedData, learning.Round, float]


class Compressor:
    """What the clients of one run send, and what they remember."""

    def __init__(self, mode: str) -> None:
        self.mode, self.step, self.memory = mode, FIRST_STEP, np.zeros(())

    def send(self, updates: np.ndarray) -> tuple[np.ndarray, float]:
        """What is sent, in the model's units, and the step it counts in (0: dense)."""
        if self.mode == "dense":
            return updates, 0.0
        step = self.step
        values, left = sparse.compress(updates, self.memory, step=step)
        if self.mode == "feedback":
            self.memory = left
        self.step = sparse.choose_step(step, values)
        return values * step, step


def play(deal: str, mode: str, seed: int, rounds: int, model: learning.MLP = MODEL) -> Iterator[Played]:
    """An honest run, round by round: the data, the round, and the step its values count in."""
    data = learning.load_digits_federation(CLIENTS, rng=np.random.default_rng(seed), **DEALS[deal])
    rng, compressor, steps = np.random.default_rng([seed, 1]), Compressor(mode), [0.0]
    training = {"steps": STEPS, "lr": LR, "batch_size": BATCH}

    def work(number: int, params: np.ndarray, previous: np.ndarray) -> learning.Round:
        trained = learning.local_updates(model, params, data, rng=rng, **training)  # type: ignore[arg-type]
        sent, steps[0] = compressor.send(trained)
        return learning.Round(sent, data.sizes, params, lambda w: w, lambda w: w[..., 0], previous)

    for seen in learning.play_rounds(model.init(rng=rng), rounds, work):
        yield data, seen, steps[0]


# ---------------------------------------------------------------- accuracy
def play_accuracy(deal: str, mode: str, seed: int, marks: tuple[int, ...] = MARKS) -> list[float]:
    """Accuracy after the rounds of `marks`, on validation and test data."""
    found = []
    for number, (data, seen, _) in enumerate(play(deal, mode, seed, marks[-1]), 1):
        if number in marks:
            x, y = np.concatenate([data.x_val, data.x_test]), np.concatenate([data.y_val, data.y_test])
            found.append(round(MODEL.accuracy(seen.params + seen.step, x, y), 6))
    return found


def study_accuracy(jobs: int, seeds: int, marks: tuple[int, ...]) -> list[dict[str, Any]]:
    """A row for each deal and mode: accuracies by round and seed, and the gap to dense."""
    cases = [(deal, mode, seed) for deal in DEALS for mode in MODES for seed in range(seeds)]
    played = dict(zip(cases, Parallel(jobs)(delayed(play_accuracy)(*case, marks) for case in cases), strict=True))
    rows = []
    for deal in DEALS:
        for mode in MODES:
            table = np.array([played[deal, mode, seed] for seed in range(seeds)])  # (seeds, marks)
            row: dict[str, Any] = {"deal": deal, "mode": mode}
            row["accuracy"] = {str(mark): table[:, k].tolist() for k, mark in enumerate(marks)}
            if mode != "dense" and seeds > 1:
                points = 100 * (table - np.array([played[deal, "dense", seed] for seed in range(seeds)]))
                row["gap"] = {str(mark): summarize(points[:, k], 3) for k, mark in enumerate(marks)}
            rows.append(row)
    return rows


def summarize(values: Any, digits: int) -> list[float]:
    """Mean over seeds, and half of its 95% interval."""
    return [round(number, digits) for number in mean_interval(values)]


# ---------------------------------------------------------------- attacks
def share_of_pay(updates: np.ndarray, samples: np.ndarray, bad: np.ndarray, clipped: bool) -> float:
    """The liars' share of what a round pays in proportion to max(S_i, 0); 0 if it pays nothing."""
    gram, weights = updates @ updates.T, samples / samples.sum()
    if clipped:
        lengths = np.sqrt(gram.diagonal())
        order = np.argsort(lengths)
        median = lengths[order[np.searchsorted(np.cumsum(samples[order]), samples.sum() / 2)]]  # every sample counts
        weights = weights * np.minimum(1, median / np.maximum(lengths, 1e-300))
    pay = np.maximum(weights * (gram @ weights), 0)
    return float(pay[bad].sum() / pay.sum()) if pay.any() else 0.0


def lie(name: str, seen: learning.Round, bad: np.ndarray, step: float, seed: int, number: int) -> np.ndarray:
    """The round's updates with what an attack puts in the liars' place; in steps and sparse if `step` is not 0."""
    samples = seen.samples
    insight = adversaries.Insight(
        own=seen.updates[bad],
        honest=np.delete(seen.updates, bad, axis=0),
        previous=seen.previous,
        samples=samples[bad],
        weight=samples[bad].sum() / samples.sum(),
        victim=int(np.argmax(np.delete(samples, bad))),
        agreed=np.random.default_rng([seed, 12]).standard_normal(seen.updates.shape[-1]),
        round_number=number,
        rng=np.random.default_rng([seed, 13, number]),
    )
    updates = seen.updates.copy()
    sent = adversaries.ATTACKS[name](insight)
    updates[bad] = sparse.sparsify(sent, step=step) * step if step else sent
    return updates


def play_attacks(deal: str, seed: int, rounds: tuple[int, ...] = ATTACKED) -> dict[str, dict[str, float]]:
    """Shares of pay by attack, the mean over `rounds`: dense and sparse, plain and clipped; and `met` by name."""
    bad = np.sort(np.random.default_rng([seed, 3]).permutation(CLIENTS)[:LIARS])
    shares: dict[str, dict[str, list[float]]] = {name: {} for name in (*adversaries.ATTACKS, "met")}
    for mode in MODES[:2]:
        for number, (_, seen, step) in enumerate(play(deal, mode, seed, rounds[-1], SMALL), 1):
            if number not in rounds:
                continue
            for name in adversaries.ATTACKS:
                updates = lie(name, seen, bad, step, seed, number)
                for clipped in (False, True):
                    key = f"{'sparse' if step else 'dense'}{', clipped' if clipped else ''}"
                    shares[name].setdefault(key, []).append(share_of_pay(updates, seen.samples, bad, clipped))
            if step:
                shares["met"].setdefault("sparse", []).append(share_met(np.delete(seen.updates, bad, axis=0)))
    return {name: {key: float(np.mean(values)) for key, values in found.items()} for name, found in shares.items()}


def share_met(updates: np.ndarray) -> float:
    """Share of blocks in which two clients picked the same parameter, over all pairs."""
    picked = (updates != 0).astype(np.float32)
    both = np.triu(picked @ picked.T, 1).sum() / (len(updates) * (len(updates) - 1) / 2)
    return float(both / -(-updates.shape[-1] // sparse.BLOCK))


def study_attacks(jobs: int, seeds: int, rounds: tuple[int, ...]) -> list[dict[str, Any]]:
    """A row for each deal and attack, and one for `met`."""
    cases = [(deal, seed) for deal in DEALS for seed in range(seeds)]
    played = dict(zip(cases, Parallel(jobs)(delayed(play_attacks)(*case, rounds) for case in cases), strict=True))
    rows = []
    for deal in DEALS:
        for name in (*adversaries.ATTACKS, "met"):
            found = [played[deal, seed][name] for seed in range(seeds)]
            row: dict[str, Any] = {"deal": deal, "attack": name}
            if seeds > 1:
                row |= {key: summarize([values[key] for values in found], 4) for key in found[0]}
            for rule in ("", ", clipped") if seeds > 1 and name != "met" else ():
                change = [values["sparse" + rule] - values["dense" + rule] for values in found]
                row["change" + rule] = summarize(change, 4)
            rows.append(row)
    return rows


def main() -> None:
    """Play, print, and write the result file."""
    parser = make_parser(__doc__, jobs=True)
    parser.add_argument("--only", choices=SECTIONS, help="one section anew")
    options = parser.parse_args()
    seeds, marks, attacked = (1, MARKS[:1], ATTACKED[:1]) if options.quick else (SEEDS, MARKS, ATTACKED)
    stored = {} if options.quick else read_result("sparse")
    content = {key: stored[key] for key in SECTIONS if key in stored}
    if options.only in (None, "accuracy"):
        content["accuracy"] = study_accuracy(options.jobs, seeds, marks)
    if options.only in (None, "attacks"):
        content["attacks"] = study_attacks(options.jobs, seeds, attacked)
    report(content, as_json=options.json)
    if not options.quick:
        write_result("sparse", content | {"seeds": seeds}, whole=options.only is None)


if __name__ == "__main__":
    main()
