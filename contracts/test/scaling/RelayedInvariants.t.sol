// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IRelayedRung } from "../../src/scaling/IRelayedRung.sol";
import { RelayedGame } from "./RelayedGame.sol";

/// @notice Lives rounds of rung 7 at random: members come and go, relayers bring rounds whether they may or not, faults are
/// shown in time or too late.
/// @dev The books are the handler's own. What must be refused is tried and noted when it is not; what must succeed is called
/// plainly, so that a revert is a finding.
contract RelayedHandler is RelayedGame {
    mapping(address who => uint256) public expected;
    uint256 public burnedByBooks;
    uint256 public etherIn;
    uint256 public etherOut;
    string public finding;
    mapping(string move => uint256) public done;

    uint256 private out; // bits of who is no member
    uint256 private round = 1;
    uint256 private standing; // bits of who is counted in the result that stands, or stood, and not out for it
    bool private fallen;
    uint256 private closesAt;
    bytes32 private standingDigest;
    bytes32 private finalDigest;

    constructor(IRelayedRung rung_) {
        read();
        rung = rung_;
        for (uint256 i; i < members.length; ++i) {
            expected[members[i]] = STAKE;
        }
        etherIn = STAKE * members.length;
    }

    function play(uint256 seed) external {
        uint256 client = (seed >> 16) % members.length;
        uint256 what = seed % 8;
        if (what == 0) _deposit(client, 1 + (seed >> 32) % STAKE);
        else if (what == 1) _withdraw(client, (seed >> 32) % (2 * STAKE));
        else if (what == 2) _resign(client);
        else if (what == 3) _rejoin(client);
        else if (what == 4) _show(seed >> 32);
        else if (what == 5) skip((seed >> 32) % WINDOW + 1);
        else _bring((seed >> 32) % SETS);
        _look();
    }

    function accountAt(uint256 i) public view returns (address) {
        return i < members.length ? members[i] : watcher;
    }

    function _deposit(uint256 client, uint256 amount) private {
        fund(members[client], amount);
        expected[members[client]] += amount;
        etherIn += amount;
        done["deposit"] += 1;
    }

    function _withdraw(uint256 client, uint256 amount) private {
        address who = members[client];
        bool may = expected[who] >= amount + (_isTied(client) ? STAKE : 0);
        if (_try(who, abi.encodeCall(rung.withdraw, (amount)), may, "withdraw")) {
            expected[who] -= amount;
            etherOut += amount;
        }
    }

    function _resign(uint256 client) private {
        if (_try(members[client], abi.encodeCall(rung.resign, ()), out >> client & 1 == 0, "resign")) {
            out |= 1 << client;
        }
    }

    function _rejoin(uint256 client) private {
        bool may = out >> client & 1 == 1 && expected[members[client]] >= STAKE;
        if (_try(members[client], abi.encodeCall(rung.rejoin, ()), may, "rejoin")) out &= ~(1 << client);
    }

    function _bring(uint256 set) private {
        if (round > 3) return;
        Vector memory v = vector("bls", round, set);
        uint256 left = 4 - _count(out);
        bool may = !_watched() && v.present & out == 0 && 3 * _count(v.present) > 2 * left;
        if (!_try(relayer, abi.encodeCall(rung.work, (round, v.payload)), may, "bring")) return;
        if (standing != 0 && !fallen) finalDigest = standingDigest;
        (standing, closesAt, standingDigest, fallen) = (v.present, block.timestamp + WINDOW, digestOf(v), false);
        round += 1;
    }

    function _show(uint256 seed) private {
        uint256 number = 1 + seed % 3;
        Vector memory v = vector("bls", number, seed >> 8 & 1); // both have the client with the fault
        bool may = _watched() && standing >> FAULTY & 1 == 1 && number + 1 == round && digestOf(v) == standingDigest;
        IRelayedRung.Fault memory fault = abi.decode(v.fault, (IRelayedRung.Fault));
        if (!_try(watcher, abi.encodeCall(rung.proveFault, (number, fault)), may, "show")) return;
        standing &= ~(1 << FAULTY);
        fallen = true;
        out |= 1 << FAULTY;
        expected[members[FAULTY]] -= STAKE;
        expected[watcher] += STAKE / 2;
        burnedByBooks += STAKE - STAKE / 2;
    }

    function _try(address who, bytes memory data, bool may, string memory what) private returns (bool ok) {
        vm.prank(who);
        (ok,) = address(rung).call(data);
        if (ok != may) finding = string.concat(may ? "refused: " : "taken: ", what);
        done[string.concat(ok ? "" : "no ", what)] += 1;
    }

    function _look() private {
        bool over = standing != 0 && !fallen && !_watched();
        if (rung.resultDigest() != (over ? standingDigest : finalDigest)) finding = "the result";
        if (rung.excluded() != out) finding = "who is out";
        if (rung.currentRound().number != round) finding = "the round";
        if (rung.currentRound().submitted != (_watched() && !fallen ? standing : 0)) finding = "what stands";
        if (rung.answerable() != (_watched() ? standing : 0)) finding = "who may be shown to be at fault";
        for (uint256 i; i < members.length; ++i) {
            uint256 tied = _isTied(i) ? STAKE : 0;
            if (rung.availableOf(members[i]) + tied != expected[members[i]]) finding = "what is tied";
        }
    }

    /// @dev Whether evidence is taken, and the next round waits.
    function _watched() private view returns (bool) {
        return standing != 0 && block.timestamp < closesAt;
    }

    function _isTied(uint256 client) private view returns (bool) {
        return out >> client & 1 == 0 || _watched() && standing >> client & 1 == 1;
    }

    function _count(uint256 bits) private pure returns (uint256 count) {
        for (; bits != 0; bits >>= 1) {
            count += bits & 1;
        }
    }
}

/// forge-config: deep.isolate = false
/// forge-config: deep.invariant.runs = 100
/// forge-config: deep.invariant.depth = 60
/// forge-config: default.isolate = false
/// forge-config: default.invariant.runs = 24
/// forge-config: default.invariant.depth = 40
contract RelayedInvariantsTest is RelayedGame {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    RelayedHandler private handler;

    function setUp() public {
        read();
        found(false);
        handler = new RelayedHandler(rung);
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), new bytes4[](1));
        targets[0].selectors[0] = RelayedHandler.play.selector;
    }

    /// @dev What is allowed is done, and nothing else; every wei is where the rules say.
    function invariant_NoRuleIsBroken() public view {
        vm.assertEq(bytes(handler.finding()), "", handler.finding());
        uint256 owed = handler.burnedByBooks();
        for (uint256 i; i < 5; ++i) {
            address who = handler.accountAt(i);
            vm.assertEq(rung.depositOf(who), handler.expected(who), "an account");
            owed += handler.expected(who);
        }
        vm.assertEq(rung.burned(), handler.burnedByBooks(), "burned");
        vm.assertEq(address(rung).balance, owed, "deposits and what is burned");
        vm.assertEq(address(rung).balance, handler.etherIn() - handler.etherOut(), "what came in less what went out");
    }

    /// @dev Runs in which a branch is never reached would prove nothing of it.
    function test_TheHandlerReachesEveryBranch() public {
        string[11] memory moves = [
            "deposit",
            "withdraw",
            "no withdraw",
            "resign",
            "no resign",
            "rejoin",
            "no rejoin",
            "bring",
            "no bring",
            "show",
            "no show"
        ];
        for (uint256 step; step < 600; ++step) {
            handler.play(draw(step, "reach", 0));
        }
        invariant_NoRuleIsBroken();
        for (uint256 i; i < 11; ++i) {
            vm.assertGe(handler.done(moves[i]), 1, moves[i]);
        }
    }
}
