// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator } from "../../src/core/IAggregator.sol";
import { IClientRegistry } from "../../src/core/IClientRegistry.sol";
import { IRewardPool } from "../../src/core/IRewardPool.sol";
import { Federation } from "../utils/Federation.sol";
import { Reference } from "../utils/Reference.sol";

/// @notice Lives a federation at random: every public function is an action, with a random client and random numbers.
/// @dev The ghosts keep books of their own from what each call was seen to do. Actions that would revert are skipped, so
/// that a revert is a finding. Each action is followed by a few steps of the round: otherwise few rounds would end.
contract SystemHandler is Federation {
    uint256 internal constant CLIENTS = 6;
    uint256 internal constant PARAMETERS = 6; // one slot and a half
    uint256 internal constant CAPACITY = 4;
    uint256 internal constant ONE = 1_000_000;

    // ------------------------------------------------------------------------------------------------------- ghosts

    /// @notice Ether in minus ether out, by what was sent and received.
    uint256 public registryEther;
    uint256 public poolEther;
    /// @notice The furthest point reached: 8 · round + phase, Idle counting as the last phase of its round.
    uint256 public progress;
    uint256 public actions;
    uint256 public roundsClosed;
    uint256 public roundsPaid;
    uint256 public penalties;
    uint256 public epochsApplied;
    uint256 public roundsVoid;
    /// @notice Of them, those in which somebody revealed: too few samples.
    uint256 public roundsShortOfSamples;
    /// @notice Clients that had to go for one with more samples.
    uint256 public displacements;
    /// @notice Clients whose updates were clipped.
    uint256 public clippings;
    /// @notice Broken rules, in words; empty while all hold.
    string public finding;

    mapping(uint256 round => uint256) private _paidInRound;
    mapping(uint256 round => mapping(address client => uint256)) private _payments;
    mapping(uint256 round => mapping(address client => uint256)) private _punishments;

    // What the settlement under way found before it.
    uint256[CLIENTS] private _credits;
    uint256[CLIENTS] private _stakes;
    uint256 private _budget;

    // Kept by what rounds were seen to do, beside the pool's own.
    mapping(address client => bool[]) private _good; // by round number
    bool[] private _void; // by round number

    constructor(bool clipped) {
        IAggregator.Config memory config = defaultConfig();
        (config.parameters, config.capacity) = (uint32(PARAMETERS), uint32(CAPACITY));
        (config.minimumSamples, config.clipped) = (45, clipped);
        IRewardPool.Terms memory terms = defaultTerms();
        terms.fullSamples = 120;
        deploy(config, terms);
        _void.push(true); // there is no round 0
        for (uint256 i; i < CLIENTS; ++i) {
            _good[client(i)].push(false);
        }
        for (uint256 i; i < 4; ++i) {
            register(client(i), 10 * (i + 1));
            registryEther += 10 * (i + 1) * STAKE_PER_SAMPLE;
        }
    }

    /// @dev Time passes, the action happens, then one to four steps of the round.
    modifier thenOn(uint256 seed) {
        actions += 1;
        vm.warp(block.timestamp + draw(seed, "time", 0) % 60);
        _;
        _noteProgress();
        uint256 steps = 1 + draw(seed, "steps", 0) % 4;
        for (uint256 k; k < steps; ++k) {
            _step(draw(seed, "step", k));
            _noteProgress();
        }
    }

    // ------------------------------------------------------------------------------------------------------ the clients

    function doRegister(uint256 seed) external thenOn(seed) {
        address who = client(seed % CLIENTS);
        if (registry.clientOf(who).samples != 0) return;
        uint256 samples = 1 + draw(seed, "samples", 0) % 200;
        register(who, samples);
        registryEther += samples * STAKE_PER_SAMPLE;
    }

    function doAddStake(uint256 seed) external thenOn(seed) {
        address who = client(seed % CLIENTS);
        IClientRegistry.Client memory c = registry.clientOf(who);
        uint256 missing = registry.requiredStake(c.samples) - c.stake;
        if (c.unlockAt != 0 || missing == 0) return;
        uint256 amount = 1 + draw(seed, "amount", 0) % missing;
        vm.deal(who, who.balance + amount);
        vm.prank(who);
        registry.addStake{ value: amount }();
        registryEther += amount;
    }

    function doDeregister(uint256 seed) external thenOn(seed) {
        address who = client(seed % CLIENTS);
        IClientRegistry.Client memory c = registry.clientOf(who);
        if (c.samples == 0 || c.unlockAt != 0 || seed / CLIENTS % 3 != 0) return;
        vm.prank(who);
        registry.deregister();
    }

    function doWithdrawStake(uint256 seed) external thenOn(seed) {
        address who = client(seed % CLIENTS);
        IClientRegistry.Client memory c = registry.clientOf(who);
        if (c.unlockAt == 0) return;
        if (block.timestamp < c.unlockAt) {
            if (seed / CLIENTS % 2 == 0) return;
            vm.warp(c.unlockAt); // whatever deadline this makes pass
        }
        uint256 before = who.balance;
        vm.prank(who);
        registry.withdrawStake();
        _expect(who.balance - before == c.stake, "a stake came back short");
        registryEther -= c.stake;
    }

    function doWithdraw(uint256 seed) external thenOn(seed) {
        address who = client(seed % CLIENTS);
        uint256 credit = pool.creditOf(who);
        if (credit == 0) return;
        uint256 before = who.balance;
        vm.prank(who);
        pool.withdraw();
        _expect(who.balance - before == credit, "a credit was paid short");
        poolEther -= credit;
    }

    function doFund(uint256 seed) external thenOn(seed) {
        uint256 amount = 1 + draw(seed, "amount", 0) % 2 ether;
        fund(amount);
        poolEther += amount;
    }

    /// @dev Most of the clients vote, six of seven for record 1.
    function doAttest(uint256 seed) external thenOn(seed) {
        uint256 closed = aggregator.lastClosedRound();
        if (closed < INTERVAL) return;
        uint256 epoch = closed / INTERVAL - 1;
        (address[] memory clients, uint32[] memory factors) = _factors(epoch);
        for (uint256 i; i < CLIENTS; ++i) {
            uint256 vote = draw(seed, "vote", i) % 9;
            if (vote > 6) continue;
            // Who may still vote is the ledger's to know: strangers, second votes and expired epochs are refused.
            vm.prank(client(i));
            try ledger.attest(epoch, bytes32(1 + vote / 6), keccak256(abi.encode(clients, factors))) { } catch { }
        }
        bytes32 record = ledger.epochOf(epoch).record;
        if (record == 0) return;
        uint256 votes = ledger.votesFor(epoch, record, keccak256(abi.encode(clients, factors)));
        _expect(votes >= ledger.epochOf(epoch).needed, "a record was agreed on without its quorum");
    }

    function doApplyFactors(uint256 seed) external thenOn(seed) {
        uint256 closed = aggregator.lastClosedRound();
        if (closed < INTERVAL || phase() == IAggregator.Phase.Settle) return;
        uint256 epoch = closed / INTERVAL - 1;
        bytes32 record = ledger.epochOf(epoch).record;
        if (record == 0 || ledger.epochOf(epoch).applied) return;
        (address[] memory clients, uint32[] memory factors) = _factors(epoch);
        bool late = block.timestamp >= ledger.epochOf(epoch).deadline + ledger.attestSeconds();
        try ledger.applyFactors(epoch, record, clients, factors) {
            _expect(!late, "factors were applied late");
            epochsApplied += 1;
        } catch {
            _expect(late, "agreed factors were refused in time");
        }
    }

    /// @dev Rare, and not at once: it ends the run's rounds.
    function doStop(uint256 seed) external thenOn(seed) {
        if (seed % 32 != 0 || aggregator.lastClosedRound() < 3) return;
        vm.prank(PUBLISHER);
        aggregator.stop();
    }

    function doReclaim(uint256 seed) external thenOn(seed) {
        uint256 amount = pool.pot();
        if (!aggregator.currentRound().stopped || phase() != IAggregator.Phase.Idle || amount == 0) return;
        vm.prank(PUBLISHER);
        pool.reclaim();
        poolEther -= amount;
    }

    // ------------------------------------------------------------------------------------------------------ the round

    /// @dev One step of the round, whatever phase it is in.
    function _step(uint256 seed) private {
        nextBlock(); // no phase's step is taken in the block in which it began
        IAggregator.Phase now_ = phase();
        if (now_ == IAggregator.Phase.Idle) {
            if (!aggregator.currentRound().stopped) aggregator.openRound();
        } else if (now_ == IAggregator.Phase.Commit) {
            _commitOrAdvance(seed);
        } else if (now_ == IAggregator.Phase.Reveal) {
            _revealOrAdvance(seed);
        } else if (now_ == IAggregator.Phase.Aggregate) {
            aggregator.aggregate(_pageSize(seed));
        } else if (now_ == IAggregator.Phase.Score) {
            aggregator.score(_pageSize(seed));
            if (phase() == IAggregator.Phase.Settle) _checkScores();
        } else {
            _settle(_pageSize(seed));
        }
    }

    /// @dev The first client from a random one on that may; when none is left, or now and then, time runs out.
    function _commitOrAdvance(uint256 seed) private {
        IAggregator.Round memory r = aggregator.currentRound();
        uint256 round = r.number;
        for (uint256 k; k < CLIENTS && seed % 8 != 0 && _inTime(); ++k) {
            address who = client((seed + k) % CLIENTS);
            if (aggregator.entryOf(who).round == round || !_eligible(who)) continue;
            if (r.committed < CAPACITY) commit(who, _update(who, round));
            else if (!_commitInstead(who, _update(who, round))) continue;
            return;
        }
        _advance();
    }

    /// @dev Whether its samples were more than the fewest there.
    function _commitInstead(address who, int64[] memory update) private returns (bool more) {
        address other = aggregator.participantAt(0);
        for (uint256 i = 1; i < CAPACITY; ++i) {
            address each = aggregator.participantAt(i);
            if (aggregator.entryOf(each).samples < aggregator.entryOf(other).samples) other = each;
        }
        more = registry.eligibleSamples(who) > aggregator.entryOf(other).samples;
        bytes32 commitment = commitmentFor(who, update);
        uint256 round = aggregator.currentRound().number;
        vm.prank(who);
        try aggregator.commitInstead(round, commitment) {
            _expect(more, "fewer samples took a place");
            displacements += 1;
        } catch {
            _expect(!more, "more samples were refused a place");
        }
        _expect(aggregator.entryOf(more ? other : who).samples == 0, "who has no place has a part");
    }

    function _revealOrAdvance(uint256 seed) private {
        uint256 committed = aggregator.currentRound().committed;
        for (uint256 k; k < committed && seed % 8 != 0 && _inTime(); ++k) {
            address who = aggregator.participantAt((seed + k) % committed);
            if (aggregator.entryOf(who).revealed) continue;
            reveal(who, _update(who, aggregator.currentRound().number));
            return;
        }
        _advance();
    }

    function _advance() private {
        if (_inTime()) warpToDeadline();
        aggregator.advance();
    }

    function _inTime() private view returns (bool) {
        return block.timestamp < aggregator.currentRound().deadline;
    }

    /// @dev 1 to 12 entries or clients, or everything.
    function _pageSize(uint256 seed) private pure returns (uint256) {
        return seed % 4 == 0 ? type(uint256).max : 1 + seed / 4 % 12;
    }

    /// @dev Random, hence of any sign and size: about half of the scores of a small weight are negative.
    function _update(address who, uint256 round) private pure returns (int64[] memory) {
        return randomUpdate(uint256(keccak256(abi.encode(who, round))), PARAMETERS, 50e9);
    }

    function _factors(uint256 epoch) private pure returns (address[] memory clients, uint32[] memory factors) {
        (clients, factors) = (new address[](2), new uint32[](2));
        (clients[0], clients[1]) = (client(epoch % CLIENTS), client((epoch + 1) % CLIENTS));
        (factors[0], factors[1]) = (1_500_000, 600_000);
    }

    function _eligible(address who) private view returns (bool) {
        try registry.eligibleSamples(who) {
            return true;
        } catch {
            return false;
        }
    }

    // ---------------------------------------------------------------------------------------------------- the checks

    function _expect(bool holds, string memory otherwise) private {
        if (!holds) finding = otherwise;
    }

    function _noteProgress() private {
        IAggregator.Round memory r = aggregator.currentRound();
        uint256 rank = r.phase == IAggregator.Phase.Idle ? 6 : uint256(r.phase);
        uint256 reached = 8 * uint256(r.number) + rank;
        _expect(reached >= progress, "the round went back");
        progress = reached;
        roundsClosed = aggregator.lastClosedRound();
    }

    /// @dev What the pool says of a closed round against what was seen of it.
    function _checkClosed(IAggregator.Round memory round) private {
        uint256 number = round.number;
        _void.push(round.isVoid);
        if (round.isVoid) {
            roundsVoid += 1;
            if (round.revealed != 0) roundsShortOfSamples += 1;
            _expect(_paidInRound[number] == 0, "paid in a void round");
        }
        for (uint256 i; i < CLIENTS; ++i) {
            IAggregator.Entry memory entry = aggregator.entryOf(client(i));
            _good[client(i)].push(entry.revealed && entry.score >= 0 && !round.isVoid);
            uint256 c = Reference.consistency(_good[client(i)], _void, number, defaultTerms().window);
            _expect(pool.consistencyOf(client(i)) == c, "another consistency than the rounds give");
            if (entry.revealed && aggregator.clipNorm() != 0 && entry.norm > aggregator.clipNorm()) clippings += 1;
        }
        uint256 most = Reference.shared(1 ether, aggregator.totalSamples(), 120, _budget);
        _expect(_paidInRound[number] <= most, "more than its samples' share of the budget was paid");
    }

    /// @dev Settle a page, and hold the difference it made against the terms.
    function _settle(uint256 count) private {
        IAggregator.Round memory before = aggregator.currentRound();
        uint256 round = before.number;
        if (!pool.settlement().paying || pool.settlement().round != round) _budget = pool.pot(); // fixed with the second pass
        for (uint256 i; i < CLIENTS; ++i) {
            (_credits[i], _stakes[i]) = (pool.creditOf(client(i)), registry.clientOf(client(i)).stake);
        }
        pool.settle(count);
        for (uint256 i; i < CLIENTS; ++i) {
            _checkClient(round, i);
        }
        _expect(_paidInRound[round] <= defaultTerms().budget, "more than the budget was paid");
        if (phase() == IAggregator.Phase.Idle) _checkClosed(before);
    }

    function _checkClient(uint256 round, uint256 i) private {
        address who = client(i);
        uint256 earned = pool.creditOf(who) - _credits[i];
        uint256 burned = _stakes[i] - registry.clientOf(who).stake;
        if (earned != 0) {
            _payments[round][who] += 1;
            _paidInRound[round] += earned;
            roundsPaid += 1;
            _expect(_payments[round][who] == 1, "paid twice for a round");
            _expect(aggregator.entryOf(who).score > 0, "paid without a positive score");
            _expect(_punishments[round][who] == 0, "paid and punished");
        }
        if (burned != 0) {
            registryEther -= burned;
            _punishments[round][who] += 1;
            penalties += 1;
            _expect(_punishments[round][who] == 1, "punished twice for a round");
            _expect(burned <= _stakes[i] * defaultTerms().penaltyCap / ONE, "punished beyond the cap");
            _expect(aggregator.entryOf(who).round == round, "punished without taking part");
        }
    }

    /// @dev |Σ S_i − ‖g‖²| ≤ Σ|g_j| + n: what the truncations of the averages and of the scores can lose.
    function _checkScores() private {
        address[] memory list = aggregator.participants();
        int256 gap = -int256(aggregator.normSquared());
        uint256 slack = list.length;
        for (uint256 i; i < list.length; ++i) {
            gap += aggregator.entryOf(list[i]).score;
        }
        int64[] memory g = aggregator.globalUpdate();
        for (uint256 j; j < g.length; ++j) {
            slack += uint256(int256(g[j] < 0 ? -g[j] : g[j]));
        }
        _expect(uint256(gap < 0 ? -gap : gap) <= slack, "the scores do not add up to the squared norm");
    }

    // ------------------------------------------------------------------------------------------------------- the books

    function sumOfStakes() external view returns (uint256 sum) {
        for (uint256 i; i < CLIENTS; ++i) {
            sum += registry.clientOf(client(i)).stake;
        }
    }

    function sumOfCredits() external view returns (uint256 sum) {
        for (uint256 i; i < CLIENTS; ++i) {
            sum += pool.creditOf(client(i));
        }
    }

    function registryBalance() external view returns (uint256) {
        return address(registry).balance;
    }

    function poolBalance() external view returns (uint256) {
        return address(pool).balance;
    }

    function potAndCredit() external view returns (uint256 pot, uint256 credit) {
        return (pool.pot(), pool.totalCredit());
    }
}
