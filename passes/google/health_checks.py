"""What only asking can tell: whether Google knows us and thinks well of our classes, whether the clocks agree, and
whether Google's callbacks would find us.

Each check asks a few times at most, says what it found, and never raises: a doctor who falls ill helps nobody.
"""

import ipaddress
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

import aiohttp

from kernel.errors import CommonpointError, NotFound
from passes.google.answer import bounded
from passes.google.ecv2 import RootKey, root_keys
from passes.google.health import ClassSeen, Finding, of_review
from passes.google.identity import GoogleAccountRefused, GoogleIdentity
from passes.google.reconcile import class_resource
from passes.google.schema.check import Resource, canonical

# What Google allows an issuer that has not asked for more (https://developers.google.com/wallet/generic/resources/faq).
ALLOWED_PER_S: Final = 20.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
_CLOCK_WARN_S, _CLOCK_BAD_S = 30.0, 300.0
_LONG_BACKLOG_S: Final = 3600.0
_MOST_CLASSES: Final = 50
# What the route answers to a body that is no callback (api/http/google_callbacks.py).
_REFUSES: Final = 400
_CONSOLE: Final = "https://pay.google.com/business/console"


class Api(Protocol):
    """The Wallet API as these checks use it (passes/google/rest.py)."""

    async def get(self, resource: Resource, resource_id: str, fields: str) -> dict[str, Any]:
        """Fields of a resource."""
        ...

    async def issuer(self, fields: str = ...) -> dict[str, Any]:
        """Fields of the issuer."""
        ...


@dataclass(slots=True)
class Examined:
    """What asking told: findings, and facts that are good to know though nothing is wrong with them."""

    findings: list[Finding] = field(default_factory=list)
    issuer_name: str = ""
    clock_off_s: float | None = None
    root_keys_until: datetime | None = None
    reviews: dict[str, str] = field(default_factory=dict)


async def examine_account(identity: GoogleIdentity, api: Api, http: aiohttp.ClientSession, seen: Examined) -> bool:
    """Whether Google gives the account a token, and lets it see the issuer."""
    try:
        await identity.access_token(http)
    except GoogleAccountRefused as error:
        seen.findings.append(Finding("bad", "account_refused", identity.email, {"reason": error.detail}, _CONSOLE))
        return False
    except CommonpointError as error:
        seen.findings.append(Finding("bad", "token_unavailable", identity.token_uri, {"reason": error.detail}))
        return False
    try:
        answer = await api.issuer("issuerId,name")
    except NotFound:
        seen.findings.append(Finding("bad", "issuer_unknown", identity.issuer_id, {}, _CONSOLE))
        return False
    except CommonpointError as error:
        facts = {"email": identity.email, "reason": error.detail}
        rule = "issuer_forbidden" if error.facts.get("status") in (401, 403) else "issuer_unavailable"
        seen.findings.append(Finding("bad", rule, identity.issuer_id, facts, _CONSOLE))
        return False
    seen.issuer_name = str(answer.get("name", ""))
    return True


async def examine_classes(api: Api, classes: Sequence[ClassSeen], seen: Examined) -> None:
    """What Google says of the classes now."""
    for one in classes[:_MOST_CLASSES]:
        try:
            answer = await api.get(class_resource(one.id), one.id, "id,reviewStatus")
        except NotFound:
            seen.findings.append(Finding("warn", "class_missing", one.id))
            continue
        except CommonpointError as error:
            seen.findings.append(Finding("warn", "class_unread", one.id, {"reason": error.detail}))
            return
        review = canonical("LoyaltyClass", "reviewStatus", str(answer.get("reviewStatus", "")))
        seen.reviews[one.id] = review
        finding = of_review(one.id, review)
        if finding is not None:
            seen.findings.append(finding)


async def examine_clock_and_keys(http: aiohttp.ClientSession, url: str, seen: Examined) -> None:
    """How far Google's clock is from ours, and whether its list has a root key that is good now."""
    began, now = time.monotonic(), datetime.now(UTC)
    try:
        async with http.get(url, timeout=_TIMEOUT, allow_redirects=False) as response:
            status, date, content = response.status, response.headers.get("Date", ""), await bounded(response)
        keys = root_keys(content) if status == 200 else []
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        facts = {"reason": type(error).__name__}
        seen.findings.append(Finding("warn", "root_keys_unavailable", url, facts))
        return
    _judge_keys(url, keys, now, seen)
    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        return
    took_s = time.monotonic() - began
    off_s = (now - theirs).total_seconds() + took_s / 2
    # The header has whole seconds, and was written somewhere on the way.
    seen.clock_off_s = 0.0 if abs(off_s) <= 1 + took_s else off_s
    if abs(seen.clock_off_s) > _CLOCK_WARN_S:
        level, rule = ("bad", "clock_wrong") if abs(seen.clock_off_s) > _CLOCK_BAD_S else ("warn", "clock_off")
        facts = {"seconds": f"{seen.clock_off_s:+.0f}"}
        seen.findings.append(Finding("bad" if level == "bad" else "warn", rule, "", facts))


def examine_quota(rate_per_s: float, present_per_s: float | None, waiting: int, seen: Examined) -> None:
    """Whether the pace is one that Google allows, and how long what waits will take at it."""
    if rate_per_s > ALLOWED_PER_S:
        facts: dict[str, object] = {"rate": f"{rate_per_s:g}", "allowed": f"{ALLOWED_PER_S:g}"}
        seen.findings.append(Finding("note", "rate_above", "", facts))
    pace = min(rate_per_s, present_per_s or rate_per_s)
    if pace < rate_per_s * 0.75:
        facts = {"rate": f"{pace:.1f}", "allowed": f"{rate_per_s:g}"}
        seen.findings.append(Finding("note", "rate_slowed", "", facts))
    if waiting / pace > _LONG_BACKLOG_S:
        facts = {"count": waiting, "minutes": round(waiting / pace / 60)}
        seen.findings.append(Finding("warn", "backlog", "", facts))


async def examine_callbacks(
    http: aiohttp.ClientSession, url: str, seen: Examined, *, live: bool, google_is_twin: bool
) -> None:
    """Whether Google would post to `url`, and would be understood there. The address itself is told to nobody."""
    parts = urlsplit(url)
    shown = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme != "https" and not google_is_twin:
        seen.findings.append(Finding("bad" if live else "warn", "callbacks_no_https", shown))
    if _is_private(parts.hostname or "") and not google_is_twin:
        seen.findings.append(Finding("bad" if live else "warn", "callbacks_private", shown))
        return
    try:
        status, text = await _ask(http, "GET", f"{shown}/robots.txt")
        robots = RobotFileParser()
        robots.parse(text.splitlines() if status == 200 else [])
        if status >= 500 or not robots.can_fetch("Googlebot", url):
            seen.findings.append(Finding("warn", "callbacks_robots", shown, {"status": status}))
        status, _ = await _ask(http, "POST", url)
        if status != _REFUSES:
            facts: dict[str, object] = {"status": status}
            seen.findings.append(Finding("warn", "callbacks_elsewhere", shown, facts))
    except (aiohttp.ClientError, TimeoutError) as error:
        facts = {"reason": type(error).__name__}
        seen.findings.append(Finding("warn", "callbacks_unreachable", shown, facts))


def credentials_fault(path: str, error: Exception) -> Finding:
    """The service account's file cannot be used."""
    return Finding("bad", "credentials", path, {"reason": f"{type(error).__name__}: {error}"[:300]})


def twin(live: bool) -> Finding:
    """No service account is named, so nothing reaches a real phone."""
    return Finding("bad" if live else "note", "twin", "", {}, "COMMONPOINT_GOOGLE_SERVICE_ACCOUNT=account.json")


def _judge_keys(url: str, keys: Sequence[RootKey], now: datetime, seen: Examined) -> None:
    good = [key.expires_at for key in keys if key.expires_at > now]
    if good:
        seen.root_keys_until = max(good)
    else:
        seen.findings.append(Finding("warn", "root_keys_none", url))


async def _ask(http: aiohttp.ClientSession, method: str, url: str) -> tuple[int, str]:
    body = b"{}" if method == "POST" else None
    async with http.request(method, url, data=body, timeout=_TIMEOUT, allow_redirects=False) as response:
        return response.status, (await bounded(response)).decode("utf-8", "replace")


def _is_private(host: str) -> bool:
    """Whether a host is one that only its own neighbours can reach, as far as its name tells."""
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal", ".test", ".invalid")):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False
