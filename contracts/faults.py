"""Faults planted into a copy of the contract, which its tests must find: a suite that never fails proves nothing."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contracts import toolchain

SOURCE = Path("src/CoalitionPoints.sol")


@dataclass(frozen=True, slots=True)
class Fault:
    """A guard taken out: `old` in the source becomes `new`."""

    name: str
    old: str
    new: str


FAULTS = (
    Fault("a batch may be repeated", "require(batchBlock[batchId] == 0, Duplicate(batchId));", ""),
    Fault("sides need not balance", "require(partnerTotal == memberTotal, Unbalanced(partnerTotal, memberTotal));", ""),
    Fault(
        "redemptions need no acceptor",
        "require(redeemedOf == redeemedAt, RedemptionsUnbalanced(redeemedOf, redeemedAt));",
        "",
    ),
    Fault("outstanding may be negative", "require(owed >= 0, OutstandingNegative(number, owed));", ""),
    Fault("no cap", "require(owed <= int256(uint256(account.cap)), CapExceeded(number, owed, account.cap));", ""),
    Fault("the cap also stops redemption", "if (change > 0) {", "if (change != 0) {"),
    Fault("closed partners issue", "require(account.state == PartnerState.Active, PartnerClosed(number));", ""),
    Fault(
        "counters wrap",
        "require(value >= 0 && value <= int256(uint256(type(uint48).max)), CounterOutOfRange(number, value));",
        "",
    ),
    Fault("members pay each other", "require(isTransferEnd[from] || isTransferEnd[to], ClosedLoop(from, to));", ""),
    Fault("a pause does not stop transfers", "_requireNotPaused();", ""),
    Fault("a pause does not stop batches", "        whenNotPaused\n", ""),
    Fault("anybody posts", "        onlyRole(POSTER_ROLE)\n", ""),
    Fault(
        "the guardian unpauses",
        "function unpause() external onlyRole(DEFAULT_ADMIN_ROLE)",
        "function unpause() external onlyRole(GUARDIAN_ROLE)",
    ),
    Fault("anybody pauses", "function pause() external onlyRole(GUARDIAN_ROLE)", "function pause() external"),
    Fault("batches open partners without limit", "require(openingsLeft > 0, PartnerNotOpened(number));", ""),
    Fault("a burn is read as a large mint", "signextend(5, shr(48, word))", "and(shr(48, word), 0xffffffffffff)"),
    Fault(
        "withdrawn points stay owed",
        "change = int256(delta.issued) - delta.withdrawn - delta.redeemedOf;",
        "change = int256(delta.issued) - delta.redeemedOf;",
    ),
)


def unnoticed() -> Iterator[tuple[Fault, bool]]:
    """Plants one fault after another; yields each with whether the tests missed it."""
    node = toolchain.install()
    with tempfile.TemporaryDirectory(prefix="faults-") as scratch:
        copy = Path(scratch)
        for part in ("src", "test"):
            shutil.copytree(toolchain.FOLDER / part, copy / part)
        shutil.copy2(toolchain.FOLDER / "solc-standard-json", copy)
        settings = (toolchain.FOLDER / "foundry.toml").read_text()
        # A guard taken out leaves unused variables behind, which must not pass for a test that failed.
        (copy / "foundry.toml").write_text(settings.replace('deny = "warnings"', ""))
        (copy / "node_modules").symlink_to(toolchain.FOLDER / "node_modules")
        original = (copy / SOURCE).read_text()
        for fault in FAULTS:
            if original.count(fault.old) != 1:
                raise ValueError(f"the fault {fault.name!r} does not fit the source any more")
            (copy / SOURCE).write_text(original.replace(fault.old, fault.new))
            command = [str(toolchain.forge()), "test", "--fail-fast"]
            done = subprocess.run(
                command, cwd=copy, env=node.environment(), capture_output=True, text=True, timeout=600, check=False
            )
            if "Compiler run failed" in done.stdout + done.stderr:
                raise ValueError(f"the fault {fault.name!r} does not compile:\n{done.stderr[-2000:]}")
            yield fault, done.returncode == 0
