"""`commonpoint ledger verify` and `audit`, as an operator runs them."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api.commands.ledger import ledger
from kernel.clock import MovableClock
from kernel.database import Database
from points.ledger import Ledger
from tests.support.ledger import START, a_member, earn, redeem


@pytest.fixture
def url(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    monkeypatch.setenv("COMMONPOINT_DATABASE_URL", database_url)
    monkeypatch.setenv("COMMONPOINT_DATA_DIR", str(tmp_path))
    asyncio.run(_happen(database_url))
    return database_url


async def _happen(url: str, tamper: str | None = None) -> None:
    db = await Database.connect(url)
    async with db.unit() as unit:
        if tamper is not None:
            await unit.connection.execute(tamper)
    if tamper is None:
        member = await a_member(db)
        for command in (earn(member, 1_000), redeem(member, 4, "ptn_a")):
            async with db.unit() as unit:
                await Ledger(MovableClock(START)).apply(unit.connection, [command])
    await db.close()


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(ledger, list(arguments))


def test_a_ledger_that_nobody_touched_is_ok_and_says_its_head(url: str) -> None:
    said = _run("verify")
    assert said.exit_code == 0, said.output
    assert "2 entries (4 postings) are as they were written" in said.output
    head = said.output.split("head ")[1].strip()
    assert _run("verify", "--head", head).exit_code == 0
    assert json.loads(_run("verify", "--json").stdout)["head"] == head


def test_a_changed_entry_is_named(url: str) -> None:
    asyncio.run(_happen(url, "UPDATE journal SET points = 5 WHERE kind = 'redeem'"))
    said = _run("verify")
    assert said.exit_code == 1
    assert "an entry is not what was written: rdm_" in said.output
    assert json.loads(_run("verify", "--json").stdout)["broken"]["height"] == 2


def test_a_head_that_the_chain_does_not_contain_is_found(url: str) -> None:
    assert _run("verify", "--head", f"1:{'0' * 64}").exit_code == 1
    assert _run("verify", "--head", f"9:{'0' * 63}1").exit_code == 1
    assert _run("verify", "--head", "nonsense").exit_code == 2


def test_the_audit_counts_the_rules_that_hold_and_names_those_that_do_not(url: str) -> None:
    said = _run("audit")
    assert said.exit_code == 0, said.output
    asyncio.run(_happen(url, "UPDATE lot SET remaining = remaining - 1"))
    broken = _run("audit")
    assert broken.exit_code == 1
    assert "3 what is spendable is what remains of the lots: mbr_" in broken.output
    assert {finding["number"] for finding in json.loads(_run("audit", "--json").stdout)} >= {3, 4}
