"""A till that works without a connection: it keeps what it did on its disk, and sends it until it has an answer.

What it may let members spend is in the allowance it was given; it checks the signature each time, as whoever can write
to its disk could have changed the numbers.
"""

import base64
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Body = dict[str, Any]


class NotAllowed(Exception):
    """The till may not let this be spent while it is offline; the text says why."""


class OfflineTill:
    """One till. `folder` outlives it: made again on the same folder it has everything that has no final answer yet."""

    def __init__(self, folder: Path, public_key: dict[str, str], terminal_id: str) -> None:
        self._queue = folder / "queue.jsonl"
        self._kept = folder / "allowance.jws"
        self._public_key = Ed25519PublicKey.from_public_bytes(_unb64(public_key["x"]))
        self._terminal_id = terminal_id
        self._items: list[Body] = []
        if self._queue.exists():
            self._items = [msgspec.json.decode(line) for line in self._queue.read_bytes().splitlines()]

    @property
    def waiting(self) -> list[Body]:
        """What has no final answer yet, in the order in which it happened."""
        return list(self._items)

    def install(self, document: str) -> None:
        """Keep an allowance. Raises NotAllowed when it is not for this till."""
        self._claims(document)
        self._kept.write_text(document)

    def sell(self, shown: str, amount: int, at: datetime, currency: str = "EUR", **more: Any) -> Body:
        """A sale to whoever showed this card."""
        sale = {"amount": amount, "currency": currency, "occurred_at": at.isoformat(), **more}
        return self._keep({"kind": "earn", "id": uuid4().hex, "shown": shown, "sale": sale})

    def redeem(self, shown: str, points: int, at: datetime) -> Body:
        """Let points be spent. Raises NotAllowed beyond what the allowance says."""
        claims = self._claims(self._kept.read_text()) if self._kept.exists() else {}
        if not claims or not claims["nbf"] <= at.timestamp() <= claims["exp"]:
            raise NotAllowed("there is no allowance now")
        mine = [item for item in self._items if item.get("allowance_id") == claims["jti"]]
        if points > claims["per_redemption"]:
            raise NotAllowed("too many points at once")
        if sum(item["points"] for item in mine) + points > claims["points"] - self._sent(claims["jti"]):
            raise NotAllowed("the allowance is used up")
        return self._keep(
            {
                "kind": "redeem", "id": uuid4().hex, "shown": shown, "points": points, "allowance_id": claims["jti"],
                "occurred_at": at.isoformat(),
            }
        )  # fmt: skip

    def answered(self, sent: Sequence[Body], results: Sequence[Body]) -> None:
        """Forget what was applied or refused for good."""
        final = {result["id"] for result in results if result["state"] != "later"}
        for item in sent:
            if item["id"] in final and item["kind"] == "redeem" and item in self._items:
                spent = self._spent_file(item["allowance_id"])
                spent.write_text(str(self._sent(item["allowance_id"]) + item["points"]))
        self._items = [item for item in self._items if item["id"] not in final]
        self._queue.write_bytes(b"".join(msgspec.json.encode(item) + b"\n" for item in self._items))

    def _keep(self, item: Body) -> Body:
        # On the disk before the customer leaves.
        with self._queue.open("ab") as file:
            file.write(msgspec.json.encode(item) + b"\n")
        self._items.append(item)
        return item

    def _sent(self, allowance_id: str) -> int:
        """Points of the allowance that were honoured and have been answered."""
        spent = self._spent_file(allowance_id)
        return int(spent.read_text()) if spent.exists() else 0

    def _spent_file(self, allowance_id: str) -> Path:
        return self._queue.with_name(f"{allowance_id}.spent")

    def _claims(self, document: str) -> Body:
        signed, _, signature = document.rpartition(".")
        try:
            self._public_key.verify(_unb64(signature), signed.encode())
        except InvalidSignature:
            raise NotAllowed("the allowance is not signed by the service") from None
        claims: Body = msgspec.json.decode(_unb64(signed.partition(".")[2]))
        if claims["sub"] != self._terminal_id:
            raise NotAllowed("the allowance is another till's")
        return claims


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
