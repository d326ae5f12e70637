"""A simulated ledger as lines of JSON, one journal a line: the same history and version are the same bytes."""

from datetime import datetime
from typing import Any

import msgspec

from points.decision import Decision

_encoder = msgspec.json.Encoder(order="sorted", decimal_format="string")


def line_of(decision: Decision, at: datetime) -> bytes:
    """A journal with its postings, slices, new lots, and the facts that it can be computed anew from; ends its line."""
    found: dict[str, Any] = {
        "id": decision.journal_id,
        "kind": decision.kind,
        "member": decision.member_id,
        "partner": decision.command.partner_id,
        "key": decision.command.key,
        "at": at,
        "points": decision.points,
        "postings": decision.postings,
        "allocations": [
            [one.lot_id, one.issuer_id, one.acceptor_id, one.points, one.purpose] for one in decision.allocations
        ],
        "lots": [
            [lot.id, lot.issuer_id, lot.original, lot.remaining, lot.pending, lot.active_at, lot.expires_at]
            for lot in decision.new_lots
        ],
        "arrears": [[one.id, one.creditor_id, one.original] for one in decision.new_arrears],
        "vouchers": [[one.id, one.reward, one.state, one.value_minor, one.valid_until] for one in decision.vouchers],
        "activated": decision.activated,
        "prolonged": dict(decision.prolonged),
        "uses": dict(decision.uses),
        "facts": decision.facts,
        "reverses": decision.reverses_id,
        "cause": decision.cause_id,
        "amount_minor": decision.amount_minor,
    }
    return _encoder.encode({name: value for name, value in found.items() if value not in (None, (), [], {})}) + b"\n"
