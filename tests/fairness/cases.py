"""The task, the federation and the rounds that the test files of this folder use."""

from __future__ import annotations

import dataclasses

import numpy as np

from bcfl_support.fairness.task import Task, publish_round
from bcfl_support.learning import LogisticRegression
from bcfl_support.protocol import FederationConfig

SAMPLES = [40, 7, 120, 63]
MODEL = LogisticRegression(5)
CONFIG = FederationConfig(parameters=6, capacity=4, bound=5.0, interval=2, quorum=0.72, window=4)


def make_task(**changes):
    rng = np.random.default_rng(11)
    x = rng.normal(size=(30, 5))
    return Task(MODEL, x, (x[:, 0] + 0.3 * x[:, 1] > 0).astype(np.int64), **changes)


TASK = make_task()


def updates_for(clients, seed):
    rng = np.random.default_rng(seed)
    direction = np.array([1.0, 0.3, 0, 0, 0, 0])
    return {client: direction * (0.5 - 0.2 * i) + rng.normal(0, 0.1, 6) for i, client in enumerate(clients)}


def play(fed, store, clients, seed):
    before, updates = fed.model(), updates_for(clients, seed)
    record = fed.play_round(updates, rng=np.random.default_rng(seed))
    return publish_round(store, record, updates, params=before)


def forge(record, **changes):
    return dataclasses.replace(record, **changes)
