"""Wrong answers to the exercises that people really give; each exercise's check must refuse every one of them."""

from __future__ import annotations


def _misjudged(order: str, choice: str, options: str = "") -> str:
    """An answer to exercise 3.3 that ranks by `order` and picks the client by `choice`."""
    return (
        "def misjudged(outcome, model):\n    s, r, w = outcome.state, [], []\n"
        "    for kind in ('loss', 'accuracy'):\n"
        "        u = shapley.round_utility(model, s.params, outcome.updates, s.samples, s.data.x_val, s.data.y_val, "
        f"{options}kind=kind)\n"
        "        values = shapley_of_table(u.all_values())\n"
        f"        w.append(values)\n        r.append(np.argsort(np.argsort({order})))\n"
        f"    l, a = r\n    i = int({choice})\n"
        "    return i, float(w[0][i]), float(w[1][i]), int(l[i]), int(a[i])"
    )


MISCONCEPTIONS: dict[str, dict[str, str]] = {
    "ex-0-1": {
        "only the pool": "def held_by_contracts(fed, node):\n    return node.w3.eth.get_balance(fed.pool.address)",
        "in ether": (
            "def held_by_contracts(fed, node):\n"
            "    return sum(node.w3.eth.get_balance(c.address) for c in (fed.registry, fed.pool)) / 1e18"
        ),
        "what was paid in": (
            "def held_by_contracts(fed, node):\n    return 20 * 10**18 + int(data.sizes.sum()) * 10**16"
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
    },
    "ex-1-1": {
        "a new slot": "def predicted_with_counter(measured):\n    return measured + 22_100",
        "warm slot": "def predicted_with_counter(measured):\n    return measured + 2_900",
        "nothing": "def predicted_with_counter(measured):\n    return measured",
    },
    "ex-1-2": {
        "wrong way round": (
            'def ceiling():\n    return "if (samples < 10_000) revert TooManySamples(samples, 10_000);"'
        ),
        "one too strict": (
            'def ceiling():\n    return "if (samples >= 10_000) revert TooManySamples(samples, 10_000);"'
        ),
        "only the tested value": (
            'def ceiling():\n    return "if (samples == 10_001) revert TooManySamples(samples, 10_000);"'
        ),
        "another error": 'def ceiling():\n    return "if (samples > 10_000) revert ZeroSamples(msg.sender);"',
        "does not compile": 'def ceiling():\n    return "if samples > 10_000: revert TooManySamples(samples, 10_000)"',
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
    },
    "ex-2-1": {
        "nothing": "def exact_scores(updates, samples):\n    return None",
        "equal to everything": (
            "class Anything(Fraction):\n    __eq__ = lambda a, b: True\n    __hash__ = None\n\n\n"
            "def exact_scores(updates, samples):\n    return [Anything(1)] * len(samples), Anything(1)"
        ),
        "the worked case": (
            "def exact_scores(updates, samples):\n    return [Fraction(3), Fraction(13, 16)], Fraction(61, 16)"
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
        "nothing": "def break_even(updates, samples, client):\n    return None",
        "a constant": "def break_even(updates, samples, client):\n    return 2.0327",
        "no weight in the agreement": (
            "def break_even(updates, samples, client):\n    a, b = split_of(updates, samples)\n"
            "    p = samples[client] / np.sum(samples)\n    return float(-a[client] / p / b[client])"
        ),
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
        "changes the caller's array": (
            "def clipped_scores_of(updates, samples):\n    l = np.linalg.norm(updates, axis=1)\n"
            "    b = np.median(l)\n    updates[l > b] *= (b / l[l > b])[:, None]\n"
            "    return scores_of(updates, samples)"
        ),
    },
    "ex-2-4": {
        "nothing": "def evidence(o, i, data, model):\n    return None",
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
        "nothing": "def largest_flipping_scale(updates, samples):\n    return None",
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
        "all coalitions alike (Banzhaf)": (
            "def shapley_of_truth_table(worth):\n    ps = max(worth, key=len)\n"
            "    add = lambda t, p: worth[''.join(sorted(t + p))] - worth[t]\n"
            "    return {p: Fraction(sum(add(t, p) for t in worth if p not in t), 2 ** (len(ps) - 1)) for p in ps}"
        ),
        "last place only": (
            "def shapley_of_truth_table(worth):\n    ps = max(worth, key=len)\n"
            "    return {p: Fraction(worth[ps] - worth[ps.replace(p, '')]) for p in ps}"
        ),
        "floats": ("def shapley_of_truth_table(worth):\n    return dict(zip('LMR', [1 / 6, 1 / 6, 2 / 3]))"),
        "one order": (
            "def shapley_of_truth_table(worth):\n    ps = max(worth, key=len)\n"
            "    return {p: Fraction(worth[ps[: i + 1]] - worth[ps[:i]]) for i, p in enumerate(ps)}"
        ),
    },
    "ex-3-2": {
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
    },
    "ex-3-3": {
        "rank 0 is the worst": _misjudged("values", "np.argmax(a - l)"),
        "the one that rises": _misjudged("-values", "np.argmin(a - l)"),
        "best by accuracy": _misjudged("-values", "np.argmin(a)"),
        "re-normalized": _misjudged("-values", "np.argmax(a - l)", "convention='renormalized', "),
    },
    "ex-3-4": {
        "applies the true record": (
            "def try_to_forge(fed, store, record, client):\n"
            "    false = replace(record, factors=record.factors | {client: 1_500_000})\n"
            "    try:\n        fairness.apply_record(fed, record)\n"
            "    except Exception as error:\n        return false, error.name"
        ),
        "everybody gets more": (
            "def try_to_forge(fed, store, record, client):\n"
            "    false = replace(record, factors=dict.fromkeys(record.factors, 1_500_000))\n"
            "    fairness.attest_record(fed, store, false, [client])\n"
            "    try:\n        fairness.apply_record(fed, false)\n"
            "    except Exception as error:\n        return false, error.name"
        ),
        "attests with a friend": (
            "def try_to_forge(fed, store, record, client):\n"
            "    false = replace(record, factors=record.factors | {client: 1_500_000})\n"
            "    friend = next(other for other in record.factors if other != client)\n"
            "    fairness.attest_record(fed, store, false, [client, friend])\n"
            "    try:\n        fairness.apply_record(fed, false)\n"
            "    except Exception as error:\n        return false, error.name"
        ),
        "factor in plain numbers": (
            "def try_to_forge(fed, store, record, client):\n"
            "    class Fake:\n        cid, factors, values = 'x', record.factors | {client: 1.5}, record.values\n"
            "    return Fake, 'NoAgreement'"
        ),
        "nothing forged": (
            "def try_to_forge(fed, store, record, client):\n"
            "    fairness.attest_record(fed, store, record, [client])\n"
            "    try:\n        fairness.apply_record(fed, record)\n"
            "    except Exception as error:\n        return record, error.name"
        ),
    },
    "ex-3-5": {
        "audited round pays too": "def least_audit_rate(gain, stake):\n    return min(1.0, gain / stake)",
        "upside down": "def least_audit_rate(gain, stake):\n    return stake / (gain + stake)",
        "in percent": "def least_audit_rate(gain, stake):\n    return 100 * gain / (gain + stake)",
    },
    "ex-5-1": {
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
    },
    "ex-5-2": {
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
    },
    "ex-5-3": {
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
    },
    "ex-5-4": {
        "honest": "def break_it(own, previous_step):\n    return own",
        "longer": "def break_it(own, previous_step):\n    return 10 * own",
        "copycat": "def break_it(own, previous_step):\n    return np.tile(previous_step, (3, 1))",
        "mean at its own length": "def break_it(own, previous_step):\n    return np.tile(own.mean(axis=0), (3, 1))",
    },
    "ex-6-1": {
        "as dear as the first": "def second_submission(first_gas, words):\n    return first_gas",
        "free": "def second_submission(first_gas, words):\n    return first_gas - words * 22_100",
        "a cold read": "def second_submission(first_gas, words):\n    return first_gas - words * 20_000",
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
    },
    "ex-6-5": {
        "forgets the limits": (
            "def cheapest_rung(n, P, gas_price, blob_price, watcher):\n"
            "    return min((scaling.predict(k, n, P).total_gas * gas_price / 1e9, k) for k in range(3))[::-1]"
        ),
        "blobs are free": (
            "def cheapest_rung(n, P, gas_price, blob_price, watcher):\n"
            "    f = scaling.forecast(4 if watcher else 2, n, P, gas_price=gas_price, ether_price=1, blob_price=0)\n"
            "    return (4 if watcher else 2), f.ether"
        ),
        "in gwei": (
            "def cheapest_rung(n, P, gas_price, blob_price, watcher):\n"
            "    k = 2 if not watcher else (4 if blob_price < 1 else 3)\n"
            "    return k, scaling.predict(k, n, P).total_gas * gas_price"
        ),
    },
    "ex-4-1": {
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
    },
    "ex-4-2": {
        "presence": (
            "def trusted(ratios):\n    recent = np.asarray(ratios, dtype=float)[-12:]\n"
            "    return float((~np.isnan(recent)).mean())"
        ),
        "nan counts": "def trusted(ratios):\n    return float(np.clip(np.mean(ratios[-12:]), 0, 1))",
        "above the median": (
            "def trusted(ratios):\n    recent = np.nan_to_num(np.asarray(ratios, dtype=float)[-12:])\n"
            "    return float((recent >= 1).mean())"
        ),
        "the whole life": (
            "def trusted(ratios):\n    return float((np.nan_to_num(np.asarray(ratios, dtype=float)) >= 0.4).mean())"
        ),
    },
    "ex-4-3": {
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
    },
    "ex-4-4": {
        "cheapest whatever it reaches": (
            "def cheapest(offers, level):\n"
            "    spent, rule, b = min((row[b][1], rule, b) for rule, row in offers.items() for b in row)\n"
            "    return rule, b, spent"
        ),
        "most reliable": (
            "def cheapest(offers, level):\n"
            "    share, rule, b = max((row[b][0], rule, b) for rule, row in offers.items() for b in row)\n"
            "    return rule, b, offers[rule][b][1]"
        ),
        "smallest budget": (
            "def cheapest(offers, level):\n"
            "    good = [(b, rule) for rule, row in offers.items() for b in row if row[b][0] >= level]\n"
            "    if not good:\n        return None\n"
            "    b, rule = min(good)\n    return rule, b, row_spent(offers, rule, b)\n\n\n"
            "def row_spent(offers, rule, b):\n    return offers[rule][b][1]"
        ),
    },
}
