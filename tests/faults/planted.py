"""Faults to plant: each is a few characters of the product that become others, and a promise that breaks by it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """In `file`, `old` (which is there exactly once) becomes `new`."""

    name: str
    file: str
    old: str
    new: str


FAULTS = (
    Fault(
        "a key may stand for two effects",
        "api/migrations/versions/0001_the_first_schema.py",
        'sa.PrimaryKeyConstraint("partner_id", "key"),',
        "",
    ),
    Fault(
        "refunds are floored one by one",
        "points/programme/settlement.py",
        '        if part.rounding == "carry":',
        '        if part.rounding == "carry" and part.exact > 0:',
    ),
    Fault(
        "points end a day late",
        "points/programme/expiry_dates.py",
        "    return last_of(later(issued, length), edge)",
        "    return last_of(later(issued, length), edge) + timedelta(days=1)",
    ),
    Fault(
        "members are not locked",
        "points/reading.py",
        "    WHERE id = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE),",
        "    WHERE id = ANY($1::text[]) ORDER BY id),",
    ),
    Fault(
        "stock is checked, then written",
        "points/reading.py",
        "(SELECT id, size, used FROM cap WHERE id = ANY($2::text[]) ORDER BY id FOR NO KEY UPDATE)",
        "(SELECT id, size, used FROM cap WHERE id = ANY($2::text[]) ORDER BY id)",
    ),
    Fault(
        "lots are used in another order than the programme's",
        "points/deciding/lots.py",
        '"own_issuer_first": lot.issuer_id != partner_id,',
        '"own_issuer_first": lot.issuer_id == partner_id,',
    ),
    Fault(
        "the weakest of rival campaigns wins",
        "points/programme/campaigns.py",
        "best = max(rivals, key=lambda push: _worth(push, stage))",
        "best = min(rivals, key=lambda push: _worth(push, stage))",
    ),
    Fault(
        "a hold may be captured twice",
        "points/deciding/claims.py",
        '    if state.state != "held":\n',
        '    if state.state == "released":\n',
    ),
    Fault(
        "restored points never end",
        "points/deciding/redeem.py",
        '        slicer.use(lot_id, -n, "honoured", past.acceptor_id)\n',
        '        slicer.use(lot_id, -n, "honoured", past.acceptor_id)\n        book.lots[lot_id].expires_at = None\n',
    ),
    Fault(
        "points that are sent never end",
        "points/deciding/moving.py",
        "original=n, remaining=n, moved_from=lot.id)",
        "original=n, remaining=n, moved_from=lot.id, expires_at=None)",
    ),
    Fault(
        "the tier follows the balance",
        "points/programme/tiers.py",
        "    level = ladder.rank_at(total(standing, ladder.counter))",
        '    level = ladder.rank_at(total(standing, ladder.counter) - 100 * total(standing, "redeemed"))',
    ),
    Fault(
        "a change leaves no note",
        "points/writing.py",
        "notes = [(kind, member) for kind in note_kinds for member in shown]",
        "notes: list[tuple[str, str]] = []",
    ),
    Fault(
        "a refund does not undo what the purchase counted for",
        "points/deciding/journal.py",
        "    fold_standing(book.standing, decision.standing)\n",
        '    if decision.kind != "reverse":\n        fold_standing(book.standing, decision.standing)\n',
    ),
    Fault(
        "a refund does not give the budget back",
        "points/deciding/refund.py",
        "        uses=difference.uses,\n        amount_minor",
        "        uses={},\n        amount_minor",
    ),
    Fault(
        "what comes does not cure what is owed",
        "points/deciding/lots.py",
        "            owed = arrear.remaining\n",
        "            owed = 0\n",
    ),
    Fault(
        "the digests of a batch do not chain",
        "points/hashchain.py",
        "    return sha256(before + _encode(body)).digest()",
        "    return sha256(_encode(body)).digest()",
    ),
    Fault(
        "seals do not chain",
        "points/verifying.py",
        '    if chained != seal["hash"]:',
        '    if len(chained) != len(seal["hash"]):',
    ),
    Fault(
        "a point more than allowed is spent without a proof",
        "points/deciding/spending.py",
        "    if left is not None and points > left:",
        "    if left is not None and points > left + 1:",
    ),
    Fault(
        "what is spent without a proof is not counted",
        "points/deciding/spending.py",
        "    if version.programme.redemptions.proof is None or not points:",
        "    if version.programme.redemptions.proof is not None or not points:",
    ),
    Fault(
        "a proof may be used again",
        "points/deciding/journal.py",
        "        ground.proofs[decision.proof_id].used = True\n",
        "        ground.proofs[decision.proof_id].used = False\n",
    ),
    Fault(
        "a proof of one partner is good at another",
        "points/deciding/spending.py",
        "        and proof.partner_id == command.partner_id\n",
        "",
    ),
    Fault(
        "one more than the limit passes",
        "points/programme/velocity.py",
        "        if self.times is not None and used[0] + 1 > self.times:",
        "        if self.times is not None and used[0] > self.times:",
    ),
    Fault(
        "points under review can be spent",
        "points/deciding/earn.py",
        "            lot.pending, lot.awaits = True, awaiting_review(lot.awaits)\n",
        "            lot.awaits = awaiting_review(lot.awaits)\n",
    ),
    Fault(
        "what was approved waits on",
        "points/deciding/watching.py",
        '    return (awaits or "").partition(_AND)[0] == REVIEW',
        '    return (awaits or "").partition(_AND)[0] == REVIEW and _AND in (awaits or "")',
    ),
    Fault(
        "what is returned during a review is approved all the same",
        "points/deciding/refund.py",
        "        waiting = sorted((lot for lot in own if lot.issuer_id == issuer_id), key=lambda lot: lot.id)",
        "        waiting = sorted((lot for lot in own if lot.issuer_id != issuer_id), key=lambda lot: lot.id)",
    ),
    Fault(
        "an offline redemption takes what is not there",
        "points/deciding/redeem.py",
        "        points = 0 if barred else min(points, book.spendable)\n",
        "        points = 0 if barred else points\n",
    ),
)
