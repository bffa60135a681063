"""Small contracts for tests, compiled from source by the project's own compiler wrapper."""

from __future__ import annotations

import functools
import json
import math
import subprocess

from bcfl_support.chain.artifacts import Artifact
from bcfl_support.services import programs as toolchain

PURSE = """
// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

contract Purse {
    error ShortStake(uint256 sent, uint256 needed, uint256 samples);
    error Stranger(address caller, uint256 stakeValue, int64 score);
    error Locked();

    event Paid(address indexed who, uint256 amount, uint256 total);
    event Note(bytes text);

    uint256 public total;
    mapping(address => uint256) public paid;
    address[] public visitors;
    uint256 private _spare = 7;

    constructor(uint256 start) payable {
        total = start;
    }

    function pay(uint256 samples) external payable {
        uint256 needed = samples * 0.01 ether;
        if (msg.value < needed) revert ShortStake(msg.value, needed, samples);
        paid[msg.sender] += msg.value;
        total += msg.value;
        emit Paid(msg.sender, msg.value, total);
    }

    function visit() external {
        visitors.push(msg.sender);
    }

    function count() external view returns (uint256) {
        return visitors.length;
    }

    /// Uses about 3w + w²/512 gas for w words of memory, in no time at all.
    function burn(uint256 words) external {
        assembly {
            mstore(mul(words, 32), 1)
        }
        total++;
    }

    function clear(uint256 words) external {
        _spare = 0;
        total = 0;
        emit Note(new bytes(words));
    }

    function fail(uint256 kind) external view {
        if (kind == 0) revert();
        if (kind == 1) revert("no luck");
        if (kind == 2) assert(total > 1 ether);
        if (kind == 3) total - 1 ether;
        if (kind == 4) visitors[99];
        if (kind == 5) revert Stranger(msg.sender, 1.5 ether, -3);
        if (kind == 6) revert Locked();
    }

    function spawn() external returns (address) {
        return address(new Child());
    }

    function hash(bytes calldata data) external returns (bytes32 digest) {
        digest = sha256(data);
        emit Note(abi.encode(digest));
    }

    receive() external payable {}
}

contract Child {
    uint256 public born = block.number;
}

interface Empty {
    function nothing() external;
}
"""


def burning(gas: int) -> int:
    """Words for `Purse.burn` to use about this much gas: the root of w²/512 + 3w = gas."""
    return int(256 * (math.sqrt(9 + gas / 128) - 3))


@functools.cache
def compile_source(source: str = PURSE) -> dict[str, Artifact]:
    """Contracts of one source, by name."""
    request = {
        "language": "Solidity",
        "sources": {"test.sol": {"content": source}},
        "settings": {
            "optimizer": {"enabled": True},
            "evmVersion": "osaka",
            "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]}},
        },
    }
    done = subprocess.run(
        [toolchain.node(), toolchain.solc_wrapper()],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    errors = [error["formattedMessage"] for error in answer.get("errors", ()) if error["severity"] == "error"]
    assert not errors, "\n".join(errors)
    return {
        name: Artifact(
            name,
            found["abi"],
            "0x" + found["evm"]["bytecode"]["object"],
            "0x" + found["evm"]["deployedBytecode"]["object"],
        )
        for name, found in answer["contracts"]["test.sol"].items()
    }
