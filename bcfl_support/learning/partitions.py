"""Ways to deal N labeled samples to n clients: pure functions (labels, n_clients, rng) → list of index arrays.

    {0, …, N−1} = D_1 ∪ … ∪ D_n  (disjoint),    n_i = |D_i| ≥ 1

The names are those of Flower's partitioners where it has one. The ways: IID, Dirichlet per class, k classes a client
("pathological"), label skew at equal sizes, and quantity skew. A partition that leaves a client without a sample is
an error, never a silent empty client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from numpy.random import Generator

from bcfl_support.checks import check_choice, check_generator, check_list, check_range, check_whole, to_array, to_floats
from bcfl_support.errors import InvalidInput

Parts = list[np.ndarray]


def partition_iid(labels: np.ndarray, n_clients: int, *, rng: Generator) -> Parts:
    """Deal the samples at random, sizes as equal as they can be (Flower: IidPartitioner).

    Args:
        labels: class of each sample, shape (N,), int.
        n_clients: number of clients n, 1 to N.
        rng: source of the shuffle.

    Returns:
        n sorted index arrays that together hold 0 … N−1 once each.

    Raises:
        InvalidInput: fewer samples than clients.

    >>> [len(p) for p in partition_iid(np.zeros(10, int), 3, rng=np.random.default_rng(0))]
    [4, 3, 3]
    """
    labels, n_clients = _check_partition(labels, n_clients, rng)
    return [np.sort(part) for part in np.array_split(rng.permutation(len(labels)), n_clients)]


def partition_dirichlet(
    labels: np.ndarray, n_clients: int, *, alpha: float, rng: Generator, min_size: int = 1, max_tries: int = 100
) -> Parts:
    """Cut every class by its own draw from Dirichlet(alpha, …, alpha) (Flower: DirichletPartitioner).

    Small alpha gives each class to few clients, large alpha approaches IID. Class proportions *and* sizes vary.
    A draw that leaves a client with fewer than `min_size` samples is thrown away and drawn again.

    Args:
        labels: class of each sample, shape (N,), int.
        n_clients: number of clients n, 1 to N.
        alpha: concentration, positive.
        rng: source of the draws.
        min_size: fewest samples a client may have, at least 1.
        max_tries: number of draws before giving up.

    Returns:
        n sorted index arrays that together hold 0 … N−1 once each.

    Raises:
        InvalidInput: labels that are no row of whole numbers; n_clients, alpha, min_size or max_tries out of range; or
            no draw gave every client `min_size` samples.
    """
    labels, n_clients = _check_partition(labels, n_clients, rng)
    alpha = check_range("alpha", alpha, 0, above=True, why="it is the Dirichlet concentration").item()
    min_size = check_whole("min_size", min_size, 1, len(labels) // n_clients, why="no more than N / n for each")
    members = [np.flatnonzero(labels == c) for c in np.unique(labels)]
    for _ in range(check_whole("max_tries", max_tries, 1)):
        shares = rng.dirichlet(np.full(n_clients, alpha), size=len(members))  # (C, n)
        pieces = [_cut(rng.permutation(m), share) for m, share in zip(members, shares, strict=True)]
        parts = [np.sort(np.concatenate(own)) for own in zip(*pieces, strict=True)]
        if min(map(len, parts)) >= min_size:
            return parts
    failed = f"no draw out of {max_tries} with alpha {alpha:g} gave each of {n_clients} clients {min_size} samples"
    raise InvalidInput(f"{failed} out of {len(labels)}: raise alpha, or deal to fewer clients.")


def partition_pathological(labels: np.ndarray, n_clients: int, *, classes_per_client: int, rng: Generator) -> Parts:
    """Give every client samples of exactly k classes (Flower: PathologicalPartitioner).

    No class has two owners more than another. No two clients own the same k classes as long as there are sets enough
    (n ≤ C choose k); beyond that, no set has two owners more than another. Each class is cut into equal pieces.

    Args:
        labels: class of each sample, shape (N,), int, C distinct values.
        n_clients: number of clients n, 1 to N.
        classes_per_client: k, with 1 ≤ k ≤ C and n·k ≥ C.
        rng: source of the shuffles.

    Returns:
        n sorted index arrays that together hold 0 … N−1 once each.

    Raises:
        InvalidInput: k out of range, classes left without an owner, or a class with fewer samples than owners.
    """
    labels, n_clients = _check_partition(labels, n_clients, rng)
    classes = rng.permutation(np.unique(labels))
    classes_per_client = check_whole(
        "classes_per_client", classes_per_client, 1, len(classes), why="the data has no more"
    )
    if n_clients * classes_per_client < len(classes):
        short = f"{n_clients} clients with {classes_per_client} classes each cannot hold {len(classes)} classes"
        raise InvalidInput(f"{short}: raise classes_per_client, every sample needs an owner.")
    owned = _deal_sets(n_clients, classes_per_client, len(classes), rng)
    parts: list[list[np.ndarray]] = [[] for _ in range(n_clients)]
    for place, c in enumerate(classes):
        owners = np.array([i for i, own in enumerate(owned) if place in own])
        members = rng.permutation(np.flatnonzero(labels == c))
        if len(members) < len(owners):
            raise InvalidInput(f"class {c} has {len(members)} samples for {len(owners)} clients: give it to fewer.")
        for owner, piece in zip(owners, np.array_split(members, len(owners)), strict=True):
            parts[owner].append(piece)
    return [np.sort(np.concatenate(own)) for own in parts]


def partition_label_skew(labels: np.ndarray, n_clients: int, *, skew: float = 0.8, rng: Generator) -> Parts:
    """Sort a fraction of the samples by label, deal the rest at random; sizes stay equal (Hsieh et al. 2020).

    With skew 0 this is IID, with skew 1 client 0 gets the first labels only and client n−1 the last ones. Only the
    class proportions vary, so that effects of n_i stay out of the picture.

    Args:
        labels: class of each sample, shape (N,), int.
        n_clients: number of clients n, 1 to N.
        skew: fraction of the samples that is sorted by label, 0 to 1.
        rng: source of the shuffles.

    Returns:
        n sorted index arrays that together hold 0 … N−1 once each.

    Raises:
        InvalidInput: skew outside [0, 1], or fewer samples than clients.
    """
    labels, n_clients = _check_partition(labels, n_clients, rng)
    skew = check_range("skew", skew, 0, 1).item()
    order = rng.permutation(len(labels))
    n_sorted = round(skew * len(labels))
    skewed, rest = order[:n_sorted], order[n_sorted:]
    skewed = skewed[np.argsort(labels[skewed], kind="stable")]
    # the longer pieces of `rest` go to the last clients, those of `skewed` to the first: sizes differ by at most 1
    rest_pieces = np.array_split(rest, n_clients)[::-1]
    return [np.sort(np.concatenate(own)) for own in zip(np.array_split(skewed, n_clients), rest_pieces, strict=True)]


def partition_quantity_skew(labels: np.ndarray, n_clients: int, *, rng: Generator) -> Parts:
    """Deal at random, client sizes growing with the client's number: n_i ∝ i, i = 1 … n (Flower: LinearPartitioner).

    Args:
        labels: class of each sample, shape (N,), int.
        n_clients: number of clients n, 1 to N.
        rng: source of the shuffle.

    Returns:
        n sorted index arrays that together hold 0 … N−1 once each.

    Raises:
        InvalidInput: a client would be left without a sample.

    >>> [len(p) for p in partition_quantity_skew(np.zeros(60, int), 3, rng=np.random.default_rng(0))]
    [10, 20, 30]
    """
    labels, n_clients = _check_partition(labels, n_clients, rng)
    number = np.arange(1, n_clients + 1)
    parts = _cut(rng.permutation(len(labels)), number / number.sum())
    if not all(map(len, parts)):
        raise InvalidInput(f"{len(labels)} samples are too few for {n_clients} clients of growing size: deal to fewer.")
    return [np.sort(part) for part in parts]


# by name, for the loaders of `datasets`
PARTITIONS: dict[str, Callable[..., Parts]] = {
    "iid": partition_iid,
    "dirichlet": partition_dirichlet,
    "pathological": partition_pathological,
    "label_skew": partition_label_skew,
    "quantity_skew": partition_quantity_skew,
}


def check_options(partition: str, options: Mapping[str, Any]) -> None:
    """Refuse an unknown partition, and options it does not take, also such as a loader decides by itself, or lacks.

    Args:
        partition: a name in `PARTITIONS`.
        options: what is to be passed to it, without the generator.

    Raises:
        InvalidInput: there is no such partition, or an option is missing or unknown.
    """
    check_choice("partition", partition, PARTITIONS)
    wanted = list(signature(PARTITIONS[partition]).parameters.values())[2:]
    known, needed = {p.name for p in wanted}, {p.name for p in wanted if p.default is p.empty}
    if not needed <= {"rng", *options} <= known:
        takes = ", ".join(f"{p.name} (needed)" if p.name in needed else p.name for p in wanted if p.name != "rng")
        given = ", ".join(options) or "none of them"
        raise InvalidInput(f"partition {partition!r} was given {given}: it takes {takes or 'no options'}.")


def split_stratified(
    labels: np.ndarray, *, held_out: tuple[float, float] = (0.15, 0.15), rng: Generator
) -> list[np.ndarray]:
    """Split sample indices into train, validation and test, 70 : 15 : 15, each class in the same proportions.

    Args:
        labels: class of each sample, shape (N,), int.
        held_out: shares for validation and for the test.
        rng: source of the shuffle.

    Returns:
        Three sorted index arrays, disjoint, together 0 … N−1; the held-out shares of a class are rounded down.

    Raises:
        InvalidInput: labels that are no row of whole numbers, or shares that are negative or above 1 in all.
    """
    check_generator(rng)
    labels = to_array("labels", labels)
    if labels.ndim != 1 or len(labels) == 0 or labels.dtype.kind not in "iu":
        raise InvalidInput(f"labels has shape {labels.shape} and dtype {labels.dtype}: give (N,) whole numbers, N ≥ 1.")
    shares, pieces = check_shares(held_out), []
    for c in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == c))
        checked, tested = (take_share(share, len(members)) for share in shares)
        val, test, train = np.split(members, [checked, checked + tested])
        pieces.append((train, val, test))
    return [np.sort(np.concatenate(part)) for part in zip(*pieces, strict=True)]


def check_shares(held_out: tuple[float, float]) -> tuple[float, float]:
    """What is held out for validation and for the test.

    Args:
        held_out: two shares of each class.

    Returns:
        The two.

    Raises:
        InvalidInput: there are not two, or one or their sum is negative or above 1.
    """
    shares = to_floats("held_out", check_list("held_out", held_out))
    if shares.shape != (2,):
        raise InvalidInput(f"held_out is {held_out}: give two shares, one for validation and one for the test.")
    check_range("held_out with its sum", [*shares, shares.sum()], 0, 1, many=True, why="they are shares of a class")
    return shares[0], shares[1]


def take_share(share: float, count: int) -> int:
    """A share of so many, rounded down; 0.29 of 100 are 29, though the product of the floats is a little less.

    Args:
        share: 0 to 1.
        count: of how many.

    Returns:
        How many it is.
    """
    return int(share * count + 1e-9)


def _check_partition(labels: Any, n_clients: int, rng: Generator) -> tuple[np.ndarray, int]:
    check_generator(rng)
    array = to_array("labels", labels)
    if array.ndim != 1:
        raise InvalidInput(f"labels has shape {array.shape}: it must be (N,), one class per sample.")
    for row, label in enumerate(array.tolist()):
        if label is None or not isinstance(label == label, bool) or label != label:  # NaN, and what pandas has for it
            raise InvalidInput(f"labels[{row}] is {label!r}, no class: drop the row, or give it one")
    return array, check_whole("n_clients", n_clients, 1, len(array), why="each client gets a sample")


def _deal_sets(n: int, k: int, n_classes: int, rng: Generator) -> list[frozenset[int]]:
    """Give n clients k of the classes 0 … C−1 each: sets and classes are owned equally often, to within one.

    As often as all C choose k sets fit into n, each is dealt once. The rest are different sets drawn at random, and
    while class a has two owners more than class b, an owner of a takes b for it, if nobody has that set yet. There is
    such an owner: the sets with a and without b outnumber those with b and without a, which could be in the way. Every
    exchange lowers Σ owners², so the loop ends.
    """
    whole, rest = divmod(n, comb(n_classes, k))
    dealt = [frozenset(s) for s in combinations(range(n_classes), k)] * whole if whole else []
    drawn: dict[frozenset[int], None] = {}  # a dict keeps the order of the draws, a set does not
    while len(drawn) < rest:
        drawn[frozenset(rng.choice(n_classes, k, replace=False).tolist())] = None
    owners = np.bincount([c for own in drawn for c in own], minlength=n_classes)
    while owners.max() - owners.min() > 1:
        a, b = int(owners.argmax()), int(owners.argmin())
        changes = ((own, own - {a} | {b}) for own in drawn if a in own and b not in own)
        before, after = next((old, new) for old, new in changes if new not in drawn)
        del drawn[before]
        drawn[after] = None
        owners[[a, b]] += (-1, 1)
    dealt += drawn
    return [dealt[i] for i in rng.permutation(n)]


def _cut(indices: np.ndarray, shares: np.ndarray) -> list[np.ndarray]:
    """Cut `indices` into consecutive pieces whose sizes follow `shares` (summing to 1) to within one sample."""
    return np.split(indices, np.rint(np.cumsum(shares)[:-1] * len(indices)).astype(int))
