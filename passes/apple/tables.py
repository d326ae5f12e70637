"""Tables of Apple Wallet: devices and their wishes, what they complain of, certificates, keys of taps."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from kernel.tables import bigint, moment


class Device(SQLModel, table=True):
    """An Apple device that holds passes, and where to wake it."""

    __tablename__ = "apple_device"
    __table_args__ = (Index("apple_device_token", "push_token"),)

    library_id: str = Field(primary_key=True)
    push_token: str
    updated_at: datetime = Field(sa_column=moment(now=True))


class Registration(SQLModel, table=True):
    """A device's wish to hear of changes to a pass.

    `owed_seq` is a change number of this registration alone: the device may hold an older file than the pass is now,
    and is told once more.
    """

    __tablename__ = "apple_registration"
    __table_args__ = (Index("apple_registration_pass", "pass_id"),)

    library_id: str = Field(primary_key=True)
    pass_id: str = Field(primary_key=True)
    owed_seq: int = Field(default=0, sa_column=bigint(default=0))
    registered_at: datetime = Field(sa_column=moment(now=True))


class Wave(SQLModel, table=True):
    """A pass that was pushed as one of many and not yet fetched: what is out bounds how many follow."""

    __tablename__ = "apple_wave"
    __table_args__ = (Index("apple_wave_pushed", "pushed_at"),)

    pass_id: str = Field(primary_key=True)
    pushed_at: datetime = Field(sa_column=moment(now=True))


class PushStanding(SQLModel, table=True):
    """Whether the push service takes our pushes for a pass type, as the process that pushes last found it."""

    __tablename__ = "apple_push_state"
    __table_args__ = (CheckConstraint("standing IN ('open', 'waiting', 'stopped')", name="apple_push_state_standing"),)

    pass_type: str = Field(primary_key=True)
    authentication: str
    standing: str
    reason: str = Field(default="", sa_column_kwargs={"server_default": ""})
    since: datetime = Field(sa_column=moment())
    updated_at: datetime = Field(sa_column=moment(now=True))


class DeviceReport(SQLModel, table=True):
    """A complaint of phones, counted. `kind` is what we make of it, `sample` one line of it as it came, cleaned."""

    __tablename__ = "apple_report"

    kind: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    sample: str
    reports: int = Field(sa_column=bigint())
    first_at: datetime = Field(sa_column=moment(now=True))
    last_at: datetime = Field(sa_column=moment(now=True))


class SigningIdentity(SQLModel, table=True):
    """A pass certificate with its key: `requested` (a CSR is out), `current` (signs), or `retired`.

    `partner_id` empty means: for every partner without one of their own. Certificates are DER, `sealed_key` is the
    PKCS #8 key under the master secret. `nfc` says whether Apple allows taps with it.
    """

    __tablename__ = "apple_identity"
    __table_args__ = (
        CheckConstraint("state IN ('requested', 'current', 'retired')", name="apple_identity_state"),
        Index("apple_identity_current", "pass_type", unique=True, postgresql_where=text("state = 'current'")),
    )

    id: str = Field(primary_key=True)
    pass_type: str
    team: str
    partner_id: str | None = None
    state: str
    request: bytes | None = None
    certificate: bytes | None = None
    intermediate: bytes | None = None
    sealed_key: bytes
    nfc: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    not_after: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    created_at: datetime = Field(sa_column=moment(now=True))
    installed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    retired_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class PushKey(SQLModel, table=True):
    """A token signing key (.p8) of a team: opens the push service for all pass types of that team."""

    __tablename__ = "apple_push_key"

    key_id: str = Field(primary_key=True)
    team: str
    sealed_key: bytes
    created_at: datetime = Field(sa_column=moment(now=True))
    retired_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class TapKey(SQLModel, table=True):
    """A key pair that taps are encrypted for. `key_id` is what the phone sends along: four bytes, in hex.

    `partner_id` empty means the coalition's. Cards carry the `current` key of their brand; taps are opened with
    `current` and `retiring` ones, so that cards which were not yet renewed still work.
    """

    __tablename__ = "apple_tap_key"
    __table_args__ = (
        CheckConstraint("state IN ('current', 'retiring', 'retired')", name="apple_tap_key_state"),
        Index(
            "apple_tap_key_current", text("coalesce(partner_id, '')"), unique=True,
            postgresql_where=text("state = 'current'"),
        ),
    )  # fmt: skip

    key_id: str = Field(primary_key=True)
    partner_id: str | None = None
    state: str
    public_key: str
    sealed_key: bytes
    created_at: datetime = Field(sa_column=moment(now=True))
    retiring_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    retired_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class SeenTap(SQLModel, table=True):
    """A tap that was taken: the same one is never taken again. `ephemeral` is the phone's key of one use (32 bytes).

    `sequence` is the terminal's number of the message: the same number again is a second delivery and is answered as
    the first was. `reason` says why the tap only identifies ("": the pass was proved present).
    """

    __tablename__ = "apple_tap"
    __table_args__ = (Index("apple_tap_tapped", "tapped_at"),)

    key_id: str = Field(primary_key=True)
    ephemeral: bytes = Field(primary_key=True)
    terminal_id: str
    sequence: int = Field(sa_column=bigint())
    pass_id: str
    reason: str = Field(default="", sa_column_kwargs={"server_default": ""})
    tapped_at: datetime = Field(sa_column=moment())
    received_at: datetime = Field(sa_column=moment(now=True))
