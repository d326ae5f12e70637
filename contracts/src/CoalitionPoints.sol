// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

/// @title The loyalty points of a coalition, mirrored from its ledger
/// @notice One token that every partner honours. A poster brings whole batches of changes; each batch must balance, so
/// at all times the points partners owe (`outstanding`, summed) equal the points members hold (`totalSupply`).
/// @dev Immutable on purpose: a proxy admin would be a key that mints without limit. Points are whole (no decimals) and
/// move in a closed loop: between members they do not move at all.
contract CoalitionPoints is ERC20, AccessControl, Pausable {
    /// @notice May bring batches. Bounded by the partners' caps, and by how many partners it may still open.
    bytes32 public constant POSTER_ROLE = keccak256("POSTER_ROLE");

    /// @notice May stop everything, and nothing else; only the admin starts again.
    bytes32 public constant GUARDIAN_ROLE = keccak256("GUARDIAN_ROLE");

    /// @notice Bytes per member in a packed batch: a 20 byte address and a 6 byte signed change, big endian.
    uint256 public constant ENTRY_BYTES = 26;

    enum PartnerState {
        Unknown,
        Active,
        Closed
    }

    /// @notice What one partner has issued and accepted. All in points, cumulative, one storage slot.
    struct Partner {
        PartnerState state;
        uint48 cap; // most points that may be outstanding
        uint48 issued; // given to members
        uint48 withdrawn; // own points taken back: refunds, corrections, expiry
        uint48 redeemedOf; // own points redeemed, at any partner
        uint48 redeemedAt; // points of any partner this partner accepted
    }

    /// @notice How a batch changes one partner's counters; negative where a redemption or an issue was undone.
    struct PartnerDelta {
        uint32 partner;
        int48 issued;
        int48 withdrawn;
        int48 redeemedOf;
        int48 redeemedAt;
    }

    /// @notice Cap given to a partner that appears in a batch for the first time, in points.
    uint48 public openingCap;

    /// @notice How many more partners batches may open before the admin must allow further ones.
    uint32 public openingsLeft;

    /// @notice Addresses that may be one end of a transfer, such as a treasury.
    mapping(address account => bool) public isTransferEnd;

    /// @notice The block in which a batch was applied, zero if it never was.
    mapping(bytes32 batchId => uint256) public batchBlock;

    mapping(uint32 number => Partner) private _partners;

    /// @notice A batch was applied. `payloadHash` is keccak256 of the whole call data of `applyBatch`.
    event BatchApplied(bytes32 indexed batchId, uint256 memberCount, uint256 totalSupply, bytes32 payloadHash);
    event PartnerSet(uint32 indexed partner, PartnerState state, uint48 cap);
    event OpeningsSet(uint48 openingCap, uint32 openingsLeft);
    event TransferEndSet(address indexed account, bool allowed);

    error Duplicate(bytes32 batchId);
    error PackedLengthInvalid(uint256 length);
    error Unbalanced(int256 partnerTotal, int256 memberTotal);
    error RedemptionsUnbalanced(int256 redeemedOf, int256 redeemedAt);
    error CounterOutOfRange(uint32 partner, int256 value);
    error OutstandingNegative(uint32 partner, int256 outstanding);
    error CapExceeded(uint32 partner, int256 outstanding, uint48 cap);
    error PartnerClosed(uint32 partner);
    error PartnerNotOpened(uint32 partner);
    error PartnerStateInvalid(uint32 partner);
    error ClosedLoop(address from, address to);

    /// @param admin Sets caps, closes partners, allows transfer ends, unpauses; best a multi-signature wallet.
    /// @param poster Brings the batches.
    /// @param guardian Pauses.
    constructor(
        string memory name,
        string memory symbol,
        address admin,
        address poster,
        address guardian,
        uint48 openingCap_,
        uint32 openings
    ) ERC20(name, symbol) {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(POSTER_ROLE, poster);
        _grantRole(GUARDIAN_ROLE, guardian);
        _setOpenings(openingCap_, openings);
    }

    /// @notice Applies one batch of changes, whole or not at all.
    /// @param batchId Chosen by the poster; can be used once.
    /// @param deltas The partners' side.
    /// @param packed The members' side, `ENTRY_BYTES` each; positive mints, negative burns.
    function applyBatch(bytes32 batchId, PartnerDelta[] calldata deltas, bytes calldata packed)
        external
        onlyRole(POSTER_ROLE)
        whenNotPaused
    {
        require(batchBlock[batchId] == 0, Duplicate(batchId));
        batchBlock[batchId] = block.number;
        int256 partnerTotal = _applyPartners(deltas);
        int256 memberTotal = _applyMembers(packed);
        require(partnerTotal == memberTotal, Unbalanced(partnerTotal, memberTotal));
        emit BatchApplied(batchId, packed.length / ENTRY_BYTES, totalSupply(), keccak256(msg.data));
    }

    /// @notice Opens, closes or re-opens a partner and sets its cap. A closed partner's points stay redeemable.
    /// @dev A cap below what is outstanding is allowed: from then on that partner's outstanding points can only fall.
    function setPartner(uint32 partner, PartnerState state, uint48 cap) external onlyRole(DEFAULT_ADMIN_ROLE) {
        require(state != PartnerState.Unknown, PartnerStateInvalid(partner));
        _partners[partner].state = state;
        _partners[partner].cap = cap;
        emit PartnerSet(partner, state, cap);
    }

    /// @notice Sets the cap of partners opened by batches, and how many more batches may open.
    function setOpenings(uint48 openingCap_, uint32 openings) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _setOpenings(openingCap_, openings);
    }

    /// @notice Allows or forbids an address as one end of a transfer.
    function setTransferEnd(address account, bool allowed) external onlyRole(DEFAULT_ADMIN_ROLE) {
        isTransferEnd[account] = allowed;
        emit TransferEndSet(account, allowed);
    }

    /// @notice Stops batches and transfers.
    function pause() external onlyRole(GUARDIAN_ROLE) {
        _pause();
    }

    /// @notice Starts them again; slower hands than those that may stop.
    function unpause() external onlyRole(DEFAULT_ADMIN_ROLE) {
        _unpause();
    }

    /// @notice A partner's account as it stands.
    function partnerAccount(uint32 partner) external view returns (Partner memory) {
        return _partners[partner];
    }

    /// @notice Points of this partner that members still hold.
    function outstanding(uint32 partner) external view returns (uint256) {
        Partner memory account = _partners[partner];
        // Never negative: `_applyPartner` refuses that before it stores.
        return uint256(account.issued) - account.withdrawn - account.redeemedOf;
    }

    /// @notice What each of `accounts` holds, for reconciling many members in one call.
    function balancesOf(address[] calldata accounts) external view returns (uint256[] memory balances) {
        balances = new uint256[](accounts.length);
        for (uint256 i = 0; i < accounts.length; ++i) {
            balances[i] = balanceOf(accounts[i]);
        }
    }

    /// @inheritdoc ERC20
    function decimals() public pure override returns (uint8) {
        return 0;
    }

    /// @dev The one funnel of every balance change. Mint and burn come only from `applyBatch`, which looked at the
    /// pause already.
    function _update(address from, address to, uint256 value) internal override {
        if (from != address(0) && to != address(0)) {
            _requireNotPaused();
            require(isTransferEnd[from] || isTransferEnd[to], ClosedLoop(from, to));
        }
        super._update(from, to, value);
    }

    function _setOpenings(uint48 openingCap_, uint32 openings) private {
        openingCap = openingCap_;
        openingsLeft = openings;
        emit OpeningsSet(openingCap_, openings);
    }

    /// @return total By how many points the batch changes what all partners together owe.
    function _applyPartners(PartnerDelta[] calldata deltas) private returns (int256 total) {
        int256 redeemedOf;
        int256 redeemedAt;
        for (uint256 i = 0; i < deltas.length; ++i) {
            PartnerDelta calldata delta = deltas[i];
            total += _applyPartner(delta);
            redeemedOf += delta.redeemedOf;
            redeemedAt += delta.redeemedAt;
        }
        require(redeemedOf == redeemedAt, RedemptionsUnbalanced(redeemedOf, redeemedAt));
    }

    /// @return change By how many points this partner's outstanding points change.
    function _applyPartner(PartnerDelta calldata delta) private returns (int256 change) {
        uint32 number = delta.partner;
        Partner memory account = _partners[number];
        if (account.state == PartnerState.Unknown) _open(number, account);
        account.issued = _moved(number, account.issued, delta.issued);
        account.withdrawn = _moved(number, account.withdrawn, delta.withdrawn);
        account.redeemedOf = _moved(number, account.redeemedOf, delta.redeemedOf);
        account.redeemedAt = _moved(number, account.redeemedAt, delta.redeemedAt);
        int256 owed =
            int256(uint256(account.issued)) - int256(uint256(account.withdrawn)) - int256(uint256(account.redeemedOf));
        change = int256(delta.issued) - delta.withdrawn - delta.redeemedOf;
        require(owed >= 0, OutstandingNegative(number, owed));
        // Only a rise is measured against the cap: redemptions must stay possible after a cap was lowered.
        if (change > 0) {
            require(account.state == PartnerState.Active, PartnerClosed(number));
            require(owed <= int256(uint256(account.cap)), CapExceeded(number, owed, account.cap));
        }
        _partners[number] = account;
    }

    function _open(uint32 number, Partner memory account) private {
        require(openingsLeft > 0, PartnerNotOpened(number));
        openingsLeft -= 1;
        account.state = PartnerState.Active;
        account.cap = openingCap;
        emit PartnerSet(number, PartnerState.Active, openingCap);
    }

    function _moved(uint32 number, uint48 counter, int48 delta) private pure returns (uint48) {
        int256 value = int256(uint256(counter)) + delta;
        require(value >= 0 && value <= int256(uint256(type(uint48).max)), CounterOutOfRange(number, value));
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint48(uint256(value)); // in range: checked in the line above
    }

    /// @return total By how many points the batch changes what all members together hold.
    function _applyMembers(bytes calldata packed) private returns (int256 total) {
        require(packed.length % ENTRY_BYTES == 0, PackedLengthInvalid(packed.length));
        for (uint256 start = 0; start < packed.length; start += ENTRY_BYTES) {
            (address member, int256 change) = _entry(packed, start);
            total += change;
            if (change < 0) _burn(member, SignedMath.abs(change));
            else _mint(member, SignedMath.abs(change));
        }
    }

    /// @dev One word holds an entry. Reading it at once saves 700 gas per member against two slices; `start` is inside
    /// `packed`, and what a last word takes from behind it is shifted out.
    function _entry(bytes calldata packed, uint256 start) private pure returns (address member, int256 change) {
        assembly ("memory-safe") {
            let word := calldataload(add(packed.offset, start))
            member := shr(96, word)
            change := signextend(5, shr(48, word))
        }
    }
}
