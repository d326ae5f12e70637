"""Classes, which all cards of a brand share: what changes for everybody is sent once, never card by card."""

from collections.abc import Mapping, Sequence
from typing import Final

from kernel.database import Connection, Database
from kernel.ids import is_id
from kernel.outbox import BULK, touch
from passes.google import registry
from passes.google.pace import Lane
from passes.google.push_outcomes import errors_of
from passes.google.push_paper import ClassPaper, Papers
from passes.google.push_verdict import WalletExists, WalletNotFound, WalletUnavailable
from passes.google.registry import PassRow
from passes.google.rest import WalletApi

# A look may be published while the one before is being sent; and what is there may be gone, and the other way round.
MOST_STEPS: Final = 5


class ClassPush:
    """Follower of notes "google.class". Subjects are brands, or coupons (the pass) for the class of their reward."""

    kind: Final = registry.CLASS_KIND
    batch: Final = 20

    def __init__(self, db: Database, api: WalletApi, papers: Papers) -> None:
        self._db = db
        self._api = api
        self._papers = papers
        self._asked: dict[str, str] = {}

    async def follow(self, subjects: Sequence[str]) -> Mapping[str, Exception]:
        """Bring these classes to what the looks say. Returns those that failed and why."""
        async with self._db.read() as read:
            rows = await registry.passes(read.connection, [one for one in subjects if is_id(one, "pass")])
        coupons = {row.pass_id: row for row in rows}
        brands = [one for one in subjects if not is_id(one, "pass")]
        return await errors_of(
            {
                **{one: self._bring(coupons[one], Lane.BULK) for one in coupons},
                **{one: self._bring(one, Lane.BULK) for one in brands},
            }
        )

    async def ready(self, rows: Sequence[PassRow], lane: Lane) -> dict[str, Exception]:
        """Make the classes that these passes need and Google does not have; leave a note for those that have changed.
        Returns the classes that could not be made."""
        examples = {self._papers.class_of(row): row for row in rows}
        async with self._db.read() as read:
            known = await registry.class_hashes(read.connection, list(examples))
        missing = {one: row for one, row in examples.items() if one not in known}
        failed = await errors_of({one: self._bring(row, lane) for one, row in missing.items()})
        await self._ask({one: row for one, row in examples.items() if one in known}, known)
        return failed

    async def make(self, row: PassRow, lane: Lane) -> None:
        """Google does not have the pass's class, whatever we were told: make it."""
        await self._send(await self._papers.class_paper(row), exists=False, lane=lane)

    async def _ask(self, examples: Mapping[str, PassRow], known: Mapping[str, str]) -> None:
        """A note for each class that is not what it should be, once for each of its states: a card does not wait for
        its class, nor does its push fail because Google refuses the class."""
        stale: dict[str, str] = {}
        for class_id, row in examples.items():
            wanted = (await self._papers.class_paper(row)).body_hash
            if wanted != known[class_id] and self._asked.get(class_id) != wanted:
                stale[class_id] = wanted
        if stale:
            subjects = [
                row.pass_id if row.kind == "coupon" else row.card.brand_id for row in (examples[one] for one in stale)
            ]
            async with self._db.unit() as unit:
                await touch(unit.connection, self.kind, subjects)
            self._asked |= stale

    async def _bring(self, of: PassRow | str, lane: Lane) -> None:
        """The class (of a pass, or of a brand's cards) says what the look says; nothing is sent if it does already."""
        # A slower worker with an older look may be the last to send: whoever has sent looks again.
        for _ in range(MOST_STEPS):
            paper = await (self._papers.brand_paper(of) if isinstance(of, str) else self._papers.class_paper(of))
            async with self._db.read() as read:
                told = (await registry.class_hashes(read.connection, [paper.class_id])).get(paper.class_id)
            if told == paper.body_hash:
                return
            await self._send(paper, exists=told is not None, lane=lane)

    async def _send(self, paper: ClassPaper, *, exists: bool, lane: Lane) -> None:
        for _ in range(MOST_STEPS):
            try:
                if exists:
                    await self._api.patch(paper.resource, paper.class_id, paper.patch(), lane)
                else:
                    await self._api.insert(paper.resource, paper.body, lane)
                break
            except WalletExists:
                exists = True
            except WalletNotFound:
                exists = False
        else:
            raise WalletUnavailable(f"Class '{paper.class_id}' is neither there nor absent.")
        async with self._db.unit() as unit:
            await registry.keep_class(unit.connection, paper.class_id, paper.body_hash)


async def look_at_all_classes(connection: Connection, issuer_id: str) -> None:
    """Notes for the classes of all brands that have cards at Google: what a class says of us may have changed while
    this service did not run."""
    rows = await connection.fetch("SELECT id FROM google_class WHERE starts_with(id, $1)", f"{issuer_id}.")
    suffixes = [str(row["id"]).partition(".")[2] for row in rows]
    await touch(connection, registry.CLASS_KIND, [one for one in suffixes if is_id(one, "ptn")], BULK)
