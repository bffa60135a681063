// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { IAggregator } from "./IAggregator.sol";
import { IClientRegistry } from "./IClientRegistry.sol";
import { IFairnessLedger } from "./IFairnessLedger.sol";
import { IRewardPool } from "./IRewardPool.sol";

// Registry, aggregator and ledger are this federation's own contracts, fixed for good at deployment: none of them calls
// back, and pages bound the number of calls. What is paid out goes through `_send`, behind the reentrancy guard.
// slither-disable-start calls-loop,reentrancy-no-eth,reentrancy-benign,reentrancy-events

/// @title RewardPool
/// @notice Escrow; rewards from alignment, consistency and fairness; penalties; pull payments.
contract RewardPool is IRewardPool, ReentrancyGuardTransient {
    /// @dev Ratios are in millionths.
    uint256 private constant _ONE = 1_000_000;

    IClientRegistry public immutable registry;
    IAggregator public immutable aggregator;
    IFairnessLedger public immutable ledger;

    Terms private _terms;
    Settlement private _settlement;
    /// @inheritdoc IRewardPool
    uint256 public pot;
    /// @inheritdoc IRewardPool
    uint256 public totalCredit;
    /// @dev What the round being settled shares, fixed when its second pass begins, and what of it is paid; in wei.
    uint128 private _budget;
    uint128 private _paid;

    mapping(address client => Account) private _accounts;

    constructor(IClientRegistry registry_, IAggregator aggregator_, IFairnessLedger ledger_, Terms memory terms_) {
        if (terms_.alpha > 10 * _ONE) revert BadTerms("alpha", terms_.alpha);
        if (terms_.window == 0 || terms_.window > 64) revert BadTerms("window", terms_.window);
        if (terms_.penaltyCap > _ONE) revert BadTerms("penaltyCap", terms_.penaltyCap);
        registry = registry_;
        aggregator = aggregator_;
        ledger = ledger_;
        _terms = terms_;
    }

    /// @inheritdoc IRewardPool
    function fund() external payable {
        if (msg.value == 0) revert NothingToFund();
        pot += msg.value;
        emit Funded(msg.sender, msg.value, pot);
    }

    /// @inheritdoc IRewardPool
    function settle(uint256 count) external nonReentrant {
        if (count == 0) revert ZeroSettleCount();
        IAggregator.Round memory round = aggregator.currentRound();
        if (round.phase != IAggregator.Phase.Settle) revert NothingToSettle(round.number);
        Settlement memory state = _settlement;
        if (state.round != round.number) state = Settlement(round.number, 0, false, 0);

        if (!state.paying) count = _weigh(state, count, round.committed);
        if (state.paying) _pay(state, count, round.committed);
        _settlement = state;
        if (state.paying && state.cursor == round.committed) {
            emit Settled(round.number, _paid, pot);
            aggregator.closeRound();
        }
    }

    /// @inheritdoc IRewardPool
    function withdraw() external nonReentrant {
        uint256 amount = _accounts[msg.sender].credit;
        if (amount == 0) revert NothingToWithdraw(msg.sender);
        _accounts[msg.sender].credit = 0;
        totalCredit -= amount;
        emit Withdrawn(msg.sender, amount);
        _send(msg.sender, amount);
    }

    /// @inheritdoc IRewardPool
    function reclaim() external nonReentrant {
        IAggregator.Round memory round = aggregator.currentRound();
        bool idle = round.phase == IAggregator.Phase.Idle;
        address publisher = aggregator.publisher();
        if (msg.sender != publisher || !round.stopped || !idle) revert NotReclaimable(msg.sender, round.stopped, idle);
        uint256 amount = pot;
        if (amount == 0) revert NothingToWithdraw(msg.sender);
        pot = 0;
        emit Reclaimed(publisher, amount);
        _send(publisher, amount);
    }

    // ------------------------------------------------------------------------------------------- the two passes

    /// @dev First pass: history, weight and penalty of up to `count` clients. Changes `state` in memory and returns
    /// what is left of `count`.
    function _weigh(Settlement memory state, uint256 count, uint256 clients) private returns (uint256 left) {
        uint256 square = aggregator.normSquared();
        uint256 end = _pageEnd(state.cursor, count, clients);
        left = count - (end - state.cursor);
        for (uint256 i = state.cursor; i < end; ++i) {
            address client = aggregator.participantAt(i);
            IAggregator.Entry memory entry = aggregator.entryOf(client);
            Account memory account = _accounts[client];
            bool good = entry.revealed && entry.score >= 0;
            account.history = _shifted(account, state.round) | (good ? 1 : 0);
            account.lastRound = state.round;
            account.weight = good ? _weight(client, uint128(entry.score), account.history) : 0;
            state.totalWeight += account.weight;
            _accounts[client] = account;
            if (!good) _penalize(state.round, client, entry, square);
        }
        state.cursor = uint32(end);
        if (end < clients) return left;
        (state.paying, state.cursor) = (true, 0);
        // Fixed here: money that arrives between two payments belongs to the next round, or later clients would get more.
        _budget = uint128(_terms.budget < pot ? _terms.budget : pot);
        _paid = 0;
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
        pot -= paid;
        totalCredit += paid;
        _paid += uint128(paid); // at most `_budget`
    }

    /// @dev S · (1 + α·C) · F at scale s². S ≤ 2^120, 1 + α·C ≤ 11, F ≤ 1.5: below 2^125, so the cast is safe.
    /// Each factor is applied and rounded down in turn, in millionths: three divisions, each the same in every language.
    function _weight(address client, uint256 score, uint256 history) private view returns (uint128) {
        Terms memory t = _terms;
        // slither-disable-next-line divide-before-multiply
        uint256 multiplier = _ONE + t.alpha * _consistency(history, t.window) / _ONE;
        // slither-disable-next-line divide-before-multiply
        return uint128(score * multiplier / _ONE * ledger.factorOf(client) / _ONE);
    }

    /// @dev Burn stake · min(penaltyRate · (−S_i)/‖g‖², penaltyCap); the whole cap when the reveal is missing.
    function _penalize(uint256 round, address client, IAggregator.Entry memory entry, uint256 square) private {
        Terms memory t = _terms;
        uint256 ratio = t.penaltyCap;
        if (entry.revealed && square != 0) {
            uint256 graded = uint256(-int256(entry.score)) * t.penaltyRate / square;
            if (graded < ratio) ratio = graded;
        }
        uint256 amount = uint256(registry.clientOf(client).stake) * ratio / _ONE;
        if (amount == 0) return;
        emit Penalized(round, client, registry.slash(client, amount));
    }

    /// @dev The history moved on to `round`, its own bit still empty. Rounds a client was absent from shift in zeros; after
    /// 64 of them nothing else is left.
    function _shifted(Account memory account, uint256 round) private pure returns (uint64) {
        return account.history << uint64(round - account.lastRound);
    }

    /// @dev The share of ones among the newest `window` bits, in millionths.
    function _consistency(uint256 history, uint256 window) private pure returns (uint256) {
        uint256 bits = history & ((1 << window) - 1);
        uint256 ones;
        for (; bits != 0; bits &= bits - 1) {
            ++ones;
        }
        return ones * _ONE / window;
    }

    /// @dev Where a page of `count` clients from `cursor` on ends. No count is too large: "all" may be 2^256 − 1.
    function _pageEnd(uint256 cursor, uint256 count, uint256 clients) private pure returns (uint256) {
        return count < clients - cursor ? cursor + count : clients;
    }

    function _send(address to, uint256 amount) private {
        // slither-disable-next-line low-level-calls
        (bool ok,) = to.call{ value: amount }("");
        if (!ok) revert PayoutFailed(to, amount);
    }

    // --------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IRewardPool
    function terms() external view returns (Terms memory) {
        return _terms;
    }

    /// @inheritdoc IRewardPool
    function creditOf(address client) external view returns (uint256) {
        return _accounts[client].credit;
    }

    /// @inheritdoc IRewardPool
    function accountOf(address client) external view returns (Account memory) {
        return _accounts[client];
    }

    /// @inheritdoc IRewardPool
    function settlement() external view returns (Settlement memory) {
        return _settlement;
    }

    /// @inheritdoc IRewardPool
    function consistencyOf(address client, uint256 round) external view returns (uint256) {
        Account memory account = _accounts[client];
        if (round < account.lastRound) round = account.lastRound;
        return _consistency(_shifted(account, round), _terms.window);
    }
}
// slither-disable-end calls-loop,reentrancy-no-eth,reentrancy-benign,reentrancy-events
