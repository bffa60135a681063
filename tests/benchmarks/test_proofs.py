"""The cost of proofs: the file has every case, within the bars, and a row that is played again."""

from __future__ import annotations

import proofs as benchmark
import pytest
from _common import read_result


def read_rows() -> dict[benchmark.Case, dict]:
    rows = read_result("proofs")["rows"]
    return {(row["rung"], row["way"], row["n"], row["P"], row["srs"]): row for row in rows}


def test_the_file_has_every_case():
    assert tuple(read_rows()) == benchmark.CASES
    assert set(benchmark.QUICK) <= set(benchmark.CASES)


@pytest.mark.parametrize("case", benchmark.QUICK, ids=str)
def test_a_row_of_the_file_is_what_the_code_gives(case):
    stored, played = read_rows()[case], benchmark.measure(case)
    for name in ("gas_round", "gas_later", "max_tx_gas"):
        assert played[name] == pytest.approx(stored[name], rel=1e-3), name  # bytes of points and hashes differ
    for name in ("chunks", "blob_gas", "transactions"):
        assert played[name] == stored[name], name
    assert set(played["gas_by_operation"]) == set(stored["gas_by_operation"])


@pytest.mark.parametrize(
    ("number", "way", "n", "P", "srs", "first", "later"),
    [
        (6, 0, 10, 1_000_000, benchmark.TOY, 1_200_000, 1_050_000),
        (6, 0, 10, 100_000, benchmark.ETHEREUM, 3_300_000, 3_100_000),
        (7, 0, 10, 4096, benchmark.ETHEREUM, 420_000, 420_000),
        (7, 1, 10, 4096, benchmark.ETHEREUM, 420_000, 420_000),
        (7, 0, 100, 4096, benchmark.ETHEREUM, 1_250_000, 1_250_000),
        (8, 0, 5, 4096, benchmark.ETHEREUM, 400_000, 400_000),
        (8, 1, 5, 4096, benchmark.ETHEREUM, 750_000, 750_000),
    ],
)
def test_what_rounds_may_cost(number, way, n, P, srs, first, later):
    row = read_rows()[number, benchmark.WAYS[number][way], n, P, srs]
    assert row["gas_round"] <= first and row["gas_later"] <= later


def test_no_transaction_is_above_the_cap():
    for row in read_rows().values():
        assert row["max_tx_gas"] <= 2**24 and row["max_calldata_bytes"] <= 131_072
