"""Google's side of Google Wallet on loopback: token endpoint, Wallet API, save links, callbacks, and the push to the
phones.

It speaks the real protocol over real sockets and is as strict as the documentation: assertions and save links must be
signed by an invited service account, every call needs a fresh bearer token, and bodies must match the discovery
document. It is a twin for development and tests and says so when it starts.
"""

import asyncio
import math
import secrets
import time
from collections import Counter, deque
from pathlib import Path

import msgspec
import structlog
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from passes.google.identity import SCOPE, TOKEN_AUDIENCE
from passes.google.schema.check import Resource, class_of
from passes.sandbox.google_account import BadJwt, ServiceAccount, make_service_account, verified_claims
from passes.sandbox.google_callbacks import CallbackPost
from passes.sandbox.google_faults import TOKEN_CALL, Fault, Faults
from passes.sandbox.google_methods import Methods
from passes.sandbox.google_phones import Phones
from passes.sandbox.google_resources import Body, Refusal, Resources
from passes.sandbox.google_saving import Saving
from passes.sandbox.google_shelf import Shelf
from passes.sandbox.google_signer import CallbackSigner

__all__ = ["Fault", "ServiceAccount", "WalletApiSandbox", "make_service_account"]

log = structlog.get_logger(__name__)

SANDBOX_ISSUER_ID = "3388000000000000000"
_CLOCK_SKEW_S = 60
_MAX_BODY_BYTES = 256 * 1024


class WalletApiSandbox:
    """One Google with one issuer.

    `calls_per_s` limits the API as Google does (None: no limit); `state` is a file that keeps classes, objects and
    holders across restarts (None: they are gone with the process). Port 0 takes a free one at the first start and keeps
    it. Public for callers: `faults` to break it, `requests` (calls counted by "METHOD resource"), `resources` (what it
    keeps), `methods.issuer`, `callbacks` (how they are delivered), `signer` (what signs them), `token_lifetime_s`.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        issuer_id: str = SANDBOX_ISSUER_ID,
        calls_per_s: int | None = None,
        state: Path | None = None,
    ) -> None:
        self.issuer_id = issuer_id
        self.faults = Faults()
        self.requests: Counter[str] = Counter()
        self.token_lifetime_s = 3599
        shelf = Shelf(state) if state is not None else None
        self.resources = Resources(issuer_id, shelf)
        self.phones = Phones(self.resources.get, self._tell, shelf)
        self.methods = Methods(self.resources, self.phones)
        self.callbacks = CallbackPost()
        self.signer = CallbackSigner(issuer_id)
        self._host, self._port = host, port
        self._accounts: dict[str, rsa.RSAPublicKey] = {}
        self._saving = Saving(self.resources, self._accounts)
        self._tokens: dict[str, float] = {}
        self._recent: deque[float] | None = None
        self.limit(calls_per_s)
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """Where the Wallet API is."""
        return f"http://{self._host}:{self._port}"

    @property
    def save_url(self) -> str:
        """What a save link starts with."""
        return f"{self.base_url}/gp/v/save/"

    @property
    def token_uri(self) -> str:
        """Where access tokens are."""
        return f"{self.base_url}/token"

    @property
    def phones_url(self) -> str:
        """Where a fleet of phones listens."""
        return f"{self.base_url}/phones"

    @property
    def root_keys_url(self) -> str:
        """Where the keys are that sign callbacks."""
        return f"{self.base_url}/gp/m/issuer/keys"

    async def start(self) -> None:
        """Listen."""
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.add_routes(
            [
                web.post("/token", self._token),
                web.get("/gp/m/issuer/keys", self._root_keys),
                web.get("/gp/v/save/{jwt}", self._save),
                web.delete("/gp/v/object/{id}", self._delete),
                web.get("/phones", self.phones.serve),
                web.route("*", "/walletobjects/v1/{path:.+}", self._api),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        log.info("sandbox.google_wallet", note="a twin, not Google", url=self.base_url)

    async def stop(self) -> None:
        """Stop listening; what is kept stays kept, and `start` takes the same port again."""
        if self._runner is not None:
            await self.callbacks.close()
            await self.phones.close()
            await self._runner.cleanup()
            self._runner = None

    def limit(self, calls_per_s: int | None) -> None:
        """From now on more API calls in a second are refused with 429; None: no limit."""
        self._recent = deque(maxlen=calls_per_s) if calls_per_s else None

    def invite(self, account: ServiceAccount) -> None:
        """Let a service account write for the issuer, as its owner does in the Pay & Wallet console."""
        self._accounts[account.email] = account.public_key

    def call_back(self, url: str) -> None:
        """Post callbacks of classes that name no address to this one, as the issuer's own settings say (REST Resource:
        issuer). Only here it may be a plain http one."""
        self.methods.issuer["callbackOptions"] = {"url": url}

    def revoke_tokens(self) -> None:
        """All access tokens given out so far are worth nothing from now on."""
        self._tokens.clear()

    def _tell(self, kind: Resource, object_id: str, event: str) -> None:
        """Send the callback of a save or a deletion to whoever asked for it (REST Resource: loyaltyclass)."""
        class_id = self.resources.get(kind, object_id)["classId"]
        options = self.resources.get(class_of(kind), class_id).get("callbackOptions")
        url = (options or self.methods.issuer.get("callbackOptions") or {}).get("url")
        if url:
            self.callbacks.post(url, self.signer.body(class_id, object_id, event), object_id, event)

    # https://developers.google.com/identity/protocols/oauth2/service-account#httprest
    async def _token(self, request: web.Request) -> web.Response:
        self.requests[TOKEN_CALL] += 1
        fault = self.faults.take(TOKEN_CALL)
        if fault is not None and fault.kind == "hang_up":
            return _hang_up(request)
        if fault is not None and fault.kind == "refuse":
            return _refused(fault.refusal())
        form = await request.post()
        try:
            if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
                raise BadJwt("unknown grant type")
            claims = verified_claims(str(form.get("assertion")), self._accounts)
            _check_assertion(claims)
        except BadJwt as error:
            return web.json_response({"error": "invalid_grant", "error_description": str(error)}, status=400)
        token = secrets.token_urlsafe(32)
        now = time.monotonic()
        self._tokens = {old: until for old, until in self._tokens.items() if until > now}
        self._tokens[token] = now + self.token_lifetime_s
        return web.json_response({"access_token": token, "expires_in": self.token_lifetime_s, "token_type": "Bearer"})

    async def _root_keys(self, request: web.Request) -> web.Response:
        self.requests["GET keys"] += 1
        fault = self.faults.take("GET keys")
        if fault is not None and fault.kind == "refuse":
            return _refused(fault.refusal())
        return _hang_up(request) if fault is not None else web.json_response(body=self.signer.root_keys())

    # https://developers.google.com/wallet/reference/rest
    async def _api(self, request: web.Request) -> web.Response:
        path = request.match_info["path"].split("/")
        call = " ".join((request.method, path[0], *path[2:]))
        self.requests[call] += 1
        fault = self.faults.take(call)
        if fault is not None and fault.kind == "hang_up":
            return _hang_up(request)
        try:
            if fault is not None and fault.kind == "refuse":
                raise fault.refusal()
            self._authorize(request)
            self._count_rate()
            if fault is not None and fault.kind == "stale" and request.method == "GET":
                answer = self.methods.stale(path)
            else:
                answer = self._act(request, path, await _body(request))
        except Refusal as refusal:
            return _refused(refusal)
        if fault is not None and fault.kind == "lose_answer":
            return _hang_up(request)
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.pause_s)
        return web.json_response(body=msgspec.json.encode(_selected(answer, request.query.get("fields"))))

    def _authorize(self, request: web.Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or self._tokens.get(token, 0.0) <= time.monotonic():
            raise Refusal(401, "authError", "Invalid Credentials")

    def _count_rate(self) -> None:
        if self._recent is None:
            return
        now = time.monotonic()
        if len(self._recent) == self._recent.maxlen and now - self._recent[0] < 1.0:
            raise Refusal(429, "rateLimitExceeded", "Rate Limit Exceeded", retry_after_s=1.0)
        self._recent.append(now)

    def _act(self, request: web.Request, path: list[str], body: Body) -> Body:
        if request.method == "POST" and path == ["jwt"]:
            return self._saving.insert(self.save_url, body)
        if request.method == "POST" and path == ["jwt", "validate"]:
            return self._saving.validate(body)
        return self.methods.act(request.method, path, request.query, body)

    # https://developers.google.com/wallet/generic/web (a phone opens the link of the "Add to Google Wallet" button)
    async def _save(self, request: web.Request) -> web.Response:
        self.requests["GET save"] += 1
        try:
            account, fleet, phone = (request.headers[f"X-Sandbox-{name}"] for name in ("Account", "Fleet", "Phone"))
        except KeyError:
            return web.Response(text="This is the sandbox of Google Wallet: only its own phones can save a card.\n")
        try:
            named = self._saving.objects(request.match_info["jwt"])
            for kind, object_id in named:
                self.phones.save(kind, object_id, account, fleet, phone)
        except Refusal as refusal:
            return _refused(refusal)
        return web.json_response({"objectId": named[0][1], "objectIds": [object_id for _, object_id in named]})

    async def _delete(self, request: web.Request) -> web.Response:
        """The user of a phone deletes a card."""
        self.phones.delete(request.match_info["id"], request.headers.get("X-Sandbox-Account", ""))
        return web.json_response({})


def _check_assertion(claims: Body) -> None:
    now = time.time()
    if claims.get("aud") != TOKEN_AUDIENCE:
        raise BadJwt("wrong audience")
    if SCOPE not in str(claims.get("scope", "")).split():
        raise BadJwt("wrong scope")
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int) or not isinstance(expires, int):
        raise BadJwt("iat and exp are needed")
    if not issued - _CLOCK_SKEW_S <= now < expires <= issued + 3600 + _CLOCK_SKEW_S:
        raise BadJwt("the assertion is not valid now")


async def _body(request: web.Request) -> Body:
    if request.method == "GET":
        return {}
    try:
        body = msgspec.json.decode(await request.read())
    except msgspec.DecodeError as error:
        raise Refusal(400, "parseError", "Parse Error") from error
    if not isinstance(body, dict):
        raise Refusal(400, "parseError", "Parse Error")
    return body


def _selected(answer: Body, fields: str | None) -> Body:
    """Partial response: the named top-level fields only."""
    return {name: answer[name] for name in fields.split(",") if name in answer} if fields else answer


def _refused(refusal: Refusal) -> web.Response:
    headers = {} if refusal.retry_after_s is None else {"Retry-After": str(math.ceil(refusal.retry_after_s))}
    return web.json_response(refusal.body, status=refusal.status, headers=headers)


def _hang_up(request: web.Request) -> web.Response:
    """Close the connection without an answer."""
    if isinstance(request.transport, asyncio.WriteTransport):
        request.transport.abort()
    return web.Response()
