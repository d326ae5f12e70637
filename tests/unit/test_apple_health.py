"""What an operator is told of certificates: early, in their language, and with the command that helps."""

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from kernel.i18n import LANGUAGES
from passes.apple.certificate_requests import Request
from passes.apple.health import Finding, findings_of, level_of
from passes.apple.health_texts import date_text, left_text
from passes.apple.identities import Identities, stage
from passes.apple.identity import Identity, fingerprint
from passes.sandbox.issuing import certify, issue, name, pass_extensions, pass_name
from tests.support.certificates import LOYALTY, own_key, signing

DAY = dt.timedelta(days=1)


def found(
    identities: Identities, *requests: Request, live: bool = False, taps: bool = False, **at: dt.datetime
) -> dict[str, Finding]:
    """The findings by rule."""
    now = at.get("now") or dt.datetime.now(dt.UTC)
    return {one.rule: one for one in findings_of(identities, requests, live=live, taps=taps, now=now)}


def out(pass_type: str = LOYALTY) -> Request:
    return Request("aid_1", pass_type, "", None, "", dt.datetime(2026, 3, 1, tzinfo=dt.UTC))


@pytest.mark.parametrize(
    ("days", "reached", "level"),
    [
        (400, None, "ok"), (61, None, "ok"), (60, 60, "note"), (31, 60, "note"), (30, 30, "warn"), (15, 30, "warn"),
        (14, 14, "warn"), (8, 14, "warn"), (7, 7, "bad"), (0, 7, "bad"), (-1, 7, "bad"), (-400, 7, "bad"),
    ],
)  # fmt: skip
def test_warnings_come_at_60_30_14_and_7_days(days: int, reached: int | None, level: str) -> None:
    assert (stage(days), level_of(days)) == (reached, level)


@pytest.mark.parametrize(("left", "level"), [(60, "note"), (30, "warn"), (14, "warn"), (7, "bad")])
def test_each_warning_names_the_day_and_the_command(left: int, level: str) -> None:
    identity = signing(days=100)
    now = identity.ends_at - left * DAY - dt.timedelta(hours=1)
    ends = found(Identities.fixed(identity), now=now)["ends"]
    assert (ends.level, ends.command) == (level, f"commonpoint apple rotate --pass-type {LOYALTY}")
    assert f"{date_text(identity.ends_at.date(), 'en')} ({left} days left)" in ends.says()
    earlier = found(Identities.fixed(identity), now=identity.ends_at - 61 * DAY - dt.timedelta(hours=1))
    assert "ends" not in earlier


def test_with_a_request_out_the_next_step_is_to_install() -> None:
    identities = Identities.fixed(signing(days=20))
    told = found(identities, out())
    assert "install" in told["ends_requested"].command
    assert not {"ends", "request_open"} & told.keys()
    assert "1 Mar 2026" in found(Identities.fixed(signing()), out())["request_open"].says()


def test_a_certificate_that_ended_is_bad_and_one_that_has_not_begun_too() -> None:
    assert found(Identities.fixed(signing(days=-1)))["ended"].level == "bad"
    assert found(Identities.fixed(signing(begins_in_days=1)))["early"].level == "bad"


def test_a_test_authority_is_a_note_until_it_is_live() -> None:
    identities = Identities.fixed(signing())
    assert found(identities)["test_authority"].level == "note"
    assert found(identities, live=True)["test_authority"].level == "bad"


def test_an_intermediate_that_says_it_is_apples_is_compared_by_its_fingerprint() -> None:
    identity = _by_another_apple()
    told = found(Identities.fixed(identity), live=True)
    assert told["issuer_unknown"].level == "warn"
    assert fingerprint(identity.intermediate) in told["issuer_unknown"].says()
    assert "test_authority" not in told


def test_an_intermediate_that_ends_first_is_told() -> None:
    identity = _by_another_apple()
    late = identity.intermediate.not_valid_after_utc
    assert found(Identities.fixed(identity), now=late - 10 * DAY)["issuer_ends"].level == "warn"
    assert found(Identities.fixed(identity), now=late + DAY)["issuer_ended"].level == "bad"


def test_taps_need_a_certificate_that_allows_them() -> None:
    plain, with_taps = Identities.fixed(signing()), Identities.fixed(signing(nfc=True))
    assert found(plain, taps=True)["no_taps"].level == "warn"
    assert "no_taps" not in found(plain)
    assert "no_taps" not in found(with_taps, taps=True)


def test_without_a_certificate_the_first_command_is_named() -> None:
    nothing = found(Identities.fixed())["nothing"]
    assert nothing.command.startswith("commonpoint apple csr")
    assert found(Identities.fixed(), live=True)["nothing"].level == "bad"
    assert found(Identities.fixed(), out())["nothing"].command == ""


def test_the_settings_pass_type_without_a_certificate_is_told() -> None:
    identities = Identities(None, None, signing(), "pass.com.example.renamed")
    assert found(identities)["not_the_settings"].subject == "pass.com.example.renamed"


def test_every_finding_is_said_in_every_language() -> None:
    day = dt.date(2026, 3, 1)
    facts: dict[str, object] = {
        "date": day, "left": 5, "reason": "why", "fingerprint": "00", "key_id": "K", "kind": "pass", "stuck": 2,
    }  # fmt: skip
    rules = (
        "ends ends_requested ended issuer_ends issuer_ended early test_authority issuer_unknown locked no_taps"
        " request_open nothing not_the_settings overridden push_key_locked push_stopped push_waiting notes_stuck"
    )
    for rule in rules.split():
        said = {Finding("bad", rule, "", facts).says(language) for language in LANGUAGES}
        assert len(said) == len(LANGUAGES)
        assert not any("{" in text or ".." in text for text in said)


def test_days_and_dates_are_said_as_each_language_does() -> None:
    day = dt.date(2027, 1, 5)
    assert [date_text(day, language) for language in LANGUAGES] == ["5 Jan 2027", "5.1.2027", "2027. 01. 05."]
    assert [left_text(days, "en") for days in (2, 1, 0, -1)] == ["2 days left", "1 day left", "last day", "expired"]
    assert [left_text(days, "fi") for days in (2, 1)] == ["2 päivää jäljellä", "1 päivä jäljellä"]
    assert left_text(2, "hu") == "még 2 nap"


def _by_another_apple() -> Identity:
    """An identity whose issuer calls itself Apple, with an intermediate that ends before the certificate."""
    root = issue(name("Root"), None, days=900, authority=True)
    called = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Apple Inc.")])
    intermediate = issue(called, root, days=200, authority=True)
    begins = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    leaf = certify(
        pass_name(LOYALTY, "TESTTEAM01", False), own_key().public_key(), called, intermediate.key, begins,
        begins + 396 * DAY, extensions=pass_extensions(LOYALTY, False),
    )  # fmt: skip
    assert leaf.public_bytes(serialization.Encoding.DER)
    return Identity.of(leaf, own_key(), intermediate.certificate)
