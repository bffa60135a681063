// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator } from "../../src/core/IAggregator.sol";
import { AdjustedFederation } from "./AdjustedFederation.sol";

/// @notice Lives a federation that pays by accuracy-adjusted alignment: honest clients 0 … 3 attest to the true gains,
/// attackers 4 and 5 send what they like, attest to what they like, and everybody may settle with any gains.
/// @dev The attackers hold 30 of 100 samples: below the quorum's complement, so they can neither decide nor block.
contract AdjustedHandler is AdjustedFederation {
    uint256 internal constant CLIENTS = 6;
    uint256 internal constant HONEST = 4;

    /// @notice Ether in less ether out, by what was sent and received.
    uint256 public ether_;
    uint256 public roundsPaid;
    uint256 public penalties;
    /// @notice Broken rules, in words; empty while all hold.
    string public finding;

    uint256[CLIENTS] private _stakes;
    uint256[CLIENTS] private _credits;
    uint256 private _nonce;

    constructor(bool clipped) {
        IAggregator.Config memory config = defaultConfig();
        (config.capacity, config.clipped) = (uint32(CLIENTS), clipped);
        deployAdjusted(config, adjustedTerms());
        uint256[CLIENTS] memory samples = [uint256(25), 20, 15, 10, 20, 10];
        for (uint256 i; i < CLIENTS; ++i) {
            register(client(i), 100 * samples[i]);
        }
        fundAdjusted(5 ether);
        ether_ = 5 ether;
    }

    // -------------------------------------------------------------------------------------------------------- actions

    function doFund(uint256 seed) external {
        uint256 amount = 1 + draw(seed, "amount", 0) % 1 ether;
        fundAdjusted(amount);
        ether_ += amount;
    }

    function doWithdraw(uint256 seed) external {
        address who = client(seed % CLIENTS);
        uint256 credit = adjusted.creditOf(who);
        if (credit == 0) return;
        uint256 before = who.balance;
        vm.prank(who);
        adjusted.withdraw();
        _expect(who.balance - before == credit, "a credit was paid short");
        ether_ -= credit;
    }

    /// @dev A whole round: updates, true and false attestations, settlement in pages of any size, by anybody.
    function doRound(uint256 seed) external {
        if (!_canPlay()) return;
        playToSettle(_updates(seed));
        int32[] memory gains = _gains(seed, "true");
        int32[] memory lies = _gains(seed, "lie");
        for (uint256 i; i < CLIENTS; ++i) {
            (_stakes[i], _credits[i]) = (registry.clientOf(client(i)).stake, adjusted.creditOf(client(i)));
        }
        bool silent = draw(seed, "silent", 0) % 4 == 0; // the honest sleep: nobody agrees
        for (uint256 i = CLIENTS; i > 0; --i) {
            if (adjusted.settlement().round == aggregator.currentRound().number && adjusted.settlement().agreed != 0) {
                break;
            }
            if (!aggregator.entryOf(client(i - 1)).revealed) continue;
            if (i > HONEST) attest(client(i - 1), hashOf(lies));
            else if (!silent) attest(client(i - 1), hashOf(gains));
        }
        if (adjusted.settlement().round != aggregator.currentRound().number) adjusted.openAttestation();
        bytes32 agreed = adjusted.settlement().agreed;
        _expect(silent ? agreed == 0 : agreed == hashOf(gains), "a minority decided or blocked");
        if (silent) {
            vm.warp(adjusted.settlement().deadline);
            gains = new int32[](0);
        }
        uint256 before = adjusted.totalCredit();
        uint256 available = adjusted.pot() < 1 ether ? adjusted.pot() : 1 ether;
        for (uint256 k; phase() == IAggregator.Phase.Settle; ++k) {
            adjusted.settle(1 + draw(seed, "page", k) % 5, gains);
        }
        _expect(adjusted.totalCredit() - before <= available, "a round paid more than its budget");
        if (adjusted.totalCredit() > before) ++roundsPaid;
        _check(gains);
    }

    // --------------------------------------------------------------------------------------------------------- pieces

    function _check(int32[] memory gains) private {
        for (uint256 i; i < CLIENTS; ++i) {
            IAggregator.Entry memory entry = aggregator.entryOf(client(i));
            uint256 lost = _stakes[i] - registry.clientOf(client(i)).stake;
            uint256 earned = adjusted.creditOf(client(i)) - _credits[i];
            bool good = entry.revealed && entry.score >= 0;
            if (lost != 0) ++penalties;
            _expect(!good || lost == 0, "a client with a good update was punished");
            _expect(lost <= _stakes[i] / 10, "a round burned more than the cap");
            _expect(good || earned == 0, "a client without a good update was paid");
            _expect(earned == 0 || (gains.length != 0 && gains[i] > 0), "a client without a gain was paid");
        }
    }

    /// @dev Whoever fell below half of the stake it needs is topped up, so that the run goes on.
    function _canPlay() private returns (bool) {
        for (uint256 i; i < CLIENTS; ++i) {
            uint256 held = registry.clientOf(client(i)).stake;
            uint256 needed = registry.requiredStake(registry.clientOf(client(i)).samples);
            if (held >= needed / 2) continue;
            vm.deal(client(i), client(i).balance + needed - held);
            vm.prank(client(i));
            registry.addStake{ value: needed - held }();
        }
        return phase() == IAggregator.Phase.Idle;
    }

    /// @dev Honest clients send noisy copies of one direction, attackers anything up to the bound, or nothing.
    function _updates(uint256 seed) private returns (int64[][] memory updates) {
        updates = new int64[][](CLIENTS);
        for (uint256 i; i < CLIENTS; ++i) {
            if (i >= HONEST && draw(seed, "absent", i) % 4 == 0) continue;
            updates[i] = new int64[](3);
            for (uint256 j; j < 3; ++j) {
                int256 common = int256(draw(seed, "common", j) % 4e9) - 2e9;
                int256 noise = int256(draw(seed, "noise", 3 * i + j) % 1e9) - 5e8;
                int256 wild = int256(draw(seed, "wild", 3 * i + j) % 200e9) - 100e9;
                updates[i][j] = int64(i < HONEST ? common + noise : wild);
            }
            updates[i][2] = int64(int256(++_nonce)); // never the same update twice
        }
    }

    function _gains(uint256 seed, string memory kind) private pure returns (int32[] memory gains) {
        gains = new int32[](CLIENTS);
        for (uint256 i; i < CLIENTS; ++i) {
            gains[i] = int32(int256(draw(seed, kind, i) % 24) - 8);
        }
    }

    function sumOfCredits() external view returns (uint256 sum) {
        for (uint256 i; i < CLIENTS; ++i) {
            sum += adjusted.creditOf(client(i));
        }
    }

    function books() external view returns (uint256 balance, uint256 pot, uint256 credit) {
        return (address(adjusted).balance, adjusted.pot(), adjusted.totalCredit());
    }

    function _expect(bool condition, string memory what) private {
        if (!condition && bytes(finding).length == 0) finding = what;
    }
}
