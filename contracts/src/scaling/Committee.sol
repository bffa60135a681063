// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Deposits } from "./Deposits.sol";
import { IRelayedRung } from "./IRelayedRung.sol";
import { Rung } from "./Rung.sol";
import { Bls } from "./Bls.sol";
import { BlsSigning } from "./BlsSigning.sol";

// Bits and hashes are compared with `==` because they are exact; a window is many blocks long, and a proposer can shift one by
// seconds. Recovered addresses are packed by hand: Solidity would allocate for each.
// slither-disable-start timestamp,incorrect-equality,assembly

/// @title Who signs a relayed round: registration, the committee in one slot, members that are absent or out
/// @dev One slot holds the hash of everything that a round needs to know of all clients, and who closes a round brings it
/// along: reading a slot a client would cost as much as the proof. Keys of absent members are taken away from the sum.
abstract contract Committee is IRelayedRung, Deposits {
    bytes internal constant ROUND_DOMAIN = "BCFL-V1-ROUND_BLS12381G1_XMD:SHA-256_SSWU_RO_";
    bytes private constant POSSESSION_DOMAIN = "BCFL-V1-POSSESSION_BLS12381G1_XMD:SHA-256_SSWU_RO_";

    uint256 internal immutable _windowSeconds;
    bool internal immutable _ecdsa;

    /// @inheritdoc IRelayedRung
    bytes32 public committee;
    /// @inheritdoc IRelayedRung
    uint256 public excluded;
    /// @inheritdoc IRelayedRung
    mapping(address account => bytes32 digest) public keyOf;

    constructor(Terms memory terms_, address[] memory accounts) Deposits(terms_.stake) {
        if (terms_.windowSeconds == 0) revert RungBadConfig("windowSeconds", 0);
        if (terms_.stake == 0) revert RungBadConfig("stake", 0);
        for (uint256 i = 1; i < accounts.length; ++i) {
            // their order is the transcript's
            if (accounts[i] <= accounts[i - 1]) revert RungBadConfig("order of client", i);
        }
        (_windowSeconds, _ecdsa) = (terms_.windowSeconds, terms_.ecdsa);
        excluded = _everybody();
    }

    // ------------------------------------------------------------------------------------------------------ membership

    /// @inheritdoc IRelayedRung
    function register(bytes calldata key, bytes calldata possession) external {
        uint256 client = _clientOf(msg.sender);
        if (keyOf[msg.sender] != 0) revert RungAlreadyRegistered(client);
        if (_ecdsa) {
            if (key.length + possession.length != 0) revert RungBadKey();
        } else {
            _checkPossession(key, possession);
        }
        keyOf[msg.sender] = keccak256(key);
        _let(client);
        emit Registered(client, key);
    }

    /// @inheritdoc IRelayedRung
    function seat(bytes calldata keys) external {
        if (committee != 0) revert RungAlreadySeated();
        uint256 size = _ecdsa ? 0 : Bls.KEY;
        if (keys.length != size * _members) revert RungWrongLength(keys.length, size * _members);
        address[] memory accounts = new address[](_members);
        bytes memory sum = new bytes(size);
        for (uint256 i; i < _members; ++i) {
            accounts[i] = _account(i);
            bytes calldata key = keys[size * i:size * (i + 1)];
            if (keyOf[accounts[i]] == 0) revert RungNotRegistered(i);
            if (keccak256(key) != keyOf[accounts[i]]) revert RungOtherKey(i);
            if (!_ecdsa) sum = BlsSigning.addKeys(sum, key);
        }
        // who comes last would else be alone, if it waits until the others have given up
        if (excluded != 0) revert RungNoMember(_first(excluded));
        bytes memory weights;
        uint256[] memory all = _weightsOf(_indices(_everybody()));
        for (uint256 i; i < all.length; ++i) {
            weights = bytes.concat(weights, bytes2(uint16(all[i]))); // as the constructor took them
        }
        committee = keccak256(abi.encodePacked(keccak256(abi.encodePacked(accounts)), weights, sum));
        (_round.number, _round.phase) = (1, Phase.Open);
        _seated();
        emit Seated(committee);
        emit RoundOpened(1);
    }

    /// @inheritdoc IRelayedRung
    function resign() external {
        uint256 client = _clientOf(msg.sender);
        if (excluded >> client & 1 == 1) revert RungNoMember(client);
        excluded |= 1 << client;
        emit Resigned(client);
    }

    /// @inheritdoc IRelayedRung
    function rejoin() external {
        uint256 client = _clientOf(msg.sender);
        if (keyOf[msg.sender] == 0) revert RungNotRegistered(client);
        if (excluded >> client & 1 == 0) revert RungStillMember(client);
        _let(client);
        emit Rejoined(client);
    }

    /// @inheritdoc IRelayedRung
    function terms() external view returns (Terms memory) {
        return Terms({ windowSeconds: uint32(_windowSeconds), stake: uint96(_stake), ecdsa: _ecdsa });
    }

    /// @dev All have registered.
    function _seated() internal virtual;

    // -------------------------------------------------------------------------------------------------- who closes a round

    /// @dev Refuse another committee, too few members, and whoever is none.
    /// @return present Their bits.
    /// @return who keccak256 of their addresses, a word each.
    /// @return key The sum of their keys.
    function _admit(Closing calldata closing) internal view returns (uint256 present, bytes32 who, bytes memory key) {
        uint256 absent = closing.absent & _everybody();
        who = absent == 0 ? closing.everybody : keccak256(abi.encodePacked(closing.accounts));
        if (closing.weights.length != 2 * _members) revert RungWrongLength(closing.weights.length, 2 * _members);
        bytes32 given = keccak256(abi.encodePacked(who, closing.weights, closing.key));
        if (given != committee) revert RungOtherCommittee(given, committee);
        present = _everybody() & ~absent;
        uint256 out = excluded;
        if (present & out != 0) revert RungNoMember(_first(present & out));
        (uint256 signers, uint256 members) = (_count(present), _count(_everybody() & ~out));
        if (3 * signers <= 2 * members) revert RungNoQuorum(signers, members);
        if (2 * signers <= _members) revert RungNoMajority(signers, _members); // else a rest would be the committee
        key = closing.key;
        if (absent != 0) (who, key) = _without(absent, closing);
    }

    /// @dev The same without who is absent.
    function _without(uint256 absent, Closing calldata closing) private view returns (bytes32 who, bytes memory key) {
        key = closing.key;
        uint256[] memory missing = _indices(absent);
        uint256 size = _ecdsa ? 0 : Bls.KEY;
        if (closing.keys.length != size * missing.length) {
            revert RungWrongLength(closing.keys.length, size * missing.length);
        }
        for (uint256 i; i < missing.length && !_ecdsa; ++i) {
            bytes calldata own = closing.keys[size * i:size * (i + 1)];
            if (keccak256(own) != keyOf[closing.accounts[missing[i]]]) revert RungOtherKey(missing[i]);
            key = BlsSigning.addKeys(key, BlsSigning.negateKey(own));
        }
        uint256[] memory list = _indices(_everybody() & ~absent);
        address[] memory accounts = new address[](list.length);
        for (uint256 i; i < list.length; ++i) {
            accounts[i] = closing.accounts[list[i]];
        }
        who = keccak256(abi.encodePacked(accounts));
    }

    /// @dev What the pairing needs besides, so that it is one only for the members' signatures on `message`. With ECDSA that is
    /// nothing: their addresses are recovered here.
    function _authenticate(bytes32 message, bytes32 who, bytes memory key, bytes calldata signatures, uint256 n)
        internal
        view
        returns (bytes memory pair)
    {
        if (signatures.length != (_ecdsa ? 64 * n : 0)) revert RungWrongLength(signatures.length, _ecdsa ? 64 * n : 0);
        if (!_ecdsa) return bytes.concat(BlsSigning.hashToG1(bytes.concat(message), ROUND_DOMAIN), key);
        bytes32 signed = keccak256(abi.encodePacked("\x19Ethereum Signed Message:\n32", message));
        if (_recover(signed, signatures) != who) revert RungBadSignatures();
    }

    /// @dev keccak256 of the addresses that signed, a word each. Solidity equivalent for signature i:
    /// addresses[i] = ecrecover(signed, 27 + uint8(vs[i] >> 255), r[i], vs[i] & (2**255 - 1))
    function _recover(bytes32 signed, bytes calldata signatures) private view returns (bytes32 digest) {
        assembly ("memory-safe") {
            let free := mload(0x40) // not kept: 128 bytes of input, then the addresses
            mstore(free, signed)
            let addresses := add(free, 0x80)
            let target := addresses
            let source := signatures.offset
            for { let end := add(source, signatures.length) } lt(source, end) { source := add(source, 0x40) } {
                let vs := calldataload(add(source, 0x20))
                mstore(add(free, 0x20), add(27, shr(255, vs)))
                mstore(add(free, 0x40), calldataload(source))
                mstore(add(free, 0x60), shr(1, shl(1, vs)))
                mstore(target, 0) // where nothing is recovered nothing is written, and nobody is at this address
                pop(staticcall(3000, 1, free, 0x80, target, 0x20))
                target := add(target, 0x20)
            }
            digest := keccak256(addresses, sub(target, addresses))
        }
    }

    /// @dev Refuse a key whose secret the caller does not have: e(possession, −H)·e(hash, key) = 1. The pairing also sees that
    /// both are in their groups.
    function _checkPossession(bytes calldata key, bytes calldata possession) private view {
        if (key.length != Bls.KEY || possession.length != Bls.POINT || BlsSigning.isInfinity(key)) revert RungBadKey();
        bytes32 message = keccak256(abi.encode(block.chainid, address(this), msg.sender, key));
        bytes memory point = BlsSigning.hashToG1(bytes.concat(message), POSSESSION_DOMAIN);
        if (!Bls.pairing(bytes.concat(possession, Bls.MINUS_H, point, key))) revert RungBadPossession(msg.sender);
    }

    // ------------------------------------------------------------------------------------------------------------- stakes

    /// @dev A client's update has a fault: it loses its stake, and is out.
    function _expel(uint256 client) internal {
        excluded |= 1 << client;
        _slash(_account(client), _stake, msg.sender);
    }

    /// @dev A member's stake, and that of whoever is counted in a result for which it may still lose it.
    function _tied(address account) internal view override returns (uint256) {
        uint256 bit = _bitOf(account);
        bool counted = bit & _round.submitted != 0 && block.timestamp < _round.closesAt;
        return bit & ~excluded != 0 || counted ? _stake : 0;
    }

    /// @dev A client is a member from now on. What an earlier round still ties up of its deposit is the same stake.
    function _let(uint256 client) private {
        uint256 held = depositOf(msg.sender);
        if (held < _stake) revert RungShortDeposit(msg.sender, held, _stake);
        excluded &= ~(1 << client);
    }

    function _clientOf(address account) internal view returns (uint256) {
        uint256 indexPlusOne = _memberOf[account].indexPlusOne;
        if (indexPlusOne == 0) revert RungNotClient(account);
        return indexPlusOne - 1;
    }

    function _everybody() internal view returns (uint256) {
        return (1 << _members) - 1;
    }

    /// @dev How many bits are set, of 128: sums of neighbors, in lanes of 2, 4, then 8 bits.
    function _count(uint256 bits) internal pure returns (uint256) {
        unchecked {
            // no lane overflows: counts of up to 8 bits fit 4, their sum of 16 lanes fits 8
            bits -= bits >> 1 & 0x55555555555555555555555555555555;
            bits = (bits & 0x33333333333333333333333333333333) + (bits >> 2 & 0x33333333333333333333333333333333);
            bits = bits + (bits >> 4) & 0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f;
            return bits * 0x01010101010101010101010101010101 >> 120 & 0xff;
        }
    }

    /// @dev The lowest of some bits.
    function _first(uint256 bits) private pure returns (uint256 i) {
        while (bits >> i & 1 == 0) {
            ++i;
        }
    }
}
// slither-disable-end timestamp,incorrect-equality,assembly
