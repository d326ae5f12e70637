"""`commonpoint google doctor` finds what stands between the service and Google, and says what mends it."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from click.testing import CliRunner
from pydantic import SecretStr

from api.commands import google_doctor
from api.commands.google import google as command
from api.commands.google_doctor import Report, examined
from kernel.database import Database
from kernel.settings import Settings
from passes.google.health_checks import Examined, examine_callbacks, examine_clock_and_keys, examine_quota
from passes.sandbox.google_account import make_service_account
from passes.sandbox.google_faults import TOKEN_CALL, Fault
from tests.support.google_callbacks import CLASS_ID, CallbackSide, callback_side


class Practice:
    """A service with credentials at a Google where things may be wrong, and its doctor."""

    def __init__(self, google: CallbackSide, settings: Settings) -> None:
        self.google = google
        self.sandbox = google.sandbox
        self.settings = settings

    async def examine(self, **changes: Any) -> Report:
        settings = self.settings.model_copy(update=changes)
        async with aiohttp.ClientSession() as http:
            return await examined(settings, self.google.db, http)

    async def rules(self, **changes: Any) -> dict[str, str]:
        return {finding.rule: finding.level for finding in (await self.examine(**changes)).findings}

    async def change(self, statement: str, *values: Any) -> None:
        async with self.google.db.unit() as unit:
            await unit.connection.execute(statement, *values)


@pytest.fixture
async def practice(db: Database, tmp_path: Path) -> AsyncIterator[Practice]:
    async with callback_side(db) as google:
        account = make_service_account(tmp_path, google.sandbox.token_uri)
        google.sandbox.invite(account)
        settings = Settings(
            database_url=db.url,
            data_dir=tmp_path,
            base_url=google.url.partition("/google/")[0],
            master_secret=SecretStr("x" * 32),
            google_issuer=google.sandbox.issuer_id,
            google_service_account=account.path,
            google_base_url=google.sandbox.base_url,
            google_root_keys_url=google.sandbox.root_keys_url,
            chain_url="off",
        )
        yield Practice(google, settings)


async def test_a_service_in_good_health_has_nothing_to_do(practice: Practice) -> None:
    await practice.google.card("pass_1")
    await practice.google.post(practice.google.body("pass_1"))
    await practice.change("INSERT INTO google_class (id, body_hash) VALUES ($1, 'h')", CLASS_ID)
    report = await practice.examine()
    assert report.findings == []
    assert report.asked is not None
    assert report.asked.issuer_name == "Sandbox"
    assert report.asked.reviews == {CLASS_ID: "APPROVED"}
    assert report.asked.clock_off_s == 0.0
    assert report.asked.root_keys_until is not None
    assert report.email == "commonpoint@sandbox.invalid"
    assert (report.seen.objects.known, report.seen.objects.saved, report.seen.callbacks.kept) == (1, 1, 1)


async def test_credentials_that_cannot_be_used_are_told_apart(practice: Practice, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    assert await practice.rules(google_service_account=broken) == {"credentials": "bad"}
    broken.write_text('{"type": "service_account"}')
    assert await practice.rules(google_service_account=broken) == {"credentials": "bad"}
    assert await practice.rules(google_service_account=tmp_path / "absent.json") == {"credentials": "bad"}
    assert await practice.rules(google_service_account=None) == {"twin": "note"}


async def test_an_account_that_google_forgot_is_told_apart_from_one_that_was_not_invited(practice: Practice) -> None:
    practice.sandbox.faults.add(
        Fault("refuse", call="GET issuer", status=403, reason="permissionDenied", message="Permission denied.")
    )
    report = await practice.examine()
    (finding,) = report.findings
    assert (finding.rule, finding.level) == ("issuer_forbidden", "bad")
    assert "commonpoint@sandbox.invalid" in finding.says()
    assert finding.command.startswith("https://")
    practice.sandbox.faults.mend()
    practice.sandbox._accounts.clear()
    assert await practice.rules() == {"account_refused": "bad"}


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        (Fault("hang_up", call=TOKEN_CALL), "token_unavailable"),
        (Fault("refuse", call="GET issuer", status=404, reason="resourceNotFound"), "issuer_unknown"),
        (Fault("refuse", call="GET issuer", status=500), "issuer_unavailable"),
    ],
)
async def test_a_google_that_does_not_answer_is_a_finding_and_no_trace(
    practice: Practice, fault: Fault, rule: str
) -> None:
    practice.sandbox.faults.add(fault)
    assert await practice.rules() == {rule: "bad"}


@pytest.mark.parametrize(
    ("review", "found"),
    [
        ("REJECTED", {"class_rejected": "bad"}),
        ("draft", {"class_draft": "bad"}),
        ("UNDER_REVIEW", {"class_under_review": "warn"}),
        ("PONDERED", {"class_unclear": "warn"}),
        ("approved", {}),
    ],
)
async def test_what_google_thinks_of_a_class_now_is_asked(
    practice: Practice, review: str, found: dict[str, str]
) -> None:
    await practice.google.card("pass_1")
    await practice.change("INSERT INTO google_class (id, body_hash, review) VALUES ($1, 'h', 'REJECTED')", CLASS_ID)
    practice.sandbox.resources.kept["loyaltyClass"][CLASS_ID]["reviewStatus"] = review
    assert await practice.rules() == found


async def test_a_class_that_google_lost_is_found(practice: Practice) -> None:
    await practice.change("INSERT INTO google_class (id, body_hash) VALUES ($1, 'h')", CLASS_ID)
    assert await practice.rules() == {"class_missing": "warn"}


async def test_root_keys_that_are_not_to_be_had_are_found(practice: Practice) -> None:
    practice.sandbox.faults.add(Fault("refuse", call="GET keys", status=503))
    assert await practice.rules() == {"root_keys_none": "warn"}
    practice.sandbox.faults.mend()
    practice.sandbox.signer.roots = []
    assert await practice.rules() == {"root_keys_none": "warn"}


@pytest.mark.parametrize(
    ("off_s", "rule"), [(0, ""), (25, ""), (-100, "clock_off"), (100, "clock_off"), (1000, "clock_wrong")]
)
async def test_a_clock_that_is_off_is_found(off_s: int, rule: str) -> None:
    async def keys(request: web.Request) -> web.Response:
        theirs = datetime.now(UTC) - timedelta(seconds=off_s)
        return web.json_response({"keys": []}, headers={"Date": format_datetime(theirs, usegmt=True)})

    async with _serving(keys) as url, aiohttp.ClientSession() as http:
        seen = Examined()
        await examine_clock_and_keys(http, f"{url}/keys", seen)
    assert [finding.rule for finding in seen.findings] == ["root_keys_none", *([rule] if rule else [])]
    if rule:
        (seconds,) = re.findall(r"by ([+-]\d+) s", seen.findings[1].says())
        assert abs(int(seconds) - off_s) <= 2


@pytest.mark.parametrize(
    ("rate", "present", "waiting", "rules"),
    [
        (20.0, None, 0, []),
        (20.0, 19.0, 100, []),
        (50.0, None, 0, ["rate_above"]),
        (20.0, 5.0, 0, ["rate_slowed"]),
        (20.0, 20.0, 100_000, ["backlog"]),
        (20.0, 2.5, 10_000, ["rate_slowed", "backlog"]),
    ],
)
def test_the_quota_is_compared_with_what_waits(
    rate: float, present: float | None, waiting: int, rules: list[str]
) -> None:
    seen = Examined()
    examine_quota(rate, present, waiting, seen)
    assert [finding.rule for finding in seen.findings] == rules
    assert all("{" not in finding.says(language) for finding in seen.findings for language in ("en", "fi", "hu"))


async def test_callbacks_that_would_not_arrive_are_found(practice: Practice) -> None:
    assert await practice.rules(base_url="http://127.0.0.1:1") == {"callbacks_unreachable": "warn"}

    async def nothing(request: web.Request) -> web.Response:
        return web.Response(status=404)

    async def everything(request: web.Request) -> web.Response:
        return web.Response(text="User-agent: *\nDisallow: /\n")

    async with _serving(nothing) as url:
        assert await practice.rules(base_url=url) == {"callbacks_elsewhere": "warn"}
    async with _serving(everything) as url:
        assert await practice.rules(base_url=url) == {"callbacks_robots": "warn", "callbacks_elsewhere": "warn"}


@pytest.mark.parametrize(
    ("url", "live", "rules"),
    [
        ("http://localhost:8000/x", False, {"callbacks_no_https": "warn", "callbacks_private": "warn"}),
        ("https://10.0.0.5/x", True, {"callbacks_private": "bad"}),
        ("https://[fd00::1]/x", True, {"callbacks_private": "bad"}),
        ("https://till.local/x", True, {"callbacks_private": "bad"}),
    ],
)
async def test_an_address_that_google_cannot_reach_is_told_without_trying(
    url: str, live: bool, rules: dict[str, str]
) -> None:
    seen = Examined()
    async with aiohttp.ClientSession() as http:
        await examine_callbacks(http, url, seen, live=live, google_is_twin=False)
    assert {finding.rule: finding.level for finding in seen.findings} == rules


async def test_the_callbacks_address_is_told_to_nobody(practice: Practice) -> None:
    report = await practice.examine(base_url="http://127.0.0.1:1")
    assert practice.google.callbacks.segment not in repr(report)


async def test_the_command_tells_it_to_people_and_to_machines(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = await practice.examine(google_service_account=None)
    told = google_doctor._told(practice.settings, report)
    assert json.loads(json.dumps(told))["findings"][0]["rule"] == "twin"
    google_doctor._show(practice.settings, report)
    google_doctor._show(practice.settings, await practice.examine())
    answer = CliRunner().invoke(command, ["doctor", "--help"])
    assert answer.exit_code == 0
    assert "--json" in answer.output


@asynccontextmanager
async def _serving(handler: Any) -> AsyncIterator[str]:
    server = web.Application()
    server.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()
