"""What is stored of the Google side becomes what an operator has to know."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from kernel.i18n import translate
from kernel.outbox import Waiting
from passes.google.health import (
    SILENT_AFTER,
    Callbacks,
    ClassSeen,
    Finding,
    Objects,
    Standing,
    findings_of,
    worst,
)
from tests.support import tree

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WELL = Objects(known=100, saved=60, deleted=5, found=0, refused=0, unasked=0)
HEARD = Callbacks(newest=NOW - timedelta(hours=1), kept=70, unknown=0)


def found(
    standing: str = "open",
    review: str | None = "APPROVED",
    objects: Objects = WELL,
    callbacks: Callbacks = HEARD,
    refused: list[tuple[str, str]] | None = None,
    notes: list[Waiting] | None = None,
) -> list[Finding]:
    states = Standing(standing, "403 permissionDenied", NOW, 20.0)
    classes = [ClassSeen("3388.ptn_cafe", review, NOW)]
    return findings_of(states, classes, objects, callbacks, refused or [], notes or [], NOW)


def rules(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.level, finding.rule) for finding in findings]


def test_when_all_is_well_there_is_nothing_to_say() -> None:
    assert found() == []
    assert worst([]) == "ok"
    assert found(review=None) == []


def test_the_worst_comes_first() -> None:
    findings = found(
        "stopped", "UNDER_REVIEW", Objects(9, 5, 0, 0, 2, 3), refused=[("pass_1", "400: bad colour")],
        notes=[Waiting("google.push", 7, 2, NOW, "503"), Waiting("pass", 1, 1, NOW, None)],
    )  # fmt: skip
    assert rules(findings) == [
        ("bad", "calls_stopped"),
        ("warn", "class_under_review"),
        ("warn", "cards_refused"),
        ("warn", "notes_stuck"),
        ("note", "cards_unasked"),
    ]
    assert worst(findings) == "bad"
    assert "bad colour" in findings[2].says()


def test_silent_callbacks_are_noticed_by_what_was_found_without_them() -> None:
    objects = Objects(10, 5, 0, 4, 0, 0)
    assert rules(found(objects=objects)) == []
    for newest in (None, NOW - SILENT_AFTER - timedelta(seconds=1)):
        assert rules(found(objects=objects, callbacks=Callbacks(newest, 0, 0))) == [("warn", "callbacks_silent")]
        assert rules(found(callbacks=Callbacks(newest, 0, 0))) == []


def test_callbacks_about_cards_of_another_service_are_noticed() -> None:
    assert rules(found(callbacks=Callbacks(NOW, 10, 3))) == [("note", "callbacks_unknown")]


def _source(name: str) -> str:
    return tree.text(tree.ROOT / "passes" / "google" / name)


SAID = sorted(set(re.findall(r'"google\.health\.(\w+)"', _source("health_texts.py"))))
FACTS = (
    "reason", "email", "count", "days", "kind", "stuck", "status", "seconds", "rate", "allowed", "minutes", "review",
)  # fmt: skip


def test_what_can_be_found_has_words_and_no_words_are_left_over() -> None:
    source = _source("health.py") + _source("health_checks.py")
    named = set(re.findall(r'"(?:bad|warn|note)"(?: if live else "\w+")?, "(\w+)"', source))
    assert len(named) > 20
    assert {name for name in named if name.islower()} - {"warn"} <= set(SAID)
    reviews = {"class_rejected", "class_draft", "class_under_review"}  # named after what Google says
    assert [rule for rule in SAID if rule not in reviews and f'"{rule}"' not in source] == []


@pytest.mark.parametrize("language", ["en", "fi", "hu"])
@pytest.mark.parametrize("rule", SAID)
def test_each_finding_is_said_in_each_language(rule: str, language: str) -> None:
    said = translate(f"google.health.{rule}", language, **dict.fromkeys(FACTS, "(fact)"))
    assert "{" not in said
    assert len(said) > 20
