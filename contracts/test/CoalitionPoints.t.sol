// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {CoalitionPoints} from "../src/CoalitionPoints.sol";
import {PointsFixture} from "./PointsFixture.sol";

/// @notice Batches: what they change and why one is refused.
contract BatchTest is PointsFixture {
    address private constant ANNA = address(0xA11A);
    address private constant BELA = address(0xBE1A);

    event BatchApplied(bytes32 indexed batchId, uint256 memberCount, uint256 totalSupply, bytes32 payloadHash);

    function setUp() public {
        deploy();
    }

    function test_points_are_whole() public view {
        equal(points.decimals(), 0, "decimals");
    }

    function test_an_issue_mints_and_counts_for_the_issuer() public {
        issue(1, ANNA, 70);
        equal(points.balanceOf(ANNA), 70, "balance");
        equal(points.partnerAccount(1).issued, 70, "issued");
        equal(points.outstanding(1), 70, "outstanding");
    }

    function test_a_redemption_elsewhere_burns_and_counts_on_both_sides() public {
        issue(1, ANNA, 70);
        post(redeemed(1, 2, 30), entry(ANNA, -30));
        equal(points.balanceOf(ANNA), 40, "balance");
        equal(points.partnerAccount(1).redeemedOf, 30, "redeemedOf");
        equal(points.partnerAccount(2).redeemedAt, 30, "redeemedAt");
        equal(points.outstanding(1), 40, "outstanding of the issuer");
        equal(points.outstanding(2), 0, "outstanding of the acceptor");
    }

    function test_an_undone_redemption_restores_everything() public {
        issue(1, ANNA, 70);
        post(redeemed(1, 2, 30), entry(ANNA, -30));
        post(redeemed(1, 2, -30), entry(ANNA, 30));
        equal(points.balanceOf(ANNA), 70, "balance");
        equal(points.partnerAccount(2).redeemedAt, 0, "redeemedAt");
    }

    function test_withdrawn_points_are_no_longer_owed() public {
        issue(1, ANNA, 70);
        post(one(withdrawing(1, 20)), entry(ANNA, -20));
        equal(points.outstanding(1), 50, "outstanding");
    }

    function test_many_members_in_one_batch() public {
        issue(1, BELA, 10);
        post(one(issuing(1, 60)), bytes.concat(entry(ANNA, 65), entry(BELA, -5)));
        equal(points.balanceOf(ANNA), 65, "first");
        equal(points.balanceOf(BELA), 5, "second");
        address[] memory both = new address[](2);
        (both[0], both[1]) = (BELA, ANNA);
        equal(points.balancesOf(both)[0], 5, "asked together, first");
        equal(points.balancesOf(both)[1], 65, "asked together, second");
    }

    function test_the_event_commits_to_the_whole_call() public {
        bytes memory packed = entry(ANNA, 5);
        bytes32 payload = keccak256(abi.encodeCall(points.applyBatch, ("id", one(issuing(1, 5)), packed)));
        cheats.expectEmit(address(points));
        emit BatchApplied("id", 1, 5, payload);
        cheats.prank(POSTER);
        points.applyBatch("id", one(issuing(1, 5)), packed);
    }

    function test_the_same_batch_twice_is_refused() public {
        cheats.roll(77);
        cheats.prank(POSTER);
        points.applyBatch("id", one(issuing(1, 5)), entry(ANNA, 5));
        equal(points.batchBlock("id"), 77, "block of the batch");
        cheats.prank(POSTER);
        cheats.expectRevert(abi.encodeWithSelector(CoalitionPoints.Duplicate.selector, bytes32("id")));
        points.applyBatch("id", none(), "");
    }

    function test_points_from_nowhere_are_refused() public {
        postRefused(none(), entry(ANNA, 1), abi.encodeWithSelector(CoalitionPoints.Unbalanced.selector, 0, 1));
        postRefused(one(issuing(1, 1)), "", abi.encodeWithSelector(CoalitionPoints.Unbalanced.selector, 1, 0));
    }

    function test_a_redemption_that_nobody_accepted_is_refused() public {
        issue(1, ANNA, 9);
        bytes memory why = abi.encodeWithSelector(CoalitionPoints.RedemptionsUnbalanced.selector, 9, 0);
        postRefused(one(CoalitionPoints.PartnerDelta(1, 0, 0, 9, 0)), entry(ANNA, -9), why);
    }

    function test_a_torn_entry_is_refused() public {
        bytes memory why = abi.encodeWithSelector(CoalitionPoints.PackedLengthInvalid.selector, 25);
        postRefused(none(), new bytes(25), why);
    }

    function test_nobody_is_burned_below_zero() public {
        issue(1, ANNA, 5);
        issue(1, BELA, 5);
        bytes memory why = abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, ANNA, 5, 6);
        postRefused(one(withdrawing(1, 6)), entry(ANNA, -6), why);
    }

    function test_a_partner_cannot_owe_less_than_nothing() public {
        issue(1, ANNA, 5);
        issue(2, ANNA, 5);
        bytes memory why = abi.encodeWithSelector(CoalitionPoints.OutstandingNegative.selector, 1, -1);
        postRefused(redeemed(1, 2, 6), entry(ANNA, -6), why);
    }

    function test_counters_do_not_wrap() public {
        bytes memory why = abi.encodeWithSelector(CoalitionPoints.CounterOutOfRange.selector, 1, -1);
        postRefused(one(withdrawing(1, -1)), entry(ANNA, 1), why);
    }

    function test_the_zero_address_holds_nothing() public {
        bytes memory why = abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(0));
        postRefused(one(issuing(1, 1)), entry(address(0), 1), why);
    }

    function test_fuzz_packed_entries_are_read_as_written(address member, int48 amount, address other) public {
        if (member == address(0) || other == address(0) || other == member) return;
        if (amount < 0) amount = amount == type(int48).min ? type(int48).max : -amount;
        cheats.prank(ADMIN);
        points.setPartner(1, CoalitionPoints.PartnerState.Active, type(uint48).max);
        issue(1, other, 3);
        post(one(issuing(1, amount)), bytes.concat(entry(member, amount), entry(other, 0)));
        equal(points.balanceOf(member), uint256(uint48(amount)), "minted");
        post(one(issuing(1, -amount)), entry(member, -amount));
        equal(points.balanceOf(member), 0, "burned");
        equal(points.totalSupply(), 3, "supply");
    }

    function test_fuzz_every_unequal_pair_is_refused(int40 partnerSide, int40 memberSide) public {
        if (partnerSide == memberSide) return;
        cheats.prank(ADMIN);
        points.setPartner(1, CoalitionPoints.PartnerState.Active, type(uint48).max);
        issue(1, ANNA, 1 << 45);
        bytes memory why = abi.encodeWithSelector(CoalitionPoints.Unbalanced.selector, partnerSide, memberSide);
        postRefused(one(issuing(1, partnerSide)), entry(ANNA, memberSide), why);
    }
}

/// @notice Partners: caps, openings, closing.
contract PartnerTest is PointsFixture {
    address private constant ANNA = address(0xA11A);

    function setUp() public {
        deploy();
    }

    function test_the_cap_is_reached_but_not_passed() public {
        issue(1, ANNA, 1_000);
        bytes memory why = abi.encodeWithSelector(CoalitionPoints.CapExceeded.selector, 1, 1_001, 1_000);
        postRefused(one(issuing(1, 1)), entry(ANNA, 1), why);
    }

    function test_redemption_makes_room_under_the_cap() public {
        issue(1, ANNA, 1_000);
        post(redeemed(1, 1, 400), entry(ANNA, -400));
        issue(1, ANNA, 400);
        equal(points.outstanding(1), 1_000, "outstanding");
    }

    function test_after_a_cut_of_the_cap_points_can_only_fall() public {
        issue(1, ANNA, 1_000);
        cheats.prank(ADMIN);
        points.setPartner(1, CoalitionPoints.PartnerState.Active, 10);
        post(redeemed(1, 1, 400), entry(ANNA, -400));
        bytes memory why = abi.encodeWithSelector(CoalitionPoints.CapExceeded.selector, 1, 601, 10);
        postRefused(one(issuing(1, 1)), entry(ANNA, 1), why);
    }

    function test_a_closed_partner_issues_nothing_but_is_still_redeemed() public {
        issue(1, ANNA, 100);
        cheats.prank(ADMIN);
        points.setPartner(1, CoalitionPoints.PartnerState.Closed, 1_000);
        postRefused(
            one(issuing(1, 1)), entry(ANNA, 1), abi.encodeWithSelector(CoalitionPoints.PartnerClosed.selector, 1)
        );
        post(redeemed(1, 2, 100), entry(ANNA, -100));
        equal(points.outstanding(1), 0, "outstanding");
    }

    function test_batches_open_only_as_many_partners_as_the_admin_allowed() public {
        for (uint32 partner = 1; partner <= OPENINGS; ++partner) {
            issue(partner, ANNA, 1);
        }
        bytes memory why = abi.encodeWithSelector(CoalitionPoints.PartnerNotOpened.selector, 99);
        postRefused(one(issuing(99, 1)), entry(ANNA, 1), why);
        cheats.prank(ADMIN);
        points.setOpenings(7, 1);
        issue(99, ANNA, 7);
        equal(points.partnerAccount(99).cap, 7, "cap");
    }

    function test_no_partner_is_set_to_unknown() public {
        cheats.prank(ADMIN);
        cheats.expectRevert(abi.encodeWithSelector(CoalitionPoints.PartnerStateInvalid.selector, 1));
        points.setPartner(1, CoalitionPoints.PartnerState.Unknown, 0);
    }
}

/// @notice Who may do what, the pause, and the closed loop.
contract GuardTest is PointsFixture {
    address private constant ANNA = address(0xA11A);
    address private constant BELA = address(0xBE1A);
    address private constant TREASURY = address(0x7E);

    function setUp() public {
        deploy();
        issue(1, ANNA, 50);
    }

    function test_only_the_poster_brings_batches() public {
        refusedFor(ADMIN, points.POSTER_ROLE());
        points.applyBatch("x", none(), "");
        refusedFor(GUARDIAN, points.POSTER_ROLE());
        points.applyBatch("x", none(), "");
    }

    function test_only_the_guardian_pauses_and_only_the_admin_unpauses() public {
        refusedFor(POSTER, points.GUARDIAN_ROLE());
        points.pause();
        refusedFor(ADMIN, points.GUARDIAN_ROLE());
        points.pause();
        cheats.prank(GUARDIAN);
        points.pause();
        refusedFor(GUARDIAN, points.DEFAULT_ADMIN_ROLE());
        points.unpause();
        cheats.prank(ADMIN);
        points.unpause();
    }

    function test_only_the_admin_sets_partners_openings_and_transfer_ends() public {
        bytes32 admin = points.DEFAULT_ADMIN_ROLE();
        refusedFor(POSTER, admin);
        points.setPartner(1, CoalitionPoints.PartnerState.Active, 1);
        refusedFor(POSTER, admin);
        points.setOpenings(1, 1);
        refusedFor(POSTER, admin);
        points.setTransferEnd(POSTER, true);
        bytes32 role = points.POSTER_ROLE();
        refusedFor(POSTER, admin);
        points.grantRole(role, BELA);
    }

    function test_a_pause_stops_batches_and_transfers() public {
        cheats.prank(ADMIN);
        points.setTransferEnd(TREASURY, true);
        cheats.prank(GUARDIAN);
        points.pause();
        bytes memory why = abi.encodeWithSelector(Pausable.EnforcedPause.selector);
        postRefused(one(issuing(1, 1)), entry(ANNA, 1), why);
        cheats.prank(ANNA);
        cheats.expectRevert(why);
        points.transfer(TREASURY, 1);
    }

    function test_members_do_not_pay_each_other() public {
        cheats.prank(ANNA);
        cheats.expectRevert(abi.encodeWithSelector(CoalitionPoints.ClosedLoop.selector, ANNA, BELA));
        points.transfer(BELA, 1);
    }

    function test_an_allowance_is_no_way_around() public {
        cheats.prank(ANNA);
        points.approve(BELA, 10);
        cheats.prank(BELA);
        cheats.expectRevert(abi.encodeWithSelector(CoalitionPoints.ClosedLoop.selector, ANNA, BELA));
        points.transferFrom(ANNA, BELA, 1);
    }

    function test_a_transfer_end_may_receive_and_pay_out() public {
        cheats.prank(ADMIN);
        points.setTransferEnd(TREASURY, true);
        cheats.prank(ANNA);
        points.transfer(TREASURY, 20);
        cheats.prank(TREASURY);
        points.transfer(BELA, 5);
        equal(points.balanceOf(BELA), 5, "paid out");
        equal(points.totalSupply(), 50, "supply");
        cheats.prank(ADMIN);
        points.setTransferEnd(TREASURY, false);
        cheats.prank(ANNA);
        cheats.expectRevert(abi.encodeWithSelector(CoalitionPoints.ClosedLoop.selector, ANNA, TREASURY));
        points.transfer(TREASURY, 1);
    }

    function refusedFor(address caller, bytes32 role) private {
        cheats.prank(caller);
        cheats.expectRevert(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, caller, role)
        );
    }
}
