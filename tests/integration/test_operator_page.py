"""What an operator sees in the browser, and what Prometheus reads: the same state, told to nobody else."""

import base64
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as families

from api.auth import GATE_STATE
from api.http.metrics import metrics_router
from api.openapi import docs_assets_router, openapi_config
from api.pages.operator import basic_password, operator_router
from api.problems import EXCEPTION_HANDLERS
from kernel.clock import Clock, SystemClock
from kernel.database import Database
from kernel.outbox import touch
from network.keys import SCOPES, Gate, create_key
from passes.apple.health import Health
from passes.apple.identities import Identities
from passes.apple.push_keys import PushKeys, install_push_key
from passes.apple.push_state import PushState
from passes.google.health import GoogleHealth
from passes.sandbox.portal import push_key_file
from tests.support import tree
from tests.support.certificates import KEYRING, LOYALTY, a_partner, asked, obtained

_GYM = "pass.fi.example.gym"
ISSUER = "3388000000012345678"
VENDORS = ["apple", "google"]
PAGES = [*VENDORS, "reviews"]
COUNTING = (
    "press", "pushes", "taps", "apple", "google_callbacks", "google_reconcile", "smart_taps", "presentations",
)  # fmt: skip


@dataclass
class Counting:
    """The counts of a process that has worked for a while."""

    sealed: int = 12
    reused: int = 3
    sampled: int = 2
    faulty: int = 1
    counts: Mapping[str, int] = field(default_factory=lambda: {"replay": 4})
    answers: Mapping[tuple[str, int], int] = field(default_factory=lambda: {("fetch", 304): 9})

    def states(self) -> list[PushState]:
        return [PushState(LOYALTY, "token", "open", "", datetime.now(UTC), 1, 55, 2, 1)]


@dataclass
class Parts:
    db: Database
    clock: Clock
    health: Health
    press: Counting
    pushes: Counting
    taps: Counting
    apple: Counting
    google_health: GoogleHealth
    google_callbacks: Counting
    google_reconcile: Counting
    smart_taps: Counting
    presentations: Counting


class House:
    """The two routes in front of a database, and keys to them."""

    def __init__(self, db: Database, client: httpx.AsyncClient) -> None:
        self.db = db
        self.client = client

    async def key(self, partner_id: str | None = None, *scopes: str) -> str:
        async with self.db.unit() as unit:
            return (await create_key(unit, SystemClock(), KEYRING, "test", partner_id, scopes or SCOPES)).text

    async def page(self, key: str, language: str = "en", name: str = "anybody", of: str = "apple") -> httpx.Response:
        headers = {"authorization": _basic(f"{name}:{key}"), "accept-language": language}
        return await self.client.get(f"/operator/{of}", headers=headers)

    async def metrics(self, key: str, **headers: str) -> httpx.Response:
        return await self.client.get("/metrics", headers={"authorization": f"Bearer {key}", **headers})


@asynccontextmanager
async def house(db: Database) -> AsyncIterator[House]:
    """What runs after the database was filled."""
    identities, keys = Identities(db, KEYRING, None), PushKeys(db, KEYRING)
    await identities.load()
    await keys.load()
    counting = Counting()
    parts = Parts(
        db=db,
        clock=SystemClock(),
        health=Health(db, identities, keys, live=False, max_age_s=0.0),
        google_health=GoogleHealth(db, ISSUER, max_age_s=0.0),
        **dict.fromkeys(COUNTING, counting),
    )
    app = Litestar(
        [operator_router, metrics_router, docs_assets_router()],
        dependencies={"parts": Provide(lambda: parts, sync_to_thread=False)},
        state=State({GATE_STATE: Gate(db, KEYRING, "test")}),
        exception_handlers=dict(EXCEPTION_HANDLERS),
        openapi_config=openapi_config("1.0.0"),
        logging_config=None,
    )
    transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://commonpoint.test") as client:
        yield House(db, client)


async def busy(db: Database) -> None:
    """A town where a lot goes on, and something goes wrong."""
    gym = await a_partner(db, "Gym <b>& Spa</b>")
    await obtained(db, LOYALTY, nfc=True)
    await obtained(db, _GYM, partner_id=gym, days=5.5)
    await asked(db, _GYM, partner_id=gym)
    await install_push_key(db, KEYRING, push_key_file(), "AB12CD34EF", "TESTTEAM01")
    async with db.unit() as unit:
        await touch(unit.connection, "apple.push", [f"p{number}" for number in range(1234)])
        await unit.connection.execute(
            "INSERT INTO apple_push_state (pass_type, authentication, standing, reason, since)"
            " VALUES ($1, 'certificate', 'stopped', '403 BadCertificate', now())",
            _GYM,
        )
        await unit.connection.execute(
            "INSERT INTO apple_report (kind, subject, sample, reports) VALUES"
            " ('unchanged', '', '<script>alert(1)</script>', 3), ('status', 'get 404', 'x', 2),"
            " ('status', 'get 500', 'x', 5)"
        )
        await unit.connection.execute("INSERT INTO apple_wave (pass_id) VALUES ('p1'), ('p2')")
    await busy_google(db)


async def busy_google(db: Database) -> None:
    """Google takes some of it, and not all."""
    async with db.unit() as unit:
        run = unit.connection.execute
        await touch(unit.connection, "google.push", [f"g{number}" for number in range(321)])
        await run(
            "INSERT INTO google_push_state (issuer_id, standing, reason, rate_per_s, since)"
            " VALUES ($1, 'waiting', '429 <b>Rate</b> Limit Exceeded', 4.5, now())",
            ISSUER,
        )
        await run(
            "INSERT INTO google_object (pass_id, pushed_seq, pushed_hash, held, held_at)"
            " SELECT 'pass_' || n, 1, 'h', CASE WHEN n < 1200 THEN 'saved' WHEN n < 1300 THEN 'deleted'"
            " ELSE 'unknown' END, CASE WHEN n < 1190 THEN now() END FROM generate_series(1, 1500) n"
        )
        await run("UPDATE google_object SET refused = '400 <script>x</script>' WHERE pass_id IN ('pass_1', 'pass_2')")
        await run(
            "INSERT INTO google_class (id, body_hash, review) VALUES ('3388.ptn_cafe', 'h', 'APPROVED'),"
            " ('3388.ptn_gym', 'h', 'REJECTED'), ('3388.ptn_new', 'h', NULL), ('3388.ptn_odd', 'h', 'PONDERED')"
        )
        await run(
            "INSERT INTO google_callback (nonce, class_id, object_id, event, count, said_until, received_at, taken_at)"
            " VALUES ('n1', 'c', 'o', 'save', 1, now(), now() - interval '4 days', now()),"
            " ('n2', 'c', 'o', 'del', 1, now(), now() - interval '5 days', NULL)"
        )


def _basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


async def test_the_page_shows_certificates_pushes_notes_and_complaints(db: Database) -> None:
    await busy(db)
    async with house(db) as here:
        answer = await here.page(await here.key())
    page = answer.text
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for words in (
        "Act now", LOYALTY, _GYM, "395 days left", "5 days left", "403 BadCertificate", "1,234", "AB12CD34EF",
        "commonpoint apple install", "not fetched yet: 2", "iPhones to wake", "A pass was listed as changed",
    ):  # fmt: skip
        assert words in page, words


async def test_the_page_about_google_shows_cards_calls_callbacks_and_classes(db: Database) -> None:
    await busy(db)
    async with house(db) as here:
        answer = await here.page(await here.key(), of="google")
    page = answer.text
    assert answer.status_code == 200
    for words in (
        "Act now", "1,500", "1,199", ISSUER, "4.5 calls a second", "waiting", "321", "3388.ptn_gym", "rejected",
        "not asked yet", "PONDERED", "Holders found only by asking", "pass_2", "commonpoint google doctor",
        "Google’s callbacks do not arrive", 'href="/operator/apple"',
    ):  # fmt: skip
        assert words in page, words
    assert "<script" not in page
    assert "429 &lt;b&gt;Rate" in page


async def test_texts_of_strangers_are_shown_as_text(db: Database) -> None:
    await busy(db)
    async with house(db) as here:
        page = (await here.page(await here.key())).text
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "Gym &lt;b&gt;&amp; Spa" in page


@pytest.mark.parametrize(
    ("accepted", "lang", "words"),
    [
        ("en-GB", "en", "All is well|Good to know|Act now"),
        ("fi-FI,en;q=0.5", "fi", "Toimi heti"),
        ("hu", "hu", "Azonnali teendő"),
        ("sv", "en", "Act now"),
        ("", "en", "Act now"),
    ],
)
async def test_the_pages_speak_the_browsers_language(db: Database, accepted: str, lang: str, words: str) -> None:
    await busy(db)
    async with house(db) as here:
        answers = [await here.page(await here.key(), accepted, of=page) for page in VENDORS]
    for answer in answers:
        assert f'<html lang="{lang}">' in answer.text
        assert re.search(words, answer.text)
        assert "accept-language" in answer.headers["vary"]


async def test_an_empty_house_has_a_page_too(db: Database) -> None:
    async with house(db) as here:
        key = await here.key()
        for language in ("en", "fi", "hu"):
            answer = await here.page(key, language)
            assert answer.status_code == 200
            assert "commonpoint apple csr" in answer.text
            assert (await here.page(key, language, of="google")).status_code == 200


@pytest.mark.parametrize("page", PAGES)
async def test_the_pages_are_for_operators_with_a_key(db: Database, page: str) -> None:
    async with house(db) as here:
        partner = await a_partner(db)
        refused = [await here.client.get(f"/operator/{page}")]
        for key in (
            "", "wrong", (await here.key())[:-1] + "x", await here.key(partner, "network:read"),
            await here.key(None, "earn"),
        ):  # fmt: skip
            refused.append(await here.page(key, of=page))
        refused.append(
            await here.client.get(f"/operator/{page}", headers={"authorization": f"Bearer {await here.key()}"})
        )
    for answer in refused:
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")
        assert "Sign in" in answer.text
        assert "pass.com" not in answer.text


@pytest.mark.parametrize("page", PAGES)
async def test_the_pages_run_nothing_and_are_kept_by_nobody(db: Database, page: str) -> None:
    async with house(db) as here:
        answer = await here.page(await here.key(), of=page)
        style = re.search(r'href="(/docs/assets/[^"]+)"', answer.text)
        assert style is not None
        assert (await here.client.get(style[1])).headers["content-type"].startswith("text/css")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self';")
    assert not re.search(r"unsafe|script-src|\*|nonce", policy)
    assert answer.headers["cache-control"] == "private, no-store"
    assert not re.search(r"<script|<form|style=|\son\w+=", answer.text)


@pytest.mark.parametrize(
    ("values", "password"),
    [
        ([_basic("me:secret")], "secret"),
        ([_basic(":with:colons")], "with:colons"),
        (["basic  " + base64.b64encode(b"a:b").decode()], "b"),
        ([_basic("no colon")], None),
        (["Basic !!!"], None),
        (["Basic " + base64.b64encode(b"a:\xff").decode()], None),
        (["Bearer x"], None),
        ([], None),
        ([_basic("a:b"), _basic("a:b")], None),
    ],
)
def test_a_password_is_read_as_rfc_7617_writes_it(values: list[str], password: str | None) -> None:
    assert basic_password(values) == password


async def test_metrics_are_what_prometheus_reads(db: Database) -> None:
    await busy(db)
    async with house(db) as here:
        answer = await here.metrics(await here.key())
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    read = {
        (sample.name, *sorted(value for name, value in sample.labels.items() if name != "process")): sample.value
        for family in families(answer.text)
        for sample in family.samples
    }
    for name, value in {
        ("apple_certificate_days_left", LOYALTY, "store"): 395,
        ("apple_certificate_days_left", _GYM, "store"): 5,
        ("apple_certificate_taps_allowed", LOYALTY, "store"): 1,
        ("apple_certificate_taps_allowed", _GYM, "store"): 0,
        ("apple_certificate_usable", _GYM, "store"): 1,
        ("apple_push_key_usable", "AB12CD34EF", "TESTTEAM01"): 1,
        ("notes_waiting", "apple.push"): 1234,
        ("notes_stuck", "apple.push"): 0,
        ("apple_push_standing", "certificate", _GYM, "stopped"): 1,
        ("apple_push_standing", "certificate", _GYM, "open"): 0,
        ("apple_passes_unfetched",): 2,
        ("apple_reports_total", "status"): 7,
        ("apple_reports_total", "unchanged"): 3,
        ("apple_seals_total",): 12,
        ("apple_files_reused_total",): 3,
        ("apple_documents_checked_total",): 2,
        ("apple_documents_faulty_total",): 1,
        ("apple_pushes_total", LOYALTY, "pushed"): 55,
        ("apple_push_connections", LOYALTY): 1,
        ("apple_taps_total", "replay"): 4,
        ("apple_phone_answers_total", "304", "fetch"): 9,
        ("google_push_standing", "waiting"): 1,
        ("google_push_standing", "open"): 0,
        ("google_calls_per_second",): 4.5,
        ("google_objects", "saved"): 1199,
        ("google_objects", "deleted"): 100,
        ("google_objects", "unknown"): 201,
        ("google_objects_refused",): 2,
        ("google_objects_unasked",): 0,
        ("google_classes", "APPROVED"): 1,
        ("google_classes", "unknown"): 1,
        ("google_holders_found",): 10,
        ("google_callbacks_total", "replay"): 4,
        ("google_reconciled_total", "replay"): 4,
        ("smart_taps_total", "replay"): 4,
        ("presentations_total", "replay"): 4,
        ("google_findings", "bad"): 1,
    }.items():
        assert read[f"commonpoint_{name[0]}", *sorted(name[1:])] == value, name
    assert ("commonpoint_apple_request_timestamp_seconds", _GYM) in read
    assert read["commonpoint_apple_findings", "bad"] >= 2
    assert ("process_cpu_seconds_total",) in read


async def test_metrics_come_in_the_newer_format_on_request(db: Database) -> None:
    async with house(db) as here:
        answer = await here.metrics(await here.key(), accept="application/openmetrics-text; version=1.0.0")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
    assert "commonpoint_apple_seals" in {family.name for family in openmetrics(answer.text)}  # type: ignore[no-untyped-call]


async def test_metrics_are_for_operators_with_a_key(db: Database) -> None:
    async with house(db) as here:
        assert (await here.client.get("/metrics")).status_code == 401
        assert (await here.metrics(await here.key(await a_partner(db), "network:read"))).status_code == 403
        assert (await here.metrics(await here.key(None, "earn"))).status_code == 403
        assert (await here.metrics(await here.key(None, "network:read"))).status_code == 200


async def test_each_figure_is_explained_in_the_documentation(db: Database) -> None:
    await busy(db)
    async with house(db) as here:
        text = (await here.metrics(await here.key())).text
    explained = set(re.findall(r"`(commonpoint_\w+)`", tree.text(tree.ROOT / "docs" / "metrics.md")))
    told = {name for name in re.findall(r"^# TYPE (\w+)", text, re.M) if name.startswith("commonpoint_")}
    assert told == explained


async def test_what_waits_for_a_look_is_shown_with_who_and_why(db: Database) -> None:
    gym = await a_partner(db, "Gym <b>& Spa</b>")
    async with db.unit() as unit:
        await unit.connection.execute(
            "INSERT INTO review (id, journal_id, member_id, partner_id, reasons, terminal, cashier, points, created_at)"
            " VALUES ('rvw_1', 'ern_1', 'mbr_1', $1, ARRAY['own_account', 'member_at_terminal_times'], 't<1>', NULL,"
            " 1200, now())",
            gym,
        )
    async with house(db) as operator:
        key = await operator.key()
        page = (await operator.page(key, of="reviews")).text
        for said in ("Gym &lt;b&gt;&amp; Spa", "t&lt;1&gt;", "1,200 points", "POST /v1/reviews/rvw_1/approve"):
            assert said in page
        assert page.count("the cashier&#39;s own account") == 2, "as a reason, and among those who may serve themselves"
        assert "too often for one card at one till" in page
        assert "samalla kortilla ja kassalla" in (await operator.page(key, "fi", of="reviews")).text
        async with db.unit() as unit:
            await unit.connection.execute("UPDATE review SET state = 'approved', decided_at = now()")
        page = (await operator.page(key, of="reviews")).text
        assert "Nothing waits for a look." in page
