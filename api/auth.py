"""Who calls, and whether they may.

Every route under /v1 has the guard `requires(scope)`. It runs before the body is read, finds the caller by the bearer
key (RFC 6750) and leaves it for the handler, which takes it as the dependency `caller`.
"""

from typing import Any, ClassVar, Final

from litestar.connection import ASGIConnection
from litestar.di import NamedDependency, Provide
from litestar.handlers import BaseRouteHandler
from litestar.params import SkipValidation
from litestar.types import Scope

from kernel.errors import Forbidden
from network.keys import SCOPES, Caller, Gate, KeyModeWrong, KeyRefused
from network.partners import PartnerUnknown

PARTS_STATE: Final = "parts"  # where the running parts are in the state of the application
GATE_STATE: Final = "gate"  # Litestar(state=State({GATE_STATE: Gate(...)}))
_CALLER_KEY: Final = "commonpoint_caller"


class Unauthenticated(Forbidden):
    """No key, or one that is not accepted. The answer says how to authenticate (RFC 9110 section 11.6.1)."""

    code = "unauthenticated"
    title = "An API key is required"
    status: ClassVar[int] = 401
    headers: ClassVar[dict[str, str]] = {"www-authenticate": 'Bearer realm="commonpoint"'}


class KeyNotAccepted(Unauthenticated):
    """A key was sent but it is malformed, unknown, revoked or of the other mode (RFC 6750 section 3.1)."""

    code = "key_refused"
    title = "The API key is not accepted"
    headers: ClassVar[dict[str, str]] = {"www-authenticate": 'Bearer realm="commonpoint", error="invalid_token"'}


class KeyForOtherMode(KeyNotAccepted):
    """A test key was sent to a live service, or the other way round."""

    code = "key_mode_wrong"
    title = "The API key is for the other mode"


class ScopeMissing(Forbidden):
    """The key is good but was not given this right."""

    code = "scope_missing"
    title = "The API key lacks a scope"


class OperatorOnly(Forbidden):
    """Only the operator of the coalition may do this."""

    code = "operator_only"
    title = "Only the operator may do this"


class PartnerOnly(Forbidden):
    """Only a partner may do this."""

    code = "partner_only"
    title = "Only a partner may do this"


class requires:
    """A guard: the caller is known and its key carries `scope`; with `operator` it must be the operator's."""

    def __init__(self, scope: str, *, operator: bool = False) -> None:
        if scope not in SCOPES:
            raise ValueError(f"unknown scope {scope}")
        self.scope = scope
        self.operator = operator

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        """Raises Unauthenticated (401), ScopeMissing, OperatorOnly (403), DatabaseAway (503)."""
        caller = await authenticate(connection)
        if self.scope not in caller.scopes:
            raise ScopeMissing(f"This needs a key with the scope {self.scope}.", scope=self.scope)
        if self.operator and not caller.is_operator:
            raise OperatorOnly("This needs a key of the operator.")
        connection.scope["state"][_CALLER_KEY] = caller


async def authenticate(connection: ASGIConnection[Any, Any, Any, Any]) -> Caller:
    """The caller by its bearer key. Raises Unauthenticated."""
    values = [value for name, value in connection.scope["headers"] if name == b"authorization"]
    if not values:
        raise Unauthenticated("Send the header Authorization: Bearer cp_….")
    scheme, _, text = values[0].decode("latin-1").partition(" ")
    if len(values) > 1 or scheme.lower() != "bearer":
        raise Unauthenticated("Send one header Authorization: Bearer cp_….")
    gate: Gate = connection.app.state[GATE_STATE]
    try:
        return await gate.caller(text.strip(" "))
    except KeyModeWrong as refused:
        raise KeyForOtherMode(refused.detail) from None
    except KeyRefused as refused:
        raise KeyNotAccepted(refused.detail, **refused.facts) from None


def caller_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Caller:
    """The caller that the route's guard found."""
    return _found(connection.scope)


async def provide_caller(scope: Scope) -> Caller:
    """The caller that the route's guard found, as a dependency."""
    return _found(scope)


def _found(scope: Scope) -> Caller:
    caller = scope["state"].get(_CALLER_KEY)
    if not isinstance(caller, Caller):
        raise RuntimeError("the route takes a caller but has no guard `requires(scope)`")
    return caller


def see_partner(caller: Caller, partner_id: str) -> None:
    """Refuse one partner another's affairs as if they did not exist (no telling which ids are real)."""
    if not caller.is_operator and caller.partner_id != partner_id:
        raise PartnerUnknown("There is no such partner.")


def partner_of(caller: Caller) -> str:
    """The partner that calls. Raises PartnerOnly for the operator, who sells nothing."""
    if caller.partner_id is None:
        raise PartnerOnly("Use a key of the partner at whose till this happens.")
    return caller.partner_id


# How a handler takes its caller: `caller: CallerIs`.
CallerIs = NamedDependency[SkipValidation[Caller]]
AUTH_DEPENDENCIES: Final = {"caller": Provide(provide_caller)}
