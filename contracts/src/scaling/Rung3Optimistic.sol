// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IRung } from "./IRung.sol";
import { LanePacked } from "./LanePacked.sol";
import { Merkle } from "./Merkle.sol";
import { OptimisticRung } from "./OptimisticRung.sol";
import { Rung } from "./Rung.sol";

// Slither takes whatever comes out of the slot of `_round` for a time, since deadlines are in it: here the counts and
// lengths that follow from how many parts were sent. There is no deadline in this file.
// slither-disable-start timestamp

/// @title Rung 3: optimistic, the updates in the log
/// @notice `submit` takes the bytes of the next part, 120 chunks or what is left. The contract itself computes the
/// part's Merkle root and logs the bytes, so data and commitment cannot differ, and who has the logs has the data.
/// @dev Calldata of nonzero bytes pays a floor of 40 gas a byte, 24 more than without it (EIP-7623). Hashing and logging
/// are paid from these.
contract Rung3Optimistic is OptimisticRung {
    event Data(uint256 indexed round, uint256 indexed client, uint256 indexed part, bytes data);

    constructor(Config memory config_, Terms memory terms_, address[] memory accounts, uint16[] memory weights)
        OptimisticRung(config_, terms_, accounts, weights)
    { }

    /// @inheritdoc IRung
    function submit(uint256 round, bytes calldata payload) external {
        (Round memory current, uint256 client) = _enter(round);
        uint256 part = _sent(current, client);
        uint256 first = part * PART;
        uint256 count = _chunks() - first;
        if (count > PART) count = PART;
        uint256 lastValid = _valid(first + count - 1);
        uint256 length = (count - 1) * LanePacked.CHUNK + _stride(lastValid);
        if (payload.length != length) revert RungWrongLength(payload.length, length);

        (Pending memory pending, bool complete) = _more(current, client, 1);
        pending.chain = Merkle.triple(pending.chain, _root(payload, count), 0); // no blob
        emit Data(round, client, part, payload);
        _keep(current, client, pending, complete);
    }

    /// @dev Merkle root over `count` chunks, padded with zeros.
    function _root(bytes calldata data, uint256 count) private view returns (bytes32) {
        uint256 width = 1 << _partDepth();
        bytes32[] memory nodes = new bytes32[](width);
        for (uint256 k; k < count; ++k) {
            uint256 from = k * LanePacked.CHUNK;
            nodes[k] = keccak256(data[from:k + 1 == count ? data.length : from + LanePacked.CHUNK]);
        }
        for (; width > 1; width /= 2) {
            for (uint256 k; k < width / 2; ++k) {
                nodes[k] = Merkle.pair(nodes[2 * k], nodes[2 * k + 1]);
            }
        }
        return nodes[0];
    }
}
// slither-disable-end timestamp
