"""From a pass as it is stored to the file a phone takes: document, pictures and seal together, kept per version."""

import asyncio
import json
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

import msgspec
import structlog

from kernel.errors import Unavailable
from kernel.secrets import Keyring
from passes.apple.document import Origin, Paper, Ticket, document, own_strings
from passes.apple.identity import Identity
from passes.apple.seal import Sealer, Template
from passes.apple.validation import faults
from passes.card import Card, card_from_json
from passes.look import Look

log = structlog.get_logger(__name__)

MEDIA_TYPE: Final = "application/vnd.apple.pkpass"
KITS_KEPT: Final = 512
# One document in so many is read as a phone would read it, before it is sealed.
SAMPLE: Final = 100
_ASKS: Final = "personalizationLogo"

# Columns of `wallet_pass` as `StoredPass` takes them.
STORED_COLUMNS: Final = (
    "id, card::text AS card, kind, pass_type, change_seq, last_modified, token_version, voided, tap_code, sign_up"
)


class SigningAway(Unavailable):
    """There is no certificate in date to sign this pass type with; installed passes go on as they are."""

    code = "apple_signing_away"
    title = "Apple passes cannot be signed now"


class StoredPass(msgspec.Struct, frozen=True):
    """A row of `wallet_pass`, as far as the file depends on it. `card` is JSON."""

    id: str
    card: str
    kind: str
    pass_type: str
    change_seq: int
    last_modified: datetime
    token_version: int
    voided: bool
    tap_code: str
    sign_up: str


class Identities(Protocol):
    """Who signs."""

    def of(self, pass_type: str) -> Identity | None:
        """The identity of a pass type, in date or not."""
        ...


class Looks(Protocol):
    """How cards look."""

    async def look(self, design_id: str) -> Look:
        """A look by its id."""
        ...

    async def pictures(self, look: Look) -> dict[str, bytes]:
        """Its pictures: path in the package -> PNG."""
        ...


class PublicKey(Protocol):
    """A key that taps are encrypted for."""

    @property
    def public_key(self) -> str:
        """As `nfc.encryptionPublicKey` wants it."""
        ...


class TapKeys(Protocol):
    """Keys that taps are encrypted for."""

    async def public(self, key_id: str) -> PublicKey | None:
        """The public half of a key, in use or not."""
        ...


@dataclass(frozen=True, slots=True)
class _Signer:
    """An identity ready to sign, from `begins` to `ends` (seconds since 1970). `number` rises from one to the next."""

    number: int
    identity: Identity
    origin: Origin
    sealer: Sealer
    begins: float
    ends: float


@dataclass(frozen=True, slots=True)
class _Kit:
    """What passes of a look in a language have in common: those that ask the member for nothing, and those that do."""

    plain: Template
    asking: Template | None


_FileKey = tuple[str, int, int, bool, int]


def pass_token(keyring: Keyring, pass_id: str, token_version: int) -> str:
    """The authentication token of one pass: 40 hex digits (160 bits), derived, since it may never change on a phone."""
    return keyring.derive("apple.pass", pass_id, version=token_version, length=20).hex()


class Press:
    """Makes .pkpass files. Sealed bytes are kept up to `cache_bytes`, the longest unused go first.

    `sealed`, `reused`, `sampled` and `faulty` count files that were signed, files that were kept, documents that were
    looked at by `faults`, and those of them where it found something.
    """

    def __init__(
        self,
        identities: Identities,
        looks: Looks,
        tap_keys: TapKeys,
        keyring: Keyring,
        service_url: str,
        cache_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        self._identities = identities
        self._looks = looks
        self._tap_keys = tap_keys
        self._keyring = keyring
        self._service_url = Origin("pass.x", "", service_url).service_url  # refuses an address of the wrong form now
        self._identities_seen = 0
        self._signers: dict[str, _Signer] = {}
        self._kits: OrderedDict[tuple[str, str], _Kit] = OrderedDict()
        self._drawn: tuple[str, dict[str, bytes]] = ("", {})  # the last ones: another language of a look soon follows
        self._files: OrderedDict[_FileKey, bytes] = OrderedDict()
        self._cache_bytes = cache_bytes
        self._held_bytes = 0
        self._preparing = asyncio.Lock()
        self._turn = asyncio.Lock()
        self.sealed = self.reused = self.sampled = self.faulty = 0

    async def file(self, stored: StoredPass) -> bytes:
        """The sealed file of this version; the same bytes while it is kept, since a signature contains its time.

        Raises SigningAway; BadCard and the like for what should never have been stored.
        """
        signer = self._signer(stored.pass_type)
        key = (stored.id, stored.change_seq, stored.token_version, stored.voided, signer.number)
        if (kept := self._kept(key)) is not None:
            return kept
        card = card_from_json(stored.card)
        look = await self._looks.look(card.design)
        kit = self._kits.get((look.id, card.language)) or await self._prepared(look, card.language, signer.origin)
        ticket = await self._ticket(stored, card, signer.identity, kit)
        # Signing takes a quarter of a millisecond, less than handing it to a thread and back would disturb others. But
        # of a herd of phones one is served at a time, and then it is the tills' turn.
        async with self._turn:
            if (kept := self._kept(key)) is not None:
                return kept
            paper = document(card, look, signer.origin, ticket)
            template = kit.asking if kit.asking is not None and "personalization.json" in paper.strings else kit.plain
            if self.sealed % SAMPLE == 0:
                self._look_at(paper, template, stored.id)
            file = signer.sealer.seal(template, paper)
            self.sealed += 1
            self._keep(key, file)
            await asyncio.sleep(0)
            return file

    def token(self, stored: StoredPass) -> str:
        """The authentication token in the file."""
        return pass_token(self._keyring, stored.id, stored.token_version)

    async def sign(self, pass_type: str, content: bytes) -> bytes:
        """A detached signature over `content` by the identity of a pass type, as phones want it of a token that they
        sent with a personalisation. Raises SigningAway.
        """
        return self._signer(pass_type).sealer.sign(content)

    def _signer(self, pass_type: str) -> _Signer:
        identity, signer = self._identities.of(pass_type), self._signers.get(pass_type)
        if identity is None:
            raise SigningAway(f"No certificate is installed for the pass type “{pass_type}”.", pass_type=pass_type)
        if signer is None or signer.identity is not identity:
            signer = self._signers[pass_type] = self._ready(identity)
        if not signer.begins <= datetime.now(UTC).timestamp() <= signer.ends:
            raise SigningAway(f"The certificate of the pass type “{pass_type}” is not in date.", pass_type=pass_type)
        return signer

    def _ready(self, identity: Identity) -> _Signer:
        self._identities_seen += 1
        origin = Origin(identity.pass_type, identity.team, self._service_url)
        begins, ends = identity.begins_at.timestamp(), identity.ends_at.timestamp()
        return _Signer(self._identities_seen, identity, origin, Sealer(identity), begins, ends)

    async def _ticket(self, stored: StoredPass, card: Card, identity: Identity, kit: _Kit) -> Ticket:
        # A certificate that Apple does not allow taps for makes phones refuse a pass that offers them.
        taps = bool(card.tap_key and stored.tap_code) and identity.nfc
        key = await self._tap_keys.public(card.tap_key) if taps else None
        return Ticket(
            stored.id,
            self.token(stored),
            voided=stored.voided,
            tap_code=stored.tap_code if key is not None else "",
            tap_public_key=key.public_key if key is not None else "",
            sign_up=stored.sign_up == "open" and kit.asking is not None,
        )

    async def _prepared(self, look: Look, language: str, origin: Origin) -> _Kit:
        """The pictures are drawn once, however many phones ask at once."""
        async with self._preparing:
            key = (look.id, language)
            kit = self._kits.get(key)
            if kit is None:
                pictures = await self._pictures(look)
                kit = await asyncio.to_thread(_kit, pictures, own_strings(look, origin, language))
                self._kits[key] = kit
                while len(self._kits) > KITS_KEPT:
                    self._kits.popitem(last=False)
            return kit

    async def _pictures(self, look: Look) -> dict[str, bytes]:
        if self._drawn[0] != look.id:
            self._drawn = (look.id, await self._looks.pictures(look))
        return self._drawn[1]

    def _look_at(self, paper: Paper, template: Template, pass_id: str) -> None:
        """Whether a phone would show all of it. It is sealed either way: most of it is better than nothing."""
        self.sampled += 1
        found = faults(json.loads(paper.body), {*template.names, *paper.strings})
        if found:
            self.faulty += 1
            told = [f"{fault.path}: {fault.says}" for fault in found[:5]]
            log.warning("apple_document_faulty", pass_id=pass_id, faults=told)

    def _kept(self, key: _FileKey) -> bytes | None:
        kept = self._files.get(key)
        if kept is not None:
            self._files.move_to_end(key)
            self.reused += 1
        return kept

    def _keep(self, key: _FileKey, file: bytes) -> None:
        self._files[key] = file
        self._held_bytes += len(file)
        while self._held_bytes > self._cache_bytes:
            _, dropped = self._files.popitem(last=False)
            self._held_bytes -= len(dropped)


def _kit(pictures: dict[str, bytes], strings: dict[str, bytes]) -> _Kit:
    plain = {name: data for name, data in pictures.items() if not name.rpartition("/")[2].startswith(_ASKS)}
    asking = Sealer.template(pictures, strings) if f"{_ASKS}.png" in pictures else None
    return _Kit(Sealer.template(plain, strings), asking)
