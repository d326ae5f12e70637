"""What happened on an account between two looks, and where members were last."""

from kernel.database import Database
from points.happenings import MOST_HAPPENINGS, Happening, Since, happenings, last_places
from points.statement import ending_lots, member_states, open_vouchers
from tests.support.cards import BISTRO, Town, town

CAKES = f"""{BISTRO}
  - {{id: cake, kind: product, cost: 10, voucher: true, valid: P30D, names: {{en: Cake, fi: Kakku, hu: Torta}}}}
tiers:
  measure: points
  window: {{kind: lifetime}}
  levels:
    - {{id: basic, from: 0, names: {{en: Basic, fi: Perus, hu: Alap}}}}
    - {{id: gold, from: 50, names: {{en: Gold, fi: Kulta, hu: Arany}}}}
lots:
  expiry: {{kind: rolling, length: P12M}}
"""


async def seq_of(the: Town, member_id: str) -> int:
    async with the.db.read() as read:
        return (await member_states(read.connection, [member_id]))[member_id].seq


async def between(the: Town, holder_id: str, since: int, until: int) -> list[Happening]:
    async with the.db.read() as read:
        return (await happenings(read.connection, {"a": Since(holder_id, since, until)})).get("a", [])


async def test_the_journals_after_one_look_and_up_to_the_next_oldest_first(db: Database) -> None:
    the = await town(db)
    aino, eino = await the.member(), await the.member("Eino")
    assert await seq_of(the, aino) == 0
    await the.buys(aino, 7)
    first = await seq_of(the, aino)
    await the.buys(eino, 99)
    await the.spends(aino, 2)
    await the.buys(aino, 5)
    second = await seq_of(the, aino)
    await the.buys(aino, 1)
    assert [(one.kind, one.change) for one in await between(the, aino, first, second)] == [("redeem", -2), ("earn", 5)]
    assert await between(the, aino, second, second) == []
    assert [one.change for one in await between(the, aino, 0, 10**12)] == [7, -2, 5, 1]


async def test_whoever_missed_very_much_gets_the_newest_of_it(db: Database) -> None:
    the = await town(db)
    aino = await the.member()
    for number in range(1, MOST_HAPPENINGS + 4):
        await the.buys(aino, number)
    found = await between(the, aino, 0, 10**12)
    assert [one.points for one in found] == list(range(4, MOST_HAPPENINGS + 4))


async def test_of_the_facts_only_what_sentences_need_is_read(db: Database) -> None:
    the = await town(db, CAKES)
    aino = await the.member()
    await the.buys(aino, 60)
    (earned,) = await between(the, aino, 0, 10**12)
    assert earned.facts == {"points": 60, "tier": "gold", "tier_before": "basic"}
    before = await seq_of(the, aino)
    await the.claims(aino, "cake")
    (claimed,) = await between(the, aino, before, 10**12)
    assert claimed.facts.keys() == {"reward", "voucher"}
    assert claimed.facts["reward"] == "cake"


async def test_members_were_last_where_they_acted_themselves(db: Database) -> None:
    the = await town(db)
    aino, eino, ilta = await the.member(), await the.member("Eino"), await the.member("Ilta")
    harbour, station = await the.place("Harbour"), await the.place("Station")
    await the.buys(aino, 1, location_id=harbour)
    await the.buys(aino, 1)
    await the.buys(eino, 1, location_id=station)
    await the.merges(eino, aino)
    await the.buys(eino, 1, location_id=station)
    async with db.read() as read:
        holders = {aino: aino, eino: aino, ilta: ilta}
        assert await last_places(read.connection, holders) == {aino: harbour, eino: station}


async def test_vouchers_are_open_until_they_end_or_are_used(db: Database) -> None:
    the = await town(db, CAKES)
    aino = await the.member()
    await the.buys(aino, 40)
    await the.claims(aino, "cake")
    await the.claims(aino, "cake")
    async with db.unit() as unit:
        states = list((await member_states(unit.connection, [aino])).values())
        now = the.clock.now()
        assert await open_vouchers(unit.connection, states, now) == {aino: 2}
        await unit.connection.execute("UPDATE voucher SET state = 'used' WHERE id = (SELECT min(id) FROM voucher)")
        assert await open_vouchers(unit.connection, states, now) == {aino: 1}
        ends = await unit.connection.fetchval("SELECT max(valid_until) FROM voucher")
        assert await open_vouchers(unit.connection, states, ends) == {}


async def test_lots_that_may_end_are_those_with_points_left(db: Database) -> None:
    the = await town(db, CAKES)
    aino = await the.member()
    await the.buys(aino, 7)
    await the.buys(aino, 9)
    await the.spends(aino, 8)
    async with db.read() as read:
        lots = (await ending_lots(read.connection, [aino]))[aino]
    assert [(lot.original, lot.remaining) for lot in lots] == [(9, 8)]
