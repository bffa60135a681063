"""Lesson 7: how often chance lets a lie pass; real proofs hold, lies about real rounds do not, save with a gap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bcfl_support.errors import ProofError, TransactionFailed
from bcfl_support.scaling.proofs.signing import add_signatures

from .pages import Page
from .rows import Rows, part

SET_UP = "c-7a00000003"


@part(7, seconds=3, quick=True)
def small_fields(seeds: Sequence[int], rows: Rows) -> None:
    """Sections 1 and 3: random vectors and points in a field of 17 elements."""
    page = Page(7, seeds).run(SET_UP, only=("import", "from")).run("c-7a00000104", only=("def agrees",))
    page.run("c-7a00000302", only=("def",)).run("c-7a00000304")
    page.run("c-7a00000306", only=("def points_fooled",)).run("c-7a0000030a", only=("def passing",))
    missed, most, mean, over = [], [], [], []
    for seed in page.seeds:
        rng = np.random.default_rng(seed)
        X, Y = rng.integers(0, 17, (2, 30, 30))
        Z = X @ Y % 17
        Z[3, 5] = (Z[3, 5] + 1) % 17
        missed.append(np.mean([page["agrees"](X, Y, Z, rng.integers(0, 17, 30)) for _ in range(2_000)]))
        lies = [(rng.integers(0, 17, 3).tolist(), [7, *rng.integers(0, 17, 3).tolist()]) for _ in range(200)]
        found = [page["points_fooled"](*lie) for lie in lies]  # 4·7 = 11, the inner product is 10
        most.append(max(found) <= 6)
        mean.append(np.mean(found))
        passed = [page["passing"](17, n, 400, seed) for n in range(2, 11)]
        over += [each.max() <= n - 1 for n, each in zip(range(2, 11), passed, strict=True)]
    rows.mean("c-7a00000106", "one wrong entry is missed by one vector of 17", missed, above=0.053, below=0.065)
    rows.every("c-7a00000306", "no lie about an inner product passes at more than six points", most)
    rows.mean("c-7a00000306", "a random lie passes at one point of 17", mean, above=0.9, below=1.1)
    rows.every("c-7a0000030c", "no lie about n scores passes at more than n − 1 values of ρ", over)


@part(7, seconds=10, quick=True)
def patience(seeds: Sequence[int], rows: Rows) -> None:
    """Section 4: lies are hashed until one passes."""
    page = Page(7, seeds).run(SET_UP, only=("import", "from")).run("c-7a00000404")
    page.run("c-7a00000407", only=("def first_that_passes",))
    tries = []
    for seed in page.seeds:
        rng = np.random.default_rng(seed)
        page.names["updates"] = rng.integers(-9, 10, (5, 4))
        page.names["rows"] = page["updates"].tolist()
        found = [page["first_that_passes"](rng.integers(1, 9, 5).tolist()) for _ in range(3)]
        tries.append(np.mean([each[0] for each in found if each]))
    rows.near("c-7a00000407", "some 16,000 tries in the mean", tries, 16_384)


@part(7, seconds=6, quick=True)
def ceremony(seeds: Sequence[int], rows: Rows) -> None:
    """Section 5: who begins anew has powers of one τ, and built on nothing; τ·H belongs into the hash."""
    page = Page(7, seeds).run(SET_UP, only=("import", "from")).run("c-7a0000050a", only=("def",))
    page.run("c-7a00000510", only=("def builds_on",))
    contribute, are_powers, builds_on = (page[name] for name in ("contribute", "are_powers", "builds_on"))
    G, H, to_scalar = (page[name] for name in ("G", "H", "to_scalar"))
    whole, built, anew, loose = [], [], [], []
    for seed in page.seeds:
        first, second, third, *numbers = (int(x) for x in np.random.default_rng(seed).integers(2, 2**62, 7))
        before = contribute([G] * 4, H, first)
        after, fresh = contribute(*before, second), contribute([G] * 4, H, third)
        whole.append(are_powers(*after) and are_powers(*fresh))
        built.append(builds_on(before[0], after[0], H * to_scalar(second)))
        anew.append(not builds_on(before[0], fresh[0], H * to_scalar(third)))
        page.run("c-7a00000511", ("[1, 5, 77, 2_024]", str(numbers)))
        loose.append(page["passes"] and not are_powers(page["loose"], page["solved"]))
    rows.every("c-7a00000510", "powers of one τ are seen to be, whoever made them", whole)
    rows.every("c-7a00000510", "who multiplies the step before is seen to", built)
    rows.every("c-7a00000510", "who begins anew is seen not to have built on the step before", anew)
    rows.every("c-7a00000511", "with τ·H left out of the hash points that are no powers pass", loose)


@part(7, seconds=90)
def real_proofs(seeds: Sequence[int], rows: Rows) -> None:
    """Section 6, with Ethereum's setup: true rounds pass, lies do not; but all do where the scores are not hashed."""
    page = Page(7, seeds).run(SET_UP, only=("import", "from")).run("c-7a0000050c", only=("setup",))
    page.run("c-7a00000602", only=("names", "place")).run("c-7a0000060c", only=("def force",))
    page.run("c-7a0000060c", ("updates=int8", "updates=None"), only=("def try_to_pass",))
    page.run("c-7a0000060f", only=("class Forgetful", "def small_errors"))
    proofs, rounds, replace, setup = (page[name] for name in ("proofs", "rounds", "replace", "setup"))
    accepted, refused, careless, careful = [], [], [], []
    for seed in page.seeds:
        updates = np.random.default_rng(seed).integers(-128, 128, (10, 64)).astype(np.int8)
        true = proofs.state_round(setup, updates, [100] * 10, page["names"], round=seed, **page["place"])
        passes = page["try_to_pass"]
        accepted.append(passes(true, updates=updates) == "accepted")
        S = true.scores
        for scores in ((S[0] + 1, *S[1:]), (S[1], S[0], *S[2:])):
            refused.append(passes(replace(true, scores=scores), updates=updates) != "accepted")
        blind = page["Forgetful"](**vars(true))
        proof = rounds.build_proof(setup, blind, updates, rounds.Coefficients)
        errors = page["small_errors"](rounds.draw_challenges(setup, blind, proof)[0], 10)
        told = tuple(s + e for s, e in zip(S, errors, strict=True))
        careless.append(told != S and passes(replace(blind, scores=told), proof) == "accepted")
        careful.append(passes(replace(true, scores=told), updates=updates) != "accepted")
    rows.every("c-7a0000060c", "a true round is accepted", accepted)
    rows.every("c-7a0000060d", "a score too large by one, or two that are swapped, are refused", refused)
    rows.every("c-7a0000060f", "with the scores left out of the hash, small false ones are found that pass", careless)
    rows.every("c-7a0000060f", "with the scores in the hash these are refused", careful)


@part(7, seconds=6, quick=True)
def on_chain(seeds: Sequence[int], rows: Rows) -> None:
    """Section 7, off the chain: σ − L passes where the signature is not hashed; a blob has its update's commitment."""
    page = Page(7, seeds).run(SET_UP, only=("import", "from")).run("c-7a0000050c", only=("setup",))
    page.run("c-7a00000602", only=("names", "place"))
    proofs, rounds, signing, setup = (page[name] for name in ("proofs", "rounds", "signing", "setup"))
    passes, refused, equal = [], [], []
    for seed in page.seeds:
        rng = np.random.default_rng(seed)
        updates = rng.integers(-128, 128, (10, 4_096)).astype(np.int8)
        true = proofs.state_round(setup, updates, [100] * 10, page["names"], round=seed, **page["place"])
        keys = [signing.SigningKey(int(secret)) for secret in rng.integers(1, 2**62, 10)]
        page.names |= {"relayed": Relayer(true, keys, setup), "chunks": 1, "int8": updates}
        page.run("c-7a0000070e")
        check = {"setup": setup, "statement": page["claim_7"], "proof": page["nonsense"], "key": page["key"]}
        refused.append(not holds(proofs, check))
        rounds.draw_challenges = page["careless"]
        passes.append(page["claim_7"].scores != true.scores and holds(proofs, check))
        rounds.draw_challenges = page["careful"]
        page.run("c-7a00000712", only=("update", "elements", "for j", "blob", "of_update"))
        equal.append(page["ckzg"].blob_to_kzg_commitment(page["blob"], setup.kzg) == bytes(page["of_update"]))
    rows.every("c-7a0000070e", "with the signature left out of the hash, any scores pass", passes)
    rows.every("c-7a0000070e", "with the signature in the hash they are refused", refused)
    rows.every("c-7a00000712", "in the right order a blob has its update's commitment", equal)


def holds(proofs: Any, check: dict[str, Any]) -> bool:
    """Whether a proof is accepted."""
    try:
        proofs.verify_round(**check)
    except ProofError:
        return False
    return True


class Relayer:
    """In the place of rung 7: a round that its clients have signed, and a contract that takes nothing."""

    def __init__(self, statement: Any, keys: Sequence[Any], setup: Any) -> None:
        self.statement, self.keys, self.setup = statement, keys, setup

    def state(self) -> Any:
        """The round."""
        return self.statement

    def sign(self, claim: Any) -> tuple[bytes, bytes]:
        """The sum of the clients' signatures."""
        return add_signatures([key.sign(claim.message(self.setup)) for key in self.keys]), b""

    def relay(self, *_: Any) -> None:
        """Refused, as the page expects."""
        raise TransactionFailed("ProofFails: not sent")
