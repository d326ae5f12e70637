"""The members' phones, and how long after the till's answer each of them shows the new balance."""

import time
from collections import defaultdict, deque
from dataclasses import dataclass, field

from api.twins import Twins
from passes.sandbox.android import AndroidFleet, AndroidPhone, ShownCard
from passes.sandbox.iphone import Iphone, IphoneFleet, Update


@dataclass(frozen=True, slots=True)
class Face:
    """What a phone shows, whatever its make."""

    balance: int
    holder: str
    tier: str
    next_reward: str
    code: str


@dataclass(slots=True)
class Stopwatch:
    """Measures from the till's answer until the phone shows that balance (or a later one that replaced it)."""

    waits_s: list[float] = field(default_factory=list)
    replaced: int = 0
    _pending: dict[str, deque[tuple[int, float]]] = field(default_factory=lambda: defaultdict(deque))
    _early: dict[str, tuple[int, float]] = field(default_factory=dict)

    def answered(self, member_id: str, balance: int, asked_at_s: float) -> None:
        """The till has its answer now; the phone may have been faster than the answer was read."""
        early = self._early.pop(member_id, None)
        if early is not None and early[0] == balance and early[1] >= asked_at_s:
            self.waits_s.append(0.0)
        else:
            self._pending[member_id].append((balance, time.perf_counter()))

    def shows(self, member_id: str, balance: int) -> None:
        """The phone shows this balance now."""
        now = time.perf_counter()
        pending = self._pending[member_id]
        place = next((i for i in reversed(range(len(pending))) if pending[i][0] == balance), None)
        if place is None:
            self._early[member_id] = (balance, now)
            return
        for _ in range(place):
            pending.popleft()
            self.replaced += 1
        self.waits_s.append(now - pending.popleft()[1])

    @property
    def waiting(self) -> int:
        """How many answers no phone has shown yet."""
        return sum(len(pending) for pending in self._pending.values())


class Phones:
    """All phones of the demonstration."""

    def __init__(self, twins: Twins) -> None:
        root = twins.authority.root.read_bytes()
        self.stopwatch = Stopwatch()
        self.updates = 0
        self.updates_of_androids = 0
        self.iphones = IphoneFleet(twins.push_server, root, on_update=self._iphone_shows)
        self.androids = AndroidFleet(twins.wallet_api.phones_url)
        self._of_member: dict[str, Iphone | AndroidPhone] = {}
        self._member_of: dict[str, str] = {}

    async def start(self) -> None:
        """Switch the phones on."""
        await self.iphones.start()
        await self.androids.start()

    async def close(self) -> None:
        """Switch them off."""
        await self.iphones.close()
        await self.androids.close()

    async def add_iphone(self, member_id: str, file: bytes, last_modified: str, language: str) -> None:
        """A member's iPhone, which is in the member's language, takes the pass after checking it."""
        phone = self.iphones.phone(language=language)
        await phone.add(file, last_modified)
        self._of_member[member_id] = phone
        self._member_of[phone.library_id] = member_id

    async def add_android(self, member_id: str, save_link: str) -> None:
        """A member's Android phone opens the save link."""
        phone = self.androids.phone()
        self._of_member[member_id] = phone
        self._member_of[phone.id] = member_id
        await phone.save(save_link)
        phone.on_update = self._android_shows

    def face(self, member_id: str) -> Face:
        """What the member's phone shows, read again from its own copy (on an iPhone: the signed file, checked)."""
        phone = self._of_member[member_id]
        shown = phone.reread() if isinstance(phone, Iphone) else phone.shown()
        assert shown is not None
        return Face(shown.balance, shown.holder, shown.tier, shown.next_reward, shown.code)

    def __len__(self) -> int:
        return len(self._of_member)

    @property
    def iphone_count(self) -> int:
        """How many of them are iPhones."""
        return sum(isinstance(phone, Iphone) for phone in self._of_member.values())

    def _iphone_shows(self, update: Update) -> None:
        member_id = self._member_of.get(update.library_id)
        if member_id is not None:  # else the pass is just being added: that is no update
            self.updates += 1
            self.stopwatch.shows(member_id, update.shown.balance)

    def _android_shows(self, phone: AndroidPhone, card: ShownCard, received_at_s: float) -> None:
        self.updates += 1
        self.updates_of_androids += 1
        self.stopwatch.shows(self._member_of[phone.id], card.balance)
