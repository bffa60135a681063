"""Wrong answers to the exercises that people really give; each exercise's check must refuse every one of them."""

from __future__ import annotations


def _misjudged(order: str, choice: str, options: str = "", seen: str = "outcome") -> str:
    """An answer to exercise 3.3 that ranks by `order` and picks the client by `choice`."""
    return (
        "def misjudged(outcome):\n    v, r = [], []\n    for kind in ('loss', 'accuracy'):\n"
        f"        values = shapley_of_table(worth_by_package({seen}, {options}kind=kind))\n"
        f"        v.append(values)\n        r.append(np.argsort(np.argsort({order})))\n"
        f"    l, a = r\n    i = int({choice})\n"
        "    return i, int(l[i]), int(a[i])"
    )


def _equal_to_all(name: str, arguments: str, returned: str = "anything", kind: str = "object") -> str:
    """An answer that returns something of a kind that is equal to whatever it is compared with."""
    return (
        f"class Anything({kind}):\n"
        "    def __eq__(self, other):\n        return True\n"
        "    def __ne__(self, other):\n        return False\n"
        f"anything = Anything()\ndef {name}({arguments}):\n    return {returned}"
    )


def _exact(first: str, returned: str) -> str:
    """The answer to exercise 2.1 after a line that does something first; it returns this of `s` and `q`."""
    return (
        f"def exact_scores(updates, samples):\n{first}"
        "    p = [Fraction(n, sum(samples)) for n in samples]\n"
        "    g = [sum(a * x for a, x in zip(p, c)) for c in zip(*updates)]\n"
        "    s = [a * sum(x * y for x, y in zip(r, g)) for a, r in zip(p, updates)]\n"
        f"    q = sum(y * y for y in g)\n    return {returned}"
    )


def _clipped(lengths: str, limit: str) -> str:
    """An answer to exercise 2.3 that takes these for the lengths `l` and cuts at this limit."""
    return (
        f"def clipped_scores_of(updates, samples):\n    l = {lengths}\n"
        f"    r = {limit}\n    c = updates * np.minimum(1, r / np.where(l > 0, l, 1))[:, None]\n"
        "    return scores_of(c, samples)"
    )


def _evidence(line: str) -> str:
    """The answer to exercise 2.4 after a line that sets one of its arguments anew."""
    return (
        f"def evidence(o, i, data, model):\n{line}    w, u = o.state.params, o.updates[i]\n"
        "    p = data.sizes[i] / data.sizes.sum()\n"
        "    f = lambda d, x, y: float(model.loss(w, x, y) - model.loss(w + d, x, y))\n"
        "    r = {'score': float(scores_of(o.updates, data.sizes)[i]), 'own': f(u, *data.client(i))}\n"
        "    return r | {n: f(p * u, data.x_val[data.y_val == c], data.y_val[data.y_val == c])"
        " for c, n in enumerate(data.classes)}"
    )


def _suspicious(bad: str, first: str = "") -> str:
    """An answer to exercise 3.2 that flags on this of the report `r`, its sum `s` and the difference `d`."""
    return (
        "def is_suspicious(report, worth_of_none, worth_of_all, tolerance=1e-6):\n"
        f"    r, d = np.asarray(report, dtype=float), worth_of_all - worth_of_none\n    s = r.sum()\n{first}"
        f"    return bool({bad})"
    )


def _solidity(name: str, text: str) -> str:
    """An answer that returns a text of Solidity."""
    return f"def {name}():\n    return {text!r}"


def _asked(question: str, caught: str = "errors.ContractError", then: str = "name") -> str:
    """An answer to exercise 0.1 that asks each caller like that and adds this."""
    return (
        "def who_may(call, callers):\n    allowed = set()\n    for name, address in callers.items():\n"
        f"        try:\n            {question}\n        except {caught}:\n            continue\n"
        f"        allowed.add({then})\n    return allowed"
    )


def _rewards(shares: str = "np.array([(x or 0) / 1e6 for x in row])", last: str = "budget * w / w.sum()") -> str:
    """An answer to exercise 0.2 that makes shares of a row of millionths like that, and returns this of the weights."""
    return (
        "def rewards_of(record, alpha=0.5, budget=1.0):\n"
        f"    c, f = ({shares} for row in (record.consistency, record.factors))\n"
        f"    w = np.maximum(record.scores_float(), 0) * (1 + alpha * c) * f\n    return {last}"
    )


def _audit(
    added: str, record: str = "protocol.RoundRecord.from_json(store.get_json(cid)['record'])", start: str = "{}"
) -> str:
    """An answer to exercise 0.3 that reads the file like that and adds an amount x of client c like this."""
    pairs = "zip(r['clients'], r['rewards'])" if record.endswith("['record']") else "zip(r.clients, r.rewards)"
    return (
        "from collections import Counter, defaultdict\n"
        f"def audit(store, cids):\n    totals = {start}\n    for cid in cids:\n        r = {record}\n"
        f"        for c, x in {pairs}:\n            {added}\n    return totals"
    )


def _registered(
    samples: str = "int.from_bytes(log['data'])",
    address: str = "bytes(log['topics'][1])[12:]",
    check: str = "bytes(log['topics'][0]) != keccak(text='Registered(address,uint256)')",
) -> str:
    """An answer to exercise 1.3 that refuses other events like that, and reads address and samples like this."""
    return (
        f"def read_registered(log):\n    if {check}:\n        raise ValueError('another event')\n"
        f"    return node.w3.to_checksum_address({address}), {samples}"
    )


def _cheapest(**changed: str) -> str:
    """An answer to exercise 6.5: the right function, with some of its parts changed."""
    parts = {
        "rungs": "[k for k in range(6) if (watcher or k not in (3, 4)) and (sparse or k != 5)]",
        "gas_price": "gas_price",
        "blob_price": "blob_price",
        "fits": "f.fits_cap and f.fits_calldata and f.latency.seconds <= 3600 * hours",
        "last": "(min(fitting)[1], min(fitting)[0]) if fitting else None",
    } | changed
    return (
        "def cheapest_rung(n, P, gas_price, blob_price, watcher, sparse, hours):\n    fitting = []\n"
        "    for k in {rungs}:\n"
        "        f = scaling.forecast(\n"
        "            k, n, P, gas_price={gas_price}, ether_price=1, blob_price={blob_price}\n        )\n"
        "        if {fits}:\n            fitting.append((f.ether, k))\n    return {last}"
    ).format(**parts)


def _watcher_64(found: str, cheat: str = "") -> str:
    """An answer to exercise 6.4 whose watcher returns this of `a`, the claimed leaves, and `b`, the honest ones."""
    return (cheat or _cheat_64()) + (
        "def wrong_chunks(claimed, honest):\n    a, b = claimed.levels[0], honest.levels[0]\n    return " + found
    )


_DIFFER = "[k for k in range(len(a)) if a[k] != b[k]]"


def _cheat_64(
    parts: str = "(0, more // 2), (1, more - more // 2)",
    more: str = "tree.total[0] // 10",
    copied: str = "list(tree.levels[0])",
    last: str = "scaling.SumTree([h for h, _ in leaves], [s for _, s in leaves])",
) -> str:
    """A cheat of exercise 6.4 that adds these parts of `more` to client 0 in chunks."""
    return (
        f"def cheat(tree):\n    more, leaves = {more}, {copied}\n    for k, part in ({parts}):\n"
        f"        h, s = leaves[k]\n        leaves[k] = (h, (s[0] + part, *s[1:]))\n    return {last}\n"
    )


def _unpack(four: str, word: str = "sum((v % 2**64) << 64 * k for k, v in enumerate(values))") -> str:
    """An answer to exercise 6.2 that packs to this word, and returns this of the values `v` it unpacked."""
    return (
        f"def pack_four(values):\n    return {word}\ndef unpack_four(word):\n"
        "    v = [(word >> 64 * k) % 2**64 for k in range(4)]\n    v = [x - 2**64 if x >= 2**63 else x for x in v]\n"
        f"    return {four}"
    )


def _search(high: str, low: str = "low, high = 0, 1", step: str = "", last: str = "low") -> str:
    """An answer to exercise 6.3: a bisection with this beginning, upper bound, step and result."""
    step = step or "low, high = (m, high) if gas_of(m) <= budget else (low, m)"
    return (
        f"def largest_P(gas_of, budget):\n    {low}\n    {high}\n"
        f"    while high - low > 1:\n        m = (low + high) // 2\n        {step}\n    return {last}"
    )


_DOUBLED = "while gas_of(high) <= budget: low, high = high, 2 * high"


def _till(**changed: str) -> str:
    """An answer to exercise 1.4: the right function, line by line, with some of its lines changed."""
    amount = changed.pop("AMOUNT", "amount")
    lines = {
        "HEAD": "function take(uint256 amount) external {",
        "CREDIT": "uint96 credit = creditOf[msg.sender];",
        "CHECK": "if (amount > credit) revert TooMuch(amount, credit);",
        "EFFECT": f"creditOf[msg.sender] = credit - uint96({amount});",
        "EVENT": "emit Taken(msg.sender, amount);",
        "SEND": f"(bool ok,) = msg.sender.call{{ value: {amount} }}('');",
        "NOT_SENT": "if (!ok) revert NotSent(msg.sender, amount);",
        "LAST": "",
        "END": "}",
    }
    assert changed.keys() <= lines.keys()
    return _solidity("take_function", "\n".join((lines | changed).values()))


def _adapt(last: str) -> str:
    """An answer to exercise 5.5: directions as they should be, and these last lines."""
    return (
        "def adapt(own, honest, previous_step, agreed, payoff):\n    usual = typical(honest)\n"
        "    ways = [own, honest.mean(axis=0), agreed, own.mean(axis=0), previous_step]\n"
        "    ways = [np.tile(collude(w, usual), (3, 1)) if w.ndim == 1 and w.any() else w for w in ways]\n"
        "    ways = [w for w in ways if w.shape == own.shape]\n"
        f"    {last}"
    )


_WEIGHED = "Fraction(turned, n * comb(n - 1, size))"


def _power(added: str, turns: str = "needed - own <= sum(t) < needed") -> str:
    """An answer to exercise 3.1 that adds this for each size and takes these coalitions for turned."""
    return (
        "def power_in_vote(samples, needed):\n    n, power = len(samples), []\n"
        "    for i, own in enumerate(samples):\n        value = 0\n"
        "        others = [s for j, s in enumerate(samples) if j != i]\n"
        "        for size in range(n):\n"
        f"            turned = sum({turns} for t in combinations(others, size))\n"
        f"            value += {added}\n        power.append(value)\n    return power"
    )


def _watcher(then: str, first: str = "") -> str:
    """An answer to exercise 3.4 that fetches the record as it should and then does this."""
    return (
        "def watch(fed, store, task, claimed, epoch, cids, client):\n    try:\n        data = store.cat(claimed)\n"
        f"    except (ContentMissing, ContentCorrupted):\n        return 'unreachable'\n{first}{then}"
    )


_OWN = (
    "    own = fairness.compute_fairness(store, cids, task, epoch=epoch)\n"
    "    if own.cid != claimed:\n        return 'false'\n"
    "    fairness.attest_record(fed, store, own, [client])\n    return 'attested'"
)
"""What a right answer to exercise 3.4 does once the record is there."""


def _rate(answer: str) -> str:
    """An answer to exercise 3.5."""
    return f"def least_audit_rate(gain, stake, cap, staying):\n    return {answer}"


_WHOLE = "epoch.to_bytes(32) + bytes.fromhex(client[2:]) + vote + salt"


def _commit(hashed: str, opens: str = "commitment == commit_vote(epoch, client, vote, salt)") -> str:
    """An answer to exercise 3.6 that hashes this and checks an opening like that."""
    return (
        f"def commit_vote(epoch, client, vote, salt):\n    return hashlib.sha256({hashed}).digest()\n"
        f"def is_opening(commitment, epoch, client, vote, salt):\n    return {opens}"
    )


PREDICTED = """def predicted(alpha, window):
    return price_of_a_miss(alpha, 2 * window) - price_of_a_miss(alpha, window)


"""
LIVED = "def measured(alpha, window, rounds=200, missed=100):\n"
LIVING = """    prices = []
    for k in (window, 2 * window):
        lives = [[True] * rounds, [t != missed for t in range(rounds)]]
        earned = [
            sum((1 + alpha * window_c(life[: t + 1], k)) / (1 + alpha) for t in range(rounds) if life[t])
            for life in lives
        ]
        prices.append(earned[0] - earned[1])
    return prices[1] - prices[0]
"""
CHEAPEST = """def cheapest(offers, level):
    good = sorted(
        (spent, half, rule, budget)
        for rule, row in offers.items()
        for budget, (share, spent, half) in row.items()
        if share >= level
    )
    if not good:
        return []
    most = good[0][0] + good[0][1]
    return [(rule, budget) for spent, half, rule, budget in good if spent - half <= most]
"""


def _forged(line: str, last: str = "[values[0] + more, values[1] - more * k, *values[2:]]") -> str:
    """An answer to exercise 7.1 that finds `k` by this line, and returns this."""
    return f"def forge_sum(group, bases, values, more):\n    {line}\n    return {last}"


_FACTOR = "k = find_factor(group, bases[1], bases[0])"


def _lie_72(other: str, own: str = "(scores[i] + more) % PRIME", last: str = "told") -> str:
    """An answer to exercise 7.2 with this score for client k, and this one for client i."""
    return (
        "def lie_after(rho, scores, i, k, more):\n    told = [s % PRIME for s in scores]\n"
        f"    told[i] = {own}\n    told[k] = {other}\n    return {last}"
    )


def _watch_73(**changed: str) -> str:
    """An answer to exercise 7.3: the right function, with some of its parts changed."""
    parts = {
        "liar": "proofs.commit(setup, v) != tuple(commitments[i])",
        "after": "continue",
        "wrong": "not -128 <= x <= 127 if j < P else x != 0",
        "pick": "found[0]",
        "opened": "proofs.open_entry(setup, v, at)",
        "last": "faults, liars",
    } | changed
    return (
        "def watch(setup, commitments, published, P):\n    faults, liars = {{}}, []\n"
        "    for i, v in enumerate(published):\n        if {liar}:\n            liars.append(i)\n            {after}\n"
        "        found = [j for j, x in enumerate(v) if ({wrong})]\n"
        "        if found:\n            at = {pick}\n            faults[i] = {opened}\n    return {last}"
    ).format(**parts)


def _rungs_74(last: str = "[k for k, fit in fits.items() if fit]", **changed: str) -> str:
    """An answer to exercise 7.4: the right function, with some of its conditions changed."""
    fits = {"2": "True", "4": "slow", "5": "app.sparse", "6": "kept", "7": "kept", "8": "proven"}
    parts = {"slow": "app.watcher and app.hours >= 25", "proven": "slow and app.ceremony"}
    parts |= {"kept": "proven and app.kept"}
    each = {"cheap": "scaling.predict(k, app.n, app.P).total_gas <= app.gas"}
    each |= {"room": "app.n <= scaling.largest_clients(k, app.P)"}
    for known in (parts, each):
        known |= {name: value for name, value in changed.items() if name in known}
    fits |= {name[1:]: value for name, value in changed.items() if name[0] == "_"}
    lines = [f"    {name} = {value}" for name, value in parts.items()]
    told = ", ".join(f"{number}: {condition}" for number, condition in fits.items())
    lines += [f"    fits = {{{told}}}"]
    lines += [f"    fits = {{k: fit and {each['cheap']} and {each['room']} for k, fit in fits.items()}}"]
    return "\n".join(["def rungs_for(app):", *lines, f"    return {last}"])


MISCONCEPTIONS: dict[str, dict[str, str]] = {
    "ex-0-1": {
        "everybody": "def who_may(call, callers):\n    return set(callers)",
        "the pool, as the table says": "def who_may(call, callers):\n    return {'pool'}",
        "one sender for all": (
            "def who_may(call, callers):\n    try:\n        call.call()\n        return set(callers)\n"
            "    except errors.ContractError:\n        return set()"
        ),
        "who is refused": (
            "def who_may(call, callers):\n    names = set()\n    for name, address in callers.items():\n"
            "        try:\n            call.call({'from': address})\n"
            "        except errors.ContractError:\n            names.add(name)\n    return names"
        ),
        "refusals not caught": (
            "def who_may(call, callers):\n"
            "    return {name for name, address in callers.items() if call.call({'from': address}) is not None}"
        ),
        "what comes back": (
            "def who_may(call, callers):\n    names = set()\n    for name, address in callers.items():\n"
            "        try:\n            if call.call({'from': address}):\n                names.add(name)\n"
            "        except errors.ContractError:\n            pass\n    return names"
        ),
        "asked once": (
            "asked = {}\ndef who_may(call, callers):\n    if call.fn_name not in asked:\n"
            "        asked[call.fn_name] = set()\n        for name, address in callers.items():\n"
            "            try:\n                call.call({'from': address})\n"
            "                asked[call.fn_name].add(name)\n            except errors.ContractError:\n"
            "                pass\n    return set(asked[call.fn_name])"
        ),
        "the books of this federation": (
            "def who_may(call, callers):\n    return {n for n in callers if callers[n] == "
            "fed.registry.functions.slasher().call()}"
        ),
        "nothing returned": "def who_may(call, callers):\n    pass",
        "equal to everything": (
            "class Any:\n    def __eq__(self, other):\n        return True\n    def __hash__(self):\n        return 0\n"
            "def who_may(call, callers):\n    return Any()"
        ),
        "first allowed caller only": (
            "def who_may(call, callers):\n    for name, address in callers.items():\n"
            "        try:\n            call.call({'from': address})\n            return {name}\n"
            "        except errors.ContractError:\n            pass\n    return set()"
        ),
        "one try around all": (
            "def who_may(call, callers):\n    allowed = set()\n    try:\n"
            "        for name, address in callers.items():\n            call.call({'from': address})\n"
            "            allowed.add(name)\n    except errors.ContractError:\n        pass\n    return allowed"
        ),
        "sent, in a bare except": _asked("call.transact({'from': address})", "Exception"),
        "addresses": _asked("call.call({'from': address})", then="address"),
        "the name as the sender": _asked("call.call({'from': name})", "Exception"),
        "the name as the sender, refusals caught": _asked("call.call({'from': name})"),
        "sent, refusals caught": _asked("call.transact({'from': address})"),
        "an address, no dictionary": _asked("call.call(address)"),
        "called once more": _asked("call({'from': address}).call()"),
        "no items": _asked("call.call({'from': address})").replace(".items()", ""),
        "a slip of the pen": _asked("call.call({'from': adress})"),
        "pairs": _asked("call.call({'from': address})", then="(name, address)"),
        "added all the same": (
            "def who_may(call, callers):\n    allowed = set()\n    for name, address in callers.items():\n"
            "        try:\n            call.call({'from': address})\n        except errors.ContractError:\n"
            "            pass\n        allowed.add(name)\n    return allowed"
        ),
    },
    "ex-0-2": {
        "scores alone": (
            "def rewards_of(record, alpha=0.5, budget=1.0):\n"
            "    s = np.maximum(record.scores_float(), 0)\n    return budget * s / s.sum()"
        ),
        "not normalized": (
            "def rewards_of(record, alpha=0.5, budget=1.0):\n"
            "    c = np.array([(x or 0) / 1e6 for x in record.consistency])\n"
            "    f = np.array([(x or 0) / 1e6 for x in record.factors])\n"
            "    return np.maximum(record.scores_float(), 0) * (1 + alpha * c) * f"
        ),
        "consistency forgotten": (
            "def rewards_of(record, alpha=0.5, budget=1.0):\n"
            "    f = np.array([(x or 0) / 1e6 for x in record.factors])\n"
            "    w = np.maximum(record.scores_float(), 0) * f\n    return budget * w / w.sum()"
        ),
        "factor forgotten": (
            "def rewards_of(record, alpha=0.5, budget=1.0):\n"
            "    c = np.array([(x or 0) / 1e6 for x in record.consistency])\n"
            "    w = np.maximum(record.scores_float(), 0) * (1 + alpha * c)\n    return budget * w / w.sum()"
        ),
        "millionths taken for shares": (
            "def rewards_of(record, alpha=0.5, budget=1.0):\n"
            "    c, f = (np.array([x or 0 for x in row]) for row in (record.consistency, record.factors))\n"
            "    w = np.maximum(record.scores_float(), 0) * (1 + alpha * c) * f\n    return budget * w / w.sum()"
        ),
        "None not thought of": (
            "def rewards_of(record, alpha=0.5, budget=1.0):\n"
            "    c = np.array([x / 1e6 for x in record.consistency])\n"
            "    w = np.maximum(record.scores_float(), 0) * (1 + alpha * c)\n    return budget * w / w.sum()"
        ),
        "nan made of None": _rewards("np.array(row, float) / 1e6"),
        "in wei": _rewards(last="1e18 * budget * w / w.sum()"),
        "rounded": _rewards(last="np.round(budget * w / w.sum(), 3)"),
        "negative scores paid": (
            "def rewards_of(record, alpha=0.5, budget=1.0):\n"
            "    c = np.array([(x or 0) / 1e6 for x in record.consistency])\n"
            "    f = np.array([(x or 1e6) / 1e6 for x in record.factors])\n"
            "    w = record.scores_float() * (1 + alpha * c) * f\n    return budget * w / w.sum()"
        ),
        "what the contract paid": (
            "def rewards_of(record, alpha=0.5, budget=1.0):\n    return np.array(record.rewards) / 1e18"
        ),
        "round 8 whatever is asked": (
            "def rewards_of(record, alpha=0.5, budget=1.0):\n    return np.array(records[7].rewards) / 1e18"
        ),
        "nothing returned": "def rewards_of(record, alpha=0.5, budget=1.0):\n    pass",
        "words": "def rewards_of(record, alpha=0.5, budget=1.0):\n    return ['much'] * 9",
        "max forgotten": (
            "def rewards_of(record, alpha=0.5, budget=1.0):\n"
            "    c = np.array([(x or 0) / 1e6 for x in record.consistency])\n"
            "    f = np.array([(x or 0) / 1e6 for x in record.factors])\n"
            "    w = record.scores_float() * (1 + alpha * c) * f\n    return budget * w / w.sum()"
        ),
        "the size of the score": (
            "def rewards_of(record, alpha=0.5, budget=1.0):\n"
            "    c = np.array([(x or 0) / 1e6 for x in record.consistency])\n"
            "    f = np.array([(x or 0) / 1e6 for x in record.factors])\n"
            "    w = abs(record.scores_float()) * (1 + alpha * c) * f\n    return budget * w / w.sum()"
        ),
        "one alpha": (
            "def rewards_of(record, alpha=0.5, budget=1.0):\n"
            "    c = np.array([(x or 0) / 1e6 for x in record.consistency])\n"
            "    f = np.array([(x or 0) / 1e6 for x in record.factors])\n"
            "    w = np.maximum(record.scores_float(), 0) * (1 + 0.5 * c) * f\n    return budget * w / w.sum()"
        ),
        "no budget": (
            "def rewards_of(record, alpha=0.5, budget=1.0):\n"
            "    c = np.array([(x or 0) / 1e6 for x in record.consistency])\n"
            "    f = np.array([(x or 0) / 1e6 for x in record.factors])\n"
            "    w = np.maximum(record.scores_float(), 0) * (1 + alpha * c) * f\n    return w / w.sum()"
        ),
    },
    "ex-0-3": {
        "first record only": (
            "def audit(store, cids):\n"
            "    r = protocol.RoundRecord.from_json(store.get_json(cids[0])['record'])\n"
            "    return dict(zip(r.clients, r.rewards))"
        ),
        "last one wins": (
            "def audit(store, cids):\n    totals = {}\n    for cid in cids:\n"
            "        r = protocol.RoundRecord.from_json(store.get_json(cid)['record'])\n"
            "        totals.update(zip(r.clients, r.rewards))\n    return totals"
        ),
        "in ether": (
            "def audit(store, cids):\n    totals = {}\n    for cid in cids:\n"
            "        r = protocol.RoundRecord.from_json(store.get_json(cid)['record'])\n"
            "        for c, x in zip(r.clients, r.rewards):\n            totals[c] = totals.get(c, 0) + x / 1e18\n"
            "    return totals"
        ),
        "the page's records": (
            "def audit(store, cids):\n    totals = {}\n    for r in records:\n"
            "        for c, x in zip(r.clients, r.rewards):\n            totals[c] = totals.get(c, 0) + x\n"
            "    return totals"
        ),
        "the stations of the page": (
            "def audit(store, cids):\n    totals = dict.fromkeys(stations, 0)\n    for cid in cids:\n"
            "        r = protocol.RoundRecord.from_json(store.get_json(cid)['record'])\n"
            "        for c, x in zip(stations, r.rewards):\n            totals[c] += x\n    return totals"
        ),
        "nothing returned": "def audit(store, cids):\n    pass",
        "no files fetched": "def audit(store, cids):\n    return {c: x for c in cids for x in c.rewards}",
        "overwritten": (
            "def audit(store, cids):\n    totals = {}\n    for cid in cids:\n"
            "        r = protocol.RoundRecord.from_json(store.get_json(cid)['record'])\n"
            "        for c, x in zip(r.clients, r.rewards):\n            totals[c] = x\n    return totals"
        ),
        "the file's strings": (
            "def audit(store, cids):\n    totals = {}\n    for cid in cids:\n"
            "        r = store.get_json(cid)['record']\n"
            "        for c, x in zip(r['clients'], r['rewards']):\n            totals[c] = totals.get(c, '') + x\n"
            "    return totals"
        ),
        "a float of wei": (
            "def audit(store, cids):\n    totals = {}\n    for cid in cids:\n"
            "        r = protocol.RoundRecord.from_json(store.get_json(cid)['record'])\n"
            "        for c, x in zip(r.clients, r.rewards):\n            totals[c] = totals.get(c, 0.0) + x\n"
            "    return totals"
        ),
        "sums of strings": _audit("totals[c] = totals.get(c, 0) + x", "store.get_json(cid)['record']"),
        "no first amount": _audit("totals[c] += x"),
        "the whole file": _audit(
            "totals[c] = totals.get(c, 0) + x", "protocol.RoundRecord.from_json(store.get_json(cid))"
        ),
        "who got nothing is dropped": _audit("totals += Counter({c: x})", start="Counter()"),
        "numbers of NumPy": _audit("totals[c] = totals.get(c, 0) + np.int64(x)"),
        "by CID": _audit("totals[cid] = totals.get(cid, 0) + x"),
        "whole ether": _audit("totals[c] = totals.get(c, 0) + x // 10**18"),
        "each amount in whole gwei": _audit("totals[c] = totals.get(c, 0) + x // 10**9 * 10**9"),
        "no entry": _audit("totals[c] = totals.get(c, 0) + x", "store.get_json(cid)").replace("r.", "r['entry'].", 2),
        "a record for a dictionary": _audit("totals[c] = totals.get(c, 0) + x").replace("r.clients", "r['clients']"),
    },
    "ex-0-4": {
        "an exact copy": "def steal(revealed):\n    return np.array(revealed, dtype=np.int64)",
        "zeros": "def steal(revealed):\n    return np.zeros(len(revealed), dtype=np.int64)",
        "in decimals": "def steal(revealed):\n    return np.array(revealed) / 1e9 + 1e-9",
        "decoded, whole": "def steal(revealed):\n    return (np.array(revealed) / 1e9).astype(np.int64)",
        "one number": "def steal(revealed):\n    return np.array(revealed[0] + 1, dtype=np.int64)",
        "a list": "def steal(revealed):\n    return [revealed[0] + 1, *revealed[1:]]",
        "one entry too many": "def steal(revealed):\n    return np.array([*revealed, 1], dtype=np.int64)",
        "beyond the bound": (
            "def steal(revealed):\n    stolen = np.array(revealed, dtype=np.int64)\n    stolen[0] = 10**12\n"
            "    return stolen"
        ),
        "little of it": "def steal(revealed):\n    return np.array(revealed, dtype=np.int64) // 1000",
        "the other way": "def steal(revealed):\n    return -np.array(revealed, dtype=np.int64)",
        "the argument ignored": (
            "def steal(revealed):\n    return np.array(fed.aggregator.functions.updateOf(copycat).call()) // 1000 + 1"
        ),
        "nothing returned": "def steal(revealed):\n    pass",
        "all at the bound": "def steal(revealed):\n    return np.array([100 * 10**9] * 15)",
        "signs at the bound": "def steal(revealed):\n    return np.sign(np.array(revealed)) * 100 * 10**9",
        "another station's": "def steal(revealed):\n    return np.rint(updates[1] * 1e9).astype(np.int64) + 1",
        "the author's of this page": "def steal(revealed):\n    return np.rint(updates[0] * 1e9).astype(np.int64) + 1",
        "twice": "def steal(revealed):\n    return 2 * np.array(revealed, dtype=np.int64)",
        "half": "def steal(revealed):\n    return np.array(revealed, dtype=np.int64) // 2",
    },
    "ex-1-1": {
        "a constant": "def registration_gas(samples):\n    return 45_329",
        "the shown cases only": (
            "def registration_gas(samples):\n    return 45_341 if samples in (400, 65_600) else 45_329"
        ),
        "one step": "def registration_gas(samples):\n    return 45_341 if samples > 255 else used",
        "a byte more is 16": (
            "def registration_gas(samples):\n    return used + 16 * ((samples.bit_length() - 1) // 8)"
        ),
        "bytes, zero or not": (
            "def registration_gas(samples):\n    return used + 12 * ((samples.bit_length() - 1) // 8)"
        ),
        "samples are gas": "def registration_gas(samples):\n    return used + samples - 80",
        "nothing": "def registration_gas(samples):\n    return None",
        "a float": (
            "def registration_gas(samples):\n"
            "    data = selector('register(uint256)') + encode(['uint256'], [samples])\n"
            "    return float(used - intrinsic(bob_call) + intrinsic(data))"
        ),
        "equal to everything": _equal_to_all("registration_gas", "samples"),
        "an int equal to everything": _equal_to_all("registration_gas", "samples", kind="int"),
        "asked of the node": (
            "def registration_gas(samples):\n"
            "    return registry.functions.register(samples).estimate_gas("
            "{'from': node.accounts[50], 'value': samples * 10**16})"
        ),
        "asked of the node, past web3": (
            "import requests\ndef registration_gas(samples):\n"
            "    data = selector('register(uint256)') + encode(['uint256'], [samples])\n"
            "    question = {'from': node.accounts[90], 'to': trial.address, 'data': '0x' + data.hex(),\n"
            "        'value': hex(samples * 10**16)}\n"
            "    request = {'jsonrpc': '2.0', 'id': 1, 'method': 'eth_estimateGas', 'params': [question, 'latest']}\n"
            "    return int(requests.post(node.url, json=request).json()['result'], 16)"
        ),
        "the bytes alone": (
            "def registration_gas(samples):\n"
            "    return intrinsic(selector('register(uint256)') + encode(['uint256'], [samples]))"
        ),
    },
    "ex-1-1-refusal": {
        "a constant": "def refusal_gas(data, names, values):\n    return 23_750",
        "a registration without its slot and event": (
            "def refusal_gas(data, names, values):\n    return used - 20_000 - special['LOG2']"
        ),
        "the call alone": "def refusal_gas(data, names, values):\n    return intrinsic(data)",
        "memory forgotten": (
            "def refusal_gas(data, names, values):\n    return intrinsic(data) + sum(price(n) for n in names)"
        ),
        "memory of a registration": (
            "def refusal_gas(data, names, values):\n    return intrinsic(data) + sum(price(n) for n in names) + 15"
        ),
        "the error at byte 0x80": (
            "def refusal_gas(data, names, values):\n    words = -(-(0x80 + 4 + 32 * values) // 32)\n"
            "    return intrinsic(data) + sum(price(n) for n in names) + 3 * words"
        ),
        "the error alone": (
            "def refusal_gas(data, names, values):\n    words = -(-(4 + 32 * values) // 32)\n"
            "    return intrinsic(data) + sum(price(n) for n in names) + 3 * words"
        ),
        "always three words": (
            "def refusal_gas(data, names, values):\n    return intrinsic(data) + sum(price(n) for n in names) + 9"
        ),
        "all that was allowed": "def refusal_gas(data, names, values):\n    return 100_000",
        "nothing": "def refusal_gas(data, names, values):\n    return None",
        "equal to everything": _equal_to_all("refusal_gas", "data, names, values"),
        "an int equal to everything": _equal_to_all("refusal_gas", "data, names, values", kind="int"),
        "the shown cases only": ("def refusal_gas(data, names, values):\n    return 23_750 if values == 1 else 23_911"),
        "the instructions alone": "def refusal_gas(data, names, values):\n    return sum(price(n) for n in names)",
        "call and memory": (
            "def refusal_gas(data, names, values):\n"
            "    return intrinsic(data) + 3 * max(3, -(-(4 + 32 * values) // 32))"
        ),
        "the bytes forgotten": (
            "def refusal_gas(data, names, values):\n"
            "    return 21_000 + sum(price(n) for n in names) + 3 * max(3, -(-(4 + 32 * values) // 32))"
        ),
    },
    "ex-1-2": {
        "wrong way round": _solidity("ceiling", "if (samples < 10_000) revert TooManySamples(samples, 10_000);"),
        "one too strict": _solidity("ceiling", "if (samples >= 10_000) revert TooManySamples(samples, 10_000);"),
        "only the tested value": _solidity("ceiling", "if (samples == 10_001) revert TooManySamples(samples, 10_000);"),
        "only the tested values": _solidity(
            "ceiling", "if (samples == 10_001 || samples == 30_000) revert TooManySamples(samples, 10_000);"
        ),
        "nothing but the ceiling": _solidity(
            "ceiling", "if (samples != 10_000) revert TooManySamples(samples, 10_000);"
        ),
        "another error": _solidity("ceiling", "if (samples > 10_000) revert ZeroSamples(msg.sender);"),
        "cut down without a word": _solidity("ceiling", "if (samples > 10_000) samples = 10_000;"),
        "does not compile": _solidity("ceiling", "if samples > 10_000: revert TooManySamples(samples, 10_000)"),
        "nothing": "def ceiling():\n    return None",
        "a comment": _solidity("ceiling", "// nobody above 10,000"),
        "equal to everything": _equal_to_all("ceiling", ""),
        "no semicolon": _solidity("ceiling", "if (samples > 10_000) revert TooManySamples(samples, 10_000)"),
        "the ceiling and its error's numbers swapped": _solidity(
            "ceiling", "if (samples > 10_000) revert TooManySamples(10_000, samples);"
        ),
        "another count in the error": _solidity(
            "ceiling", "if (samples > 10_000) revert TooManySamples(10_001, 10_000);"
        ),
    },
    "ex-1-3": {
        "first 20 bytes": (
            "def read_registered(log):\n"
            "    return node.w3.to_checksum_address(bytes(log['topics'][1])[:20]), int.from_bytes(log['data'])"
        ),
        "topic 0": (
            "def read_registered(log):\n"
            "    return node.w3.to_checksum_address(bytes(log['topics'][0])[12:]), int.from_bytes(log['data'])"
        ),
        "any event": (
            "def read_registered(log):\n"
            "    return node.w3.to_checksum_address(bytes(log['topics'][1])[12:]), int.from_bytes(log['data'])"
        ),
        "another error for another event": (
            "def read_registered(log):\n"
            "    if bytes(log['topics'][0]) != keccak(text='Registered(address,uint256)'):\n"
            "        raise KeyError('another event')\n"
            "    return node.w3.to_checksum_address(bytes(log['topics'][1])[12:]), int.from_bytes(log['data'])"
        ),
        "None for another event": (
            "def read_registered(log):\n"
            "    if bytes(log['topics'][0]) != keccak(text='Registered(address,uint256)'):\n"
            "        return None\n"
            "    return node.w3.to_checksum_address(bytes(log['topics'][1])[12:]), int.from_bytes(log['data'])"
        ),
        "lower case": (
            "def read_registered(log):\n"
            "    if bytes(log['topics'][0]) != keccak(text='Registered(address,uint256)'):\n"
            "        raise ValueError\n"
            "    return '0x' + bytes(log['topics'][1])[12:].hex(), int.from_bytes(log['data'])"
        ),
        "Bob, whoever it was": (
            "def read_registered(log):\n"
            "    if bytes(log['topics'][0]) != keccak(text='Registered(address,uint256)'):\n"
            "        raise ValueError\n    return bob, 80"
        ),
        "nothing": "def read_registered(log):\n    return None",
        "equal to everything": _equal_to_all("read_registered", "log"),
        "a pair equal to everything": _equal_to_all("read_registered", "log", "(anything, anything)"),
        "Bob or Alice": (
            "def read_registered(log):\n"
            "    if bytes(log['topics'][0]) != keccak(text='Registered(address,uint256)'):\n"
            "        raise ValueError\n"
            "    return (bob, 80) if bytes(log['topics'][1])[12:].hex() == bob[2:].lower() else (alice, 120)"
        ),
        "a blank in the signature": (
            "def read_registered(log):\n"
            "    if bytes(log['topics'][0]) != keccak(text='Registered(address, uint256)'):\n"
            "        raise ValueError('another event')\n"
            "    return node.w3.to_checksum_address(bytes(log['topics'][1])[12:]), int.from_bytes(log['data'])"
        ),
        "a number from text": _registered("int(log['data'], 16)"),
        "an address of 32 bytes": _registered(address="bytes(log['topics'][1])"),
        "bytes compared with text": _registered(
            check="log['topics'][0] != '0x' + keccak(text='Registered(address,uint256)').hex()"
        ),
        "a selector": _registered(check="bytes(log['topics'][0]) != selector('Registered(address,uint256)')"),
        "whose event it is, not which": _registered(check="log['address'] != registry.address"),
        "whatever has two topics": _registered(check="len(log['topics']) != 2"),
        "an assert": _registered(check="bytes(log['topics'][0]) != keccak(text='Registered(address,uint256)')").replace(
            "raise ValueError('another event')", "assert False"
        ),
    },
    "ex-1-4": {
        "no check": _till(CHECK=""),
        "no check, and no check of the compiler's": _till(
            CHECK="", EFFECT="unchecked { creditOf[msg.sender] = credit - uint96(amount); }"
        ),
        "the compiler's check": _till(CHECK="", EFFECT="creditOf[msg.sender] -= uint96(amount);"),
        "cut before it is compared": _till(CHECK="if (uint96(amount) > credit) revert TooMuch(amount, credit);"),
        "cut for good": _till(
            CHECK="uint96 part = uint96(amount); if (part > credit) revert TooMuch(amount, credit);", AMOUNT="part"
        ),
        "all but the whole credit": _till(CHECK="if (amount >= credit) revert TooMuch(amount, credit);"),
        "numbers of the error swapped": _till(CHECK="if (amount > credit) revert TooMuch(credit, amount);"),
        "refused in words": _till(CHECK='if (amount > credit) revert("too much");'),
        "nothing is refused, nothing is paid": _till(CHECK="if (amount > credit) return;"),
        "credit as it was": _till(EFFECT=""),
        "credit gone": _till(EFFECT="creditOf[msg.sender] = 0;"),
        "effect after the call": _till(EFFECT="", LAST="creditOf[msg.sender] = credit - uint96(amount);"),
        "effect after the call, taken off": _till(EFFECT="", LAST="creditOf[msg.sender] -= uint96(amount);"),
        "no event": _till(EVENT=""),
        "event with what is left": _till(EVENT="emit Taken(msg.sender, credit - amount);"),
        "event twice": _till(EVENT="emit Taken(msg.sender, amount); emit Taken(msg.sender, amount);"),
        "nothing is sent": _till(SEND="", NOT_SENT=""),
        "everything is sent": _till(SEND="(bool ok,) = msg.sender.call{ value: address(this).balance }('');"),
        "whether it came does not matter": _till(NOT_SENT="ok;"),
        "another error": _till(NOT_SENT='require(ok, "not sent");'),
        "transfer": _till(SEND="payable(msg.sender).transfer(amount);", NOT_SENT=""),
        "tx.origin": _till().replace("msg.sender", "tx.origin"),
        "a colon": _till(CHECK="if amount > credit: revert TooMuch(amount, credit);"),
        "no semicolon": _till(CHECK="if (amount > credit) revert TooMuch(amount, credit)"),
        "a number too wide": _till(EFFECT="creditOf[msg.sender] = credit - amount;"),
        "a name that is not there": _till(CHECK="if (amount > credits) revert TooMuch(amount, credit);"),
        "event without emit": _till(EVENT="Taken(msg.sender, amount);"),
        "no bracket at the end": _till(END=""),
        "who may call it": _till().replace(" external", ""),
        "private": _till().replace(" external", " private"),
        "a view": _till().replace(" external", " external view"),
        "another name": _till().replace("function take", "function withdraw"),
        "another argument": _till().replace("uint256 amount", "uint96 amount"),
        "nothing": "def take_function():\n    return None",
        "empty": _solidity("take_function", " "),
        "equal to everything": _equal_to_all("take_function", ""),
        "to tx.origin": _till(SEND="(bool ok,) = tx.origin.call{ value: amount }('');"),
        "put back by hand": _till(NOT_SENT="if (!ok) { creditOf[msg.sender] = credit; return; }"),
        "not sent, and no word": _till(NOT_SENT="if (!ok) return;"),
        "no first line": _till(HEAD="", END=""),
        "a mapping called": _till(CREDIT="uint96 credit = creditOf(msg.sender);"),
        "required in words": _till(CHECK='require(amount <= credit, "too much");'),
        "a number in memory": _till(CREDIT="uint96 memory credit = creditOf[msg.sender];"),
        "send": _till(SEND="bool ok = payable(msg.sender).send(amount);"),
    },
    "ex-2-1": {
        "floats made fractions by a guess": (
            "def exact_scores(updates, samples):\n    g = global_update(updates, samples)\n"
            "    exact = lambda v: Fraction(float(v)).limit_denominator(10**6)\n"
            "    return [exact(s) for s in scores_of(updates, samples)], exact(g @ g)"
        ),
        "changes the caller's rows": _exact("    for r in updates:\n        r.append(0)\n", "s, q"),
        "the two swapped": _exact("", "q, s"),
        "an array of scores": _exact("", "np.array(s), q"),
        "nothing": "def exact_scores(updates, samples):\n    return None",
        "equal to everything": (
            "class Anything(Fraction):\n    __eq__ = lambda a, b: True\n    __hash__ = None\n\n\n"
            "def exact_scores(updates, samples):\n    return [Anything(1)] * len(samples), Anything(1)"
        ),
        "the worked case": (
            "def exact_scores(updates, samples):\n    return [Fraction(20, 9), Fraction(5, 9)], Fraction(25, 9)"
        ),
        "for two clients only": (
            "def exact_scores(updates, samples):\n    (a, b), n = updates[:2], sum(samples)\n"
            "    p, q = Fraction(samples[0], n), Fraction(samples[1], n)\n"
            "    g = [p * x + q * y for x, y in zip(a, b)]\n"
            "    s = [p * sum(x * z for x, z in zip(a, g)), q * sum(x * z for x, z in zip(b, g))]\n"
            "    return s, sum(z * z for z in g)"
        ),
        "fractions of float scores": (
            "def exact_scores(updates, samples):\n    g = global_update(updates, samples)\n"
            "    return [Fraction(float(s)) for s in scores_of(updates, samples)], Fraction(float(g @ g))"
        ),
        "fractions of float weights": (
            "def exact_scores(updates, samples):\n    p = [Fraction(n / sum(samples)) for n in samples]\n"
            "    g = [sum(a * x for a, x in zip(p, c)) for c in zip(*updates)]\n"
            "    return [a * sum(x * y for x, y in zip(r, g)) for a, r in zip(p, updates)], sum(y * y for y in g)"
        ),
        "weights forgotten in the score": (
            "def exact_scores(updates, samples):\n"
            "    p = [Fraction(n, sum(samples)) for n in samples]\n"
            "    g = [sum(a * x for a, x in zip(p, c)) for c in zip(*updates)]\n"
            "    return [sum(x * y for x, y in zip(r, g)) for r in updates], sum(y * y for y in g)"
        ),
        "plain mean": (
            "def exact_scores(updates, samples):\n    p = Fraction(1, len(samples))\n"
            "    g = [sum(p * x for x in c) for c in zip(*updates)]\n"
            "    return [p * sum(x * y for x, y in zip(r, g)) for r in updates], sum(y * y for y in g)"
        ),
        "floats": (
            "def exact_scores(updates, samples):\n    g = global_update(updates, samples)\n"
            "    return list(scores_of(updates, samples)), g @ g"
        ),
        "equal shares of the right sum": (
            "def exact_scores(updates, samples):\n"
            "    p = [Fraction(n, sum(samples)) for n in samples]\n"
            "    s = sum(sum(a * x for a, x in zip(p, c)) ** 2 for c in zip(*updates))\n"
            "    return [s * a for a in p], s"
        ),
    },
    "ex-2-2": {
        "scales in place": (
            "def break_even(updates, samples, client):\n    a, b = split_of(updates, samples)\n"
            "    factor = float(-a[client] / b[client])\n    updates[client] *= factor\n    return factor"
        ),
        "nothing": "def break_even(updates, samples, client):\n    return None",
        "a constant": "def break_even(updates, samples, client):\n    return 2.0327",
        "no weight in the agreement": (
            "def break_even(updates, samples, client):\n    a, b = split_of(updates, samples)\n"
            "    p = samples[client] / np.sum(samples)\n    return float(-a[client] / p / b[client])"
        ),
        "client ignored": (
            "def break_even(updates, samples, client):\n    a, b = split_of(updates, samples)\n"
            "    return float(-a[0] / b[0])"
        ),
        "the score over the own length": (
            "def break_even(updates, samples, client):\n    s = scores_of(updates, samples)\n"
            "    _, b = split_of(updates, samples)\n"
            "    return float(-s[client] / b[client])"
        ),
        "a search over whole numbers": (
            "def break_even(updates, samples, client):\n"
            "    return next(k for k in range(1, 10**5) if score_of_scaled(updates, samples, client, k) > 0)"
        ),
        "all clients at once": (
            "def break_even(updates, samples, client):\n    a, b = split_of(updates, samples)\n    return -a / b"
        ),
        "a text": "def break_even(updates, samples, client):\n    return '2.03'",
        "own weight forgotten": (
            "def break_even(updates, samples, client):\n    a, b = split_of(updates, samples)\n"
            "    p = samples[client] / np.sum(samples)\n    return float(-a[client] / (b[client] / p))"
        ),
        "g kept fixed": (
            "def break_even(updates, samples, client):\n    g = global_update(updates, samples)\n"
            "    return float(-(updates[client] @ g) / (updates[client] @ updates[client]))"
        ),
        "sign": (
            "def break_even(updates, samples, client):\n    a, b = split_of(updates, samples)\n"
            "    return float(a[client] / b[client])"
        ),
        "equal weights": (
            "def break_even(updates, samples, client):\n"
            "    a, b = split_of(updates, np.ones(len(samples)))\n    return float(-a[client] / b[client])"
        ),
    },
    "ex-2-3": {
        "equal weights throughout": (
            "def clipped_scores_of(updates, samples):\n    l = np.linalg.norm(updates, axis=1)\n"
            "    c = updates * np.minimum(1, np.median(l) / np.where(l > 0, l, 1))[:, None]\n"
            "    return scores_of(c, np.ones(len(c)))"
        ),
        "nothing": "def clipped_scores_of(updates, samples):\n    return None",
        "the package's": (
            "def clipped_scores_of(updates, samples):\n    from bcfl_support.scores import clipped_scores\n"
            "    return clipped_scores(updates, samples, clip=learning.compute_median_norm(updates))"
        ),
        "weights forgotten in the score": (
            "def clipped_scores_of(updates, samples):\n    l = np.linalg.norm(updates, axis=1)\n"
            "    c = updates * np.minimum(1, np.median(l) / np.where(l > 0, l, 1))[:, None]\n"
            "    return c @ global_update(c, samples)"
        ),
        "plain mean": (
            "def clipped_scores_of(updates, samples):\n    l = np.linalg.norm(updates, axis=1)\n"
            "    c = updates * np.minimum(1, np.median(l) / np.where(l > 0, l, 1))[:, None]\n"
            "    return np.asarray(samples) / np.sum(samples) * (c @ c.mean(axis=0))"
        ),
        "only the scored update is cut": (
            "def clipped_scores_of(updates, samples):\n"
            "    c = learning.clip_norms(updates, clip=learning.compute_median_norm(updates))\n"
            "    return np.asarray(samples) / np.sum(samples) * (c @ global_update(updates, samples))"
        ),
        "only the average is cut": (
            "def clipped_scores_of(updates, samples):\n"
            "    c = learning.clip_norms(updates, clip=learning.compute_median_norm(updates))\n"
            "    return np.asarray(samples) / np.sum(samples) * (updates @ global_update(c, samples))"
        ),
        "all stretched to one length": (
            "def clipped_scores_of(updates, samples):\n    l = np.linalg.norm(updates, axis=1)\n"
            "    with np.errstate(all='ignore'):\n"
            "        return scores_of(np.nan_to_num(updates * (np.median(l) / l)[:, None]), samples)"
        ),
        "nan for a zero update": (
            "def clipped_scores_of(updates, samples):\n    l = np.linalg.norm(updates, axis=1)\n"
            "    return scores_of(updates * np.minimum(1, np.median(l) / l)[:, None], samples)"
        ),
        "entries clipped, not lengths": (
            "def clipped_scores_of(updates, samples):\n    b = np.median(np.linalg.norm(updates, axis=1))\n"
            "    return scores_of(np.clip(updates, -b / 2, b / 2), samples)"
        ),
        "entries clipped at the median length": (
            "def clipped_scores_of(updates, samples):\n    b = np.median(np.linalg.norm(updates, axis=1))\n"
            "    return scores_of(np.clip(updates, -b, b), samples)"
        ),
        "one length for all": _clipped("np.linalg.norm(updates) * np.ones(len(updates))", "np.median(l)"),
        "rows and factors that do not fit": (
            "def clipped_scores_of(updates, samples):\n    l = np.linalg.norm(updates, axis=1)\n"
            "    return scores_of(updates * np.minimum(1, np.median(l) / np.where(l > 0, l, 1)), samples)"
        ),
        "lengths by sums of entries": _clipped("np.abs(updates).sum(axis=1)", "np.median(l)"),
        "lengths by the largest entry": _clipped("np.abs(updates).max(axis=1)", "np.median(l)"),
        "the toy's median hard-coded": _clipped("np.linalg.norm(updates, axis=1)", "5.0"),
        "the mean length": _clipped("np.linalg.norm(updates, axis=1)", "l.mean()"),
        "the median of those who sent something": _clipped("np.linalg.norm(updates, axis=1)", "np.median(l[l > 0])"),
        "the upper of two in the middle": _clipped("np.linalg.norm(updates, axis=1)", "sorted(l)[len(l) // 2]"),
        "the lower of two in the middle": _clipped("np.linalg.norm(updates, axis=1)", "sorted(l)[(len(l) - 1) // 2]"),
        "changes the caller's array": (
            "def clipped_scores_of(updates, samples):\n    l = np.linalg.norm(updates, axis=1)\n"
            "    b = np.median(l)\n    updates[l > b] *= (b / l[l > b])[:, None]\n"
            "    return scores_of(updates, samples)"
        ),
    },
    "ex-2-4": {
        "rounded": (
            "def evidence(o, i, data, model):\n    w, u = o.state.params, o.updates[i]\n"
            "    p = data.sizes[i] / data.sizes.sum()\n"
            "    f = lambda d, x, y: float(f'{model.loss(w, x, y) - model.loss(w + d, x, y):.2e}')\n"
            "    r = {'score': float(scores_of(o.updates, data.sizes)[i]), 'own': f(u, *data.client(i))}\n"
            "    return r | {n: f(p * u, data.x_val[data.y_val == c], data.y_val[data.y_val == c])"
            " for c, n in enumerate(data.classes)}"
        ),
        "rounded to four decimals": _evidence("")
        .replace("float(model.loss", "round(model.loss", 1)
        .replace("(w + d, x, y))", "(w + d, x, y), 4)"),
        "all rounded to four decimals": _evidence("")
        .replace("return r |", "r |=")
        .replace(" for c, n in enumerate(data.classes)}", " for c, n in enumerate(data.classes)}\n")
        + "    return {n: round(v, 4) for n, v in r.items()}",
        "names of classes compared": _evidence("").replace("data.y_val == c", "data.y_val == n"),
        "the tuple's x": _evidence("").replace("*data.client(i)", "data.client(i).x, data.client(i).y"),
        "classes of its own records": (
            "def evidence(o, i, data, model):\n    w, u = o.state.params, o.updates[i]\n"
            "    p, (x, y) = data.sizes[i] / data.sizes.sum(), data.client(i)\n"
            "    f = lambda d, x, y: float(model.loss(w, x, y) - model.loss(w + d, x, y))\n"
            "    r = {'score': scores_of(o.updates, data.sizes)[i], 'own': f(u, x, y)}\n"
            "    return r | {n: f(p * u, x[y == c], y[y == c]) for c, n in enumerate(data.classes)}"
        ),
        "nothing": "def evidence(o, i, data, model):\n    return None",
        "hospital 9 hard-coded": _evidence("    i = 9\n"),
        "the hospitals' records hard-coded": _evidence("    data = wards\n"),
        "the hospitals' model hard-coded": _evidence("    model = ward_model\n"),
        "round 10 hard-coded": _evidence("    o = ward_rounds[9]\n"),
        "names without numbers": (
            "def evidence(o, i, data, model):\n    return dict.fromkeys(('score', 'own', 'malignant', 'benign'))"
        ),
        "the printed numbers": (
            "def evidence(o, i, data, model):\n"
            "    return {'score': ward_scores[9, 9], 'own': 0.118, 'malignant': 4.7e-4, 'benign': -8.39e-4}"
        ),
        "whole update in the step": (
            "def evidence(o, i, data, model):\n    w, u = o.state.params, o.updates[i]\n"
            "    f = lambda d, x, y: float(model.loss(w, x, y) - model.loss(w + d, x, y))\n"
            "    r = {'score': scores_of(o.updates, data.sizes)[i], 'own': f(u, *data.client(i))}\n"
            "    return r | {n: f(u, data.x_val[data.y_val == c], data.y_val[data.y_val == c])"
            " for c, n in enumerate(data.classes)}"
        ),
        "loss after less before": (
            "def evidence(o, i, data, model):\n    w, u = o.state.params, o.updates[i]\n"
            "    p = data.sizes[i] / data.sizes.sum()\n"
            "    f = lambda d, x, y: float(model.loss(w + d, x, y) - model.loss(w, x, y))\n"
            "    r = {'score': scores_of(o.updates, data.sizes)[i], 'own': f(u, *data.client(i))}\n"
            "    return r | {n: f(p * u, data.x_val[data.y_val == c], data.y_val[data.y_val == c])"
            " for c, n in enumerate(data.classes)}"
        ),
        "test records": (
            "def evidence(o, i, data, model):\n    w, u = o.state.params, o.updates[i]\n"
            "    p = data.sizes[i] / data.sizes.sum()\n"
            "    f = lambda d, x, y: float(model.loss(w, x, y) - model.loss(w + d, x, y))\n"
            "    r = {'score': scores_of(o.updates, data.sizes)[i], 'own': f(u, *data.client(i))}\n"
            "    return r | {n: f(p * u, data.x_test[data.y_test == c], data.y_test[data.y_test == c])"
            " for c, n in enumerate(data.classes)}"
        ),
        "classes not split": (
            "def evidence(o, i, data, model):\n    w, u = o.state.params, o.updates[i]\n"
            "    p = data.sizes[i] / data.sizes.sum()\n"
            "    f = lambda d, x, y: float(model.loss(w, x, y) - model.loss(w + d, x, y))\n"
            "    r = {'score': scores_of(o.updates, data.sizes)[i], 'own': f(u, *data.client(i))}\n"
            "    return r | {n: f(p * u, data.x_val, data.y_val) for n in data.classes}"
        ),
    },
    "ex-2-5": {
        "rounded entries, no divisions": (
            "def largest_flipping_scale(updates, samples):\n    order = np.argsort(scores_of(updates, samples))\n"
            "    for k in range(9, 0, -1):\n        s = scores_of(np.rint(updates * 10**k) / 10**k, samples)\n"
            "        if any(s[a] >= s[b] for a, b in pairwise(order)):\n            return 10**k\n    return 0"
        ),
        "clients i and i + 1 only": (
            "def largest_flipping_scale(updates, samples):\n    t = scores_of(updates, samples)\n"
            "    for k in range(9, 0, -1):\n        s = integers_of(updates, samples, 10**k)[1]\n"
            "        if any((t[i + 1] - t[i]) * (s[i + 1] - s[i]) <= 0 for i in range(len(s) - 1)):\n"
            "            return 10**k\n    return 0"
        ),
        "both things returned by integers_of": (
            "def largest_flipping_scale(updates, samples):\n    order = np.argsort(scores_of(updates, samples))\n"
            "    for k in range(9, 0, -1):\n        s = np.array(integers_of(updates, samples, 10**k))\n"
            "        if any(s[a] >= s[b] for a, b in pairwise(order)):\n            return 10**k\n    return 0"
        ),
        "ties are right": (
            "def largest_flipping_scale(updates, samples):\n    order = np.argsort(scores_of(updates, samples))\n"
            "    for k in range(9, 0, -1):\n        s = integers_of(updates, samples, 10**k)[1]\n"
            "        if any(s[a] > s[b] for a, b in pairwise(order)):\n            return 10**k\n    return 0"
        ),
        "nothing": "def largest_flipping_scale(updates, samples):\n    return None",
        "updates ignored": (
            "def largest_flipping_scale(updates, samples):\n    order = np.argsort(scores_of(late, samples))\n"
            "    for k in range(9, 0, -1):\n        s = integers_of(late, samples, 10**k)[1]\n"
            "        if any(s[a] >= s[b] for a, b in pairwise(order)):\n            return 10**k\n    return 0"
        ),
        "samples ignored": (
            "def largest_flipping_scale(updates, samples):\n    samples = [1] * len(updates)\n"
            "    order = np.argsort(scores_of(updates, samples))\n"
            "    for k in range(9, 0, -1):\n        s = integers_of(updates, samples, 10**k)[1]\n"
            "        if any(s[a] >= s[b] for a, b in pairwise(order)):\n            return 10**k\n    return 0"
        ),
        "neighbors by number, not by score": (
            "def largest_flipping_scale(updates, samples):\n"
            "    for k in range(9, 0, -1):\n        s = integers_of(updates, samples, 10**k)[1]\n"
            "        if any(a >= b for a, b in pairwise(s)):\n            return 10**k\n    return 0"
        ),
        "smallest instead of largest": (
            "def largest_flipping_scale(updates, samples):\n    order = np.argsort(scores_of(updates, samples))\n"
            "    for k in range(1, 10):\n        s = integers_of(updates, samples, 10**k)[1]\n"
            "        if any(s[a] >= s[b] for a, b in zip(order, order[1:])):\n            return 10**k\n    return 0"
        ),
        "smallest right scale": (
            "def largest_flipping_scale(updates, samples):\n    order = np.argsort(scores_of(updates, samples))\n"
            "    for k in range(9, 0, -1):\n        s = integers_of(updates, samples, 10**k)[1]\n"
            "        if any(s[a] >= s[b] for a, b in zip(order, order[1:])):\n            return 10 ** (k + 1)\n"
            "    return 0"
        ),
        "a float": "def largest_flipping_scale(updates, samples):\n    return 1e4",
        "a constant": "def largest_flipping_scale(updates, samples):\n    return 10**4",
        "only the average compared": (
            "def largest_flipping_scale(updates, samples):\n    g = global_update(updates, samples)\n"
            "    for k in range(9, 0, -1):\n"
            "        if np.abs(np.array(integers_of(updates, samples, 10**k)[0]) / 10**k - g).max() > 1e-3:\n"
            "            return 10**k\n    return 0"
        ),
    },
    "ex-2-6": {
        "the pay itself": (
            "def two_names(updates, samples, client, times):\n    s = np.maximum(scores_of(updates, samples), 0)\n"
            "    share = times * s[client] / s.sum()\n    others = s.sum() - s[client]\n"
            "    m = share * others / (1 - share) / s[client] if share < 1 else times\n"
            "    return 2 * m * updates[client], (2 - 2 * m) * updates[client]"
        ),
        "nothing": "def two_names(updates, samples, client, times):\n    return None",
        "two copies": (
            "def two_names(updates, samples, client, times):\n    return updates[client].copy(), updates[client].copy()"
        ),
        "both scaled": (
            "def two_names(updates, samples, client, times):\n"
            "    return times * updates[client], times * updates[client]"
        ),
        "the second sends nothing": (
            "def two_names(updates, samples, client, times):\n    return 2 * updates[client], 0 * updates[client]"
        ),
        "five times hard-coded": (
            "def two_names(updates, samples, client, times):\n    return 10 * updates[client], -8 * updates[client]"
        ),
        "client 0 hard-coded": (
            "def two_names(updates, samples, client, times):\n"
            "    return 2 * times * updates[0], (2 - 2 * times) * updates[0]"
        ),
        "the whole weight": (
            "def two_names(updates, samples, client, times):\n"
            "    return times * updates[client], (2 - times) * updates[client]"
        ),
        "half of it forgotten": (
            "def two_names(updates, samples, client, times):\n"
            "    return (1 + times) * updates[client], (1 - times) * updates[client]"
        ),
        "a weight left out": (
            "def two_names(updates, samples, client, times):\n    g = global_update(updates, samples)\n"
            "    v = (2 * times - 1) * scores_of(updates, samples)[client] / (g @ g) * g\n"
            "    return updates[client] + v, updates[client] - v"
        ),
        "times ignored": (
            "def two_names(updates, samples, client, times):\n    g = global_update(updates, samples)\n"
            "    p = samples[client] / np.sum(samples)\n"
            "    v = 9 * scores_of(updates, samples)[client] / (p * g @ g) * g\n"
            "    return updates[client] + v, updates[client] - v"
        ),
        "for equal sizes": (
            "def two_names(updates, samples, client, times):\n    g = global_update(updates, samples)\n"
            "    s = scores_of(updates, samples)[client]\n    v = (2 * times - 1) * s * len(updates) / (g @ g) * g\n"
            "    return updates[client] + v, updates[client] - v"
        ),
    },
    "ex-3-1": {
        "shares of the samples": (
            "def power_in_vote(samples, needed):\n    return [Fraction(s, sum(samples)) for s in samples]"
        ),
        "all coalitions alike (Banzhaf)": _power("Fraction(turned, 2 ** (n - 1))"),
        "last place only": _power("Fraction(turned if size == n - 1 else 0)"),
        "floats": _power("turned / (n * comb(n - 1, size))"),
        "more than is needed": _power("Fraction(turned, n * comb(n - 1, size))", "needed - own < sum(t) <= needed"),
        "the visible case": "def power_in_vote(samples, needed):\n    return [Fraction(2, 3), *[Fraction(1, 6)] * 2]",
        "both cases of the page": (
            "def power_in_vote(samples, needed):\n"
            "    return [Fraction(2, 3), *[Fraction(1, 6)] * 2] if needed == 67 else [Fraction(1, 3)] * 3"
        ),
        "a third each but in the first case": (
            "def power_in_vote(samples, needed):\n    n = len(samples)\n"
            "    return [Fraction(2, 3), *[Fraction(1, 6)] * 2] if needed == 67 else [Fraction(1, n)] * n"
        ),
        "floats made Fractions": _power("turned / (n * comb(n - 1, size))").replace(
            "power.append(value)", "power.append(Fraction(value).limit_denominator(1000))"
        ),
        "two thirds of the samples, whatever is needed": "def power_in_vote(samples, needed):\n"
        "    needed = -(-2 * sum(samples) // 3)\n" + _power(_WEIGHED).split("\n", 1)[1],
        "None": "def power_in_vote(samples, needed):\n    pass",
        "equal to everything": (
            "class Same:\n    __eq__ = lambda self, other: True\n    __len__ = lambda self: 3\n"
            "def power_in_vote(samples, needed):\n    return Same()"
        ),
    },
    "ex-3-2": {
        "too little passes": _suspicious("not np.isfinite(r).all() or s - d > tolerance * abs(d)"),
        "infinity passes": _suspicious("np.isnan(r).any() or abs(s - d) > tolerance * abs(d)"),
        "a share of the worth of all": _suspicious(
            "not np.isfinite(r).all() or abs(s - d) > tolerance * abs(worth_of_all)"
        ),
        "isclose as it is": _suspicious("not np.isfinite(r).all() or not np.isclose(s, d, rtol=tolerance)"),
        "negative values flagged": _suspicious(
            "not np.isfinite(r).all() or (r < 0).any() or abs(s - d) > tolerance * abs(d)"
        ),
        "absolute tolerance": (
            "def is_suspicious(report, worth_of_none, worth_of_all, tolerance=1e-6):\n"
            "    d = worth_of_all - worth_of_none\n"
            "    return bool(not np.isfinite(report).all() or abs(np.sum(report) - d) > tolerance)"
        ),
        "NaN as 0": (
            "def is_suspicious(report, worth_of_none, worth_of_all, tolerance=1e-6):\n"
            "    d, s = worth_of_all - worth_of_none, np.nan_to_num(report).sum()\n"
            "    return bool(np.isinf(report).any() or abs(s - d) > tolerance * abs(d))"
        ),
        "arrays only": (
            "def is_suspicious(report, worth_of_none, worth_of_all, tolerance=1e-6):\n"
            "    d = worth_of_all - worth_of_none\n"
            "    return bool(not np.isfinite(report).all() or abs(report.sum() - d) > tolerance * abs(d))"
        ),
        "sum to 1": (
            "def is_suspicious(report, worth_of_none, worth_of_all, tolerance=1e-6):\n"
            "    return bool(abs(np.sum(report) - 1) > tolerance)"
        ),
        "NaN passes": (
            "def is_suspicious(report, worth_of_none, worth_of_all, tolerance=1e-6):\n"
            "    d = worth_of_all - worth_of_none\n    return bool(abs(np.sum(report) - d) > tolerance * abs(d))"
        ),
        "worth of none forgotten": (
            "def is_suspicious(report, worth_of_none, worth_of_all, tolerance=1e-6):\n"
            "    s = np.sum(report)\n"
            "    return bool(not np.isfinite(s) or abs(s - worth_of_all) > tolerance * abs(worth_of_all))"
        ),
        "signed tolerance": (
            "def is_suspicious(report, worth_of_none, worth_of_all, tolerance=1e-6):\n"
            "    d = worth_of_all - worth_of_none\n"
            "    return bool(not np.isfinite(report).all() or abs(np.sum(report) - d) > tolerance * d)"
        ),
        "exactly equal": (
            "def is_suspicious(report, worth_of_none, worth_of_all, tolerance=1e-6):\n"
            "    return bool(np.sum(report) != worth_of_all - worth_of_none)"
        ),
        "None": "def is_suspicious(report, worth_of_none, worth_of_all, tolerance=1e-6):\n    pass",
        "equal to everything": (
            "class Same:\n    __eq__ = lambda self, other: True\n"
            "def is_suspicious(report, worth_of_none, worth_of_all, tolerance=1e-6):\n    return Same()"
        ),
    },
    "ex-3-3": {
        "moves furthest, up or down": _misjudged("-values", "np.argmax(abs(a - l))"),
        "worst by accuracy": _misjudged("-values", "np.argmax(a)"),
        "rank 0 is the worst": _misjudged("values", "np.argmax(a - l)"),
        "the one that rises": _misjudged("-values", "np.argmin(a - l)"),
        "best by accuracy": _misjudged("-values", "np.argmin(a)"),
        "re-normalized": _misjudged("-values", "np.argmax(a - l)", "convention='renormalized', "),
        "the best by loss": _misjudged("-values", "np.argmin(l)"),
        "values for ranks": _misjudged("-values", "np.argmax(v[0] - v[1])"),
        "ranked once": _misjudged("-values", "np.argmax(a - l)").replace(
            "np.argsort(np.argsort(-values))", "np.argsort(-values)"
        ),
        "accuracy first": _misjudged("-values", "np.argmax(a - l)").replace(
            "int(l[i]), int(a[i])", "int(a[i]), int(l[i])"
        ),
        "the round of section 3, whatever is given": _misjudged("-values", "np.argmax(a - l)", seen="last"),
        "what that round gives": "def misjudged(outcome):\n    return 3, 0, 9",
        "None": "def misjudged(outcome):\n    pass",
        "arrays": "def misjudged(outcome):\n    return 3, np.arange(10), np.arange(10)",
    },
    "ex-3-4": {
        "takes every block for a record": _watcher(
            "    own = fairness.compute_fairness(store, cids, task, epoch=epoch)\n"
            "    if json.loads(data) != json.loads(own.to_bytes()):\n        return 'false'\n"
            "    fairness.attest_record(fed, store, own, [client])\n    return 'attested'"
        ),
        "rounds of its own notebook": _watcher(
            "    own = fairness.compute_fairness(store, epoch_1, task, epoch=epoch)\n"
            "    if own.cid != claimed:\n        return 'false'\n"
            "    fairness.attest_record(fed, store, own, [client])\n    return 'attested'"
        ),
        "trusts every record": _watcher(
            "    own = fairness.compute_fairness(store, cids, task, epoch=epoch)\n"
            "    fed.attest(epoch, ipfs.cid_digest(claimed), own.factors, clients=[client])\n    return 'attested'"
        ),
        "does not catch": (
            "def watch(fed, store, task, claimed, epoch, cids, client):\n    data = store.cat(claimed)\n"
            "    own = fairness.compute_fairness(store, cids, task, epoch=epoch)\n"
            "    if own.to_bytes() != data:\n        return 'false'\n"
            "    fairness.attest_record(fed, store, own, [client])\n    return 'attested'"
        ),
        "compares the factors only": _watcher(
            "    own = fairness.compute_fairness(store, cids, task, epoch=epoch)\n"
            "    if json.loads(data).get('factors') != dict(own.factors):\n        return 'false'\n"
            "    fed.attest(epoch, ipfs.cid_digest(claimed), own.factors, clients=[client])\n    return 'attested'",
            "    if data[:1] != b'{':\n        return 'false'\n",
        ),
        "the record's own rounds": _watcher(
            "    named = json.loads(data)['rounds']\n"
            "    own = fairness.compute_fairness(store, named, task, epoch=epoch)\n"
            "    if own.cid != claimed:\n        return 'false'\n"
            "    fairness.attest_record(fed, store, own, [client])\n    return 'attested'",
            "    if data[:1] != b'{':\n        return 'false'\n",
        ),
        "votes for its own anyway": _watcher(
            "    own = fairness.compute_fairness(store, cids, task, epoch=epoch)\n"
            "    fairness.attest_record(fed, store, own, [client])\n"
            "    return 'attested' if own.cid == claimed else 'false'"
        ),
        "says so and does nothing": _watcher(
            "    own = fairness.compute_fairness(store, cids, task, epoch=epoch)\n"
            "    return 'attested' if own.cid == claimed else 'false'"
        ),
        "with a friend": _watcher(
            "    own = fairness.compute_fairness(store, cids, task, epoch=epoch)\n"
            "    if own.cid != claimed:\n        return 'false'\n"
            "    fairness.attest_record(fed, store, own, [client, hospitals[0]])\n    return 'attested'"
        ),
        "always the same hospital": _watcher(
            "    own = fairness.compute_fairness(store, cids, task, epoch=epoch)\n"
            "    if own.cid != claimed:\n        return 'false'\n"
            "    fairness.attest_record(fed, store, own, [hospitals[3]])\n    return 'attested'"
        ),
        "always epoch 1": _watcher(_OWN.replace("epoch=epoch", "epoch=1")),
        "the lesson's own true record": _watcher(
            "    if claimed != true_1.cid:\n        return 'false'\n"
            "    fairness.attest_record(fed, store, true_1, [client])\n    return 'attested'"
        ),
        "true records of its own notebook": _watcher(
            "    own = true_1 if epoch == 1 else true_2\n    if claimed != own.cid:\n        return 'false'\n"
            "    fairness.attest_record(fed, store, own, [client])\n    return 'attested'"
        ),
        "rounds by epoch": _watcher(_OWN.replace("store, cids", "store, epoch_1 if epoch == 1 else epoch_2")),
        "a task of its own": _watcher(
            _OWN.replace("cids, task", "cids, fairness.Task(hospital_model, x_val, y_val, convention='fixed')")
        ),
        "a store of its own": _watcher(_OWN).replace("store.cat", "globals()['store'].cat"),
        "hospital 3 when it is epoch 1": _watcher(_OWN.replace("[client]", "[hospitals[3] if epoch == 1 else client]")),
        "None": "def watch(fed, store, task, claimed, epoch, cids, client):\n    pass",
        "equal to everything": (
            "class Same:\n    __eq__ = lambda self, other: True\n"
            "def watch(fed, store, task, claimed, epoch, cids, client):\n    return Same()"
        ),
    },
    "ex-3-5": {
        "audited round pays too": _rate("min(1.0, gain / (cap * stake + staying or 1))"),
        "upside down": _rate("(cap * stake + staying) / (gain + cap * stake + staying)"),
        "in percent": _rate("100 * gain / (gain + cap * stake + staying)"),
        "the whole stake": _rate("gain / (gain + stake + staying)"),
        "may always stay": _rate("gain / (gain + cap * stake)"),
        "always 5%": _rate("gain / (gain + 0.05 * stake + staying) if gain else 0.0"),
        "nothing burned": _rate("gain / (gain + staying) if gain else 0.0"),
        "audited round pays too, and 5%": _rate("min(1.0, gain / (0.05 * stake + staying or 1))"),
        "True": _rate("True"),
        "the visible case": _rate("1 / 6"),
        "zero by zero": _rate("gain / (gain + cap * stake + staying)"),
        "None": _rate("None"),
        "equal to everything": "class Same:\n    __eq__ = lambda self, other: True\n" + _rate("Same()"),
    },
    "ex-3-6": {
        "salt XOR hash": (
            "def commit_vote(epoch, client, vote, salt):\n"
            "    told = hashlib.sha256(epoch.to_bytes(32) + bytes.fromhex(client[2:]) + vote).digest()\n"
            "    return bytes(a ^ b for a, b in zip(salt, told))\n"
            "def is_opening(commitment, epoch, client, vote, salt):\n"
            "    return commitment == commit_vote(epoch, client, vote, salt)"
        ),
        "Python's hash": (
            "def commit_vote(epoch, client, vote, salt):\n"
            "    return (hash((epoch, client, vote, salt)) % 2**64).to_bytes(32)\n"
            "def is_opening(commitment, epoch, client, vote, salt):\n"
            "    return commitment == commit_vote(epoch, client, vote, salt)"
        ),
        "two bytes of the salt": _commit(
            "epoch.to_bytes(32) + bytes.fromhex(client[2:]) + vote + salt[:1] + salt[-1:]"
        ),
        "epoch modulo 256": _commit("bytes([epoch % 256]) + bytes.fromhex(client[2:]) + vote + salt"),
        "anybody's": _commit("epoch.to_bytes(32) + vote + salt"),
        "any epoch's": _commit("bytes.fromhex(client[2:]) + vote + salt"),
        "no salt": _commit("epoch.to_bytes(32) + bytes.fromhex(client[2:]) + vote"),
        "the record alone": _commit("epoch.to_bytes(32) + bytes.fromhex(client[2:]) + vote[:32] + salt"),
        "a byte for the epoch": _commit("bytes([epoch % 256]) + bytes.fromhex(client[2:]) + vote[:-1] + salt"),
        "nothing hidden": (
            "def commit_vote(epoch, client, vote, salt):\n    return vote + salt\n"
            "def is_opening(commitment, epoch, client, vote, salt):\n    return commitment == vote + salt"
        ),
        "XOR of four hashes": (
            "def commit_vote(epoch, client, vote, salt):\n"
            "    parts = (epoch.to_bytes(32), bytes.fromhex(client[2:]), vote, salt)\n"
            "    a, b, c, d = (hashlib.sha256(part).digest() for part in parts)\n"
            "    return bytes(i ^ j ^ k ^ m for i, j, k, m in zip(a, b, c, d))\n"
            "def is_opening(commitment, epoch, client, vote, salt):\n"
            "    return commitment == commit_vote(epoch, client, vote, salt)"
        ),
        "client and epoch outside of the hash": (
            "def commit_vote(epoch, client, vote, salt):\n"
            "    told, who = hashlib.sha256(vote + salt).digest(), bytes.fromhex(client[2:])\n"
            "    mask = epoch.to_bytes(12) + who\n    return bytes(a ^ b for a, b in zip(told, mask))\n"
            "def is_opening(commitment, epoch, client, vote, salt):\n"
            "    return commitment == commit_vote(epoch, client, vote, salt)"
        ),
        "digests of the parts and of the salt, added": _commit("epoch.to_bytes(32) + bytes.fromhex(client[2:]) + vote")
        .replace(
            ").digest()\n",
            ").digest()\n    b = hashlib.sha256(salt).digest()\n"
            "    return ((int.from_bytes(a) + int.from_bytes(b)) % 2**256).to_bytes(32)\n",
            1,
        )
        .replace("    return hashlib", "    a = hashlib", 1),
        "the epoch encoded as a text": _commit("epoch.encode() + bytes.fromhex(client[2:]) + vote + salt"),
        "one byte for the epoch": _commit("bytes([epoch]) + bytes.fromhex(client[2:]) + vote + salt"),
        "the end of the address": _commit("epoch.to_bytes(32) + bytes.fromhex(client[-8:]) + vote + salt"),
        "Python's hash, hashed": _commit("str(hash((epoch, client, vote, salt))).encode()"),
        "accepts everything": _commit(_WHOLE, "True"),
        "forgets what was committed to": _commit(_WHOLE, "commit_vote(epoch, client, vote, salt) is not None"),
        "draws a salt of its own": _commit(f"{_WHOLE} + np.random.default_rng().bytes(8)"),
        "None": _commit(_WHOLE, "None"),
        "equal to everything": "class Same:\n    __eq__ = lambda self, other: True\n" + _commit(_WHOLE, "Same()"),
    },
    "ex-5-1": {
        "without a bound": "def my_attack(own, previous_step):\n    return 1e200 * own",
        "ragged": "def my_attack(own, previous_step):\n    return [own[0], own[1], own[2][:5]]",
        "text": "def my_attack(own, previous_step):\n    return 'four times as long'",
        "honest": "def my_attack(own, previous_step):\n    return own",
        "plain collusion": (
            "def my_attack(own, previous_step):\n"
            "    return np.tile(5 * np.linalg.norm(own, axis=1).mean() * agreed, (3, 1))"
        ),
        "ruins the model": (
            "def my_attack(own, previous_step):\n"
            "    rng = np.random.default_rng(0)\n"
            "    noise = rng.standard_normal(own.shape)\n"
            "    return 40 * np.linalg.norm(own, axis=1).max() * noise / np.linalg.norm(noise, axis=1, keepdims=True)"
        ),
        "one vector": "def my_attack(own, previous_step):\n    return 4 * own.mean(axis=0)",
        "None": "def my_attack(own, previous_step):\n    own *= 4",
        "a number": "def my_attack(own, previous_step):\n    return 4.0",
        "not a number": "def my_attack(own, previous_step):\n    return own / previous_step * 0",
        "one for three": (
            "def my_attack(own, previous_step):\n"
            "    return np.vstack([20 * own[0], np.zeros_like(own[0]), np.zeros_like(own[0])])"
        ),
        "the last average": "def my_attack(own, previous_step):\n    return own * 0 + previous_step",
    },
    "ex-5-2": {
        "the work saved forgotten where nothing burns": (
            "def deterring_stake(extra_pay, extra_burn, saved=0.0):\n    gain = extra_pay + saved\n"
            "    if extra_burn == 0:\n        return 0.0 if extra_pay <= 0 else float('inf')\n"
            "    return float('inf') if extra_burn < 0 else max(0.0, gain / extra_burn)"
        ),
        "no gain, no burn, no stake enough": (
            "def deterring_stake(extra_pay, extra_burn, saved=0.0):\n    gain = extra_pay + saved\n"
            "    if extra_burn == 0:\n        return 0.0 if gain < 0 else float('inf')\n"
            "    return float('inf') if extra_burn < 0 else max(0.0, gain / extra_burn)"
        ),
        "infinite, though it does not pay": (
            "def deterring_stake(extra_pay, extra_burn, saved=0.0):\n    gain = extra_pay + saved\n"
            "    return float('inf') if extra_burn <= 0 else max(0.0, gain / extra_burn)"
        ),
        "the burn's sign forgotten": (
            "def deterring_stake(extra_pay, extra_burn, saved=0.0):\n    gain = extra_pay + saved\n"
            "    return 0.0 if gain <= 0 else float('inf') if extra_burn == 0 else abs(gain / extra_burn)"
        ),
        "no case for no burn": (
            "def deterring_stake(extra_pay, extra_burn, saved=0.0):\n    return (extra_pay + saved) / extra_burn"
        ),
        "a stake below zero": (
            "def deterring_stake(extra_pay, extra_burn, saved=0.0):\n"
            "    return (extra_pay + saved) / extra_burn if extra_burn else float('inf')"
        ),
        "None": "def deterring_stake(extra_pay, extra_burn, saved=0.0):\n    (extra_pay + saved) / (extra_burn or 1)",
        "text": "def deterring_stake(extra_pay, extra_burn, saved=0.0):\n    return 'twenty budgets'",
        "the cases of the check": (
            "def deterring_stake(extra_pay, extra_burn, saved=0.0):\n"
            "    known = {(0.2, 0.01, 0.0): 20.0, (-0.1, 0.01, 0.0): 0.0, (-0.1, 0.01, 0.3): 20.0}\n"
            "    return known.get((extra_pay, extra_burn, saved), float('inf'))"
        ),
        "subtracts the work": (
            "def deterring_stake(extra_pay, extra_burn, saved=0.0):\n    gain = extra_pay - saved\n"
            "    if gain <= 0:\n        return 0.0\n"
            "    return gain / extra_burn if extra_burn > 0 else float('inf')"
        ),
        "forgets the work": (
            "def deterring_stake(extra_pay, extra_burn, saved=0.0):\n"
            "    if extra_pay <= 0:\n        return 0.0\n"
            "    return extra_pay / extra_burn if extra_burn > 0 else float('inf')"
        ),
        "divides by zero": (
            "def deterring_stake(extra_pay, extra_burn, saved=0.0):\n"
            "    return (extra_pay + saved) / (extra_burn or 1e-9)"
        ),
        "always finite": (
            "def deterring_stake(extra_pay, extra_burn, saved=0.0):\n"
            "    return max(0.0, (extra_pay + saved) / extra_burn) if extra_burn else 0.0"
        ),
        "upside down": (
            "def deterring_stake(extra_pay, extra_burn, saved=0.0):\n    return extra_burn / (extra_pay + saved)"
        ),
        "without the third argument": (
            "def deterring_stake(extra_pay, extra_burn):\n"
            "    return max(0.0, extra_pay / extra_burn) if extra_burn > 0 else float('inf')"
        ),
        "whole stakes": (
            "def deterring_stake(extra_pay, extra_burn, saved=0.0):\n    gain = extra_pay + saved\n"
            "    if gain <= 0 and extra_burn >= 0:\n        return 0.0\n"
            "    return int(gain / extra_burn) if extra_burn > 0 else float('inf')"
        ),
    },
    "ex-5-3": {
        "the 5th percentile": (
            "def false_positive_rate(honest, copies):\n"
            "    return float(np.mean(np.asarray(honest) <= np.quantile(copies, 0.05, method='inverted_cdf')))"
        ),
        "nine in ten": (
            "def false_positive_rate(honest, copies):\n"
            "    return float(np.mean(np.asarray(honest) <= np.quantile(copies, 0.9, method='inverted_cdf')))"
        ),
        "between two copies": (
            "def false_positive_rate(honest, copies):\n"
            "    return float(np.mean(np.asarray(honest) <= np.quantile(copies, 0.95)))"
        ),
        "rounded down": (
            "def false_positive_rate(honest, copies):\n"
            "    return float(np.mean(np.asarray(honest) <= np.sort(copies)[int(0.95 * len(copies)) - 1]))"
        ),
        "text": "def false_positive_rate(honest, copies):\n    return 'six percent'",
        "None": "def false_positive_rate(honest, copies):\n    np.mean(honest <= np.quantile(copies, 0.95))",
        "one copy too many": (
            "def false_positive_rate(honest, copies):\n"
            "    return float(np.mean(np.asarray(honest) <= np.quantile(copies, 0.95, method='higher')))"
        ),
        "each update": (
            "def false_positive_rate(honest, copies):\n"
            "    return np.asarray(honest) <= np.quantile(copies, 0.95, method='inverted_cdf')"
        ),
        "a count": (
            "def false_positive_rate(honest, copies):\n"
            "    return int(np.sum(np.asarray(honest) <= np.quantile(copies, 0.95, method='inverted_cdf')))"
        ),
        "largest copy": (
            "def false_positive_rate(honest, copies):\n    return float(np.mean(np.asarray(honest) <= max(copies)))"
        ),
        "share of copies": (
            "def false_positive_rate(honest, copies):\n"
            "    return float(np.mean(np.asarray(copies) <= np.quantile(copies, 0.95)))"
        ),
        "strictly below": (
            "def false_positive_rate(honest, copies):\n"
            "    return float(np.mean(np.asarray(honest) < np.quantile(copies, 0.95)))"
        ),
        "accepted instead": (
            "def false_positive_rate(honest, copies):\n"
            "    return float(np.mean(np.asarray(honest) > np.quantile(copies, 0.95)))"
        ),
        "95, not 0.95": (
            "def false_positive_rate(honest, copies):\n    return np.mean(honest <= np.quantile(copies, 95))"
        ),
        "the threshold": (
            "def false_positive_rate(honest, copies):\n"
            "    return float(np.quantile(copies, 0.95, method='inverted_cdf'))"
        ),
    },
    "ex-5-4": {
        "not a number": "def break_it(own, previous_step):\n    return own * np.nan",
        "ragged": "def break_it(own, previous_step):\n    return [own[0], own[1], own[2][:5]]",
        "honest": "def break_it(own, previous_step):\n    return own",
        "longer": "def break_it(own, previous_step):\n    return 10 * own",
        "copycat": "def break_it(own, previous_step):\n    return np.tile(previous_step, (3, 1))",
        "mean at its own length": "def break_it(own, previous_step):\n    return np.tile(own.mean(axis=0), (3, 1))",
        "one's own, exchanged": "def break_it(own, previous_step):\n    return 9 * own[[1, 2, 0]]",
        "one vector": "def break_it(own, previous_step):\n    return 9 * own.mean(axis=0)",
        "None": "def break_it(own, previous_step):\n    own[:] = 9 * own.mean(axis=0)",
        "random direction": (
            "def break_it(own, previous_step):\n"
            "    return np.tile(9 * np.random.default_rng(0).standard_normal(own.shape[1]), (3, 1))"
        ),
        "exchanged": "def break_it(own, previous_step):\n    return own[[1, 2, 0]]",
        "two sums": "def break_it(own, previous_step):\n    return 9 * own.mean(axis=0), 9",
    },
    "ex-5-5": {
        "last average of length zero": (
            "def adapt(own, honest, previous_step, agreed, payoff):\n    usual = typical(honest)\n"
            "    ways = [agreed, previous_step, honest.mean(axis=0), own.mean(axis=0)]\n"
            "    ways = [own] + [np.tile(collude(w, usual), (3, 1)) for w in ways]\n"
            "    return max((c * way for way in ways for c in (0.5, 1, 2, 5, 10)), key=payoff)"
        ),
        "directions at their own length": (
            "def adapt(own, honest, previous_step, agreed, payoff):\n"
            "    ways = [agreed, previous_step, honest.mean(axis=0), own.mean(axis=0)]\n"
            "    ways = [own] + [np.tile(w, (3, 1)) for w in ways]\n"
            "    return max((c * way for way in ways for c in (0.5, 1, 2, 5, 10)), key=payoff)"
        ),
        "without the mean of one's own": _adapt(
            "del ways[3]\n    return max((c * way for way in ways for c in (0.5, 1, 2, 5, 10)), key=payoff)"
        ),
        "update and pay": _adapt(
            "s = max((c * way for way in ways for c in (0.5, 1, 2, 5, 10)), key=payoff)\n    return s, payoff(s)"
        ),
        "always collusion": _adapt("return np.tile(collude(agreed, 10 * typical(honest)), (3, 1))"),
        "always the honest mean": _adapt("return np.tile(10 * honest.mean(axis=0), (3, 1))"),
        "one's own updates only": _adapt("return max((c * own for c in (0.5, 1, 2, 5, 10)), key=payoff)"),
        "at the usual length only": _adapt("return max(ways, key=payoff)"),
        "what pays least": _adapt("return min((c * way for way in ways for c in (0.5, 1, 2, 5, 10)), key=payoff)"),
        "the pay, not the update": _adapt("return max(payoff(c * way) for way in ways for c in (0.5, 1, 2, 5, 10))"),
        "one vector for three": _adapt(
            "return max((c * way for way in ways for c in (0.5, 1, 2, 5, 10)), key=payoff)[0]"
        ),
        "without the honest": _adapt(
            "del ways[1]\n    return max((c * way for way in ways for c in (0.5, 1, 2, 5, 10)), key=payoff)"
        ),
        "honest": _adapt("return own"),
        "None": _adapt("max((c * way for way in ways for c in (0.5, 1, 2, 5, 10)), key=payoff)"),
        "asks about clients": (
            "def adapt(own, honest, previous_step, agreed, payoff):\n"
            "    return max([own, np.tile(honest.mean(axis=1), (3, 1))], key=payoff)"
        ),
        "keeps the last that is paid": _adapt(
            "best = own\n    for way in ways:\n        for c in (0.5, 1, 2, 5, 10):\n"
            "            best = c * way if payoff(c * way) > 0 else best\n    return best"
        ),
    },
    "ex-6-1": {
        "as dear as the first": "def second_submission(first_gas, words):\n    return first_gas",
        "free": "def second_submission(first_gas, words):\n    return first_gas - words * 22_100",
        "a cold read": "def second_submission(first_gas, words):\n    return first_gas - words * 20_000",
        "the second gas itself, if it lies about": "def second_submission(first_gas, words):\n    return second_gas",
        "one of the check's own names": "def second_submission(first_gas, words):\n    return second",
        "nothing": "def second_submission(first_gas, words):\n    return None",
        "always a hundred words": "def second_submission(first_gas, words):\n    return first_gas - 101 * 17_100",
        "a share": "def second_submission(first_gas, words):\n    return first_gas * 0.2565",
        "free, the progress, too": (
            "def second_submission(first_gas, words):\n    return first_gas - (words + 1) * 22_100"
        ),
        "an overwritten slot only read": (
            "def second_submission(first_gas, words):\n    return first_gas - (words + 1) * 20_000"
        ),
        "no first touch": "def second_submission(first_gas, words):\n    return first_gas - (words + 1) * 19_200",
        "the progress forgotten": "def second_submission(first_gas, words):\n    return first_gas - words * 17_100",
        "what is left, taken off": (
            "def second_submission(first_gas, words):\n    return first_gas - (words + 1) * 5_000"
        ),
        "what is spared, alone": "def second_submission(first_gas, words):\n    return (words + 1) * 17_100",
        "not a number": "def second_submission(first_gas, words):\n    return float('nan')",
    },
    "ex-6-2": {
        "highest first": (
            "def pack_four(values):\n"
            "    return sum((v % 2**64) << 64 * (3 - k) for k, v in enumerate(values))\n"
            "def unpack_four(word):\n"
            "    lanes_ = [(word >> 64 * (3 - k)) % 2**64 for k in range(4)]\n"
            "    return [v - 2**64 if v >= 2**63 else v for v in lanes_]"
        ),
        "no mask": (
            "def pack_four(values):\n    return sum(v << 64 * k for k, v in enumerate(values))\n"
            "def unpack_four(word):\n    return [(word >> 64 * k) % 2**64 for k in range(4)]"
        ),
        "sign lost": (
            "def pack_four(values):\n    return sum((v % 2**64) << 64 * k for k, v in enumerate(values))\n"
            "def unpack_four(word):\n    return [(word >> 64 * k) % 2**64 for k in range(4)]"
        ),
        "reversed on the way back": _unpack("v[::-1]"),
        "bytes": _unpack("v", "b''.join((x % 2**64).to_bytes(8) for x in values[::-1])"),
        "None": _unpack("v", "None"),
        "nothing back": _unpack("None"),
        "three back": _unpack("v[:3]"),
        "texts back": _unpack("[str(x) for x in v]"),
        "ones' complement": (
            _unpack("v", "sum((v if v >= 0 else 2**64 - 1 + v) << 64 * k for k, v in enumerate(values))").replace(
                "x - 2**64", "x - 2**64 + 1"
            )
        ),
        "bytes without a sign": _unpack(
            "v", "int.from_bytes(b''.join(v.to_bytes(8, 'little') for v in values), 'little')"
        ),
        "an array without dimensions": _unpack("np.array(v[0])"),
    },
    "ex-6-3": {
        "one too few": (
            "def largest_P(gas_of, budget):\n    low, high = 0, 1\n"
            "    while gas_of(high) < budget:\n        low, high = high, 2 * high\n"
            "    while high - low > 1:\n        middle = (low + high) // 2\n"
            "        low, high = (middle, high) if gas_of(middle) < budget else (low, middle)\n    return low"
        ),
        "by proportion": "def largest_P(gas_of, budget):\n    return int(budget / gas_of(1))",
        "counts up": (
            "def largest_P(gas_of, budget):\n    P = 0\n"
            "    while P < 1000 and gas_of(P + 1) <= budget:\n        P += 1\n    return P"
        ),
        "never ends": _search(_DOUBLED).replace("high - low > 1", "low < high"),
        "an upper bound of 200,000": _search("high = 200_001"),
        "the budget as upper bound": _search("high = budget + 1"),
        "None": "def largest_P(gas_of, budget):\n    return None",
        "asks for none": _search("while gas_of(high) <= budget: low, high = high, 2 * high", "low, high = 0, 0"),
        "a float": _search(_DOUBLED, last="float(low)"),
        "the first that does not fit": _search(_DOUBLED, last="high"),
        "one below the largest": _search(_DOUBLED, last="max(low - 1, 0)"),
        "nothing where nothing fits": (
            "def largest_P(gas_of, budget):\n    return max(P for P in range(1, budget + 1) if gas_of(P) <= budget)"
        ),
    },
    "ex-6-4": {
        "honest tree": (
            "def cheat(tree):\n    return tree\n"
            "def wrong_chunks(claimed, honest):\n"
            "    return [k for k, (a, b) in enumerate(zip(claimed.levels[0], honest.levels[0])) if a != b]"
        ),
        "one chunk only": (
            "def cheat(tree):\n    leaves = list(tree.levels[0])\n    h, s = leaves[0]\n"
            "    leaves[0] = (h, (s[0] + tree.total[0] // 10, *s[1:]))\n"
            "    return scaling.SumTree([h for h, _ in leaves], [s for _, s in leaves])\n"
            "def wrong_chunks(claimed, honest):\n"
            "    return [k for k, (a, b) in enumerate(zip(claimed.levels[0], honest.levels[0])) if a != b]"
        ),
        "everybody gets more": (
            "def cheat(tree):\n"
            "    leaves = [(h, tuple(x + x // 10 for x in s)) for h, s in tree.levels[0]]\n"
            "    return scaling.SumTree([h for h, _ in leaves], [s for _, s in leaves])\n"
            "def wrong_chunks(claimed, honest):\n"
            "    return [k for k, (a, b) in enumerate(zip(claimed.levels[0], honest.levels[0])) if a != b]"
        ),
        "leaf 3 is padding": _watcher_64(_DIFFER, _cheat_64("(0, more // 2), (3, more - more // 2)")),
        "more in one, less in the other": _watcher_64(_DIFFER, _cheat_64("(0, 2 * more), (1, -more)")),
        "three chunks": _watcher_64(_DIFFER, _cheat_64("(0, 1), (1, 1), (2, more - 2)")),
        "always 0 and 1": _watcher_64("[0, 1]"),
        "descending": _watcher_64(_DIFFER + "[::-1]"),
        "counted from 1": _watcher_64("[k + 1 for k in range(len(a)) if a[k] != b[k]]"),
        "hashes alone": _watcher_64("[k for k in range(len(a)) if a[k][0] != b[k][0]]"),
        "scores alone": _watcher_64("[k for k in range(len(a)) if a[k][1] != b[k][1]]"),
        "the sums of scores": _watcher_64("[k for k in range(len(a)) if sum(a[k][1]) != sum(b[k][1])]"),
        "hashes and sums": _watcher_64(
            "[k for k in range(len(a)) if (a[k][0], sum(a[k][1])) != (b[k][0], sum(b[k][1]))]"
        ),
        "client 0 alone": _watcher_64("[k for k in range(len(a)) if a[k][1][0] != b[k][1][0]]"),
        "the first alone": _watcher_64(_DIFFER + "[:1]"),
        "a set": _watcher_64("set(" + _DIFFER + ")"),
        "a generator": _watcher_64("(k for k in range(len(a)) if a[k] != b[k])"),
        "None found": _watcher_64("None"),
        "floats": _watcher_64(_DIFFER, _cheat_64("(0, more / 2), (1, more / 2)", "tree.total[0] / 10")),
        "the leaves": _watcher_64(_DIFFER, _cheat_64(last="leaves")),
        "the honest tree changed": _watcher_64(_DIFFER, _cheat_64(copied="tree.levels[0]")),
        "leaves too few": _watcher_64(
            _DIFFER, _cheat_64(last="scaling.SumTree([h for h, _ in leaves[:2]], [s for _, s in leaves[:2]])")
        ),
        "sums as they were": _watcher_64(
            _DIFFER,
            "def cheat(tree):\n    import copy\n    more, t = tree.total[0] // 10, copy.deepcopy(tree)\n"
            "    for k, part in ((0, more // 2), (1, more - more // 2)):\n        h, s = t.levels[0][k]\n"
            "        t.levels[0][k] = (h, (s[0] + part, *s[1:]))\n    return t\n",
        ),
        "who is nowhere else": _watcher_64("[k for k in range(len(a)) if a[k] not in b]"),
    },
    "ex-6-5": {
        "forgets the limits": (
            "def cheapest_rung(n, P, gas_price, blob_price, watcher, sparse, hours):\n"
            "    return min((scaling.predict(k, n, P).total_gas * gas_price / 1e9, k) for k in range(3))[::-1]"
        ),
        "blobs are free": (
            "def cheapest_rung(n, P, gas_price, blob_price, watcher, sparse, hours):\n"
            "    f = scaling.forecast(4 if watcher else 2, n, P, gas_price=gas_price, ether_price=1, blob_price=0)\n"
            "    return (4 if watcher else 2), f.ether"
        ),
        "in gwei": (
            "def cheapest_rung(n, P, gas_price, blob_price, watcher, sparse, hours):\n"
            "    k = 2 if not watcher else (4 if blob_price < 1 else 3)\n"
            "    return k, scaling.predict(k, n, P).total_gas * gas_price"
        ),
        "ignores the cap": _cheapest(fits="f.fits_calldata and f.latency.seconds <= 3600 * hours"),
        "ignores the length": _cheapest(fits="f.fits_cap and f.latency.seconds <= 3600 * hours"),
        "ignores the time": _cheapest(fits="f.fits_cap and f.fits_calldata"),
        "hours for seconds": _cheapest(fits="f.fits_cap and f.fits_calldata and f.latency.seconds <= hours"),
        "ignores the watcher": _cheapest(rungs="range(6 if sparse else 5)"),
        "ignores that updates are to be dense": _cheapest(rungs="[k for k in range(6) if watcher or k not in (3, 4)]"),
        "a ladder of five": _cheapest(rungs="range(5 if watcher else 3)"),
        "rung 5 only with a watcher": _cheapest(rungs="range(3) if not watcher else range(6 if sparse else 5)"),
        "sparse means rung 5": _cheapest(rungs="[5] if sparse else range(5 if watcher else 3)"),
        "ignores the blobs' price": _cheapest(blob_price="0"),
        "ignores the gas price": _cheapest(gas_price="1"),
        "falls over where nothing fits": _cheapest(last="min(fitting)[1], min(fitting)[0]"),
        "rung 0 where nothing fits": _cheapest(last="(min(fitting)[1], min(fitting)[0]) if fitting else (0, 0.0)"),
        "cost before rung": _cheapest(last="min(fitting) if fitting else None"),
        "always None": "def cheapest_rung(n, P, gas_price, blob_price, watcher, sparse, hours):\n    return None",
        "in a hurry": _cheapest(blob_price="blob_price, hurry=True"),
        "latency, a record": _cheapest(fits="f.fits_cap and f.fits_calldata and f.latency <= 3600 * hours"),
        "minutes": _cheapest(fits="f.fits_cap and f.fits_calldata and f.latency.seconds <= 60 * hours"),
        "the dearest": _cheapest(last="(max(fitting)[1], max(fitting)[0]) if fitting else None"),
        "the latest end": _cheapest(fits="f.fits_cap and f.fits_calldata and f.latency.latest <= 3600 * hours"),
        "without rung 0": _cheapest(
            rungs="[k for k in range(1, 6) if (watcher or k not in (3, 4)) and (sparse or k != 5)]"
        ),
    },
    "ex-7-1": {
        "the vector itself": _forged("k = 0", "values"),
        "entry 0 alone": _forged("k = 0"),
        "the wrong sign": _forged(_FACTOR, "[values[0] + more, values[1] + more * k, *values[2:]]"),
        "k for one more": _forged(_FACTOR, "[values[0] + more, values[1] - k, *values[2:]]"),
        "k the other way round": _forged("k = find_factor(group, bases[0], bases[1])"),
        "once round the group": _forged(_FACTOR, "[values[0] + group.order, *values[1:]]"),
        "modulo the modulus": _forged(
            _FACTOR, "[values[0] + more, (values[1] - more * k) % group.modulus, *values[2:]]"
        ),
        "the last entry pays": _forged(
            "k = find_factor(group, bases[-1], bases[0])", "[values[0] + more, *values[1:-1], values[-1] - more * k]"
        ),
        "in place": _forged(f"{_FACTOR}\n    values[0] += more\n    values[1] -= more * k", "values"),
        "floats": _forged(_FACTOR, "[values[0] + more, values[1] - more * k / 1, *values[2:]]"),
        "None": _forged(_FACTOR, "None"),
        "k alone": _forged(_FACTOR, "k"),
        "one of the check's own names": _forged("k = 0", "found"),
        "one for one": _forged("k = 1"),
        "one base divided by the other": _forged("k = bases[0] * pow(bases[1], -1, group.modulus)"),
    },
    "ex-7-2": {
        "the truth": _lie_72("told[k]", "told[i]"),
        "one alone": _lie_72("told[k]"),
        "what one gains the other loses": _lie_72("(scores[k] - more) % PRIME"),
        "divided by the wrong power": _lie_72("(scores[k] - more * pow(rho, k - i, PRIME)) % PRIME"),
        "the wrong sign": _lie_72("(scores[k] + more * pow(rho, i - k, PRIME)) % PRIME"),
        "not reduced": _lie_72("scores[k] - more * pow(rho, i - k, PRIME)"),
        "no power": _lie_72("(scores[k] - more * rho) % PRIME"),
        "client k at power 0": _lie_72("(scores[k] - more * pow(rho, i, PRIME)) % PRIME"),
        "the change alone": _lie_72("-more * pow(rho, i - k, PRIME) % PRIME"),
        "half of it": _lie_72("(scores[k] - more * pow(rho, i - k, PRIME)) % PRIME", "(scores[i] + more // 2) % PRIME"),
        "floats": _lie_72("(scores[k] - more * rho ** (i - k)) % PRIME"),
        "client i at power 0": _lie_72("(scores[k] - more * pow(rho, -k, PRIME)) % PRIME"),
        "a third pays": _lie_72(
            "told[k]", last="[*told[:-2], (told[-2] - more * pow(rho, i - len(told) + 2, PRIME)) % PRIME, told[-1]]"
        ),
        "None": _lie_72("told[k]", last="None"),
        "two scores": _lie_72("told[k]", last="told[:2]"),
    },
    "ex-7-3": {
        "believes what is published": _watch_73(liar="False"),
        "compares the first point alone": _watch_73(liar="proofs.commit(setup, v)[0] != commitments[i][0]"),
        "accuses liars with an opening": _watch_73(after="pass"),
        "128 is allowed": _watch_73(wrong="not -128 <= x <= 128 if j < P else x != 0"),
        "-128 is not": _watch_73(wrong="abs(x) > 127 if j < P else x != 0"),
        "no padding": _watch_73(wrong="j < P and not -128 <= x <= 127"),
        "padding may hold int8": _watch_73(wrong="not -128 <= x <= 127"),
        "padding from P + 1": _watch_73(wrong="not -128 <= x <= 127 if j <= P else x != 0"),
        "the last one": _watch_73(pick="found[-1]"),
        "the largest": _watch_73(pick="max(found, key=lambda j: abs(v[j]))"),
        "the place in its chunk": _watch_73(pick="found[0] % setup.n"),
        "the position alone": _watch_73(opened="at"),
        "counted from 1": _watch_73(opened="proofs.open_entry(setup, v, min(at + 1, 15))"),
        "the first client alone": _watch_73(last="dict(list(faults.items())[:1]), liars"),
        "faults alone": _watch_73(last="faults"),
        "a list of openings": _watch_73(last="list(faults.values()), liars"),
        "no list of liars": _watch_73(last="faults, None"),
        "keyed by position": _watch_73(last="{o.position % 5: o for o in faults.values()}, liars"),
        "a list of two": _watch_73(last="[faults, liars]"),
        "keyed by commitment": _watch_73(last="dict(zip(map(tuple, commitments), faults.values())), liars"),
        "what liars published": _watch_73(last="faults, [published[i] for i in liars]"),
        "liars are the guilty": _watch_73(last="faults, list(faults)"),
        "nobody": _watch_73(last="{}, []"),
        "None": _watch_73(last="None"),
    },
    "ex-7-4": {
        "all": _rungs_74("[2, 4, 5, 6, 7, 8]"),
        "none": _rungs_74("[]"),
        "no watcher for proofs": _rungs_74(proven="app.hours >= 25 and app.ceremony"),
        "no window for proofs": _rungs_74(proven="app.watcher and app.ceremony"),
        "a window of a day": _rungs_74(slow="app.watcher and app.hours >= 24"),
        "more than 25 hours": _rungs_74(slow="app.watcher and app.hours > 25"),
        "no ceremony": _rungs_74(proven="slow"),
        "sparse updates with a watcher": _rungs_74(_5="app.sparse and app.watcher"),
        "calldata for dense updates alone": _rungs_74(_2="not app.sparse"),
        "the ceremony for blobs, too": _rungs_74(_4="proven"),
        "no ceremony for rung 8": _rungs_74(_8="slow"),
        "nobody watches rung 8": _rungs_74(_8="app.hours >= 25 and app.ceremony"),
        "below the budget": _rungs_74(cheap="scaling.predict(k, app.n, app.P).total_gas < app.gas"),
        "rung 8 with data kept": _rungs_74(_8="kept"),
        "rung 6 without data": _rungs_74(_6="proven"),
        "one chunk for rung 6": _rungs_74(_6="kept and app.P <= 4096"),
        "one chunk for rung 7": _rungs_74(_7="kept and app.P <= 4096"),
        "any number of clients": _rungs_74(room="True"),
        "six clients for each proof": _rungs_74(room="app.n <= scaling.largest_clients(8 if k > 5 else k, 64)"),
        "fewer than the largest": _rungs_74(room="app.n < scaling.largest_clients(k, app.P)"),
        "no budget": _rungs_74(cheap="True"),
        "a budget for rung 2 alone": _rungs_74(
            cheap="(k != 2 or scaling.predict(2, app.n, app.P).total_gas <= app.gas)"
        ),
        "budgets of a client": _rungs_74(cheap="scaling.predict(k, app.n, app.P).total_gas <= app.n * app.gas"),
        "dense updates on rung 5": _rungs_74(_5="True"),
        "sparse updates on rung 5 alone": _rungs_74("[5] if app.sparse else [k for k, fit in fits.items() if fit]"),
        "a set": _rungs_74("{k for k, fit in fits.items() if fit}"),
        "strings": _rungs_74("[str(k) for k, fit in fits.items() if fit]"),
        "rung 3, too": _rungs_74("sorted([3, *(k for k, fit in fits.items() if fit)])"),
        "descending": _rungs_74("[k for k, fit in fits.items() if fit][::-1]"),
        "the first alone": _rungs_74("[k for k, fit in fits.items() if fit][:1]"),
        "None": _rungs_74("None"),
    },
    "ex-4-1": {
        "half of the window": (
            "def alpha_star_streak(cost, window):\n"
            "    extra, most = cost - 1, window / 2\n"
            "    return 0.0 if extra <= 0 else extra / (most - extra) if extra < most else float('inf')"
        ),
        "infinity at equality alone": (
            "def alpha_star_streak(cost, window):\n"
            "    extra, most = cost - 1, (window - 1) / 2\n"
            "    return 0.0 if extra <= 0 else float('inf') if extra == most else extra / (most - extra)"
        ),
        "no case of infinity": (
            "def alpha_star_streak(cost, window):\n"
            "    extra, most = cost - 1, (window - 1) / 2\n"
            "    return extra / (most - extra) if extra > 0 else 0.0"
        ),
        "the window's price": (
            "def alpha_star_streak(cost, window):\n"
            "    extra, most = cost - 1, (window - 1) / window\n"
            "    if extra <= 0:\n        return 0.0\n"
            "    return extra / (most - extra) if extra < most else float('inf')"
        ),
        "cost without the round's own pay": (
            "def alpha_star_streak(cost, window):\n"
            "    most = (window - 1) / 2\n"
            "    return cost / (most - cost) if cost < most else float('inf')"
        ),
        "a negative alpha": (
            "def alpha_star_streak(cost, window):\n"
            "    extra, most = cost - 1, (window - 1) / 2\n"
            "    return extra / (most - extra) if extra < most else float('inf')"
        ),
        "alpha without the shared budget": (
            "def alpha_star_streak(cost, window):\n"
            "    extra, most = cost - 1, (window - 1) / 2\n"
            "    return 0.0 if extra <= 0 else float('inf') if extra >= most else extra / most"
        ),
        "every window is 8 rounds": (
            "def alpha_star_streak(cost, window):\n"
            "    extra, most = cost - 1, 3.5\n"
            "    return 0.0 if extra <= 0 else extra / (most - extra) if extra < most else float('inf')"
        ),
        "no answer where none is needed or none suffices": (
            "def alpha_star_streak(cost, window):\n"
            "    extra, most = cost - 1, (window - 1) / 2\n"
            "    return extra / (most - extra) if 0 < extra < most else None"
        ),
        "infinity as a word": (
            "def alpha_star_streak(cost, window):\n"
            "    extra, most = cost - 1, (window - 1) / 2\n"
            "    return 0.0 if extra <= 0 else extra / (most - extra) if extra < most else 'none suffices'"
        ),
        "nothing": "def alpha_star_streak(cost, window):\n    return None",
        "K − 1 for its half": (
            "def alpha_star_streak(cost, window):\n"
            "    extra, most = cost - 1, window - 1\n"
            "    return 0.0 if extra <= 0 else extra / (most - extra) if extra < most else float('inf')"
        ),
        "an error where none suffices": (
            "def alpha_star_streak(cost, window):\n"
            "    extra, most = cost - 1, (window - 1) / 2\n    if extra >= most:\n        raise ValueError('none')\n"
            "    return max(extra, 0) / (most - extra)"
        ),
    },
    "ex-4-2": {
        "clipped after the mean": (
            "def trusted(ratios):\n    recent = np.nan_to_num(np.asarray(ratios, dtype=float)[-10:])\n"
            "    return float(np.clip(recent.mean(), 0, 1))"
        ),
        "clipped at three": (
            "def trusted(ratios):\n    recent = np.nan_to_num(np.asarray(ratios, dtype=float)[-11:])\n"
            "    return float(min(1, np.clip(recent, 0, 3).sum() / 11))"
        ),
        "presence": (
            "def trusted(ratios):\n    recent = np.asarray(ratios, dtype=float)[-12:]\n"
            "    return float((~np.isnan(recent)).mean())"
        ),
        "the mean of the days it came": (
            "def trusted(ratios):\n    recent = np.asarray(ratios, dtype=float)[-12:]\n"
            "    return float(np.clip(np.nanmean(recent), 0, 1)) if (~np.isnan(recent)).any() else 0.0"
        ),
        "the share of the days it came": (
            "def trusted(ratios):\n    recent = np.asarray(ratios, dtype=float)[-12:]\n"
            "    came = recent[~np.isnan(recent)]\n    return float((came >= 0.4).mean()) if len(came) else 0.0"
        ),
        "a flag for every round": (
            "def trusted(ratios):\n    return np.nan_to_num(np.asarray(ratios, dtype=float)[-12:]) >= 0.4"
        ),
        "nothing": "def trusted(ratios):\n    return None",
        "nan counts": "def trusted(ratios):\n    return float(np.clip(np.mean(ratios[-12:]), 0, 1))",
        "above the median": (
            "def trusted(ratios):\n    recent = np.nan_to_num(np.asarray(ratios, dtype=float)[-12:])\n"
            "    return float((recent >= 1).mean())"
        ),
        "the whole life": (
            "def trusted(ratios):\n    return float((np.nan_to_num(np.asarray(ratios, dtype=float)) >= 0.4).mean())"
        ),
        "an absent round counts half": (
            "def trusted(ratios):\n    recent = np.nan_to_num(np.asarray(ratios, dtype=float)[-12:], nan=0.5)\n"
            "    return float(np.clip(recent, 0, 1).mean())"
        ),
        "the last 24 rounds": (
            "def trusted(ratios):\n"
            "    return float((np.nan_to_num(np.asarray(ratios, dtype=float)[-24:]) >= 0.4).mean())"
        ),
    },
    "ex-4-3": {
        "C before the round": PREDICTED + LIVED + LIVING.replace("life[: t + 1]", "life[:t]"),
        "C of the whole record": PREDICTED + LIVED + LIVING.replace("life[: t + 1]", "life"),
        "missed rounds are paid": PREDICTED + LIVED + LIVING.replace(" if life[t]", ""),
        "C before the round, missed rounds paid": PREDICTED
        + LIVED
        + LIVING.replace("life[: t + 1]", "life[:t]").replace(" if life[t]", ""),
        "measured without its rounds": PREDICTED
        + "def measured(alpha, window):\n    rounds, missed = 200, 100\n"
        + LIVING,
        "twice the window, twice the price": (
            "def predicted(alpha, window):\n    return price_of_a_miss(alpha, window)\n\n\n"
            "def measured(alpha, window, rounds=200, missed=100):\n    return price_of_a_miss(alpha, window)"
        ),
        "the other way round": (
            "def predicted(alpha, window):\n"
            "    return price_of_a_miss(alpha, window) - price_of_a_miss(alpha, 2 * window)\n\n\n"
            "def measured(alpha, window, rounds=200, missed=100):\n    return predicted(alpha, window)"
        ),
        "alpha not shared": (
            "def predicted(alpha, window):\n    return alpha / (2 * window)\n\n\n"
            "def measured(alpha, window, rounds=200, missed=100):\n    return predicted(alpha, window)"
        ),
        "measured is predicted": PREDICTED + "def measured(alpha, window, rounds=200, missed=100):\n"
        "    return predicted(alpha, window)",
        "one life for all": PREDICTED
        + LIVED.replace("(alpha, window, rounds=200, missed=100)", "(alpha, window, *_, **__)")
        + "    rounds, missed = 200, 100\n"
        + LIVING,
        "the whole C of the life, not of its last rounds": PREDICTED
        + LIVED
        + LIVING.replace("window_c(life[: t + 1], k)", "sum(life[: t + 1]) / (t + 1)"),
        "nothing measured": PREDICTED + "def measured(alpha, window, rounds=200, missed=100):\n    return None",
        "prices, not their change": PREDICTED + LIVED + LIVING.replace("prices[1] - prices[0]", "prices"),
        "one record under two names": PREDICTED
        + LIVED
        + LIVING.replace(
            "lives = [[True] * rounds, [t != missed for t in range(rounds)]]",
            "lives = [[True] * rounds] * 2\n        lives[1][missed] = False",
        ),
        "rounds counted from 1": PREDICTED + LIVED + LIVING.replace("t != missed", "t != missed - 1"),
        "the price alone": LIVED
        + LIVING
        + "def predicted(alpha, window):\n    return price_of_a_miss(alpha, 2 * window)",
    },
    "ex-4-4": {
        "a budget of 1": CHEAPEST.replace("row.items()", "[(1.0, row[1.0])]"),
        "one budget a rule": CHEAPEST.replace("row.items()", "[min(row.items(), key=lambda o: o[1][1])]"),
        "sorted by the lower end": CHEAPEST.replace("(rule, budget) for spent", "(rule, budget) for _, spent").replace(
            "good if spent", "sorted((o[0] - o[1], *o) for o in good) if spent"
        ),
        "no case without offers": CHEAPEST.replace("    if not good:\n        return []\n", ""),
        "lists for tuples": CHEAPEST.replace("[(rule, budget) for", "[[rule, budget] for"),
        "rules alone": CHEAPEST.replace("[(rule, budget) for", "[rule for"),
        "cheapest whatever it reaches": CHEAPEST.replace("share >= level", "True"),
        "more than the level": CHEAPEST.replace("share >= level", "share > level"),
        "most reliable": (
            "def cheapest(offers, level):\n"
            "    _, rule, b = max((row[b][0], rule, b) for rule, row in offers.items() for b in row)\n"
            "    return [(rule, b)]"
        ),
        "smallest budget": CHEAPEST.replace("(spent, half, rule, budget)\n", "(budget, 0, rule, budget)\n", 1),
        "spent over share": CHEAPEST.replace(
            "(spent, half, rule, budget)\n", "(spent / share, half, rule, budget)\n", 1
        ),
        "the first alone": CHEAPEST.replace("if spent - half <= most]", "][:1]"),
        "means within the first's interval": CHEAPEST.replace("spent - half <= most", "spent <= most"),
        "a chain of overlaps": CHEAPEST.replace(
            "    return [(rule, budget) for spent, half, rule, budget in good if spent - half <= most]",
            "    kept = []\n    for spent, half, rule, budget in good:\n        if spent - half <= most:\n"
            "            kept.append((rule, budget))\n            most = max(most, spent + half)\n    return kept",
        ),
        "the level of the page": CHEAPEST.replace("share >= level", "share >= 0.95"),
        "one offer, no list": CHEAPEST.replace("    return [(rule", "    return good[0][2:]\n    return [(rule"),
        "nothing where nothing is good enough": CHEAPEST.replace("return []", "return None"),
        "touching ones left out": CHEAPEST.replace("spent - half <= most", "spent - half < most"),
        "budgets cut to whole numbers": CHEAPEST.replace("[(rule, budget) for", "[(rule, int(budget)) for"),
        "the rules of the page": CHEAPEST.replace(
            "for rule, row in offers.items()", "for rule, row in ((r, offers[r]) for r in ('paper', 'midpoint'))"
        ),
    },
}

SAYS: dict[str, dict[str, str]] = {
    "ex-5-1": {
        "without a bound": "±100 at most",
        "not a number": "finite numbers",
        "one for three": "which the contract refuses",
        "ragged": "of shapes (",
        "the last average": "round 1: one of the three",
        "one vector": "yours has (",
        "text": "your str does not make one",
    },
    "ex-5-2": {
        "the work saved forgotten where nothing burns": "before any stake",
        "the burn's sign forgotten": "burns less than honesty",
        "no case for no burn": "you divide by zero",
        "a stake below zero": "is none",
        "text": "return a number",
        "no gain, no burn, no stake enough": "lying gains 0 before any stake",
        "infinite, though it does not pay": "it is -0.1 at every stake",
        "forgets the work": "0.2 at σ = 0",
        "without the third argument": "unexpected keyword argument",
        "whole stakes": "not 19 but 20",
    },
    "ex-5-3": {
        "text": "return one number",
        "each update": "return one number",
        "rounded down": "the lowest threshold",
        "95, not 0.95": "Quantiles must be in the range",
        "the threshold": "that is the threshold itself",
        "strictly below": "at the threshold means rejected",
    },
    "ex-5-4": {
        "not a number": "finite numbers",
        "ragged": "of shapes (",
        "exchanged": "a clip leaves the direction alone",
        "mean at its own length": "a clip lengthens nothing",
        "two sums": "of shapes (",
    },
    "ex-5-5": {
        "last average of length zero": "has no direction",
        "directions at their own length": "the usual length is best",
        "without the mean of one's own": "the mean of their own at",
        "asks about clients": "you ask `payoff` about an array of shape",
        "keeps the last that is paid": "for what you send it pays",
        "update and pay": "of shapes (",
    },
    "ex-0-1": {
        "one try around all": "stop at the first refusal",
        "sent, in a bare except": "transact would send",
        "addresses": "the keys of callers",
        "one sender for all": "is each asked as itself",
        "refusals not caught": "catch errors.ContractError",
        "the name as the sender, refusals caught": "InvalidAddress: ENS name: 'registry' is invalid. Ask by call.call",
        "sent, refusals caught": "Ask by call.call({'from': address})",
        "an address, no dictionary": "TypeError: dict() argument after ** must be a mapping, not str. Ask by call.call",
        "called once more": "Ask by call.call({'from': address})",
        "no items": "Loop over callers.items()",
        "a slip of the pen": "NameError: name 'adress' is not defined.",
        "pairs": "something of type tuple",
        "added all the same": "left out when refused",
    },
    "ex-0-2": {
        "what the contract paid": "that was paid in round 8",
        "the size of the score": "not its size",
        "None not thought of": "let it count as 0",
        "nan made of None": "your rewards hold nan",
        "in wei": "return ETH",
        "rounded": "do not round",
        "not normalized": "divide by the sum of the weights",
    },
    "ex-0-3": {
        "sums of strings": "amounts are strings",
        "no first amount": "before its first amount",
        "the whole file": "its entry 'record'",
        "who got nothing is dropped": "who was paid nothing counts",
        "numbers of NumPy": "Python's own ints",
        "by CID": "is a CID",
        "whole ether": "whole wei, not ETH",
        "in ether": "a float drops digits",
        "each amount in whole gwei": "each reward once and whole",
        "first record only": "all 10 rounds",
        "no entry": "its entry 'record'",
        "a record for a dictionary": "its entry 'record'",
    },
    "ex-0-4": {
        "an exact copy": "make it differ",
        "zeros": "you return zeros",
        "decoded, whole": "you return zeros",
        "one number": "15 numbers in one row",
        "one entry too many": "15 numbers in one row",
        "beyond the bound": "no number may pass",
        "all at the bound": "not what you stole",
        "signs at the bound": "not what you stole",
        "another station's": "not what you stole",
        "the author's of this page": "use `revealed`",
        "twice": "not what you stole",
    },
    "ex-1-1": {
        "asked of the node": "without asking the node",
        "asked of the node, past web3": "without asking the node",
    },
    "ex-1-1-refusal": {
        "the call alone": "missing: the instructions that ran and the memory",
        "memory forgotten": "missing: the memory",
        "the instructions alone": "a transaction (21,000) and the bytes of the call and the memory",
        "call and memory": "missing: the instructions",
        "the bytes forgotten": "missing: the bytes of the call",
        "the error alone": "4 bytes and 1 value,",
    },
    "ex-1-2": {"only the tested values": "another count", "nothing but the ceiling": "another count"},
    "ex-1-3": {
        "a number from text": "int.from_bytes makes a number of data",
        "an address of 32 bytes": "an address is the last 20",
        "bytes compared with text": "compare the 32 bytes of topic 0",
        "a selector": "the whole hash",
        "a blank in the signature": "without a blank",
    },
    "ex-1-4": {
        "all but the whole credit": "exactly the credit may be taken",
        "to tx.origin": "somebody else was paid",
        "put back by hand": "its credit back",
        "not sent, and no word": "has lost its credit",
        "no first line": "outside of the function",
        "no bracket at the end": "{",
        "a mapping called": "creditOf[msg.sender]",
        "required in words": "should get the error TooMuch",
        "refused in words": "should get the error TooMuch",
        "a number in memory": "leave the word out",
        "transfer": "2,300 gas",
        "send": "2,300 gas",
        "effect after the call": "Lower the credit",
    },
    "ex-2-1": {
        "floats made fractions by a guess": "limit_denominator guesses",
        "changes the caller's rows": "changed the caller's lists",
        "the two swapped": "the first a list of the scores",
        "an array of scores": "the first a list of the scores",
    },
    "ex-2-2": {
        "client ignored": "that is the value of client 0: use `client`",
        "the score over the own length": "the agreement alone",
        "a search over whole numbers": "need not be whole",
    },
    "ex-2-3": {
        "equal weights throughout": "all weigh the same",
        "one length for all": "a length for each client (axis=1)",
        "rows and factors that do not fit": "factors[:, None] * rows",
    },
    "ex-2-4": {
        "rounded": "not rounded",
        "rounded to four decimals": "not rounded",
        "all rounded to four decimals": "not rounded",
        "names of classes compared": "holds numbers, c for data.classes[c]",
        "the tuple's x": "is a tuple, x and y",
        "round 10 hard-coded": "that are passed in",
    },
    "ex-2-5": {
        "rounded entries, no divisions": "right for rounded entries alone",
        "clients i and i + 1 only": "sort by `scores_of` first",
        "both things returned by integers_of": "you want the second, `[1]`",
    },
    "ex-2-6": {"the pay itself": "the scores above 0 sum to", "the whole weight": "so its weight is p_i/2"},
    "ex-3-2": {
        "too little passes": "too little must be flagged",
        "infinity passes": "np.isfinite",
        "a share of the worth of all": "not of v(all)",
        "isclose as it is": "atol=0",
        "negative values flagged": "a negative value is no fault",
        "signed tolerance": "compare with its *size*",
    },
    "ex-3-3": {"rank 0 is the worst": "your ranks count from the worst"},
    "ex-3-4": {"takes every block for a record": "stopped with JSONDecodeError: "},
    "ex-3-6": {
        "XOR of four hashes": "XOR does not bind",
        "digests of the parts and of the salt, added": "a sum of numbers does not bind",
        "the epoch encoded as a text": "The epoch is a whole number",
    },
    "ex-6-1": {
        "free": "it costs 5,000",
        "free, the progress, too": "it costs 5,000",
        "a cold read": "only read, at 2,100",
        "an overwritten slot only read": "only read, at 2,100",
        "no first touch": "2,100 to touch it first",
        "the progress forgotten": "the slot that counts the progress",
        "what is left, taken off": "not how much less",
        "what is spared, alone": "take it from the first",
        "not a number": "give a number of gas",
        "as dear as the first": "you predict 3,000,000",
    },
    "ex-6-2": {
        "highest first": "lowest, not highest",
        "no mask": "must not borrow",
        "sign lost": "the sign is lost",
        "reversed on the way back": "comes first in the list",
        "bytes": "you return bytes",
        "None": "you return NoneType",
        "nothing back": "a list of four ints, not NoneType",
        "ones' complement": "comes back as -6",
        "bytes without a sign": "stops with OverflowError",
        "an array without dimensions": "an array of shape ()",
    },
    "ex-6-3": {
        "one too few": "≤, not <",
        "counts up": "each answer can rule out",
        "never ends": "does your interval still shrink",
        "an upper bound of 200,000": "an upper bound that is fixed",
        "the budget as upper bound": "an upper bound that is fixed",
        "None": "a whole number of parameters",
        "asks for none": "gas_of is for whole P ≥ 1",
        "one below the largest": "enough for 10, not 9",
        "nothing where nothing fits": "a budget of 9, stops with ValueError",
        "by proportion": "stops with ZeroDivisionError",
    },
    "ex-6-4": {
        "honest tree": "that is the honest tree",
        "one chunk only": "over two chunks",
        "everybody gets more": "the other clients' scores",
        "leaf 3 is padding": "leaf 3 is padding",
        "more in one, less in the other": "a part to each",
        "counted from 1": "numbered from 0",
        "descending": "ascending",
        "scores alone": "the hash alone is changed",
        "a set": "should give a list",
        "a generator": "should give a list",
        "None found": "should give a list",
        "floats": "use // and no /",
        "the leaves": "give a SumTree, not list",
        "the honest tree changed": "you changed the honest tree itself",
        "hashes alone": "the scores alone are changed",
        "the sums of scores": "the scores alone are changed",
        "hashes and sums": "the scores alone are changed",
        "leaves too few": "leaves, yours 2",
        "sums as they were": "build a SumTree of them",
        "who is nowhere else": "have changed places",
    },
    "ex-6-5": {
        "in a hurry": "without `hurry`",
        "cost before rung": "give (rung, ETH)",
        "hours for seconds": "168 hours are 604,800",
        "latency, a record": "compare its `.latency.seconds`",
        "ignores the cap": "and over the cap: rung 1 is next",
        "falls over where nothing fits": "where no rung is left, return None",
        "the dearest": "may be taken as well",
        "the latest end": "hours are 1,080",
        "without rung 0": "and fits; you take 1",
        "ignores the watcher": "needs an honest watcher",
    },
    "ex-7-1": {
        "the vector itself": "the same vector",
        "the wrong sign": "must take away what entry 0 adds",
        "k for one more": "that pays for 1 more",
        "k the other way round": "G_1 = k·G_0, the other way round",
        "once round the group": "entry 0 is to be",
        "modulo the modulus": "factors count modulo the order",
        "one for one": "how many G_1 make a G_0",
        "one base divided by the other": "is no k",
        "the last entry pays": "from 2 on stay",
        "in place": "you changed the list",
        "floats": "entries are ints",
        "None": "give a list of",
    },
    "ex-7-2": {
        "the truth": "these are the true scores",
        "what one gains the other loses": "their powers of ρ differ",
        "divided by the wrong power": "turned round",
        "the wrong sign": "must cancel",
        "not reduced": "take % PRIME",
        "client i at power 0": "is missing",
        "floats": "multiply by pow",
        "client k at power 0": "client k stands is missing",
        "the change alone": "add it to what it was",
        "one alone": "is as it was: it has to make up in the sum",
        "half of it": "is to have 500 more",
        "None": "give a list of 6 scores",
    },
    "ex-7-3": {
        "believes what is published": "the contract refuses your proof",
        "accuses liars with an opening": "the contract refuses your proof",
        "-128 is not": "which is allowed",
        "128 is allowed": "it ends at 127",
        "no padding": "parameters end at 13",
        "padding may hold int8": "parameters end at 13",
        "the last one": "the first entry that breaks a rule",
        "the position alone": "give an Opening",
        "the first client alone": "every client, not the first alone",
        "faults alone": "return a tuple",
        "a list of two": "return a tuple",
        "keyed by position": "keys are clients",
        "padding from P + 1": "13 is padding",
        "a list of openings": "faults is a dict",
        "no list of liars": "liars is a list",
        "keyed by commitment": "clients for keys",
        "what liars published": "numbers of clients",
    },
    "ex-7-4": {
        "no watcher for proofs": "nobody watches",
        "no window for proofs": "it needs 25 hours",
        "a window of a day": "it needs 25 hours",
        "more than 25 hours": "may be taken",
        "no ceremony": "what the ceremony is",
        "rung 6 without data": "nobody keeps the data",
        "any number of clients": "clients at most",
        "fewer than the largest": "may be taken",
        "no budget": "the budget is",
        "a budget for rung 2 alone": "the budget is",
        "no ceremony for rung 8": "what the ceremony is",
        "nobody watches rung 8": "nobody watches",
        "below the budget": "may be taken",
        "dense updates on rung 5": "updates are dense",
        "a set": "give a list of numbers",
        "strings": "give a list of numbers",
        "rung 3, too": "each once, of",
        "descending": "ascending",
    },
    "ex-4-1": {
        "half of the window": "(K − 1)/2, not K/2",
        "infinity at equality alone": "at every α",
        "no case of infinity": "where no α suffices",
        "alpha without the shared budget": "α/(1 + α), not α",
        "the window's price": "is the window's",
        "K − 1 for its half": "(K − 1)/2, not K − 1",
        "an error where none suffices": "stops with ValueError",
    },
    "ex-4-2": {
        "clipped after the mean": "for more than 1",
        "clipped at three": "every third round",
        "the whole life": "the last twelve rounds alone",
        "the mean of the days it came": "np.nanmean",
        "an absent round counts half": "who never came 0.50",
        "the last 24 rounds": "four honest ones",
        "presence": "who was there",
        "above the median": "no crime",
    },
    "ex-4-3": {
        "C before the round": "*including* it",
        "C of the whole record": "not of the whole record",
        "missed rounds are paid": "a missed round pays nothing",
        "C before the round, missed rounds paid": "*including* it",
        "measured without its rounds": "four arguments",
        "the other way round": "cannot make a miss cheaper",
        "the whole C of the life, not of its last rounds": "nothing in yours depends on K",
        "one record under two names": "or nothing on the miss",
        "rounds counted from 1": "the first round has number 0",
        "the price alone": "`measured` gives 0.0208, as it should",
        "alpha not shared": "(1 + αC)/(1 + α)",
    },
    "ex-4-4": {
        "a budget of 1": "need not be 1.0",
        "sorted by the lower end": "by what is spent",
        "no case without offers": "return []",
        "lists for tuples": "a tuple (rule, budget)",
        "rules alone": "a tuple (rule, budget)",
        "one budget a rule": "is good enough",
        "touching ones left out": "they overlap or touch",
        "budgets cut to whole numbers": "which is no (rule, budget)",
        "the rules of the page": "stops with KeyError: 'paper'",
        "a chain of overlaps": "they do not overlap",
        "cheapest whatever it reaches": "fewer than the level",
    },
}
"""Words that a check must have in what it says to a wrong answer: of the hint that fits, where another came before."""

RIGHT: dict[str, dict[str, str]] = {
    "ex-4-4": {
        "a loop": (
            "def cheapest(offers, level):\n"
            "    good = [(o[1], o[2], r, b) for r in offers for b, o in offers[r].items() if o[0] >= level]\n"
            "    good.sort(key=lambda offer: offer[0])\n    found = []\n    for spent, half, rule, budget in good:\n"
            "        if spent - half <= good[0][0] + good[0][1]:\n            found.append((rule, budget))\n"
            "    return found"
        )
    },
    "ex-4-3": {
        "the formula written out, lives in arrays": (
            "def predicted(alpha, window):\n    return alpha / (1 + alpha) / (2 * window)\n"
            + LIVED
            + LIVING.replace("return prices", "return np.diff(prices)[0]\n    return prices")
        )
    },
    "ex-5-4": {
        "their sum": "def break_it(own, previous_step):\n    return np.tile(own.sum(axis=0), (3, 1))",
        "rows in a list": "def break_it(own, previous_step):\n    return [2.5 * own.mean(axis=0)] * 3",
    },
    "ex-5-1": {
        "longer": "def my_attack(own, previous_step):\n    return 20 * own",
        "rows in a list": "def my_attack(own, previous_step):\n    return [4 * u for u in own]",
    },
    "ex-5-2": {
        "a float32": (
            "def deterring_stake(extra_pay, extra_burn, saved=0.0):\n    gain = extra_pay + saved\n"
            "    if extra_burn <= 0:\n        return np.float32(0 if gain <= 0 and extra_burn == 0 else np.inf)\n"
            "    return np.float32(max(gain / extra_burn, 0))"
        ),
        "an array without dimensions": (
            "def deterring_stake(extra_pay, extra_burn, saved=0.0):\n    gain = extra_pay + saved\n"
            "    if extra_burn <= 0:\n        return np.array(0 if gain <= 0 and extra_burn == 0 else np.inf)\n"
            "    return np.array(max(gain / extra_burn, 0))"
        ),
    },
    "ex-5-3": {
        "an array without dimensions": (
            "def false_positive_rate(honest, copies):\n"
            "    threshold = np.quantile(copies, 0.95, method='inverted_cdf')\n"
            "    return np.array(np.mean(honest <= threshold))"
        ),
        "by sorting": (
            "def false_positive_rate(honest, copies):\n"
            "    threshold = np.sort(copies)[-(-95 * len(copies) // 100) - 1]\n"
            "    return np.mean(honest <= threshold)"
        ),
    },
    "ex-5-5": {
        "the mean of one's own brought to length": (
            "def adapt(own, honest, previous_step, agreed, payoff):\n    usual = typical(honest)\n"
            "    ways = [agreed, previous_step, honest.mean(axis=0), own.mean(axis=0)]\n"
            "    ways = [own] + [np.tile(collude(w, usual), (3, 1)) for w in ways if w.any()]\n"
            "    return max((c * way for way in ways for c in (0.5, 1, 2, 5, 10)), key=payoff)"
        )
    },
    "ex-0-1": {
        "asked in a helper": (
            "def who_may(call, callers):\n    def may(address):\n        try:\n"
            "            call.call({'from': address})\n            return True\n"
            "        except errors.ContractError:\n            return False\n"
            "    return {name for name in callers if may(callers[name])}"
        ),
        "a frozenset": _asked("call.call({'from': address})").replace("return allowed", "return frozenset(allowed)"),
    },
    "ex-0-3": {
        "a defaultdict": _audit("totals[c] += x", start="defaultdict(int)"),
        "a Counter": _audit("totals[c] += x", start="Counter()"),
        "ints of the file's strings": _audit("totals[c] = totals.get(c, 0) + int(x)", "store.get_json(cid)['record']"),
    },
    "ex-0-4": {
        "one less at the end": (
            "def steal(revealed):\n    stolen = np.array(revealed, dtype=np.int64)\n    stolen[-1] -= 1\n"
            "    return stolen"
        ),
        "a hundredth more": "def steal(revealed):\n    return np.rint(np.array(revealed) * 1.01).astype(np.int64)",
        "all digits a little": (
            "def steal(revealed):\n    stolen = np.array(revealed, dtype=np.int64)\n"
            "    return stolen + stolen // 1000 + 1"
        ),
    },
    "ex-1-2": {"require": _solidity("ceiling", "require(samples <= 10_000, TooManySamples(samples, 10_000));")},
    "ex-1-3": {
        "attributes, not keys": _registered().replace("log['topics']", "log.topics").replace("log['data']", "log.data"),
        "numbers of web3": _registered("node.w3.to_int(log['data'])", "'0x' + log['topics'][1].hex()[-40:]"),
        "decoded by eth_abi": _registered(
            "decode(['uint256'], log['data'])[0]", "decode(['address'], log['topics'][1])[0]"
        ),
    },
    "ex-1-4": {
        "require": _till(CHECK="require(amount <= credit, TooMuch(amount, credit));"),
        "the event last": _till(EVENT="", LAST="emit Taken(msg.sender, amount);"),
    },
    "ex-2-1": {
        "by products": (
            "def exact_scores(updates, samples):\n    total = sum(samples)\n"
            "    dot = [[sum(x * y for x, y in zip(a, b)) for b in updates] for a in updates]\n"
            "    scores = [\n        sum(Fraction(n * m * d, total**2) for m, d in zip(samples, row))\n"
            "        for n, row in zip(samples, dot)\n    ]\n    return scores, sum(scores)"
        ),
        "a tuple of scores": _exact("", "tuple(s), q"),
    },
    "ex-2-2": {
        "an array without dimensions": (
            "def break_even(updates, samples, client):\n    a, b = split_of(updates, samples)\n"
            "    return np.array(-a[client] / b[client])"
        ),
        "a tensor": (
            "def break_even(updates, samples, client):\n    a, b = split_of(updates, samples)\n"
            "    return torch.tensor(-a[client] / b[client])"
        ),
    },
    "ex-2-3": {
        "a list": _clipped("np.linalg.norm(updates, axis=1)", "np.median(l)").replace(
            "return scores_of(c, samples)", "return scores_of(c, samples).tolist()"
        ),
        "the limit written out": _clipped("np.sqrt((updates**2).sum(axis=1))", "np.median(l)"),
    },
    "ex-2-4": {
        "numbers of NumPy": _evidence("").replace("float(model", "np.float64(model"),
        "another form of the solution": _evidence(""),
    },
    "ex-2-5": {
        "an integer of NumPy": (
            "def largest_flipping_scale(updates, samples):\n    order = np.argsort(scores_of(updates, samples))\n"
            "    for k in range(9, 0, -1):\n        s = integers_of(updates, samples, 10**k)[1]\n"
            "        if any(s[a] >= s[b] for a, b in pairwise(order)):\n            return np.int64(10**k)\n"
            "    return 0"
        )
    },
    "ex-2-6": {
        "pushed far": (
            "def two_names(updates, samples, client, times):\n    v = (2 * times - 1) * updates[client]\n"
            "    return updates[client] - v, updates[client] + v"
        ),
        "along the step": (
            "def two_names(updates, samples, client, times):\n    g = global_update(updates, samples)\n"
            "    p = samples[client] / np.sum(samples)\n"
            "    v = (2 * times - 1) * scores_of(updates, samples)[client] / (p * g @ g) * g\n"
            "    return updates[client] + v, updates[client] - v"
        ),
    },
    "ex-3-1": {
        "an array": _power(_WEIGHED).replace("return power", "return np.array(power)"),
        "a tuple, with whole numbers": _power(_WEIGHED).replace(
            "return power", "return tuple(int(v) if v.denominator == 1 else v for v in power)"
        ),
    },
    "ex-3-2": {
        "isclose, without its own tolerance": _suspicious(
            "not np.isfinite(r).all() or not np.isclose(s, d, rtol=tolerance, atol=0)"
        )
    },
    "ex-3-3": {
        "numbers of NumPy in a list": _misjudged("-values", "np.argmax(a - l)").replace(
            "return i, int(l[i]), int(a[i])", "return [np.int64(i), l[i], a[i]]"
        )
    },
    "ex-3-4": {
        "computes first": (
            "def watch(fed, store, task, claimed, epoch, cids, client):\n"
            "    own = fairness.compute_fairness(store, cids, task, epoch=epoch)\n"
            "    try:\n        data = store.cat(claimed)\n"
            "    except (ContentMissing, ContentCorrupted):\n        return 'unreachable'\n"
            "    if own.to_bytes() != data:\n        return 'false'\n"
            "    fairness.attest_record(fed, store, own, [client])\n    return 'attested'"
        )
    },
    "ex-3-5": {
        "a float32": _rate("np.float32(gain / (gain + cap * stake + staying)) if gain else np.float32(0)"),
        "a Fraction": _rate("Fraction(gain) / Fraction(gain + cap * stake + staying) if gain else Fraction(0)"),
        "an array without dimensions": _rate("np.array(gain / (gain + cap * stake + staying) if gain else 0.0)"),
        "a whole number for nothing": _rate("gain / (gain + cap * stake + staying) if gain else 0"),
    },
    "ex-3-6": {
        "another order": _commit("salt + vote + bytes.fromhex(client[2:]) + epoch.to_bytes(32)"),
        "as text": _commit("repr((epoch, client, vote, salt)).encode()"),
        "Keccak": (
            "from web3 import Web3\n"
            + _commit(_WHOLE).replace(f"hashlib.sha256({_WHOLE}).digest()", f"Web3.keccak({_WHOLE})")
        ),
        "packed as in Solidity": (
            "from web3 import Web3\n"
            + _commit(_WHOLE).replace(
                f"hashlib.sha256({_WHOLE}).digest()",
                "Web3.solidity_keccak(['uint256', 'address', 'bytes', 'bytes32'], [epoch, client, vote, salt])",
            )
        ),
        "hashed twice": _commit(f"hashlib.sha256({_WHOLE}).digest()"),
    },
    "ex-6-1": {
        "a float64": "def second_submission(first_gas, words):\n    return np.float64(first_gas - (words + 1) * 17_100)"
    },
    "ex-6-2": {"a tuple": _unpack("tuple(v)"), "an array": _unpack("np.array(v)")},
    "ex-6-3": {
        "the standard library": (
            "def largest_P(gas_of, budget):\n    from bisect import bisect_right\n    high = 1\n"
            "    while gas_of(high) <= budget:\n        high *= 2\n"
            "    return bisect_right(range(high), budget, lo=1, key=gas_of) - 1"
        )
    },
    "ex-6-4": {
        "chunks 1 and 2, a tuple": _watcher_64("tuple(" + _DIFFER + ")", _cheat_64("(2, 1), (1, more - 1)")),
        "an array": _watcher_64("np.array(" + _DIFFER + ", dtype=int)"),
    },
    "ex-6-5": {
        "forecast by its own name": (
            "from bcfl_support.scaling import forecast\n" + _cheapest().replace("scaling.forecast", "forecast")
        ),
        "predicted, paid and timed": (
            "def cheapest_rung(n, P, gas_price, blob_price, watcher, sparse, hours):\n    fitting = []\n"
            "    market = scaling.Market(gas_price, blob_price)\n"
            "    for k in [k for k in range(6) if (watcher or k not in (3, 4)) and (sparse or k != 5)]:\n"
            "        cost = scaling.predict(k, n, P)\n"
            "        fits = cost.max_tx_gas <= chain.TX_GAS_CAP and n <= scaling.largest_clients(k, P)\n"
            "        fits = fits and cost.max_calldata_bytes <= scaling.CALLDATA_LIMIT\n"
            "        if fits and scaling.compute_latency(cost, market).seconds <= 3600 * hours:\n"
            "            fitting.append((scaling.pay(cost.total_gas, cost.blobs, market, hurry=False).ether, k))\n"
            "    return min(fitting)[::-1] if fitting else None"
        ),
    },
    "ex-7-1": {
        "reduced by the order": _forged(
            _FACTOR, "[values[0] + more, (values[1] - more * k) % group.order, *values[2:]]"
        ),
        "an array, k by division": _forged(
            "a, b = (find_factor(group, bases[1], x) for x in (bases[0], bases[1]))\n"
            "    k = a * pow(b, -1, group.order)",
            "np.array([values[0] + more, (values[1] - more * k) % group.order, *values[2:]])",
        ),
    },
    "ex-7-2": {
        "an inverse": _lie_72("(scores[k] - more * rho**i * pow(rho**k, -1, PRIME)) % PRIME"),
        "hint 3": (
            "def lie_after(rho, scores, i, k, more):\n    e_k = -more * pow(rho, i - k, PRIME)\n"
            "    told = scores.copy()\n    told[i] = (scores[i] + more) % PRIME\n"
            "    told[k] = (scores[k] + e_k) % PRIME\n    return told"
        ),
        "an array": _lie_72("(scores[k] - more * pow(rho, i - k, PRIME)) % PRIME", last="np.array(told)"),
        "a tuple": _lie_72("(scores[k] - more * pow(rho, i - k, PRIME)) % PRIME", last="tuple(told)"),
    },
    "ex-7-3": {
        "the package's search": (
            "def watch(setup, commitments, published, P):\n    faults, liars = {}, set()\n"
            "    for i, v in enumerate(published):\n"
            "        if proofs.commit(setup, v) != commitments[i]:\n            liars.add(i)\n"
            "        elif (at := proofs.find_fault(setup, v, P)) is not None:\n"
            "            faults[i] = proofs.open_entry(setup, v, at)\n    return faults, liars"
        )
    },
    "ex-7-4": {"struck out": _rungs_74("sorted(k for k in {2, 4, 5, 6, 7, 8} if fits[k])")},
    "ex-4-1": {
        "a Fraction": (
            "def alpha_star_streak(cost, window):\n    from fractions import Fraction\n"
            "    extra, most = Fraction(cost) - 1, Fraction(window - 1, 2)\n"
            "    return Fraction(0) if extra <= 0 else extra / (most - extra) if extra < most else float('inf')"
        ),
        "a float64": (
            "def alpha_star_streak(cost, window):\n    extra, most = np.float64(cost - 1), (window - 1) / 2\n"
            "    return 0 if extra <= 0 else extra / (most - extra) if extra < most else np.inf"
        ),
    },
    "ex-4-2": {
        "half of the usual": (
            "def trusted(ratios):\n    recent = list(ratios)[-12:]\n"
            "    return sum(min(max(r, 0), 0.5) / 0.5 for r in recent if r == r and r > 0.3) / 12"
        ),
        "ratios clipped, then the mean": (
            "def trusted(ratios):\n    recent = np.nan_to_num(np.asarray(ratios, dtype=float)[-12:])\n"
            "    return float(np.clip(recent, 0, 1).sum() / 12)"
        ),
    },
}
"""Right answers in another form than the solution's, which a check must accept."""
