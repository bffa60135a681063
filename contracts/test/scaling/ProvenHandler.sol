// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IDeposits } from "../../src/scaling/IDeposits.sol";
import { IProvenRung } from "../../src/scaling/IProvenRung.sol";
import { IRung } from "../../src/scaling/IRung.sol";
import { Base } from "../utils/Base.sol";
import { Sealing } from "./Sealing.sol";

/// @notice Plays rounds of rung 6 in any order, with books of its own; pairings are mocked to hold, so that every fault is one.
/// @dev What the rules allow must work, and nothing else: `finding` says what did not keep to that.
contract ProvenHandler is Base {
    uint256 public constant STAKE = 3; // odd: halves differ
    uint256 private constant N = 4;
    uint32 private constant SUBMIT = 1 hours;
    uint32 private constant REVEAL = 2 hours;
    uint32 private constant WORK = 8 hours;
    uint32 private constant WINDOW = 3 hours;
    uint32 private constant PARAMETERS = 70; // two points

    IProvenRung public rung;
    address[] private accounts; // the clients, and a watcher
    mapping(address => uint256) public expected;
    mapping(string => uint256) public done;
    uint256 public burnedByBooks;
    uint256 public etherIn;
    uint256 public etherOut;
    string public finding;
    uint256 private proven; // whom the proof that stands, or stood when the round ended, counts
    uint256 private provenAt;
    bytes32 private result;

    constructor() {
        vm.warp(1_700_000_000);
        Sealing.mockPairing();
        address[] memory members = new address[](N);
        uint16[] memory weights = new uint16[](N);
        for (uint256 i; i < N; ++i) {
            (members[i], weights[i]) = (address(uint160(0xC0DE00 + i)), uint16(1 + 3 * i));
            accounts.push(members[i]);
        }
        accounts.push(account("watcher"));
        bytes memory arguments = abi.encode(
            IRung.Config({ parameters: PARAMETERS, submitSeconds: SUBMIT, workSeconds: WORK }),
            IProvenRung.Terms({ windowSeconds: WINDOW, revealSeconds: REVEAL, stake: uint96(STAKE) }),
            Sealing.setup(),
            members,
            weights
        );
        rung = IProvenRung(vm.deployCode("Rung6Proven.sol:Rung6Proven", arguments));
    }

    function accountAt(uint256 i) external view returns (address) {
        return accounts[i];
    }

    function play(uint256 seed) external {
        uint256 move = seed % 12;
        seed >>= 8;
        bytes32 before = rung.resultDigest();
        if (before != result) finding = "a result changed by itself";
        if (move == 0) _open();
        else if (move < 4) _seal(seed % N);
        else if (move == 4) _reveal(seed);
        else if (move == 5) _prove(seed);
        else if (move == 6) _fault(seed % N, seed >> 8);
        else if (move == 7) _finalize();
        else if (move == 8) _withdraw(accounts[seed % (N + 1)], (seed >> 8) % 8);
        else if (move < 11) _deposit(accounts[seed % (N + 1)], 1 + (seed >> 8) % 6);
        else vm.warp(block.timestamp + (seed % 3 == 0 ? 10 minutes : seed % 3 == 1 ? 1 hours : 5 hours));
        if (rung.resultDigest() != result) finding = "a result that was not finalized";
        if (rung.currentRound().phase != IRung.Phase.Open && rung.present() != proven) {
            finding = "others than were proven";
        }
    }

    // ----------------------------------------------------------------------------------------------------- the rules

    function _all(IRung.Round memory round) private view returns (bool) {
        return round.submitted == (1 << N) - 1 || block.timestamp >= round.closesAt;
    }

    function _in(IRung.Round memory round, uint256 client) private view returns (bool) {
        return (round.submitted & ~rung.excluded()) >> client & 1 == 1;
    }

    function _tied(address who) private view returns (uint256) {
        IRung.Round memory round = rung.currentRound();
        if (round.phase == IRung.Phase.Idle) return 0;
        for (uint256 i; i < N; ++i) {
            if (accounts[i] == who && _in(round, i)) return STAKE;
        }
        return 0;
    }

    function _note(string memory name, bool ok, bool must) private {
        if (ok) done[name] += 1;
        if (ok && !must) finding = string.concat(name, " worked and must not");
        if (!ok && must) finding = string.concat(name, " was refused");
    }

    function _call(address from, bytes memory data) private returns (bool ok) {
        vm.prank(from);
        (ok,) = address(rung).call(data);
    }

    // ----------------------------------------------------------------------------------------------------- the moves

    function _open() private {
        IRung.Round memory round = rung.currentRound();
        bool must = round.phase == IRung.Phase.Idle || round.phase == IRung.Phase.Open
            && block.timestamp >= (round.submitted == 0 ? round.closesAt : round.expiresAt);
        _note("open", _call(accounts[N], abi.encodeCall(IRung.openRound, ())), must);
    }

    function _seal(uint256 i) private {
        IRung.Round memory round = rung.currentRound();
        bool must = round.phase == IRung.Phase.Open && block.timestamp < round.closesAt && round.submitted >> i & 1 == 0
            && expected[accounts[i]] >= STAKE;
        bytes memory seal = abi.encode(Sealing.seal(rung, round.number, i, accounts[i], PARAMETERS));
        _note("seal", _call(accounts[i], abi.encodeCall(IRung.submit, (round.number, seal))), must);
    }

    function _reveal(uint256 seed) private {
        IRung.Round memory round = rung.currentRound();
        bool stands = round.phase == IRung.Phase.Proposed;
        bool must = (stands || round.phase == IRung.Phase.Open && round.submitted != 0 && _all(round))
            && (stands ? provenAt : block.timestamp) < uint256(round.closesAt) + REVEAL;
        IProvenRung.Opening[] memory openings = new IProvenRung.Opening[](1 + seed % 3);
        for (uint256 k; k < openings.length; ++k) {
            uint256 i = (seed >> 8 * (k + 1)) % N;
            openings[k] = Sealing.opening(round.number, i, PARAMETERS);
            must = must && round.submitted >> i & 1 == 1; // who is out is passed over
        }
        (uint256 present, uint256 open) = (rung.present(), rung.revealed());
        _note("reveal", _call(accounts[N], abi.encodeCall(IProvenRung.reveal, (round.number, openings))), must);
        if (!stands) return;
        if (rung.revealed() != open) done["reveal behind a proof"] += 1;
        if (rung.present() != present) finding = "a reveal changed whom a proof counts";
    }

    function _prove(uint256 seed) private {
        IRung.Round memory round = rung.currentRound();
        uint256 present = rung.present();
        bool must = round.phase == IRung.Phase.Open && present != 0 && _all(round);
        bytes memory step = _step(round.number, present, seed);
        bool ok = _call(accounts[seed % (N + 1)], abi.encodeCall(IRung.work, (round.number, step)));
        _note("prove", ok, must);
        if (!ok) return;
        if (rung.revealed() == 0) done["prove with seals"] += 1;
        if (present != round.submitted) done["prove without some"] += 1;
        if (rung.currentRound().expiresAt != block.timestamp + WINDOW) finding = "a window of another length";
        (proven, provenAt) = (present, block.timestamp);
    }

    function _step(uint256 round, uint256 present, uint256 seed) private view returns (bytes memory) {
        address[] memory members = new address[](N);
        int256[] memory scores = new int256[](N);
        for (uint256 i; i < N; ++i) {
            (members[i], scores[i]) = (accounts[i], int256(seed >> 200) - int256(i));
        }
        return abi.encode(Sealing.step(members, round, present, rung.revealed(), PARAMETERS, scores));
    }

    function _fault(uint256 i, uint256 seed) private {
        IRung.Round memory round = rung.currentRound();
        bool must = round.phase != IRung.Phase.Idle && _all(round) && _in(round, i);
        bool counted = round.phase == IRung.Phase.Proposed && proven >> i & 1 == 1;
        address from = accounts[seed % (N + 1)];
        bytes32 salt = Sealing.salt(round.number, i);
        bytes memory points = new bytes(96 * Sealing.chunks(PARAMETERS));
        bytes memory data =
            abi.encodeCall(IProvenRung.proveFault, (round.number, i, salt, points, seed % 128, 128, new bytes(96)));
        bool ok = _call(from, data);
        _note("fault", ok, must);
        if (!ok) return;
        expected[accounts[i]] -= STAKE;
        expected[from] += STAKE / 2;
        burnedByBooks += STAKE - STAKE / 2;
        IRung.Round memory then = rung.currentRound();
        if (counted) done["fall"] += 1;
        if (round.phase == IRung.Phase.Proposed && (then.phase == IRung.Phase.Open) != counted) {
            finding = "a proof fell that did not count the client, or did not fall that did";
        }
        if (then.phase == IRung.Phase.Open && then.expiresAt < block.timestamp + WORK) finding = "less time to work";
        uint256 time = counted ? provenAt : block.timestamp;
        bool anew = (counted || round.phase == IRung.Phase.Open) && time < uint256(round.closesAt) + REVEAL;
        if (anew) done["anew"] += 1;
        if (then.closesAt != (anew && block.timestamp > round.closesAt ? block.timestamp : round.closesAt)) {
            finding = "another time to reveal";
        }
    }

    function _finalize() private {
        IRung.Round memory round = rung.currentRound();
        bool must = round.phase == IRung.Phase.Proposed && block.timestamp >= round.expiresAt;
        bool ok = _call(accounts[N], abi.encodeCall(IProvenRung.finalize, (round.number)));
        _note("finalize", ok, must);
        if (!ok) return;
        result = rung.proposedDigest();
        if (proven & rung.excluded() != 0) finding = "final with a client that is out";
    }

    function _withdraw(address who, uint256 amount) private {
        bool must = amount + _tied(who) <= expected[who];
        if (_tied(who) != 0) done["withdraw beside a stake"] += 1;
        bool ok = _call(who, abi.encodeCall(IDeposits.withdraw, (amount)));
        _note("withdraw", ok, must);
        if (!ok) return;
        expected[who] -= amount;
        etherOut += amount;
    }

    function _deposit(address who, uint256 amount) private {
        vm.deal(who, amount);
        vm.prank(who);
        rung.deposit{ value: amount }();
        expected[who] += amount;
        etherIn += amount;
    }
}
