"""Fees that react: EIP-1559 against anvil's own base fee, blobs against the EIPs and geth's vectors."""

from __future__ import annotations

import doctest
import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from bcfl_support.chain import Chain
from bcfl_support.errors import InvalidInput
from bcfl_support.scaling import fees
from bcfl_support.scaling.fees import BPO2, GWEI, BlobSchedule, Market, blob_fee, next_base_fee, next_excess, pay

BLOB = fees.BLOB_GAS
OSAKA_BLOBS = BlobSchedule(6, 9, 5_007_716)
FULL = 2_021_000  # gas of a transaction with 50,000 non-zero bytes, at the floor


def test_doctests():
    assert doctest.testmod(fees).failed == 0


# ---------------------------------------------------------------- gas
def test_base_fee_is_anvils_over_full_blocks():
    """Twenty blocks filled to the last unit: the base fee is anvil's own, and an eighth more each time."""
    with Chain.start(block_gas_limit=FULL) as chain:
        seen = []
        for _ in range(20):
            transaction = {"to": chain.accounts[5], "data": "0x" + "01" * 50_000}
            chain.send_many([(transaction, chain.accounts[1], 0)], gas=FULL)
            seen.append(chain.w3.eth.get_block("latest"))
    for parent, block in itertools.pairwise(seen):
        assert parent["gasUsed"] == parent["gasLimit"] == FULL, "the block was to be full"
        assert next_base_fee(parent["baseFeePerGas"], FULL, FULL) == block["baseFeePerGas"]
    grown = seen[-1]["baseFeePerGas"] / seen[0]["baseFeePerGas"]
    assert grown == pytest.approx(1.125**19, rel=1e-6)


def test_base_fee_is_anvils_over_blocks_of_any_size():
    """Empty, below, above: each next base fee is anvil's, and the exact formula rounded down."""
    sizes, seen = np.random.default_rng(0).integers(1_000, 50_000, 12), []
    with Chain.start(block_gas_limit=FULL) as chain:
        for size in sizes:
            transaction = {"to": chain.accounts[5], "data": "0x" + "01" * int(size)}
            chain.send_many([(transaction, chain.accounts[1], 0)], gas=FULL)
            seen.append(chain.w3.eth.get_block("latest"))
            chain.w3.provider.make_request("evm_mine", [])
            seen.append(chain.w3.eth.get_block("latest"))
    used = [block["gasUsed"] for block in seen]
    assert min(used) == 0 and max(used) > FULL / 2 and any(0 < gas < FULL / 2 for gas in used)
    for parent, block in itertools.pairwise(seen):
        fee, target = parent["baseFeePerGas"], FULL // 2
        exact = fee * (1 + Fraction(parent["gasUsed"] - target, 8 * target))
        assert next_base_fee(fee, parent["gasUsed"], FULL) == block["baseFeePerGas"]
        assert abs(block["baseFeePerGas"] - exact) <= 1


def test_a_full_block_moves_even_a_base_fee_of_one_wei():
    assert next_base_fee(1, 60_000_000) == 2 and next_base_fee(7, 0) == 7


# ---------------------------------------------------------------- blobs
@pytest.mark.parametrize(
    ("numerator", "denominator", "value"),
    [
        (0, 1, 1),
        (2, 1, 6),
        (4, 2, 6),
        (3, 1, 16),
        (6, 2, 18),
        (4, 1, 49),
        (5, 1, 136),
        (50_000_000, 2_225_652, 5_709_098_764),
    ],
)
def test_blob_fee_is_geths(numerator, denominator, value):
    """Vectors with factor 1 of TestFakeExponential in go-ethereum, consensus/misc/eip4844/eip4844_test.go."""
    assert blob_fee(numerator, BlobSchedule(6, 9, denominator)) == value


@pytest.mark.parametrize(("base_fee", "excess"), [(GWEI, 6 * BLOB * 3 // 9), (1, 0)])
def test_reserve_price_is_geths(base_fee, excess):
    """TestCalcExcessBlobGasEIP7918 in the same file: below and above the reserve price, a block at the target."""
    assert next_excess(0, 6, base_fee, OSAKA_BLOBS) == excess


def test_blob_fee_is_the_exponential():
    for excess in (10**8, 2 * 10**8, 3 * 10**8):
        assert blob_fee(excess) == pytest.approx(math.exp(excess / BPO2.fraction), rel=1e-3)
        assert fees.excess_of(blob_fee(excess)) <= excess


def test_blob_fee_stays_at_a_sixteenth_of_the_base_fee():
    """Empty blocks and low use never bring it down for long; blocks at the target leave it there."""
    floor = fees.blob_floor(5 * GWEI)
    assert floor == 5 * GWEI / 16
    for blobs in (3, 14):
        excess = fees.excess_of(20 * GWEI)
        for _ in range(3_000):
            excess = next_excess(excess, blobs, 5 * GWEI)
        step = math.exp(14 * BLOB / BPO2.fraction)
        assert floor / step <= blob_fee(excess)
    assert blob_fee(excess) == pytest.approx(20 * GWEI, rel=1e-6), "14 blobs leave any fee above the floor where it is"


def test_full_blocks_raise_the_blob_fee_by_a_twelfth():
    excess = fees.excess_of(GWEI)
    assert blob_fee(next_excess(excess, 21, GWEI)) / blob_fee(excess) == pytest.approx(
        math.exp(7 * BLOB / BPO2.fraction), rel=1e-6
    )


# ---------------------------------------------------------------- a round
def test_a_hurry_multiplies_the_base_fee():
    """14 blocks by 1.125^14; the bill is the sum of a geometric series."""
    found = pay(14 * 60_000_000, 0, Market(base_fee=2), hurry=True)
    assert found.blocks == 14 and found.seconds == 168
    assert found.base_fee == pytest.approx(2 * 1.125**14, rel=1e-6)
    assert found.ether == pytest.approx(2 * 0.06 * (1.125**14 - 1) / 0.125, rel=1e-6)


def test_patience_leaves_the_price_and_takes_longer():
    for others in (0, 0.5, 0.9):
        market = Market(base_fee=2, tip=1, others=others)
        slow, quick = (pay(798e6, 0, market, hurry=hurry) for hurry in (False, True))
        assert slow.ether == pytest.approx(0.798 * 3) and slow.base_fee == 2
        assert slow.blocks == math.ceil(798 / (30 * (1 - others)) - 1e-9)
        assert quick.blocks < slow.blocks and quick.ether > slow.ether
        assert quick.blocks == math.ceil(798 / (60 - 30 * others))


def test_blobs_have_a_price_and_room_of_their_own():
    market = Market(base_fee=1, blob_fee=1)
    slow, quick = (pay(1_000_000, 90, market, hurry=hurry) for hurry in (False, True))
    assert (slow.blocks, quick.blocks) == (7, 5), "90 blobs at a target of 14 and a maximum of 21"
    assert slow.ether == pytest.approx(0.001 + 90 * BLOB / GWEI)
    assert slow.blob_fee == 1 and quick.blob_fee == pytest.approx(
        math.exp((4 * 7 - 8) * BLOB / BPO2.fraction), rel=1e-6
    )
    assert quick.base_fee == 1, "others hold it there"
    assert pay(0, 10, Market(base_fee=16), hurry=False).ether == pytest.approx(10 * BLOB / GWEI), "the floor"
    assert pay(0, 10, Market(base_fee=16, blob_fee=0.5), hurry=False).blob_fee == 1, "the floor counts"


def test_what_costs_more_than_all_ether_costs_infinity():
    found = pay(3e12, 0, Market(), hurry=True)
    assert found.blocks == 50_000 and found.ether == found.base_fee == math.inf


@pytest.mark.parametrize("name", ["base_fee", "blob_fee", "tip"])
def test_negative_prices_are_named(name):
    with pytest.raises(InvalidInput, match=f"{name} is -1: it is a price in gwei; choose it in"):
        Market(**{name: -1})


def test_bad_calls_are_named():
    with pytest.raises(InvalidInput, match=r"others is 1: it is a share of the target.*choose it in \[0, 0\.99\]"):
        Market(others=1)
    with pytest.raises(InvalidInput, match="gas is -1: it is used"):
        pay(-1, 0, Market(), hurry=True)
    with pytest.raises(InvalidInput, match=r"blobs is 1\.5: they are sent; choose it whole"):
        pay(1, 1.5, Market(), hurry=False)


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint64])
def test_numpys_integers_give_the_same_fees(kind):
    assert fees.blob_fee(kind(2 * 10**8)) == fees.blob_fee(2 * 10**8)
    high = 2 * 10**9  # wei, that of a gas: times a block's, it is beyond 2^53
    assert fees.next_base_fee(kind(high), kind(60 * 10**6)) == fees.next_base_fee(high, 60 * 10**6)
    assert fees.next_excess(kind(10**9), kind(21), kind(high)) == fees.next_excess(10**9, 21, high)
