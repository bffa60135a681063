// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { RoundProof } from "./RoundProof.sol";

/// @title The check of a round's proof alone, to be measured and tried
/// @notice It keeps nothing: who calls says what the round, the clients and the weights are.
contract ProofKernel is RoundProof {
    constructor(Setup memory setup_, uint256 parameters) RoundProof(setup_, parameters) { }

    /// @notice Refuse a proof, brought by the caller, that does not hold.
    /// @param round The round's name.
    /// @param clients Their addresses.
    /// @param weights w_i.
    /// @param scores S_i as int128, 16 bytes each.
    /// @param proof Without a signature.
    /// @param points All clients', 96·K bytes each.
    /// @param step How many clients' points to fold at once, as if they came in as many transactions.
    /// @return message m.
    function check(
        uint256 round,
        address[] calldata clients,
        uint256[] calldata weights,
        bytes calldata scores,
        bytes calldata proof,
        bytes calldata points,
        uint256 step
    ) external view returns (bytes32 message) {
        uint256 size = 96 * _points;
        bytes32[] memory digests = new bytes32[](clients.length);
        for (uint256 i; i < clients.length; ++i) {
            digests[i] = _digestOf(points, i);
        }
        message = _messageOf(round, keccak256(abi.encodePacked(clients)), _recordsOf(weights, digests));
        Challenges memory c = _draw(message, scores, msg.sender, proof, false);
        Progress memory progress;
        while (progress.next < clients.length) {
            uint256 to = progress.next + step < clients.length ? size * (progress.next + step) : points.length;
            _fold(c, progress, weights, scores, proof, points[size * progress.next:to]);
        }
        _pair(c, progress.sum, proof, "");
    }

    /// @notice Refuse a value that is not the commitment's at position j.
    function checkEntry(bytes calldata commitment, uint256 j, uint256 value, bytes calldata opening) external view {
        _checkEntry(commitment, j, value, opening);
    }
}
