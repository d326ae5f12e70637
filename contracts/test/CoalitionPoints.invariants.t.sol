// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CoalitionPoints} from "../src/CoalitionPoints.sol";
import {PointsFixture} from "./PointsFixture.sol";

/// @notice Does anything a poster, an admin, a guardian and members might do, and keeps a simple model beside it.
/// @dev Attempts that must be refused go through `try`: had one succeeded, `breach` says which rule fell. A revert in
/// here would only be swallowed.
contract Coalition is PointsFixture {
    uint32 public constant PARTNERS = 3;
    uint160 public constant MEMBERS = 4;

    string public breach;
    mapping(uint32 partner => int256) public owed;
    mapping(address member => int256) public held;
    mapping(uint32 partner => uint256) public most; // highest outstanding any cap has allowed so far
    bytes32[] private _used;

    constructor() {
        deploy();
        for (uint32 partner = 1; partner <= PARTNERS; ++partner) {
            most[partner] = OPENING_CAP;
        }
    }

    function token() external view returns (CoalitionPoints) {
        return points;
    }

    function member(uint256 seed) public pure returns (address) {
        return address(uint160(0x1000 + seed % MEMBERS));
    }

    function earn(uint256 who, uint32 partner, uint16 amount) external {
        partner = partner % PARTNERS + 1;
        try_(one(issuing(partner, int48(uint48(amount)))), member(who), int48(uint48(amount)), partner);
    }

    function withdraw(uint256 who, uint32 partner, uint16 amount) external {
        partner = partner % PARTNERS + 1;
        try_(one(withdrawing(partner, int48(uint48(amount)))), member(who), -int48(uint48(amount)), partner);
    }

    function redeem(uint256 who, uint32 issuer, uint32 acceptor, int16 amount) external {
        issuer = issuer % PARTNERS + 1;
        acceptor = acceptor % PARTNERS + 1;
        try_(redeemed(issuer, acceptor, amount), member(who), -int48(amount), issuer);
    }

    function lie(uint256 who, uint32 partner, int16 stated, int16 given) external {
        if (stated == given) return;
        bytes32 id = nextId();
        cheats.prank(POSTER);
        try points.applyBatch(id, one(issuing(partner % PARTNERS + 1, stated)), entry(member(who), given)) {
            breach = "a batch that does not balance was applied";
        } catch {}
    }

    function repeat(uint256 which) external {
        if (_used.length == 0) return;
        cheats.prank(POSTER);
        try points.applyBatch(_used[which % _used.length], none(), "") {
            breach = "a batch was applied twice";
        } catch {}
    }

    function usurp(uint256 who, uint16 amount) external {
        address caller = member(who);
        bytes32 id = nextId();
        cheats.prank(caller);
        try points.applyBatch(id, one(issuing(1, int48(uint48(amount)))), entry(caller, int48(uint48(amount)))) {
            breach = "a stranger applied a batch";
        } catch {}
    }

    function pay(uint256 from, uint256 to, uint16 amount) external {
        cheats.prank(member(from));
        try points.transfer(member(to), amount) {
            breach = "a member paid a member";
        } catch {}
    }

    function postWhilePaused(uint256 who, uint16 amount) external {
        cheats.prank(GUARDIAN);
        points.pause();
        bytes32 id = nextId();
        cheats.prank(POSTER);
        try points.applyBatch(id, one(issuing(1, int48(uint48(amount)))), entry(member(who), int48(uint48(amount)))) {
            breach = "a batch was applied during a pause";
        } catch {}
        cheats.prank(ADMIN);
        points.unpause();
    }

    function setCap(uint32 partner, uint16 cap, bool closed) external {
        partner = partner % PARTNERS + 1;
        cheats.prank(ADMIN);
        points.setPartner(
            partner, closed ? CoalitionPoints.PartnerState.Closed : CoalitionPoints.PartnerState.Active, cap
        );
        uint256 outstanding = points.outstanding(partner);
        most[partner] = closed || cap < outstanding ? outstanding : cap;
    }

    function try_(CoalitionPoints.PartnerDelta[] memory deltas, address who, int48 change, uint32 issuer) private {
        bytes32 id = nextId();
        cheats.prank(POSTER);
        try points.applyBatch(id, deltas, entry(who, change)) {
            _used.push(id);
            owed[issuer] += change;
            held[who] += change;
            uint256 outstanding = points.outstanding(issuer);
            uint256 cap = points.partnerAccount(issuer).cap;
            // Above a lowered cap the ceiling sinks with every redemption.
            if (outstanding < most[issuer] && outstanding > cap) most[issuer] = outstanding;
        } catch {}
    }
}

/// @notice What stays true whatever the coalition does.
contract InvariantTest is PointsFixture {
    Coalition private _coalition;

    function setUp() public {
        _coalition = new Coalition();
        points = _coalition.token();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_coalition);
    }

    function invariant_what_partners_owe_is_what_members_hold() external view {
        uint256 owed;
        uint256 ofAll;
        uint256 atAll;
        for (uint32 partner = 1; partner <= _coalition.PARTNERS(); ++partner) {
            owed += points.outstanding(partner);
            ofAll += points.partnerAccount(partner).redeemedOf;
            atAll += points.partnerAccount(partner).redeemedAt;
        }
        uint256 held;
        for (uint256 seed = 0; seed < _coalition.MEMBERS(); ++seed) {
            held += points.balanceOf(_coalition.member(seed));
        }
        equal(owed, points.totalSupply(), "owed by partners");
        equal(held, points.totalSupply(), "held by members");
        equal(ofAll, atAll, "redeemed of all, redeemed at all");
    }

    function invariant_the_contract_agrees_with_the_model() external view {
        for (uint32 partner = 1; partner <= _coalition.PARTNERS(); ++partner) {
            equalSigned(int256(points.outstanding(partner)), _coalition.owed(partner), "owed");
        }
        for (uint256 seed = 0; seed < _coalition.MEMBERS(); ++seed) {
            address who = _coalition.member(seed);
            equalSigned(int256(points.balanceOf(who)), _coalition.held(who), "held");
        }
    }

    function invariant_no_cap_is_passed() external view {
        for (uint32 partner = 1; partner <= _coalition.PARTNERS(); ++partner) {
            holds(points.outstanding(partner) <= _coalition.most(partner), "a partner owes more than its cap allowed");
        }
    }

    function invariant_nothing_forbidden_succeeded() external view {
        holds(bytes(_coalition.breach()).length == 0, _coalition.breach());
    }
}
