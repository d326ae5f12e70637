// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CoalitionPoints} from "../src/CoalitionPoints.sol";
import {Checks} from "./Cheats.sol";

/// @notice A fresh contract, three keys, and short ways to write batches.
abstract contract PointsFixture is Checks {
    address internal constant ADMIN = address(0xAD);
    address internal constant POSTER = address(0xB0);
    address internal constant GUARDIAN = address(0x60);
    uint48 internal constant OPENING_CAP = 1_000;
    uint32 internal constant OPENINGS = 4;

    CoalitionPoints internal points;
    uint256 private _batches;

    function deploy() internal {
        points = new CoalitionPoints("Coalition Points", "PTS", ADMIN, POSTER, GUARDIAN, OPENING_CAP, OPENINGS);
    }

    function entry(address member, int48 change) internal pure returns (bytes memory) {
        return abi.encodePacked(member, change);
    }

    function none() internal pure returns (CoalitionPoints.PartnerDelta[] memory) {
        return new CoalitionPoints.PartnerDelta[](0);
    }

    function one(CoalitionPoints.PartnerDelta memory delta)
        internal
        pure
        returns (CoalitionPoints.PartnerDelta[] memory deltas)
    {
        deltas = new CoalitionPoints.PartnerDelta[](1);
        deltas[0] = delta;
    }

    function two(CoalitionPoints.PartnerDelta memory first, CoalitionPoints.PartnerDelta memory second)
        internal
        pure
        returns (CoalitionPoints.PartnerDelta[] memory deltas)
    {
        deltas = new CoalitionPoints.PartnerDelta[](2);
        deltas[0] = first;
        deltas[1] = second;
    }

    function issuing(uint32 partner, int48 amount) internal pure returns (CoalitionPoints.PartnerDelta memory) {
        return CoalitionPoints.PartnerDelta(partner, amount, 0, 0, 0);
    }

    function withdrawing(uint32 partner, int48 amount) internal pure returns (CoalitionPoints.PartnerDelta memory) {
        return CoalitionPoints.PartnerDelta(partner, 0, amount, 0, 0);
    }

    function redeemed(uint32 issuer, uint32 acceptor, int48 amount)
        internal
        pure
        returns (CoalitionPoints.PartnerDelta[] memory)
    {
        if (issuer == acceptor) return one(CoalitionPoints.PartnerDelta(issuer, 0, 0, amount, amount));
        return two(
            CoalitionPoints.PartnerDelta(issuer, 0, 0, amount, 0),
            CoalitionPoints.PartnerDelta(acceptor, 0, 0, 0, amount)
        );
    }

    function nextId() internal returns (bytes32) {
        return keccak256(abi.encode(++_batches));
    }

    function post(CoalitionPoints.PartnerDelta[] memory deltas, bytes memory packed) internal {
        bytes32 id = nextId();
        cheats.prank(POSTER);
        points.applyBatch(id, deltas, packed);
    }

    function postRefused(CoalitionPoints.PartnerDelta[] memory deltas, bytes memory packed, bytes memory why) internal {
        bytes32 id = nextId();
        cheats.prank(POSTER);
        cheats.expectRevert(why);
        points.applyBatch(id, deltas, packed);
    }

    function issue(uint32 partner, address member, int48 amount) internal {
        post(one(issuing(partner, amount)), entry(member, amount));
    }
}
