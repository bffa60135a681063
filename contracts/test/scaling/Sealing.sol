// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IProvenRung } from "../../src/scaling/IProvenRung.sol";
import { IRung } from "../../src/scaling/IRung.sol";

interface SealingVm {
    function mockCall(address callee, bytes calldata data, bytes calldata returned) external;
}

/// @notice What clients of rung 6 and provers send, in tests whose pairings are mocked to hold: commitments are points at
/// infinity, K of them for P entries and N = 64, and nothing of a proof but its shape is true. Real proofs come from
/// vectors/proofs.json, and from Python.
library Sealing {
    struct Setup {
        uint8 logN;
        bytes tauH;
    }

    uint8 internal constant LOG_N = 6;
    /// @dev H: τ is one, and nothing hides.
    bytes internal constant KNOWN = hex"00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
        hex"0000000000000000000000000000000013e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
        hex"000000000000000000000000000000000ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801"
        hex"000000000000000000000000000000000606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be";
    /// @dev τ·H of Ethereum's ceremony, whose 4,096 powers of τ anybody has.
    bytes internal constant ETHEREUM = hex"00000000000000000000000000000000185cbfee53492714734429b7b38608e23926c911cceceac9a36851477ba4c60b087041de621000edc98edada20c1def2"
        hex"0000000000000000000000000000000015bfd7dd8cdeb128843bc287230af38926187075cbfbefa81009a2ce615ac53d2914e5870cb452d2afaaab24f3499f72"
        hex"00000000000000000000000000000000014353bdb96b626dd7d5ee8599d1fca2131569490e28de18e82451a496a9c9794ce26d105941f383ee689bfbbb832a99"
        hex"000000000000000000000000000000001666c54b0a32529503432fcae0181b4bef79de09fc63671fda5ed1ba9bfa07899495346f3d7ac9cd23048ef30d0a154f";

    function mockPairing() internal {
        SealingVm(address(uint160(uint256(keccak256("hevm cheat code")))))
            .mockCall(address(0x0f), "", abi.encode(uint256(1)));
    }

    function setup() internal pure returns (Setup memory) {
        return Setup({ logN: LOG_N, tauH: KNOWN });
    }

    function chunks(uint256 parameters) internal pure returns (uint256) {
        return (parameters + (1 << LOG_N) - 1) >> LOG_N;
    }

    function salt(uint256 round, uint256 client) internal pure returns (bytes32) {
        return keccak256(abi.encode("salt", round, client));
    }

    function digest(uint256 parameters) internal pure returns (bytes32) {
        return keccak256(new bytes(96 * chunks(parameters)));
    }

    function seal(IRung rung, uint256 round, uint256 client, address account, uint256 parameters)
        internal
        view
        returns (bytes32)
    {
        bytes32 own = digest(parameters);
        return keccak256(abi.encode(block.chainid, address(rung), round, account, salt(round, client), own));
    }

    function opening(uint256 round, uint256 client, uint256 parameters)
        internal
        pure
        returns (IProvenRung.Opening memory)
    {
        return IProvenRung.Opening({ client: client, salt: salt(round, client), digest: digest(parameters) });
    }

    /// @param present Bits of who takes part.
    /// @param revealed Bits of who has revealed.
    /// @param scores Of all clients.
    function step(
        address[] memory accounts,
        uint256 round,
        uint256 present,
        uint256 revealed,
        uint256 parameters,
        int256[] memory scores
    ) internal pure returns (IProvenRung.Step memory s) {
        uint256 count;
        bytes memory salts;
        for (uint256 i; i < accounts.length; ++i) {
            if (present >> i & 1 == 0) continue;
            ++count;
            s.scores = abi.encodePacked(s.scores, int128(scores[i]));
            salts = abi.encodePacked(salts, salt(round, i));
        }
        s.clients = accounts;
        s.salts = new bytes32[](present & ~revealed == 0 ? 0 : count);
        for (uint256 i; i < s.salts.length; ++i) {
            bytes32 word;
            assembly ("memory-safe") {
                word := mload(add(salts, mul(0x20, add(i, 1))))
            }
            s.salts[i] = word;
        }
        s.proof = new bytes(384 + 32 * chunks(parameters));
        s.points = new bytes(96 * chunks(parameters) * count);
    }

    /// @dev m, of these clients.
    function message(
        IRung rung,
        address[] memory accounts,
        uint256[] memory weights,
        uint256 round,
        uint256 present,
        uint256 parameters
    ) internal view returns (bytes32) {
        bytes memory who;
        bytes memory records;
        for (uint256 i; i < accounts.length; ++i) {
            if (present >> i & 1 == 0) continue;
            who = bytes.concat(who, abi.encode(accounts[i]));
            records = abi.encodePacked(records, uint64(weights[i]), digest(parameters));
        }
        bytes32 known = keccak256(abi.encodePacked(uint256(1) << LOG_N, KNOWN));
        return keccak256(
            abi.encode(block.chainid, address(rung), round, known, parameters, keccak256(who), keccak256(records))
        );
    }
}
