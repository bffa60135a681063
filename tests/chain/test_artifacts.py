"""Compiled contracts are found by their name, and by nothing else."""

from __future__ import annotations

import pytest

from bcfl_support.chain.artifacts import load_artifact
from bcfl_support.errors import ToolMissing


def test_compiled_contracts_of_the_project():
    registry = load_artifact("ClientRegistry")
    assert registry.bytecode.startswith("0x60")
    assert any(item["type"] == "error" for item in registry.abi)


@pytest.mark.parametrize("name", ["Nobody", "*", "Reward*", "[A-Z]*Pool", "../out/Escrow", "", None, []])
def test_another_name_finds_nothing_and_says_which_there_are(name):
    with pytest.raises(
        ToolMissing, match=r'no compiled contract .*out; run "bcfl build", or .*RewardPool, .*SquarePool'
    ):
        load_artifact(name)
