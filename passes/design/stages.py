"""Which release decides what a pass shows: pure.

Each release is for a share of the passes. Whether a pass belongs to it follows from the design and the pass alone, so
a larger share of the same design only adds passes, and different designs are tried on different passes.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WHOLE: Final = 100
# In place of a design: the look made of the partner's brand.
BRAND: Final = "brand"


@dataclass(frozen=True, slots=True)
class Stage:
    """A design and the per cent of passes that it is released to."""

    design_id: str
    share: int


def covers(stage: Stage, pass_id: str) -> bool:
    """Whether the pass is in the stage's share."""
    return stage.share >= WHOLE or _place(stage.design_id, pass_id) < stage.share


def without_repeats(stages: Sequence[Stage]) -> list[Stage]:
    """The stages, newest first, without those whose passes a newer one of the same design has already."""
    largest: dict[str, int] = {}
    kept = []
    for stage in stages:
        if stage.share > largest.get(stage.design_id, 0):
            largest[stage.design_id] = stage.share
            kept.append(stage)
    return kept


def design_of(stages: Sequence[Stage], pass_id: str) -> str:
    """The design that a pass shows, by the stages from the newest to the oldest; the brand's look without any."""
    return next((stage.design_id for stage in stages if covers(stage, pass_id)), BRAND)


def _place(design_id: str, pass_id: str) -> int:
    """0 to 99, spread evenly and for each design differently."""
    digest = hashlib.sha256(f"{design_id}\n{pass_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") * WHOLE >> 64
