// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The few cheat codes used here (book.getfoundry.sh/reference/cheatcodes), declared instead of a dependency.
interface Cheats {
    function prank(address sender) external;
    function expectRevert(bytes calldata revertData) external;
    function expectEmit(address emitter) external;
    function roll(uint256 blockNumber) external;
}

/// @notice What every test needs: the cheat codes and a way to say what must hold.
abstract contract Checks {
    Cheats internal constant cheats = Cheats(address(uint160(uint256(keccak256("hevm cheat code")))));

    error NotEqual(string what, int256 got, int256 wanted);

    function equal(uint256 got, uint256 wanted, string memory what) internal pure {
        equalSigned(int256(got), int256(wanted), what);
    }

    function equalSigned(int256 got, int256 wanted, string memory what) internal pure {
        if (got != wanted) revert NotEqual(what, got, wanted);
    }

    function holds(bool condition, string memory what) internal pure {
        require(condition, what);
    }
}
