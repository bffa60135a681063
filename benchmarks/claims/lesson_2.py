"""Lesson 2: what the alignment score orders, what it does not, and how to be paid by it for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bcfl_support import learning, protocol

from .pages import Page
from .rows import Rows, part

ALL_SEEDS = ("range(SEEDS)", "SEED_LIST")
WAYS = ("IID", "Dirichlet 1.0", "Dirichlet 0.3", "2 classes each")


def open_page(seeds: Sequence[int]) -> Page:
    """The lesson's definitions up to its way to deal the digits, and the scores it sums."""
    page = Page(2, seeds).run("c-a2adfc0deb").run("c-75bbeb298c").run("c-9b39286f06").run("c-e09721c0ad")
    page.run("c-1bb2822502").run("c-b766326062", only=("def rounds_of", "digits_model"))
    page.run("c-bcb1528137").run("c-c4d092a61b", only=("def against_exact",)).run("c-0bf0ff129e")
    page.run("c-a915592a85", only=("kept", "chosen", "def summed_scores"))
    page.names["SEEDS"] = len(page.seeds)
    page.run("c-369747d5db", only=("DEALS", "WAYS"))
    return page.run("c-7031c85933", only=("LABELS", "def quality_correlations"))


@part(2, seconds=6, quick=True)
def formulas(seeds: Sequence[int], rows: Rows) -> None:
    """Section 3: the midpoint rule, and three formulas against exact values."""
    page = open_page(seeds).run("c-1dd6aae3d4", only=("def random_quadratic",))
    right = [np.allclose(*page["random_quadratic"](np.random.default_rng(s)), atol=1e-12) for s in page.seeds]
    rows.every("c-3063a715ec", "for a quadratic loss the midpoint rule gives the exact value", right)
    page.run("c-2a61b00002", ("range(20)", "SEED_LIST"))
    errors, ranks = (page["by_formula"][:, :, k] for k in (0, 1))
    cell = "c-a58f4ab8f1"
    near = errors[:, 2] < errors[:, :2].min(axis=1) / 4
    rows.every(cell, "the midpoint rule comes at least four times as close as either other, in every federation", near)
    rows.quoted(cell, "it puts all ten in the right order in 19 of 20", ranks[:, 2] > 0.999, 19, 20)
    rows.every("c-27821830a2", "its rank correlation is above 0.95, in every federation", ranks[:, 2] > 0.95)
    rows.mean(cell, "the paper's formula is close: rank correlation above 0.9", ranks[:, 0], 0.9)
    rows.mean(cell, "the first-order formula is close: rank correlation above 0.9", ranks[:, 1], 0.9)
    for k, (name, quoted) in enumerate((("the paper's formula", 1), ("the first-order formula", 3))):
        rows.quoted(cell, f"{name} puts all ten in order in {quoted} of 20", ranks[:, k] > 0.999, quoted, 20)
    page.run("c-27821830a2", only=("from",)).run("c-1bb2822503")
    well_above = page["to_themselves"] > 1.5 * page["if_equal"]
    rows.every("c-1bb2822504", "clients pay themselves well above Σ p², in every federation", well_above)


@part(2, seconds=25)
def quality(seeds: Sequence[int], rows: Rows) -> None:
    """Sections 4, 5 and 7: the order of clients with wrong labels, and what clipping makes of it."""
    page = open_page(seeds)
    score, wrong_labels = page["summed_scores"], page["wrong_labels"]
    runs = {way: [score(way, seed, wrong_labels) for seed in page.seeds] for way in WAYS}
    rho = {
        (way, name): np.array(page["quality_correlations"](runs[way], name)) for way in WAYS for name in page["chosen"]
    }
    iid, two = rho["IID", "alignment"], rho["2 classes each", "alignment"]
    rows.mean("c-5d0e1a7c21", "IID: the score orders quality almost perfectly", iid, 0.99)
    rows.every("c-c2a279f088", "IID: rank correlation above 0.95, in every seed", iid > 0.95)
    by_share = np.array([scores["alignment"][np.argsort(-quality)] for scores, quality in runs["IID"]])
    rows.number(
        "c-7d3c60fe56", "part of the steps to more wrong labels that go down", (np.diff(by_share) < 0).mean(), 0.95
    )
    rows.number(
        "c-7d3c60fe56", "the mean falls at every step: the largest rise", np.diff(by_share.mean(axis=0)).max(), below=0
    )
    rows.mean(
        "c-c2a279f088", "70% wrong labels: less than a fifth of the score", by_share[:, -1] / by_share[:, 0], below=0.2
    )
    weigh_rounds(page, rows, runs["IID"])
    along = rho["IID", "leave_self_out"]
    rows.mean("c-be804796b0", "IID: agreement alone orders them nearly as well as the score", along, 0.95)
    longer = along - rho["IID", "own_length"]
    rows.mean("c-be804796b0", "IID: own length alone much less well (agreement less it)", longer, 0.3)
    uneven = rho["Dirichlet 0.3", "alignment"]
    rows.mean("c-be804796b0", "S gets worse with Dirichlet 0.3 (IID less Dirichlet 0.3)", iid - uneven, 0)
    rows.number("c-be804796b0", "and seeds differ more: ratio of deviations", uneven.std() / iid.std(), 1)
    for other in ("Dirichlet 1.0", "2 classes each"):
        worse = rho[other, "alignment"] - uneven
        rows.mean("c-abe5e258d5", f"in the mean S is worst with Dirichlet 0.3 ({other} less it)", worse, 0)
    rows.mean("c-be804796b0", "two classes each: it orders label quality well", two, 0.9)
    others = rho["2 classes each", "leave_self_out"]
    rows.every("c-be804796b0", "two classes each: agreement with the others upside down, in every seed", others < 0)
    rows.mean("c-0976bd7743", "two classes each: agreement with the others below −0.4", others, below=-0.4)
    rows.mean(
        "c-be804796b0", "two classes each: own length gets the order right", rho["2 classes each", "own_length"], 0.85
    )
    weigh_sizes(page, rows, runs["Dirichlet 0.3"], uneven)
    weigh_own(page, rows, runs)
    compare_clipped(rows, rho)


def weigh_sizes(page: Page, rows: Rows, runs: Any, by_score: np.ndarray) -> None:
    """Section 5: with Dirichlet 0.3 the parts of the score follow the sample count, in opposite directions."""
    page.run("c-7662aa4a5c", only=("def against_size",))
    found = [
        page["against_size"]("Dirichlet 0.3", *run) for run in zip(page.seeds, *zip(*runs, strict=True), strict=True)
    ]
    agreement, own, agreement_per_sample, per_sample = np.array(found).T
    cell = "c-be804796b0"
    rows.mean(cell, "Dirichlet 0.3: own length is largest for clients with many samples", own, 0.5)
    rows.mean(cell, "Dirichlet 0.3: agreement is smallest for them", agreement, below=0)
    rows.mean(cell, "Dirichlet 0.3: and smallest for them per sample, too", agreement_per_sample, below=0)
    rows.mean(cell, "Dirichlet 0.3: per sample the order is nearly right", per_sample, 0.9)
    rows.mean(cell, "Dirichlet 0.3: the score per sample orders better than the score, by", per_sample - by_score, 0)


def weigh_own(page: Page, rows: Rows, runs: Any) -> None:
    """Section 5: what clients pay themselves, of the scores' sum, and with whom those of two classes agree."""
    page.run("c-7662aa4a5d", only=("def part_to_themselves",)).run("c-7662aa4a5e", only=("def two_agreements",))
    own, cell = {way: page["part_to_themselves"](runs[way]) for way in WAYS}, "c-7662aa4a5d"
    for way in WAYS[:2]:
        rows.every(cell, f"{way}: they pay themselves less than all of it, in every seed", own[way] < 1)
    rows.mean(cell, "Dirichlet 0.3: more than all of it, in the mean", own["Dirichlet 0.3"], 1)
    rows.every(cell, "two classes each: more than all of it, in every seed", own["2 classes each"] > 1)
    rows.mean("c-be804796b0", "two classes each: three times the scores' sum", own["2 classes each"], 2.5, 3.5)
    cell = "c-be804796b0"
    found = [page["two_agreements"](seed) for seed in page.seeds]
    rows.every(
        cell, "two classes each: agreement with those who share a digit is positive", [a > 0 for a, _, _ in found]
    )
    rows.every(cell, "two classes each: with those who share none negative, every client", [b < 0 for _, b, _ in found])
    rho = np.array([[page["rank_correlation"](part, q) for part in (a, b)] for a, b, q in found])
    rows.mean(cell, "two classes each: the harder the cleaner the labels", rho[:, 1], below=-0.5)
    rows.mean("c-7662aa4a5e", "two classes each: agreement with sharers grows with quality", rho[:, 0], 0)


def weigh_rounds(page: Page, rows: Rows, runs: Any) -> None:
    """Section 4: what the first three of 30 rounds weigh, and the order by pay."""
    cell = "c-5d0e1a7c21"
    part = {
        name: np.array(
            [scores[f"rounds of {name}"][:3].sum() / scores[f"rounds of {name}"].sum() for scores, _ in runs]
        )
        for name in ("score_alignment", "reward")
    }
    rows.mean(
        cell, "the first 3 of 30 rounds make up about half of the summed score", part["score_alignment"], 0.4, 0.6
    )
    rows.every(cell, "and a tenth of the pay, in every seed", np.isclose(part["reward"], 0.1))
    by_pay = [page["rank_correlation"](scores["pay"], quality) for scores, quality in runs]
    rows.mean(cell, "the pay orders the clients by label quality, too", by_pay, 0.98)


def compare_clipped(rows: Rows, rho: dict[Any, np.ndarray]) -> None:
    """Section 7: the clipped score on the same federations."""
    change = {way: rho[way, "clipped"] - rho[way, "alignment"] for way in WAYS}
    rows.mean("c-de426cb158", "IID: clipping costs the order next to nothing", change["IID"], -0.05)
    rows.mean(
        "c-de426cb158",
        "two classes each: the clipped score loses its reason",
        rho["2 classes each", "clipped"],
        below=0.2,
    )
    for way in WAYS[1:]:
        rows.mean("c-3438fb7424", f"{way}: clipping makes the order worse", change[way], below=0)


@part(2, seconds=15)
def honest(seeds: Sequence[int], rows: Rows) -> None:
    """Section 5: noise on the updates, and how the dealing was described."""
    page = open_page(seeds).run("c-fbd3610c2a", only=("def noisy_updates",))
    score = page["summed_scores"]
    shaken = [score("IID", seed, page["noisy_updates"]) for seed in page.seeds]
    rho = {name: np.array(page["quality_correlations"](shaken, name)) for name in page["LABELS"]}
    rows.mean(
        "c-4695286bbf", "noise on the updates: the more noise, the higher the score", rho["alignment"], below=-0.9
    )
    rows.unmeasured(
        "c-be804796b0", "noise agrees with nobody: it leaves the first part as it was", rho["leave_self_out"]
    )
    described, fewest = [], []
    for seed in page.seeds:
        dealt = page["deal"]("2 classes each", seed)
        held = (dealt.label_counts() > 0).astype(int)
        shared = held @ held.T - 2 * np.eye(10, dtype=int)
        alike = dealt.sizes.max() < 1.1 * dealt.sizes.min()
        two = set(held.sum(axis=1)) == {2} == set(held.sum(axis=0))
        described.append(alike and two and shared.max() == 1 and set(shared.sum(axis=1)) == {2})
        fewest.append([(page["deal"](way, seed).label_counts() > 0).sum(axis=1).mean() for way in WAYS])
    rows.every("c-abe5e258d5", "two classes each: two digits a client, no pair twice, sizes nearly equal", described)
    rows.every("c-be804796b0", "two classes each: the fewest classes of the four", np.argmin(fewest, axis=1) == 3)


@part(2, seconds=10)
def network(seeds: Sequence[int], rows: Rows) -> None:
    """Section 4: a PyTorch network in four federations."""
    page = open_page(seeds).run("c-5d0e1a7c22", ("range(4)", "SEED_LIST[:4]"))
    claim = "a convolutional network: rank correlation with label quality above 0.9, in every seed"
    rows.every("c-5d0e1a7c23", claim, np.array(page["orders"]) > 0.9)


@part(2, seconds=20)
def tricks(seeds: Sequence[int], rows: Rows) -> None:
    """Sections 6 and 7: what three levers bring client 0, and what clipping leaves of it."""
    page = open_page(seeds).run("c-545e37b95a").run("c-2b48e16a2b", ("range(seeds)", "SEED_LIST"))
    plain = page["plain"]
    share = {name: results[:, 0] for name, results in plain.items()}
    cell = "c-9754e70570"
    rows.mean("c-76e4cdfbf0", "an honest client of ten is paid a tenth", share["honest"], 0.09, 0.11)
    for name in ("sends 10 times its update", "noise, 8 times as long"):
        rows.mean(cell, f"{name}: more than half of everybody's pay", share[name], 0.5)
    rows.mean("c-bd264478d0", "claims 8 times its samples: about half", share["claims 8 times its samples"], 0.4, 0.6)
    for name in share:
        cost = plain[name][:, 1] - plain["honest"][:, 1]
        if name != "honest":
            rows.mean(cell, f"{name}: the model loses less than two points of accuracy", cost, -0.02)
    gain = plain["sends 10 times its update"][:, 1] - plain["honest"][:, 1]
    rows.mean(cell, "sends 10 times its update: the model gains, if anything, less than two points", gain, -0.005, 0.02)
    per_stake = share["claims 8 times its samples"] / 8 / share["honest"].mean()
    rows.mean(
        "c-4af50a43e2", "eight times the samples: pay per ether staked below an honest client's", per_stake, below=1
    )
    page.run("c-eeb2b063a8", only=("CLIPPING", "loudest_ways"))
    play, server = page["shares_of_client_0"], page["CLIPPING"]
    clipped = {name: play(server=server, **page["TRICKS"][name])[:, 0] for name in page["loudest_ways"]}
    cell = "c-06d055416b"
    rows.mean(cell, "clipped, scaling is cured", clipped["sends 10 times its update"], below=0.12)
    rows.mean(cell, "clipped, noise earns a fraction of an honest share", clipped["noise, 8 times as long"], below=0.05)
    five = share["noise, 8 times as long"] / share["honest"].mean()
    rows.mean(cell, "plain, it earned about five of them", five, 4.5, 5.5)
    rows.mean(cell, "clipped, the sample count is not cured", clipped["claims 8 times its samples"], 0.4)
    page.run("c-eeb2b063a8", only=("agreed",))
    bare, cut = (play(server=server, **page["agreed"])[:, 0] for server in (None, page["CLIPPING"]))
    rows.mean("c-eeb2b063a8", "three send one random vector: each takes nearly a third, plain", bare, 0.3, 1 / 3)
    rows.every(cell, "clipped, each of the three takes about two thirds of a tenth, every seed", abs(cut - 0.07) < 0.01)
    alone = clipped["noise, 8 times as long"].mean()
    rows.mean("c-eeb2b063a8", "clipped, that is more than three times what one alone takes", cut / alone, 3)


@part(2, seconds=8)
def clipping(seeds: Sequence[int], rows: Rows) -> None:
    """Section 7: how long the longest updates are, and what clipping costs the model when all are honest."""
    page = open_page(seeds).run("c-eeb2b063a8", only=("CLIPPING",)).run("c-7fb24871a3", ALL_SEEDS)
    iid, uneven = (page["longest"][way] for way in ("IID", "Dirichlet 0.1"))
    rows.mean("c-06d055416b", "IID: nearly equal lengths (the longest over the median)", iid, below=1.1)
    rows.mean("c-06d055416b", "Dirichlet 0.1: the longest is longer than that, by", uneven - iid, 0)
    lost = page["loss_by_clip"]
    rows.mean("c-de426cb158", "Dirichlet 0.1: the model learns more slowly (accuracy)", lost["Dirichlet 0.1"], below=0)
    rows.mean("c-de426cb158", "IID: the accuracy stays nearly what it was", lost["IID"], -0.005, 0.005)
    more = lost["Dirichlet 0.1"] - lost["IID"]
    rows.mean("c-06d055416b", "clipping costs more where clients differ more (Dirichlet 0.1 less IID)", more, below=0)
    held = page["with_classes"]["Dirichlet 0.1"]
    rows.mean("c-06d055416b", "Dirichlet 0.1: the fewer classes, the longer the update (correlation)", held, below=0)


@part(2, seconds=10)
def integers(seeds: Sequence[int], rows: Rows) -> None:
    """Section 8, off the chain: the contract's integers against floats, and what a bound leaves."""
    page = open_page(seeds).run("c-3b07738f51", only=("def score_of_scaled",)).run("c-fb7126c48a").run("c-2615b8e825")
    page.run("c-9cf65cc9d9", only=("def parts_of_error",)).run("c-daaf6a177c", only=("def gain_of_scaling",))
    page.run("c-371672d40d").run("c-b4ddc3b811")
    shorter, within, falling, equal, grown, most, ranked, larger = [], [], [], [], [], [], [], []
    for seed in page.seeds:
        sizes, outcomes = (
            page["deal"]("IID", seed).sizes,
            page["rounds_of"](page["deal"]("IID", seed), page["digits_model"], 30),
        )
        sent, late = outcomes[0].updates, outcomes[29].updates
        rounding, cutting = page["parts_of_error"](sent, sizes)
        shorter.append((cutting < 0).all() and 4 * np.abs(rounding).max() < np.abs(cutting).min())
        errors = {k: page["errors_at"](sent, sizes, 10**k) for k in (3, 6, 9)}
        within += [(errors[k] <= page["bound_of"](sent, sizes, 10**k)).all() for k in errors]
        falling += [3**3 < errors[k].max() / errors[k + 3].max() < 30**3 for k in (3, 6)]
        equal.append(
            page["integers_of"](sent, sizes, 10**9)[0] == list(protocol.fedavg_fixed(protocol.encode(sent), sizes))
        )
        step, scores = page["integers_of"](sent, sizes, 10**9)
        surplus = sum(scores) - sum(v * v for v in step)
        larger.append(0 < surplus <= sum(abs(v) for v in step) + len(sizes))
        gains = [page["gain_of_scaling"](outcomes[k], sizes) for k in (0, 29)]
        grown.append(gains[1] > 5 * gains[0])
        loud = late.copy()
        loud[0] /= np.abs(late[0]).max()
        paid = np.maximum(page["scores_of"](loud, sizes), 0)
        most.append(paid[0] > paid.sum() / 2)
        ranked.append(page["largest_flipping_scale"](late, sizes) < 10**9)
    rows.every("c-9cf65cc9da", "the cuts lower all ten scores, by over four times what rounding moves any", shorter)
    rows.every("c-9d552eadaf", "no error exceeds its bound, at three scales", within)
    rows.every("c-b87d6f5198", "the error falls in proportion to 1/s", falling)
    rows.every("c-b87d6f5198", "all scores too small, their sum larger than ‖g‖², at most by its bound", larger)
    rows.every("c-445258461e", "page and package agree to the last unit", equal)
    rows.every("c-a949adea05", "round 30 leaves more than five times the gain of round 1, in every seed", grown)
    rows.every("c-4a4bb9ba60", "scaled as far as the bound allows, client 0 takes most of round 30", most)
    rows.every("c-7ef632327c", "a scale of 10⁹ leaves room: round 30 is ranked rightly there", ranked)


@part(2, seconds=10)
def harm(seeds: Sequence[int], rows: Rows) -> None:
    """Exercises 2.2 and 2.3: harm that pays, and what clipping leaves of it."""
    page = open_page(seeds).run("c-12e472ff35", only=("from",)).run("c-12e472ff36", only=("def mirrored_round",))
    paid, clipped = [], []
    for seed in page.seeds:
        data, sent = page["deal"]("IID", seed), page["mirrored_round"](page["deal"]("IID", seed))
        sent[0] *= 10
        middle = learning.compute_median_norm(sent)
        paid.append(page["scores_of"](sent, data.sizes)[0] > 0)
        clipped.append(page["clipped_scores"](sent, data.sizes, clip=middle)[0] <= 0)
    rows.every("c-12e472ff36", "mirrored labels, ten times the update: a positive score, in every federation", paid)
    rows.every("c-7871c4b830", "its clipped score stays negative, in every federation", clipped)


@part(2, seconds=4, quick=True)
def guilty(seeds: Sequence[int], rows: Rows) -> None:
    """Exercise 2.4: what evidence tells of clients with swapped and with mirrored labels."""
    page = open_page(seeds).run("c-0a763c0b3a").run("c-17b3cad3b1", only=("wards", "ward_model"))
    page.run("c-17b3cad3b4", only=("def with_guilty", "def signs_of", "def count_guilty"))
    own, both, harmful, own_0, most, harmful_0 = page["count_guilty"](page["evidence"], page.seeds).T
    cell = "c-71f34fe733"
    rows.every(cell, "swapped or mirrored labels: they fit their own records, in all federations", [own, own_0])
    rows.every(cell, "swapped labels: harm to both classes, in all federations", both)
    rows.every(cell, "mirrored labels: more classes harmed than helped, in all federations", most)
    rows.every(cell, "none of the honest ones beside them harms more than it helps", [harmful == 0, harmful_0 == 0])


@part(2, seconds=20)
def two_names(seeds: Sequence[int], rows: Rows) -> None:
    """Exercise 2.6: one client under two names."""
    page = open_page(seeds).run("c-eeb2b063a8", only=("CLIPPING",)).run("c-b78be826a8")
    page.run("c-8bc1d2c412", only=("terms",))
    page.run("c-b78be826a9", ALL_SEEDS).run("c-b78be826b4", ALL_SEEDS)
    sybil = page["sybil"]
    plain, cosine, clipped = (sybil[rule][:, :, 0] for rule in page["PAID_BY"])
    moved = np.abs(sybil["score S"][:, 2, 1] - sybil["score S"][:, 1, 1])
    cell = "c-b78be826b2"
    rows.every(
        cell,
        "two honest names are paid by S within a tenth of one, in every seed",
        abs(plain[:, 1] / plain[:, 0] - 1) < 0.1,
    )
    rows.every(cell, "by the cosine far more, in every seed", cosine[:, 1] > 1.3 * cosine[:, 0])
    rows.every(cell, "by the cosine less than 2/11, in every seed", cosine[:, 1] < 2 / 11)
    rows.every(
        cell,
        "two that push apart take more than three times what one took, in every seed",
        plain[:, 2] > 3 * plain[:, 0],
    )
    rows.mean("c-b78be826a7", "they take 5/14: above or below it by", plain[:, 2] - 5 / 14, -0.01, 0.01)
    rows.every(cell, "the accuracy does not tell, in every seed", moved < 0.005)
    rows.every(cell, "clipped, both names earn less than one honest name, in every seed", clipped[:, 2] < clipped[:, 0])
    over = np.array(page["over"])
    rows.share(
        cell, "the bound of 1.0 is passed in some of ten rounds, in most seeds", (over > 0) & (over < 10), least=0.5
    )
    half, whole = page["halves_point"].T
    rows.every(cell, "an honest half points along g less well than the other clients, in every seed", half < whole)
    burned, gained = page["fines"].T
    rows.every(
        cell, "the stake burned is less than a sixth of what the attack gains, in every seed", burned < gained / 6
    )
