"""What the lessons write on their pages and what the package holds are the same functions."""

from __future__ import annotations

import numpy as np
import pytest
from eth_utils import keccak

from bcfl_support import commitments, datasets, fixed_point, gas, incentives, models, shapley
from bcfl_support.protocol import compute_create_address
from notebooks import definitions


@pytest.fixture
def integers():
    rng = np.random.default_rng(7)
    return rng.integers(-(10**9), 10**9, size=(5, 9)), [40, 7, 120, 63, 1]


class TestLesson0:
    def test_shapley_of_a_round_is_the_package_s(self):
        rng = np.random.default_rng(3)
        data = datasets.load_hospitals(10, partition="dirichlet", alpha=0.5, rng=rng)
        model = models.LogisticRegression(data.n_features)
        members = (np.arange(1024)[:, None] >> np.arange(10)) & 1
        weights = data.sizes / data.sizes.sum()
        updates = rng.normal(0, 0.1, (10, model.n_params))
        page = definitions("00", members=members, others=members.sum(axis=1), weights=weights, model=model, data=data)
        start = np.zeros(model.n_params)
        after = start + members @ (weights[:, None] * updates)
        worth = -model.loss(after, data.x_val, data.y_val)
        np.testing.assert_allclose(
            page["shapley_of_round"](start, updates), shapley.exact_shapley(worth), rtol=0, atol=1e-12
        )

    def test_rewards_by_hand_are_the_exact_arithmetic(self):
        class Record:
            scores, consistency, factors = (
                (10**16, 3 * 10**16, -(10**15)),
                (250_000, 500_000, None),
                (10**6, 1_250_000, None),
            )

            def scores_float(self):
                return np.array(self.scores) / 1e18

        page = definitions("00")
        weights = [
            incentives.compute_reward_weight(score, c or 0, f or 0, 500_000)
            for score, c, f in zip(Record.scores, Record.consistency, Record.factors, strict=True)
        ]
        exact = np.array(incentives.compute_rewards(weights, 10**18, 10**19)) / 1e18
        np.testing.assert_allclose(page["rewards_of"](Record()), exact, atol=1e-15)


class TestLesson1:
    def test_selector_and_disassembly(self):
        page = definitions("01")
        assert page["selector"]("transfer(address,uint256)").hex() == "a9059cbb"  # ERC-20's, known to everybody
        with_names = definitions("01", NAMES={0x52: "MSTORE"})
        assert with_names["disassemble"](bytes.fromhex("6080604052"), 9) == [
            "   0  PUSH1 0x80",
            "   2  PUSH1 0x40",
            "   4  MSTORE",
        ]

    def test_addresses_of_contracts(self):
        class Node:
            class w3:
                to_checksum_address = staticmethod(__import__("web3").Web3.to_checksum_address)

        sender = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
        page = definitions("01", node=Node)
        assert [page["create_address"](sender, k) for k in (0, 1, 300)] == [
            compute_create_address(sender, k) for k in (0, 1, 300)
        ]

    def test_gas_before_the_first_instruction(self):
        data = bytes(range(200)) + bytes(60)
        assert definitions("01")["intrinsic"](data) == gas.intrinsic_gas(data)

    def test_packed_client(self):
        word = ((9 << 168) | (8 << 128) | (7 << 96) | 6).to_bytes(32)
        assert definitions("01")["unpack_client"](word) == (6, 7, 8, 9)

    def test_digest_of_an_update(self):
        values = np.array([4, -2, 0, 2**62, -(2**63)], dtype=np.int64)
        assert definitions("01")["digest_of"](values) == commitments.compute_digest(values)
        assert definitions("01")["digest_of"]([]) == keccak(b"")

    def test_average_and_scores(self, integers):
        values, counts = integers
        page = definitions("01")
        average = page["average_of"](values, counts)
        assert average == list(fixed_point.fedavg_fixed(values, counts))
        assert page["scores_of"](values, counts, average) == list(fixed_point.alignment_fixed(values, counts, average))

    @pytest.mark.parametrize(("a", "b"), [(7, 2), (-7, 2), (7, -2), (-7, -2), (-6, 3), (0, 5)])
    def test_division(self, a, b):
        assert definitions("01")["divide_toward_zero"](a, b) == fixed_point.divide_toward_zero(a, b) == int(a / b)
