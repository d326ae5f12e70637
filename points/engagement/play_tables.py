"""Tables of surveys, boards, chance and recognition."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, UniqueConstraint, func, text
from sqlmodel import Field, SQLModel

from kernel.tables import bigint, moment


class SurveyAnswerRow(SQLModel, table=True):
    """One answer per member and survey. What it earned is not told here."""

    __tablename__ = "survey_answer"
    __table_args__ = (Index("survey_answer_survey", "programme", "survey", "answered_at"),)

    member_id: str = Field(primary_key=True)
    programme: str = Field(primary_key=True)
    survey: str = Field(primary_key=True)
    kind: str
    score: int | None = None
    words: str | None = None
    partner_id: str
    answered_at: datetime = Field(sa_column=moment())


class BoardPlayerRow(SQLModel, table=True):
    """A member who wants to be on a board, under a name that is not theirs."""

    __tablename__ = "board_player"
    __table_args__ = (
        Index("board_player_pseudonym", "programme", "board", func.lower(text("pseudonym")), unique=True),
    )

    programme: str = Field(primary_key=True)
    board: str = Field(primary_key=True)
    member_id: str = Field(primary_key=True)
    pseudonym: str
    partner_id: str
    since: datetime = Field(sa_column=moment())


class BoardClosedRow(SQLModel, table=True):
    """A board's period that is over: its places never change any more."""

    __tablename__ = "board_closed"

    programme: str = Field(primary_key=True)
    board: str = Field(primary_key=True)
    period: str = Field(primary_key=True)
    tie_rule: str
    closed_at: datetime = Field(sa_column=moment())


class BoardPlaceRow(SQLModel, table=True):
    """A place on a closed board; `reached_at` is when the score was first reached, which decided ties."""

    __tablename__ = "board_place"

    programme: str = Field(primary_key=True)
    board: str = Field(primary_key=True)
    period: str = Field(primary_key=True)
    place: int = Field(primary_key=True)
    member_id: str
    pseudonym: str
    score: int = Field(sa_column=bigint())
    reached_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class CommitmentRow(SQLModel, table=True):
    """A seed that was drawn before the window in which it decides; its hash is public at once, itself after the end.

    `drawn` counts the draws of a game, and with it names the next one.
    """

    __tablename__ = "commitment"
    __table_args__ = (
        UniqueConstraint("programme", "kind", "name", "period", name="commitment_period"),
        CheckConstraint("kind IN ('surprise', 'game')", name="commitment_kind"),
        CheckConstraint("published_at <= opens AND opens < closes", name="commitment_before"),
    )

    id: str = Field(primary_key=True)
    programme: str
    kind: str
    name: str
    period: str
    hash: str
    seed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    published_at: datetime = Field(sa_column=moment())
    opens: datetime = Field(sa_column=moment())
    closes: datetime = Field(sa_column=moment())
    drawn: int = Field(default=0, sa_column=bigint(default=0))
    looked_seq: int = Field(default=0, sa_column=bigint(default=0))
    finished: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})


class DrawRow(SQLModel, table=True):
    """One draw under a commitment: `subject` (a purchase, or a play's number) and the seed give its outcome."""

    __tablename__ = "draw"
    __table_args__ = (Index("draw_won", "commitment_id", "subject", postgresql_where=text("outcome IS NOT NULL")),)

    commitment_id: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    member_id: str = Field(index=True)
    outcome: str | None = None
    instead: str | None = None
    at: datetime = Field(sa_column=moment())


class PlayRow(SQLModel, table=True):
    """A member's go at a game, under the caller's key. `paying` until its cost is paid, then `drawn` or `refused`."""

    __tablename__ = "play"
    __table_args__ = (
        UniqueConstraint("partner_id", "key", name="play_key"),
        CheckConstraint("state IN ('paying', 'drawn', 'refused')", name="play_state"),
        Index("play_member", "member_id", "programme", "game", "period"),
        Index("play_open", "started_at", postgresql_where=text("state = 'paying'")),
    )

    id: str = Field(primary_key=True)
    partner_id: str
    key: str
    programme: str
    game: str
    member_id: str
    period: str
    state: str
    cost: int = Field(sa_column=bigint())
    prize: str | None = None
    subject: str | None = None
    commitment_id: str | None = None
    started_at: datetime = Field(sa_column=moment())


class PrizeStockRow(SQLModel, table=True):
    """How many of a prize there are and how many were won; never more than there are."""

    __tablename__ = "prize_stock"
    __table_args__ = (CheckConstraint("won >= 0 AND won <= size", name="prize_stock_holds"),)

    programme: str = Field(primary_key=True)
    game: str = Field(primary_key=True)
    prize: str = Field(primary_key=True)
    size: int = Field(sa_column=bigint())
    won: int = Field(default=0, sa_column=bigint(default=0))


class NominationRow(SQLModel, table=True):
    """A customer's praise of a staff member, for one visit; it counts once it was approved."""

    __tablename__ = "nomination"
    __table_args__ = (
        UniqueConstraint("entry_id", name="nomination_once_per_visit"),
        CheckConstraint("state IN ('pending', 'approved', 'rejected')", name="nomination_state"),
        Index("nomination_partner", "partner_id", "id"),
        Index("nomination_member", "member_id", "period"),
    )

    id: str = Field(primary_key=True)
    partner_id: str
    programme: str
    staff_id: str
    member_id: str
    entry_id: str
    words: str
    state: str
    unit: str
    period: str
    month: str
    nominated_at: datetime = Field(sa_column=moment())
    moderated_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    moderated_by: str | None = None


class RecognitionRow(SQLModel, table=True):
    """One unit of recognition on a staff member's own account; it is no customer's points and nobody owes it."""

    __tablename__ = "recognition"
    __table_args__ = (Index("recognition_staff", "staff_id", "unit", "month"),)

    nomination_id: str = Field(primary_key=True)
    staff_id: str
    partner_id: str
    unit: str
    month: str
    amount: int = Field(default=1, sa_column=bigint(default=1))
    nominated_at: datetime = Field(sa_column=moment())


class StaffAwardRow(SQLModel, table=True):
    """Who of a partner's staff was recognised most in a month; decided once."""

    __tablename__ = "staff_award"

    partner_id: str = Field(primary_key=True)
    month: str = Field(primary_key=True)
    unit: str
    staff_id: str | None = None
    amount: int = Field(default=0, sa_column=bigint(default=0))
    decided_at: datetime = Field(sa_column=moment())
