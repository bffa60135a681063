"""What a coalition of clients would have made of a round: v(S) = L(w) − L(w + g_S) on validation data.

Two conventions for the coalition's update g_S are in use, and they are different games:

* ``"fixed"``: g_S = Σ_{i∈S} p_i g_i with p_i = n_i / N, so absent clients contribute a zero update;
* ``"renormalized"``: g_S = Σ_{i∈S} n_i g_i / Σ_{i∈S} n_i, FedAvg among those present (GTG-Shapley, Liu et al. 2022).

A layer's pre-activations are linear in its parameters, and the parameters are linear in the coalition's weights. So the
first layer is computed once for each client and once for all, and every coalition's pre-activations follow by one
matrix product (m × n)·(n × units·V); for a linear model that is the whole forward pass. Two more savings apply when
all 2^n coalitions are wanted. Sums over the first few clients are tabulated, so that the product becomes an addition.
And for a linear model with fixed weights exp(z_S) = exp(z_{S₁})·exp(z_{S₂}) for the two halves of S: log-sum-exp over
the classes for 2^n coalitions is then a small matrix product of two tables of 2^(n/2) rows, without exponentials.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bcfl_support.checks import check_choice, check_flags, freeze
from bcfl_support.errors import InvalidInput, InvalidUpdate
from bcfl_support.learning import MLP, LogisticRegression, Model, SoftmaxRegression, check_round, check_vector
from bcfl_support.learning.columns import TIE, read_samples
from bcfl_support.shapley.coalitions import Coalitions, Values, check_exact, coalition_matrix

Array = NDArray[np.float64]
Convention = Literal["fixed", "renormalized"]
Kind = Literal["loss", "accuracy"]

CHUNK_FLOATS = 1 << 18  # widest array of a chunk: 2 MiB, about a core's own cache
TABLE_FLOATS = 1 << 22  # each of the two tables of half coalitions: 32 MiB
TILE = 64  # rows of a table multiplied at a time, for the same reason
SAFE_EXPONENT = 600.0  # exp of anything up to ± this is a normal float64, and so are sums of such


@dataclass(eq=False, repr=False)
class RoundUtility:
    """v(S) of one round, for any model: parameter vectors of the coalitions in batches, then the model's own loss.

    Call it with a boolean matrix (m, n) for m coalitions, or ask `all_values()` for all 2^n. v(no client) = 0.
    Build one with `round_utility`, which checks and explains its arguments; here `weights` are p_i.
    """

    model: Model
    params: Array
    updates: Array
    weights: Array
    x: Array
    y: NDArray[np.int64]
    convention: Convention
    kind: Kind

    def __post_init__(self) -> None:
        for name in (
            "params",
            "updates",
            "weights",
            "x",
            "y",
        ):  # values of coalitions are found when they are asked for
            setattr(self, name, freeze(getattr(self, name)))
        self.n = len(self.updates)
        self._start = float(self._measure(self.params[None])[0])
        self._prepare()
        self._chunk = max(1, CHUNK_FLOATS // self._floats)  # coalitions computed at a time

    def __call__(self, coalitions: Coalitions) -> Values:
        """Utilities of the coalitions given as rows, (m, n) bool → (m,) float64.

        Raises:
            InvalidInput: rows of another length than n, or of something else than truth values, such as client numbers.
        """
        rows = check_flags("coalitions", coalitions)
        if rows.ndim != 2 or rows.shape[1] != self.n:
            raise InvalidInput(f"coalitions has shape {rows.shape}; n is {self.n} in this round: give (m, {self.n})")
        values = self._gains(rows)
        values[~rows.any(axis=1)] = 0.0
        return values

    def all_values(self) -> Values:
        """Utilities of all 2^n coalitions.

        Returns:
            (2^n,) float64, in the order of the bit masks, in the unit of the loss or of accuracy (1 = all).

        Raises:
            InvalidInput: more than 24 clients.
        """
        return self(coalition_matrix(self.n))

    def _prepare(self) -> None:
        self._floats = self.params.size  # widest array per coalition

    def _measure(self, params: Array) -> Array:
        """−L or accuracy of parameter vectors (m, P), (m,)."""
        if self.kind == "loss":
            return -np.asarray(self.model.loss(params, self.x, self.y), dtype=np.float64)
        return np.asarray(self.model.accuracy(params, self.x, self.y), dtype=np.float64)

    def _gains(self, rows: Coalitions) -> Values:
        values = np.empty(len(rows))
        for start in range(0, len(rows), self._chunk):
            chunk = slice(start, start + self._chunk)
            weights = rows[chunk] * self.weights
            if self.convention == "renormalized":
                weights /= np.where(rows[chunk].any(axis=1), weights.sum(axis=1), 1.0)[:, None]
            values[chunk] = self._measure(self.params + weights @ self.updates)
        return values - self._start


class LayeredUtility(RoundUtility):
    """v(S) for linear models and the one-hidden-layer MLP, from sums over the clients present.

    What is linear in the parameters (pre-activations of the first layer, weights and biases of the second) is kept as
    one row a client, so that a coalition's is base + Σ_{i∈S} row_i, divided under "renormalized" by p_S = Σ_{i∈S} p_i.
    That division waits until after the ReLU, max(z, 0)/p = max(z/p, 0), when arrays are smaller.
    """

    model: LogisticRegression | SoftmaxRegression | MLP

    def _prepare(self) -> None:
        base = _linear_parts(self.model, self.params[None], self.x)
        own = _linear_parts(self.model, self.updates, self.x)
        share, fixed = self.weights[:, None, None], self.convention == "fixed"
        # pre-activations, then for the MLP the second layer
        self._rows = [share * (change if fixed else start + change) for start, change in zip(base, own, strict=True)]
        self._base = [start[0] if fixed else np.zeros_like(start[0]) for start in base]
        if len(own) == 2:  # the hidden unit that is always 1 changes with no client
            self._rows[0][:, -1] = 0.0 if fixed else self.weights[:, None]
        self._zeros = np.zeros_like(self._base[0])
        self._floats = self._zeros.size
        self._at_label = self.y * len(self.y) + np.arange(len(self.y))  # in a flat (C, V) array
        self._bound = self._bound_logits()

    def _bound_logits(self) -> float:
        """A number no logit of any coalition exceeds in absolute value."""
        if self.convention == "fixed":
            sizes = [np.abs(base) + np.abs(own).sum(axis=0) for own, base in zip(self._rows, self._base, strict=True)]
        else:  # an average of the clients' own
            sizes = [(np.abs(own) / self.weights[:, None, None]).max(axis=0) for own in self._rows]
        return float((sizes[0] if len(sizes) == 1 else sizes[1] @ sizes[0]).max())

    def _gains(self, rows: Coalitions) -> Values:
        values = np.empty(len(rows))
        scratch = self._scratch(min(len(rows), self._chunk))
        for start in range(0, len(rows), self._chunk):
            chunk = rows[start : start + self._chunk].astype(np.float64)
            sums = [space[: len(chunk)] for space in scratch]
            for total, own, base in zip(sums, self._rows, self._base, strict=True):
                # one matrix product, (m, n)·(n, size)
                np.matmul(chunk, own.reshape(self.n, -1), out=total.reshape(len(chunk), -1))
                total += base
            values[start : start + len(chunk)] = self._score(sums, chunk @ self.weights)
        return values

    def _scratch(self, count: int) -> list[Array]:
        """Room for the sums of a chunk, reused by the next: fresh pages would cost as much as the arithmetic."""
        return [np.empty((count, *base.shape)) for base in self._base]

    def _score(self, sums: list[Array], present: Array) -> Values:
        """Values from the sums (m, …) of a chunk's coalitions, which are overwritten, and their weights p_S, (m,)."""
        z = sums[0]  # (m, H + 1, V) or (m, C, V)
        if self.convention == "renormalized":
            divisor = np.where(present > 0, present, 1.0)  # the empty coalition's value is overwritten later
            sums[-1] *= divisor[:, None, None] ** -len(sums)
        if len(sums) == 2:
            np.maximum(z, self._zeros, out=z)  # twice as fast as with a scalar 0
            z = sums[1] @ z  # (m, C, H + 1) @ (m, H + 1, V)
        if self.kind == "accuracy":
            return _share_of_hits(z, self.y) - self._start
        return _negative_loss(z, self._at_label, safe=self._bound < SAFE_EXPONENT) - self._start

    def all_values(self) -> Values:
        """Utilities of all 2^n coalitions; as in `RoundUtility.all_values`, and faster."""
        check_exact(self.n)
        linear = len(self._rows) == 1 and self.convention == "fixed" and self.kind == "loss"
        values = self._all_by_product() if linear and self._bound < SAFE_EXPONENT else self._all_by_sums()
        values[0] = 0.0
        return values

    def _all_by_sums(self) -> Values:
        """Coalitions in chunks that differ in the first few clients only, whose sums are tabulated once."""
        low = min(self.n, self._chunk.bit_length() - 1)
        tables = [_tabulate_sums(own[:low]) for own in self._rows]
        others = [_run_through_sums(own[low:], base) for own, base in zip(self._rows, self._base, strict=True)]
        present = _tabulate_sums(self.weights)
        sums, values = self._scratch(1 << low), np.empty(1 << self.n)
        for start, *shifts in zip(range(0, 1 << self.n, 1 << low), *others, strict=True):
            for total, table, shift in zip(sums, tables, shifts, strict=True):
                np.add(table, shift, out=total)
            chunk = slice(start, start + (1 << low))
            values[chunk] = self._score(sums, present[chunk])
        return values

    def _all_by_product(self) -> Values:
        """Linear model, fixed weights: Σ_c exp(z_c(S₁ ∪ S₂)) = Σ_c exp(z_c(S₁))·exp(z_c(S₂)) for halves S₁, S₂."""
        rows, base = self._rows[0], self._base[0]  # (n, C, V), (C, V)
        half = self.n // 2
        log_sums = np.zeros((1 << (self.n - half), 1 << half))
        step = max(1, TABLE_FLOATS // (len(base) << (self.n - half)))
        together = int(min(SAFE_EXPONENT // max(self._bound + np.log(len(base)), 1.0), 16.0))
        for v in range(0, len(self.y), step):
            low = np.exp(_tabulate_sums(rows[:half, :, v : v + step]))
            high = np.exp(_tabulate_sums(rows[half:, :, v : v + step]) + base[:, v : v + step])
            _add_log_sums(log_sums, low, high, max(together, 1))
        at_label = rows.reshape(self.n, -1)[:, self._at_label].sum(axis=1)
        labels = _tabulate_sums(at_label) + base.reshape(-1)[self._at_label].sum()
        return (labels - log_sums.reshape(-1)) / len(self.y) - self._start


def round_utility(
    model: Model,
    params: ArrayLike,
    updates: ArrayLike,
    samples: ArrayLike,
    x: ArrayLike,
    y: ArrayLike,
    *,
    convention: Convention = "fixed",
    kind: Kind = "loss",
) -> RoundUtility:
    """The game of one round: v(S) = L(w) − L(w + g_S), or the gain in accuracy, on validation data.

    Args:
        model: a model of `bcfl_support.learning`, or anything with its `loss`, `accuracy` and `n_params`.
        params: (P,) global parameters w at the start of the round.
        updates: (n, P) the change each client's training makes.
        samples: (n,) sample counts n_i.
        x: (V, d) validation features.
        y: (V,) validation labels 0 … C − 1.
        convention: "fixed" weights p_i = n_i / N, or "renormalized" among those present.
        kind: "loss" or "accuracy"; accuracy moves in steps of 1/V and rewards no improvement that flips no sample.

    Returns:
        A utility: call it with (m, n) coalitions, or `all_values()`.

    Raises:
        InvalidUpdate: shapes that do not fit, counts that are not positive, or values that are not finite.
        InvalidInput: an unknown convention or kind.

    >>> model, x, y = SoftmaxRegression(2, 2), np.eye(2), np.array([0, 1])
    >>> game = round_utility(model, np.zeros(6), [[2.0, 0, 0, 0, 0, 0], [0, 0, 0, 2.0, 0, 0]], [1, 1], x, y)
    >>> game.all_values().round(4).tolist()  # each client teaches one class
    [0.0, 0.1899, 0.1899, 0.3799]
    """
    check_choice("kind", kind, get_args(Kind))
    check_choice("convention", convention, get_args(Convention))
    changes, weights = check_round(updates, samples)
    if changes.ndim != 2 or changes.shape[1] != model.n_params:
        raise InvalidUpdate(f"updates has shape {changes.shape}: {model!r} needs (n, {model.n_params}).")
    start = check_vector(params, updates, "params")
    layered = type(model) in (LogisticRegression, SoftmaxRegression, MLP)
    build = LayeredUtility if layered else RoundUtility
    return build(
        model, start, changes, weights, *read_samples(x, y, model.n_features, model.n_classes), convention, kind
    )


# ---------------------------------------------------------------- pieces


def _linear_parts(model: LogisticRegression | SoftmaxRegression | MLP, vectors: Array, x: Array) -> list[Array]:
    """What is linear in the parameters of k vectors: pre-activations (k, H, V) and, for the MLP, a second layer.

    The bias of the second layer (k, C, H + 1) is its last column, for a hidden unit that is always 1.
    """
    if isinstance(model, LogisticRegression):  # two classes, the logit of class 0 fixed at 0
        vectors = np.stack([np.zeros_like(vectors), vectors], axis=1)
        return [vectors[:, :, :-1] @ x.T + vectors[:, :, -1:]]
    weight, bias, *second = model.split(vectors)
    z = weight @ x.T + bias[:, :, None]
    if not second:
        return [z]
    unit = np.ones((len(z), 1, len(x)))
    return [np.concatenate([z, unit], axis=1), np.concatenate([second[0], second[1][:, :, None]], axis=2)]


def _tabulate_sums(rows: Array) -> Array:
    """Sums over all subsets of k rows: (k, …) → (2^k, …), in the order of the bit masks.

    >>> _tabulate_sums(np.array([1.0, 10.0])).tolist()
    [0.0, 1.0, 10.0, 11.0]
    """
    table = np.zeros((1, *rows.shape[1:]))
    for row in rows:
        table = np.concatenate([table, table + row])
    return table


def _run_through_sums(rows: Array, base: Array) -> Iterator[Array]:
    """base + the sum over each subset of k rows, in the order of the bit masks, by one addition each.

    >>> [float(total) for total in _run_through_sums(np.array([1.0, 10.0]), np.array(100.0))]
    [100.0, 101.0, 110.0, 111.0]
    """
    sums = [base] * (len(rows) + 1)  # sums[j]: over the members of the current subset from row j on
    yield base
    for mask in range(1, 1 << len(rows)):
        lowest = (mask & -mask).bit_length() - 1  # the rows below it are out
        sums[: lowest + 1] = [sums[lowest + 1] + rows[lowest]] * (lowest + 1)
        yield sums[0]


def _negative_loss(z: Array, at_label: NDArray[np.int64], *, safe: bool) -> Values:
    """−L from logits (m, C, V), which are overwritten: mean over the samples of z_y − log Σ_c exp(z_c).

    Safe logits are known to be small enough that exp neither over- nor underflows.
    """
    values = np.take(z.reshape(len(z), -1), at_label, axis=1).sum(axis=1)
    if not safe:
        top = z.max(axis=1)
        z -= top[:, None]
        values -= top.sum(axis=1)
    np.exp(z, out=z)
    totals = z.sum(axis=1)  # (m, V)
    return (values - np.log(totals, out=totals).sum(axis=1)) / len(at_label)


def _share_of_hits(z: Array, y: NDArray[np.int64]) -> Values:
    """Accuracy from logits (m, C, V); the lowest class wins ties, as in `pick_classes`."""
    best, hit = z[:, 0].copy(), np.broadcast_to(y == 0, z[:, 0].shape).copy()
    for label in range(1, z.shape[1]):
        better = z[:, label] > best + TIE
        np.copyto(best, z[:, label], where=better)
        np.copyto(hit, y == label, where=better)
    return hit.mean(axis=1)


def _add_log_sums(log_sums: Array, low: Array, high: Array, together: int) -> None:
    """log_sums[h, l] += Σ_v log Σ_c low[l, c, v]·high[h, c, v], in place; `together` samples share one logarithm."""
    low = np.ascontiguousarray(low.transpose(2, 1, 0))  # (V, C, L)
    high = np.ascontiguousarray(high.transpose(2, 0, 1))  # (V, H, C)
    for h in range(0, len(log_sums), TILE):
        tile = log_sums[h : h + TILE]
        product, factor = np.empty_like(tile), np.empty_like(tile)
        for v in range(0, len(low), together):
            np.matmul(high[v, h : h + TILE], low[v], out=product)
            for u in range(v + 1, min(v + together, len(low))):
                np.matmul(high[u, h : h + TILE], low[u], out=factor)
                product *= factor
            tile += np.log(product, out=product)
