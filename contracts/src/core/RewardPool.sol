// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Escrow } from "./Escrow.sol";
import { IAggregator } from "./IAggregator.sol";
import { IClientRegistry } from "./IClientRegistry.sol";
import { ONE } from "./IEscrow.sol";
import { IFairnessLedger } from "./IFairnessLedger.sol";
import { IRewardPool } from "./IRewardPool.sol";
import { RewardRule } from "./RewardRule.sol";

// Registry, aggregator and ledger are this federation's own contracts, fixed for good at deployment: none of them calls
// back, and pages bound the number of calls. What is paid out goes through `_send`, behind the reentrancy guard.
// slither-disable-start calls-loop,reentrancy-no-eth,reentrancy-benign

/// @title RewardPool
/// @notice Escrow; rewards from alignment, consistency and fairness; penalties; pull payments.
/// @dev The rule comes before the escrow, and so do its variables in storage.
contract RewardPool is RewardRule, Escrow {
    IFairnessLedger public immutable ledger;

    constructor(IClientRegistry registry_, IAggregator aggregator_, IFairnessLedger ledger_, Terms memory terms_)
        RewardRule(terms_)
        Escrow(registry_, aggregator_)
    {
        address aggregatorOfLedger = address(ledger_.aggregator());
        if (aggregatorOfLedger != address(aggregator_)) {
            revert NotWired("ledger", aggregatorOfLedger, address(aggregator_));
        }
        ledger = ledger_;
    }

    /// @inheritdoc IRewardPool
    function settle(uint256 count) external nonReentrant {
        _settle(count);
    }

    /// @inheritdoc IRewardPool
    function accountOf(address client) external view returns (Account memory) {
        return _accounts[client];
    }

    /// @inheritdoc IRewardPool
    function consistencyOf(address client) external view returns (uint256) {
        return _consistency(_shifted(_accounts[client], _settlement.counted), _terms.window);
    }

    function _settle(uint256 count) internal override {
        if (count == 0) revert ZeroSettleCount();
        IAggregator.Round memory round = aggregator.currentRound();
        if (round.phase != IAggregator.Phase.Settle) revert NothingToSettle(round.number);
        Settlement memory state = _settlement;
        if (state.round != round.number) {
            uint40 counted = round.isVoid ? state.counted : state.counted + 1;
            state = Settlement({ round: round.number, counted: counted, cursor: 0, paying: false, totalWeight: 0 });
        }

        if (!state.paying) count = _weigh(state, count, round);
        if (state.paying) _pay(state, count, round.committed);
        _settlement = state;
        if (state.paying && state.cursor == round.committed) {
            emit Settled(round.number, _paid, pot);
            _closeRound();
        }
    }

    function _fullBudget() internal view override returns (uint256 budget, uint256 fullSamples) {
        return (_terms.budget, _terms.fullSamples);
    }

    function _penalty() internal view override returns (uint256 rate, uint256 cap) {
        Terms memory t = _terms;
        return (t.penaltyRate, t.penaltyCap);
    }

    /// @dev S · (1 + α·C) · F at scale s². S ≤ 2^108, 1 + α·C ≤ 11, F ≤ 1.5: below 2^113, so the cast is safe.
    /// Each factor is applied and rounded down in turn, in millionths: three divisions, each the same in every language.
    function _weight(address client, uint256 score, uint256 history) internal view virtual returns (uint128) {
        Terms memory t = _terms;
        uint256 multiplier = ONE + t.alpha * _consistency(history, t.window) / ONE;
        // slither-disable-next-line divide-before-multiply
        return uint128(score * multiplier / ONE * ledger.factorOf(client) / ONE);
    }

    // ------------------------------------------------------------------------------------------- the two passes

    /// @dev First pass: history, weight and penalty of up to `count` clients. Changes `state` in memory and returns
    /// what is left of `count`.
    function _weigh(Settlement memory state, uint256 count, IAggregator.Round memory round)
        private
        returns (uint256 left)
    {
        uint256 clients = round.committed;
        uint256 square = aggregator.normSquared();
        uint256 end = _pageEnd(state.cursor, count, clients);
        left = count - (end - state.cursor);
        for (uint256 i = state.cursor; i < end; ++i) {
            address client = aggregator.participantAt(i);
            IAggregator.Entry memory entry = aggregator.entryOf(client);
            Account memory account = _accounts[client];
            bool good = entry.revealed && entry.score >= 0; // 0 as well, be it cut to that: see `consistencyOf`
            if (!round.isVoid) {
                account.history = _shifted(account, state.counted) | (good ? 1 : 0);
                account.lastRound = state.counted;
            }
            account.weight = good ? _weight(client, uint112(entry.score), account.history) : 0;
            state.totalWeight += account.weight;
            _accounts[client] = account;
            if (!good) _penalize(state.round, client, entry, square);
        }
        state.cursor = uint32(end);
        if (end < clients) return left;
        (state.paying, state.cursor) = (true, 0);
        _fixBudget();
    }

    /// @dev Second pass: reward_i = budget · weight_i / Σ weight, rounded down; what rounding leaves stays in the pot.
    function _pay(Settlement memory state, uint256 count, uint256 clients) private {
        uint256 budget = _budget;
        uint256 end = _pageEnd(state.cursor, count, clients);
        uint256 paid = 0;
        for (uint256 i = state.cursor; i < end; ++i) {
            address client = aggregator.participantAt(i);
            Account storage account = _accounts[client];
            uint256 weight = account.weight;
            if (weight == 0) continue;
            uint256 amount = budget * weight / state.totalWeight;
            account.credit += uint128(amount); // a credit is ether that exists, far below 2^128 wei
            paid += amount;
            emit Rewarded(
                state.round, client, amount, _consistency(account.history, _terms.window), ledger.factorOf(client)
            );
        }
        state.cursor = uint32(end);
        _book(paid);
    }
}
// slither-disable-end calls-loop,reentrancy-no-eth,reentrancy-benign
