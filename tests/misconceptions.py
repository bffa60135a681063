"""Wrong answers to the exercises that people really give; each exercise's check must refuse every one of them."""

from __future__ import annotations

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
        "not normalised": (
            "def rewards_of(record, alpha=0.5, budget=1.0):\n"
            "    c = np.array([(x or 0) / 1e6 for x in record.consistency])\n"
            "    f = np.array([(x or 0) / 1e6 for x in record.factors])\n"
            "    return np.maximum(record.scores_float(), 0) * (1 + alpha * c) * f"
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
            "    r = protocol.RoundRecord.from_json(store.get_json(cids[0]))\n"
            "    return dict(zip(r.clients, r.rewards))"
        ),
        "last one wins": (
            "def audit(store, cids):\n    totals = {}\n    for cid in cids:\n"
            "        r = protocol.RoundRecord.from_json(store.get_json(cid))\n"
            "        totals.update(zip(r.clients, r.rewards))\n    return totals"
        ),
        "in ether": (
            "def audit(store, cids):\n    totals = {}\n    for cid in cids:\n"
            "        r = protocol.RoundRecord.from_json(store.get_json(cid))\n"
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
}
