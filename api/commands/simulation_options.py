"""What the options of `commonpoint programme simulate` mean: words to exact values."""

import re
from datetime import date
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from points.programme.simulation.sale import COLUMNS

_DECIMAL = re.compile(r"\d{1,12}(?:\.\d{1,12})?", re.ASCII)


class Probability(click.ParamType[Fraction]):
    """A number from 0 to 1, exact: `0.25`, `1/3`."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        """Words to a fraction."""
        if isinstance(value, Fraction):
            return value
        try:
            found = Fraction(str(value))
        except (ValueError, ZeroDivisionError):
            found = Fraction(-1)
        if not 0 <= found <= 1:
            self.fail(f"'{value}' is not a number from 0 to 1", param, ctx)
        return found


class Price(click.ParamType[Fraction]):
    """An amount in the programme's currency, not negative, with as many decimals as wished: `0.0085`."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        """Words to a fraction."""
        if isinstance(value, Fraction):
            return value
        if not _DECIMAL.fullmatch(str(value)):
            self.fail(f"'{value}' is not an amount", param, ctx)
        return Fraction(str(value))


class RewardPrice(click.ParamType[tuple[str, Fraction]]):
    """What a claim of a reward costs: `coffee=0.60`."""

    name = "reward=amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Fraction]:
        """Words to the reward's id and a fraction."""
        if isinstance(value, tuple):
            return value
        reward, _, amount = str(value).partition("=")
        if not reward or not _DECIMAL.fullmatch(amount):
            self.fail(f"'{value}' is not like coffee=0.60", param, ctx)
        return reward, Fraction(amount)


class Column(click.ParamType[tuple[str, str]]):
    """Our name of a column and the file's: `amount=Total`."""

    name = "column=name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Words to both names."""
        if isinstance(value, tuple):
            return value
        ours, _, theirs = str(value).partition("=")
        if ours not in COLUMNS or not theirs:
            self.fail(f"'{value}' is not like amount=Total; columns are {', '.join(COLUMNS)}", param, ctx)
        return ours, theirs


class Zone(click.ParamType[ZoneInfo]):
    """An IANA time zone."""

    name = "zone"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> ZoneInfo:
        """The name of a zone to its rules."""
        if isinstance(value, ZoneInfo):
            return value
        try:
            return ZoneInfo(str(value))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.fail(f"'{value}' is not a time zone like Europe/Helsinki", param, ctx)


class Day(click.ParamType[date]):
    """A date."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """An ISO date."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"'{value}' is not a date like 2026-12-31", param, ctx)
