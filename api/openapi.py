"""The API's description (OpenAPI 3.1), the page that shows it, and the list of problem codes.

Served under /docs with our own copies of scripts and styles: nothing is loaded from another host and no script is
inline, so the pages work offline and under a strict Content-Security-Policy.
"""

import html
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import Request, Router
from litestar.datastructures import CacheControlHeader, ResponseHeader
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.static_files import create_static_files_router

from api.problems import HTTP_TITLES, PROBLEM_JSON, Problem, status_of
from kernel.errors import CommonpointError

DOCS_PATH: Final = "/docs"
ASSETS_PATH: Final = "/docs/assets"
STATIC_FOLDER: Final = Path(__file__).parent / "static"

# Swagger UI draws its icons from data URLs; it sets styles by script, which style-src does not concern.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_SECURED_PATHS = "/v1/"
_IDEMPOTENCY_KEY = "idempotency-key"
_METHODS = ("get", "put", "post", "delete", "patch")
_PROBLEM_TEXTS: Final[Mapping[str, str]] = {
    "400": "The request is malformed; `errors` points at the fields.",
    "401": "No API key, or one that is not accepted.",
    "403": "The key lacks a scope, or only the operator may do this.",
    "404": "There is no such thing, or not for this caller.",
    "409": "The present state does not allow it.",
    "413": "The body is too large.",
    "415": "The body is not application/json.",
    "422": "The Idempotency-Key stands for another request.",
    "429": "Too often; try again after Retry-After.",
    "500": "A fault of the service, logged under the request id.",
    "503": "A part is away; try again after Retry-After.",
}
# Where somebody could try numbers until one fits.
_GUESSABLE: Final = frozenset({"/v1/presentations", "/v1/receipts/claims"})
_KEY_TEXT = "An API key of the operator or of a partner: `cp_live_…` or `cp_test_…`."


class DocsPage(OpenAPIRenderPlugin):
    """/docs: Swagger UI."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The page; its script reads the address of the description from the page."""
        title = html.escape(str(openapi_schema["info"]["title"]))
        address = html.escape(self.get_openapi_json_route(request))
        return _page(
            title,
            f'<div id="api" data-description="{address}"></div>',
            styles=("vendor/swagger-ui.css",),
            scripts=("vendor/swagger-ui-bundle.js", "docs/docs.js"),
        )


class ProblemsPage(OpenAPIRenderPlugin):
    """/docs/problems: what each problem code means; the `type` of a problem links here."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """A table row per code."""
        rows = "".join(
            f'<tr id="{html.escape(code)}"><td><code>{html.escape(code)}</code></td><td>{status}</td>'
            f"<td>{html.escape(title)}</td><td>{html.escape(text)}</td></tr>"
            for code, status, title, text in sorted(problem_codes())
        )
        head = "<tr><th>code</th><th>status</th><th>title</th><th>meaning</th></tr>"
        return _page("Problem codes", f"<main><h1>Problem codes</h1><table>{head}{rows}</table></main>")


class Description(JsonRenderPlugin):
    """/docs/openapi.json: the framework's description, completed by what the framework does not know."""

    _of: dict[str, Any] | None = None
    _rendered: bytes = b""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """JSON, made once."""
        if self._of is not openapi_schema:
            complete = msgspec.json.decode(self.render_json(request, openapi_schema))
            describe_problems(complete)
            self._of, self._rendered = openapi_schema, msgspec.json.encode(complete)
        return self._rendered


def openapi_config(version: str) -> OpenAPIConfig:
    """For `Litestar(openapi_config=…)`; serve `docs_assets_router()` with it."""
    return OpenAPIConfig(
        title="Commonpoint",
        version=version,
        description="Loyalty points that partners share. Errors are RFC 9457 problems; their codes: /docs/problems.",
        components=Components(
            security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer", description=_KEY_TEXT)}
        ),
        security=[{"bearer": []}],
        use_handler_docstrings=True,
        openapi_router=Router(
            DOCS_PATH,
            route_handlers=[],
            include_in_schema=False,
            response_headers=[ResponseHeader(name="content-security-policy", value=CONTENT_SECURITY_POLICY)],
        ),
        render_plugins=[DocsPage(path="/"), Description(), ProblemsPage(path="/problems")],
    )


def docs_assets_router() -> Router:
    """Scripts and styles of the pages above."""
    return create_static_files_router(
        ASSETS_PATH,
        directories=[STATIC_FOLDER],
        name="docs_assets",
        cache_control=CacheControlHeader(max_age=3600, public=True),
    )


def problem_codes() -> Iterator[tuple[str, int, str, str]]:
    """(code, status, title, meaning) of every problem that the loaded parts can answer."""
    seen: set[str] = set()
    # What the HTTP layer gives a status of its own comes first: it is what callers see of a code.
    for kind in sorted(_kinds(CommonpointError), key=lambda kind: not hasattr(kind, "status")):
        if kind.code not in seen:
            seen.add(kind.code)
            yield kind.code, status_of(kind), kind.title, (kind.__doc__ or "").partition("\n")[0]
    for status, (code, title) in HTTP_TITLES.items():
        if code not in seen:
            seen.add(code)
            yield code, status, title, title + "."


def describe_problems(description: dict[str, Any]) -> None:
    """Complete an OpenAPI document in place: problem answers, closed bodies, and which operations need a key."""
    components = description.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    _, problem_schemas = msgspec.json.schema_components([Problem], ref_template="#/components/schemas/{name}")
    schemas.update(problem_schemas)
    components["responses"] = {f"Problem{status}": _answer(text) for status, text in _PROBLEM_TEXTS.items()}
    for path, item in description.get("paths", {}).items():
        for method in _METHODS:
            if operation := item.get(method):
                _complete(path, method, operation)
                if body := operation.get("requestBody"):
                    _close(body, schemas)


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    secured = path.startswith(_SECURED_PATHS)
    if not secured:
        operation["security"] = []
    for parameter in operation.get("parameters", ()):
        if parameter["name"].lower() == _IDEMPOTENCY_KEY:
            parameter["required"] = True  # optional for the framework, so that its absence has a code of its own
    answers = {s: a for s, a in operation["responses"].items() if s < "400"}
    for status in _statuses(path, method, operation, secured):
        answers[status] = {"$ref": f"#/components/responses/Problem{status}"}
    operation["responses"] = answers


def _statuses(path: str, method: str, operation: Mapping[str, Any], secured: bool) -> Iterator[str]:
    parameters = operation.get("parameters", ())
    if parameters or "requestBody" in operation:
        yield "400"
    if secured:
        yield from ("401", "403")
    if secured or "{" in path:
        yield "404"
    if secured and method != "get":
        yield "409"
    if "requestBody" in operation:
        yield from ("413", "415")
    if any(parameter["name"].lower() == _IDEMPOTENCY_KEY for parameter in parameters):
        yield "422"
    if path in _GUESSABLE:
        yield "429"
    yield from ("500", "503")


def _answer(text: str) -> dict[str, Any]:
    return {
        "description": text,
        "headers": {"X-Request-Id": {"description": "Names this request in the log.", "schema": {"type": "string"}}},
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _close(node: Any, schemas: dict[str, Any]) -> None:
    """Say of every object in a body that unknown fields are refused, as the decoder does."""
    if isinstance(node, dict):
        name = str(node.get("$ref", "")).rpartition("/")[2]
        if name in schemas and "additionalProperties" not in schemas[name]:
            schemas[name]["additionalProperties"] = False
            _close(schemas[name], schemas)
        for value in node.values():
            _close(value, schemas)
    elif isinstance(node, list):
        for value in node:
            _close(value, schemas)


def _kinds(kind: type[CommonpointError]) -> Iterator[type[CommonpointError]]:
    for narrower in kind.__subclasses__():
        yield narrower
        yield from _kinds(narrower)


def _page(title: str, body: str, styles: Iterable[str] = (), scripts: Iterable[str] = ()) -> bytes:
    links = "".join(f'<link rel="stylesheet" href="{ASSETS_PATH}/{one}">' for one in (*styles, "docs/docs.css"))
    loads = "".join(f'<script src="{ASSETS_PATH}/{one}"></script>' for one in scripts)
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{title}</title>{links}</head><body>{body}{loads}</body></html>"
    ).encode()
