// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator } from "../../src/core/IAggregator.sol";

/// @notice An aggregator that reports whatever a test wants, as far as the reward pool asks: any score, any norm.
contract StubAggregator {
    address public immutable registry;
    address public immutable rewardPool;
    address public publisher;
    uint256 public normSquared;
    /// @notice Of those that revealed.
    uint256 public totalSamples;
    address[] private _participants;
    IAggregator.Round private _round;
    mapping(address client => IAggregator.Entry) private _entries;

    constructor(address registry_, address rewardPool_) {
        (registry, rewardPool) = (registry_, rewardPool_);
    }

    function begin(uint256 number, uint256 square, bool isVoid) external {
        delete _participants;
        normSquared = square;
        totalSamples = 0;
        _round.number = uint40(number);
        _round.isVoid = isVoid;
        _round.committed = 0;
        _round.phase = IAggregator.Phase.Settle;
    }

    function add(address client, bool revealed, uint256 samples, int256 score) external {
        if (revealed) totalSamples += samples;
        _participants.push(client);
        _round.committed += 1;
        _entries[client] = IAggregator.Entry({
            commitment: bytes32(uint256(1)),
            round: _round.number,
            samples: uint32(samples),
            revealed: revealed,
            norm: 0,
            score: int112(score)
        });
    }

    function closeRound() external {
        _round.phase = IAggregator.Phase.Idle;
    }

    function currentRound() external view returns (IAggregator.Round memory) {
        return _round;
    }

    function participantAt(uint256 index) external view returns (address) {
        return _participants[index];
    }

    function entryOf(address client) external view returns (IAggregator.Entry memory) {
        return _entries[client];
    }
}

/// @notice A ledger whose factors a test sets.
contract StubLedger {
    address public immutable aggregator;
    mapping(address client => uint256) public factorOf;

    constructor(address aggregator_) {
        aggregator = aggregator_;
    }

    function set(address client, uint256 factor) external {
        factorOf[client] = factor;
    }
}
