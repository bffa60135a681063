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


def test_only_contracts_that_can_be_deployed_are_offered():
    with pytest.raises(ToolMissing) as why:
        load_artifact("rewardpool")
    offered = str(why.value).split("take one of ")[1].split(", ")
    assert {"RewardPool", "SquarePool"} < set(offered)
    assert all(load_artifact(name).bytecode not in ("", "0x") for name in offered)
    assert not {"IEscrow", "Escrow", "Merkle"} & set(offered)
