"""Who may decide a review: a manager or the operator, never the cashier it is about, nor whose account it is."""

from kernel.database import Connection
from points.adjustment_records import Person
from points.adjustments import NotAnApprover, OwnAccount, SamePerson
from points.reviews import Review

_ACCOUNTS = """
SELECT member_id, coalesce(pool_id, member_id) AS holder FROM account WHERE id = ANY($1::text[])
"""


async def check_decider(connection: Connection, known: Review, person: Person) -> None:
    """Four eyes. Raises NotAnApprover, SamePerson, OwnAccount."""
    if person.role not in ("manager", "operator"):
        raise NotAnApprover(f"A {person.role} decides no reviews.")
    if person.id == known.cashier:
        raise SamePerson("Somebody else than the cashier decides.")
    if person.member_id is None:
        return
    rows = await connection.fetch(_ACCOUNTS, [f"{one}/spendable" for one in (person.member_id, known.member_id)])
    holders = {row["member_id"]: row["holder"] for row in rows}
    if holders.get(person.member_id, person.member_id) == holders.get(known.member_id, known.member_id):
        raise OwnAccount("The points are on your own account: ask somebody else.")
