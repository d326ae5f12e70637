"""From a pass as it is stored to the file a phone takes: document, images and seal together, kept per version."""

import asyncio
from collections import OrderedDict
from datetime import datetime

import msgspec

from kernel.secrets import Keyring
from passes.apple.document import Origin, document
from passes.apple.identity import Identity
from passes.apple.seal import Sealer, Template
from passes.card import Card, card_from_json
from passes.pictures import brand_images

MEDIA_TYPE = "application/vnd.apple.pkpass"
_BRANDS_KEPT = 256


class StoredPass(msgspec.Struct, frozen=True):
    """A row of `wallet_pass`, as far as the file depends on it. `card` is JSON."""

    id: str
    card: str
    change_seq: int
    last_modified: datetime
    token_version: int
    voided: bool


def pass_token(keyring: Keyring, pass_id: str, token_version: int) -> str:
    """The authentication token of one pass: 40 hex digits (160 bits), derived, since it may never change on a phone."""
    return keyring.derive("apple.pass", pass_id, version=token_version, length=20).hex()


class Press:
    """Makes .pkpass files for one identity. Sealed bytes are kept up to `cache_bytes`, the longest unused go first."""

    def __init__(
        self, identity: Identity, keyring: Keyring, service_url: str, cache_bytes: int = 64 * 1024 * 1024
    ) -> None:
        self.origin = Origin(identity.pass_type, identity.team, service_url)
        self._keyring = keyring
        self._sealer = Sealer(identity)
        self._templates: OrderedDict[tuple[str, str, str], Template] = OrderedDict()
        self._files: OrderedDict[tuple[str, int, int, bool], bytes] = OrderedDict()
        self._cache_bytes = cache_bytes
        self._held_bytes = 0

    async def file(self, stored: StoredPass) -> bytes:
        """The sealed file of this version; the same bytes while it is kept, since a signature contains its time."""
        key = (stored.id, stored.change_seq, stored.token_version, stored.voided)
        kept = self._files.get(key)
        if kept is not None:
            self._files.move_to_end(key)
            return kept
        card = card_from_json(stored.card)
        template = await self._template(card)
        body = document(card, self.origin, stored.id, self.token(stored), stored.voided)
        # Signing takes a quarter of a millisecond: less than handing it to a thread and back would disturb others.
        file = self._sealer.seal(template, body)
        self._keep(key, file)
        return file

    def token(self, stored: StoredPass) -> str:
        """The authentication token in the file."""
        return pass_token(self._keyring, stored.id, stored.token_version)

    async def _template(self, card: Card) -> Template:
        key = (card.brand_name, card.background, card.foreground)
        template = self._templates.get(key)
        if template is None:
            # Drawing takes a tenth of a second, once per brand.
            images = await asyncio.to_thread(brand_images, *key)
            template = self._templates[key] = self._sealer.template(images)
            if len(self._templates) > _BRANDS_KEPT:
                self._templates.popitem(last=False)
        return template

    def _keep(self, key: tuple[str, int, int, bool], file: bytes) -> None:
        if key in self._files:
            return
        self._files[key] = file
        self._held_bytes += len(file)
        while self._held_bytes > self._cache_bytes:
            _, dropped = self._files.popitem(last=False)
            self._held_bytes -= len(dropped)
