"""Doing many things for Google at the same time, and knowing which of them failed."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Final

from passes.google.push_verdict import WalletUnanswered

# Well inside the lease of a note: what was sent by then is remembered, and not sent again by somebody else.
LONGEST_S: Final = 45.0


async def errors_of(
    steps: Mapping[str, Coroutine[object, object, None]], longest_s: float = LONGEST_S
) -> dict[str, Exception]:
    """Do all steps at the same time, each for at most `longest_s` seconds; returns those that failed and why."""
    outcomes = await asyncio.gather(*(_timed(step, longest_s) for step in steps.values()), return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None and not isinstance(outcome, Exception):
            raise outcome  # cancelled
    return {name: error for name, error in zip(steps, outcomes, strict=True) if isinstance(error, Exception)}


async def _timed(step: Coroutine[object, object, None], longest_s: float) -> None:
    try:
        async with asyncio.timeout(longest_s):
            await step
    except TimeoutError as error:
        raise WalletUnanswered("Google Wallet took too long.") from error
