"""Whatever Google does to our calls, and in whichever order workers look: it ends at what the passes say."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.database import Database
from passes.google.push_paper import says
from passes.google.registry import passes
from passes.sandbox.google_faults import STORM
from tests.support.google import GoogleSide, a_card, a_look, follow_all, google_side, keep_card, make_due, waiting

PASSES = [f"pass_01jd000000000000000000000{number}" for number in range(3)]
_changes = st.tuples(st.sampled_from(PASSES), st.integers(0, 5_000_000_000), st.booleans(), st.booleans())
# What is in one list happens at the same time.
_courses = st.lists(
    st.lists(st.one_of(_changes, st.sampled_from(["push", "link", "design"])), min_size=1, max_size=4), max_size=10
)


async def act(db: Database, google: GoogleSide, what: str | tuple[str, int, bool, bool]) -> None:
    """One thing that happens; what Google does not let us do now is done later."""
    if isinstance(what, tuple):
        pass_id, balance, tells, voided = what
        card = a_card(balance=balance, code=pass_id[-9:].upper(), news=f"You have {balance}")
        await keep_card(db, pass_id, card, tells=tells, voided=voided)
    elif what == "design":
        google.looks.now = a_look(background="#00aa00")
    elif what == "link":
        await asyncio.gather(*(google.service.save_link(one) for one in PASSES), return_exceptions=True)
    else:
        await google.push.follow(PASSES)


async def ends_well(db: Database, google: GoogleSide) -> None:
    """Google holds what the passes and the look say, and nothing waits."""
    for _ in range(5):
        await make_due(db)
        await follow_all(db, google)
    assert await waiting(db) == []
    async with db.read() as read:
        rows = await passes(read.connection, PASSES)
    for row in rows:
        paper = await google.push._papers.paper(row)
        assert says(google.sandbox.resources.get(paper.resource, paper.object_id), paper.body)
        assert row.told == paper.told
        kind = await google.push._papers.class_paper(row)
        held = google.sandbox.resources.get(kind.resource, kind.class_id)
        assert says(held, kind.body | {"reviewStatus": "APPROVED"})


@pytest.fixture
def account_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the service account is: its key takes a while to make."""
    folder = tmp_path_factory.getbasetemp() / "google"
    folder.mkdir(exist_ok=True)
    return folder


@settings(max_examples=12, deadline=None)
@given(course=_courses, seed=st.integers(0, 2**32))
async def test_google_ends_at_what_the_passes_say(
    db: Database, account_folder: Path, course: list[list[str]], seed: int
) -> None:
    async with db.unit() as unit:
        for table in ("wallet_pass", "google_object", "google_class", "google_push_state", "outbox"):
            await unit.connection.execute(f"DELETE FROM {table}")
    async with google_side(db, account_folder) as google:
        google.sandbox.faults.weather(seed, 0.3, STORM)
        for together in course:
            await asyncio.gather(*(act(db, google, one) for one in together))
        google.sandbox.faults.mend()
        google.api.pace._bucket._paused_until = 0.0  # the wait that Google asked for is over
        await ends_well(db, google)
