"""Tables of people services: promises, referral, days, households, consents, memberships, offers.

What is personal (a birthday, a consent's evidence) is kept apart from the ledger, so that it can be erased without
touching a sum.
"""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from kernel.tables import bigint, moment


class PromiseRow(SQLModel, table=True):
    """Something that was decided and is to be given by the ledger, once, under `key`.

    It ends with `journal_id` (kept) or `refused` (why the ledger will never give it); until then `due` is when to ask.
    """

    __tablename__ = "promise"
    __table_args__ = (
        CheckConstraint("points >= 0", name="promise_points"),
        Index("promise_due", "due", postgresql_where=text("journal_id IS NULL AND refused IS NULL")),
        Index("promise_member", "member_id", "key"),
    )

    key: str = Field(primary_key=True)
    member_id: str
    partner_id: str
    at: datetime = Field(sa_column=moment())
    points: int = Field(sa_column=bigint())
    reward: str | None = None
    badge: str | None = None
    award: str | None = None
    period: str | None = None
    reason: str
    about: str
    cap_id: str | None = None
    cap_size: int | None = Field(default=None, sa_column=bigint(nullable=True))
    last_day: date | None = None
    due: datetime = Field(sa_column=moment())
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    journal_id: str | None = None
    refused: str | None = None
    made_at: datetime = Field(sa_column=moment())


class ReferralCodeRow(SQLModel, table=True):
    """The code that a member gives to friends."""

    __tablename__ = "referral_code"

    member_id: str = Field(primary_key=True)
    code: str = Field(unique=True)
    created_at: datetime = Field(sa_column=moment())


class ReferralRow(SQLModel, table=True):
    """A friend and who brought them. `bound` until a purchase qualifies, `waiting` until its hold is over, then `paid`
    or `refused` for good. `seen_seq` is the last journal of the friend that was looked at."""

    __tablename__ = "referral"
    __table_args__ = (
        CheckConstraint("state IN ('bound', 'waiting', 'paid', 'refused')", name="referral_state"),
        CheckConstraint("friend_id <> referrer_id", name="referral_of_another"),
        Index("referral_referrer", "referrer_id", "friend_id"),
        Index("referral_open", "state", "due_at", postgresql_where=text("state IN ('bound', 'waiting')")),
    )

    friend_id: str = Field(primary_key=True)
    referrer_id: str
    state: str
    bound_at: datetime = Field(sa_column=moment())
    seen_seq: int = Field(default=0, sa_column=bigint(default=0))
    journal_id: str | None = None
    partner_id: str | None = None
    programme: str | None = None
    period: str | None = None
    qualified_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    due_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    reason: str | None = None
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class BirthdayRow(SQLModel, table=True):
    """When a member was born, as they said. A changed date counts later than a first one; `changes` counts them."""

    __tablename__ = "birthday"
    __table_args__ = (
        CheckConstraint("month BETWEEN 1 AND 12 AND day BETWEEN 1 AND 31", name="birthday_day"),
        Index("birthday_when", "month", "day"),
    )

    member_id: str = Field(primary_key=True)
    month: int
    day: int
    year: int | None = None
    given_at: datetime = Field(sa_column=moment())
    changes: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class HouseholdRow(SQLModel, table=True):
    """Members who share one balance. `closed_at` when the last one left."""

    __tablename__ = "household"

    id: str = Field(primary_key=True)
    partner_id: str
    created_by: str
    created_at: datetime = Field(sa_column=moment())
    closed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class HouseholdMemberRow(SQLModel, table=True):
    """A member's place in a household. `joining` and `leaving` last until the ledger has moved the points."""

    __tablename__ = "household_member"
    __table_args__ = (
        CheckConstraint(
            "state IN ('invited', 'joining', 'active', 'leaving', 'left', 'declined')", name="household_member_state"
        ),
        Index(
            "household_member_one",
            "member_id",
            unique=True,
            postgresql_where=text("state IN ('joining', 'active', 'leaving')"),
        ),
        Index(
            "household_member_seat",
            "household_id",
            "member_id",
            unique=True,
            postgresql_where=text("state IN ('invited', 'joining', 'active', 'leaving')"),
        ),
    )

    id: str = Field(primary_key=True)
    household_id: str
    member_id: str
    state: str
    owner: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    may_view: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})
    may_spend: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})
    invited_at: datetime = Field(sa_column=moment())
    changed_at: datetime = Field(sa_column=moment())


class ConsentRow(SQLModel, table=True):
    """One consent given or withdrawn, never edited: the latest of its kind counts. `evidence` says what the member saw
    and how they said it."""

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint("kind IN ('marketing', 'profiling', 'sensitive')", name="consent_kind"),
        Index("consent_member", "member_id", "kind", "id"),
        Index("consent_recorded", "recorded_at"),
    )

    id: str = Field(primary_key=True)
    member_id: str
    kind: str
    given: bool
    evidence: str
    channel: str
    partner_id: str
    recorded_at: datetime = Field(sa_column=moment())


class MembershipRow(SQLModel, table=True):
    """A paid or otherwise granted membership of a member, never edited: the latest of its name counts."""

    __tablename__ = "membership"
    __table_args__ = (
        CheckConstraint("valid_until IS NULL OR valid_until >= valid_from", name="membership_span"),
        Index("membership_member", "member_id", "name", "id"),
        Index("membership_recorded", "recorded_at"),
    )

    id: str = Field(primary_key=True)
    member_id: str
    name: str
    valid_from: datetime = Field(sa_column=moment())
    valid_until: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    evidence: str
    partner_id: str
    recorded_at: datetime = Field(sa_column=moment())


class OfferSwitchRow(SQLModel, table=True):
    """An offer switched on or off by a member, never edited: the latest of its offer counts."""

    __tablename__ = "offer_switch"
    __table_args__ = (
        Index("offer_switch_member", "member_id", "offer", "id"),
        Index("offer_switch_recorded", "recorded_at"),
    )

    id: str = Field(primary_key=True)
    member_id: str
    offer: str
    on: bool
    partner_id: str
    recorded_at: datetime = Field(sa_column=moment())


class ShareRow(SQLModel, table=True):
    """A link to an achievement: the page behind `token` shows the achievement and a referral code, and no person."""

    __tablename__ = "share"
    __table_args__ = (UniqueConstraint("member_id", "programme", "award", name="share_once"),)

    token: str = Field(primary_key=True)
    member_id: str
    partner_id: str
    programme: str
    award: str
    created_at: datetime = Field(sa_column=moment())
    withdrawn_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
