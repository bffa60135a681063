// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IBlobRung } from "../../../src/scaling/IBlobRung.sol";
import { IOptimisticRung } from "../../../src/scaling/IOptimisticRung.sol";
import { IRung } from "../../../src/scaling/IRung.sol";
import { Exact } from "../../scaling/Exact.sol";
import { Trees } from "../../scaling/Trees.sol";
import { Base } from "../../utils/Base.sol";

interface AttackVm {
    function blobhashes(bytes32[] calldata hashes) external;
    function getCode(string calldata artifact) external view returns (bytes memory);
    /// @dev Calls of `callee` whose data begin with `data` return `returned`.
    function mockCall(address callee, bytes calldata data, bytes calldata returned) external;
    function clearMockedCalls() external;
    function snapshotState() external returns (uint256);
    function revertToState(uint256 snapshot) external returns (bool);
}

/// @notice What all attacks need. A test is named after what the attacker wants, and passes when it does not get it.
abstract contract Attack is Base {
    string internal constant RUNG_0 = "Rung0Naive.sol:Rung0Naive";
    string internal constant RUNG_1 = "Rung1Packed.sol:Rung1Packed";
    string internal constant RUNG_2 = "Rung2Calldata.sol:Rung2Calldata";
    string internal constant RUNG_3 = "Rung3Optimistic.sol:Rung3Optimistic";
    string internal constant RUNG_4 = "Rung4Blobs.sol:Rung4Blobs";

    AttackVm internal constant attackVm = AttackVm(address(vm));
    uint256 internal constant NOW = 1_700_000_000;
    uint256 internal constant CAP = 16_777_216; // gas of a transaction, EIP-7825
    uint32 internal constant SUBMIT = 1 hours;
    uint32 internal constant WINDOW = 8 hours;
    uint32 internal constant WORK = 4 * WINDOW; // rung 4 takes no less
    uint96 internal constant BOND = 1 ether;
    uint96 internal constant FEE = 0.01 ether;
    uint96 internal constant STAKE = 0.5 ether;

    function setUp() public virtual {
        vm.warp(NOW);
    }

    // ------------------------------------------------------------------------------------------------- deployment

    function config(uint32 parameters) internal pure returns (IRung.Config memory) {
        return IRung.Config({ parameters: parameters, submitSeconds: SUBMIT, workSeconds: WORK });
    }

    function terms() internal pure returns (IOptimisticRung.Terms memory) {
        return IOptimisticRung.Terms({ windowSeconds: WINDOW, bond: BOND, fee: FEE, stake: STAKE });
    }

    function member(uint256 i) internal pure returns (address) {
        return address(uint160(0xC0DE00 + i));
    }

    /// @dev n accounts, and weights that differ.
    function members(uint256 n) internal pure returns (address[] memory accounts, uint16[] memory weights) {
        (accounts, weights) = (new address[](n), new uint16[](n));
        for (uint256 i; i < n; ++i) {
            (accounts[i], weights[i]) = (member(i), uint16(1 + i % 16));
        }
    }

    function simple(uint32 parameters, uint256 n) internal pure returns (bytes memory) {
        (address[] memory accounts, uint16[] memory weights) = members(n);
        return abi.encode(config(parameters), accounts, weights);
    }

    function optimistic(IRung.Config memory c, IOptimisticRung.Terms memory t, uint256 n)
        internal
        pure
        returns (bytes memory)
    {
        (address[] memory accounts, uint16[] memory weights) = members(n);
        return abi.encode(c, t, accounts, weights);
    }

    /// @dev Deploy; the reason when the constructor refuses.
    function create(string memory artifact, bytes memory arguments)
        internal
        returns (address made, bytes memory reason)
    {
        bytes memory code = abi.encodePacked(attackVm.getCode(artifact), arguments);
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
            if iszero(made) {
                reason := mload(0x40)
                mstore(reason, returndatasize())
                returndatacopy(add(reason, 0x20), 0, returndatasize())
                mstore(0x40, add(add(reason, 0x20), and(add(returndatasize(), 31), not(31))))
            }
        }
    }

    function assertRefused(string memory artifact, bytes memory arguments, string memory field, uint256 value)
        internal
    {
        (address made, bytes memory reason) = create(artifact, arguments);
        vm.assertEq(made, address(0), string.concat("refused: ", field));
        bytes memory want = abi.encodeWithSelector(IRung.RungBadConfig.selector, field, value);
        vm.assertEq(keccak256(reason), keccak256(want), string.concat("says why: ", field));
    }

    function assertTaken(string memory artifact, bytes memory arguments) internal returns (address made) {
        (made,) = create(artifact, arguments);
        vm.assertTrue(made != address(0), "deployed");
    }

    // --------------------------------------------------------------------------------------------------- optimistic

    function fund(IOptimisticRung rung, address account_, uint256 amount) internal {
        vm.deal(account_, amount);
        vm.prank(account_);
        rung.deposit{ value: amount }();
    }

    function drawRow(uint256 seed, uint256 length) internal pure returns (bytes memory row) {
        row = new bytes(length);
        for (uint256 j; j < length; j += 32) {
            bytes32 noise =
                bytes32(draw(seed, "row", j) | 0x0101010101010101010101010101010101010101010101010101010101010101);
            assembly ("memory-safe") {
                mstore(add(add(row, 0x20), j), noise)
            }
        }
    }

    /// @dev That a client put other bytes into its blob than it committed to, shown at the first element of a chunk. Whether
    /// an opening is of the blob is not decided here: the point evaluation takes all, see BlobDisputes.t.sol.
    function showOtherBlob(
        IBlobRung rung,
        address prover,
        IOptimisticRung.Submission[] memory list,
        uint256 place,
        bytes memory row,
        uint256 chunk
    ) internal {
        bytes memory data = Exact.slice(row, 1024 * chunk, 1024);
        bytes32[] memory proof = Trees.partProof(row, chunk);
        IBlobRung.Opening memory opening = IBlobRung.Opening({
            element: 34 * chunk, value: uint256(bytes32(data)) >> 8 ^ 1, commitment: new bytes(48), proof: new bytes(48)
        });
        uint256 round = rung.currentRound().number;
        attackVm.mockCall(address(0x0a), "", abi.encode(uint256(4096)));
        vm.prank(prover);
        rung.proveData(round, list, place, chunk, data, proof, opening);
        attackVm.clearMockedCalls();
    }

    function assertSolvent(IOptimisticRung rung, address[] memory accounts, uint256 fees) internal view {
        uint256 owed = rung.burned() + fees * FEE;
        for (uint256 i; i < accounts.length; ++i) {
            owed += rung.depositOf(accounts[i]);
        }
        vm.assertEq(address(rung).balance, owed, "the contract holds what it owes");
    }
}

/// @notice A rung 3 whose two clients have submitted; this contract has a bond down.
abstract contract LoggedAttack is Attack {
    using Exact for Exact.Result;
    using Trees for Trees.Tree;

    IOptimisticRung internal rung;
    Exact.Result internal exact;
    bytes[] internal rows;
    address internal stranger = account("stranger");

    function start(uint32 parameters) internal {
        rung = IOptimisticRung(assertTaken(RUNG_3, optimistic(config(parameters), terms(), 2)));
        fund(rung, address(this), BOND);
        fund(rung, stranger, 100 * FEE);
        submitAll(parameters);
    }

    function submitAll(uint32 parameters) internal {
        rung.openRound();
        delete rows;
        for (uint256 i; i < 2; ++i) {
            rows.push(drawRow(7 + i, (uint256(parameters) + 31) / 32 * 32));
            uint256 round = rung.currentRound().number;
            vm.prank(member(i));
            rung.submit(round, rows[i]);
        }
        (, uint256[] memory weights) = rung.clients();
        exact = Exact.compute(rows, weights, parameters);
    }

    function proposeHonestly() internal {
        rung.work(rung.currentRound().number, abi.encode(rung.basis(), exact.root(), exact.scores));
    }

    function demandAs(address account_, uint256 chunk) internal {
        (uint256 round, bytes32 proposed) = (rung.currentRound().number, rung.proposedDigest());
        vm.prank(account_);
        rung.demand(round, proposed, chunk);
    }

    /// @dev Of a tree that is one leaf.
    function noPath() internal pure returns (IOptimisticRung.Path memory) { }

    function answerHonestly(uint256 chunk) internal {
        Trees.Tree memory t = Trees.full(exact);
        rung.answer(1, chunk, t.leaf(chunk), t.path(chunk));
    }

    function evidence() internal view returns (IOptimisticRung.Evidence memory e) {
        e.submissions = new IOptimisticRung.Submission[](2);
        for (uint256 i; i < 2; ++i) {
            e.submissions[i].client = i;
            (e.submissions[i].parts, e.submissions[i].blobs) = (new bytes32[](1), new bytes32[](1));
            e.submissions[i].parts[0] = Exact.partRoot(rows[i]);
        }
        e.data = abi.encodePacked(rows[0], rows[1]);
    }
}

/// @notice A rung 4 whose two clients have submitted a chunk each; nobody looks into the blobs here.
abstract contract BlobAttack is Attack {
    using Exact for Exact.Result;

    uint32 internal constant PARAMETERS = 2100; // three chunks

    IBlobRung internal rung;
    bytes[] internal rows;
    bytes32 internal submitted;
    address internal watcher = account("watcher");

    function start(uint32 submitSeconds) internal {
        IRung.Config memory c = config(PARAMETERS);
        c.submitSeconds = submitSeconds;
        rung = IBlobRung(assertTaken(RUNG_4, optimistic(c, terms(), 3)));
        fund(rung, address(this), BOND);
        fund(rung, watcher, 100 * FEE);
        rung.openRound();
        for (uint256 i; i < 2; ++i) {
            fund(rung, member(i), STAKE);
            rows.push(drawRow(7 + i, 2112));
            submitRoot(i, Exact.partRoot(rows[i]));
        }
    }

    function submitRoot(uint256 i, bytes32 root) internal {
        attackVm.blobhashes(names(1, i));
        uint256 round = rung.currentRound().number;
        vm.prank(member(i));
        rung.submit(round, abi.encode(root));
        attackVm.blobhashes(new bytes32[](0));
        submitted = rung.accumulator();
    }

    function names(uint256 count, uint256 i) internal pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](count);
        for (uint256 k; k < count; ++k) {
            hashes[k] = bytes32(uint256(1) << 248 | i << 32 | k + 1);
        }
    }

    function submissions() internal view returns (IOptimisticRung.Submission[] memory list) {
        list = new IOptimisticRung.Submission[](2);
        for (uint256 i; i < 2; ++i) {
            list[i].client = i;
            list[i].parts = new bytes32[](1);
            list[i].parts[0] = Exact.partRoot(rows[i]);
            list[i].blobs = names(1, i);
        }
    }

    function demandData(uint256 client, uint256 chunk) internal {
        vm.prank(watcher);
        rung.demandData(1, submitted, client, chunk);
    }

    /// @dev Anything: what is true is not disputed here.
    function propose() internal {
        rung.work(1, abi.encode(rung.basis(), bytes32(uint256(1)), new int256[](3)));
    }

    /// @dev Client 0's chunk, as committed to.
    function answerData(uint256 chunk) internal {
        bytes memory data = Exact.slice(rows[0], 1024 * chunk, 1024);
        rung.answerData(1, submissions(), 0, chunk, data, Trees.partProof(rows[0], chunk));
    }

    function everybody() internal view returns (address[] memory list) {
        list = new address[](4);
        (list[0], list[1], list[2], list[3]) = (member(0), member(1), watcher, address(this));
    }
}
