"""The API's description is complete, and its pages need nobody else's server."""

import hashlib
import re
from html.parser import HTMLParser
from typing import Any

from api.openapi import STATIC_FOLDER, problem_codes
from kernel.database import Database
from tests.support.http_ground import GroundParts, ground_client


class _Page(HTMLParser):
    """Collects what a page loads, and what a strict policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.loads += [str(values[name]) for name in ("src", "href") if values.get(name)]
        self.inline += [name for name, _ in attrs if name.startswith("on") or name == "style"]
        if tag == "style" or (tag == "script" and "src" not in values):
            self.inline.append(tag)


async def test_the_pages_load_only_from_here_and_run_nothing_inline(db: Database) -> None:
    async with ground_client(GroundParts(db)) as client:
        for path in ("/docs", "/docs/problems"):
            answer = await client.get(path)
            assert answer.status_code == 200
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            page = _Page()
            page.feed(answer.text)
            assert page.inline == []
            for address in page.loads:
                if address == "data:,":
                    continue
                assert re.match(r"/[^/]", address), address
                assert (await client.get(address)).status_code == 200, address


async def test_the_vendored_files_are_the_ones_their_list_names(db: Database) -> None:
    folder = STATIC_FOLDER / "vendor"
    lines = [line.split() for line in (folder / "SHA256SUMS").read_text().splitlines()]
    listed = {name: digest for digest, name in lines}
    assert {path.name for path in folder.iterdir()} == {*listed, "README.md", "SHA256SUMS"}
    for name, digest in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name
    assert sum(path.stat().st_size for path in folder.iterdir()) < 4_000_000


async def _description(db: Database) -> dict[str, Any]:
    async with ground_client(GroundParts(db)) as client:
        answer = await client.get("/docs/openapi.json")
    assert answer.status_code == 200
    description: dict[str, Any] = answer.json()
    return description


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [str(node["$ref"])] if "$ref" in node else []
        return own + [one for value in node.values() for one in _references(value)]
    if isinstance(node, list):
        return [one for value in node for one in _references(value)]
    return []


async def test_every_reference_of_the_description_leads_somewhere(db: Database) -> None:
    description = await _description(db)
    assert description["openapi"].startswith("3.1")
    for reference in _references(description):
        node: Any = description
        for step in reference.removeprefix("#/").split("/"):
            assert step in node, reference
            node = node[step]


async def test_every_operation_documents_its_problems_and_its_key(db: Database) -> None:
    description = await _description(db)
    for path, item in description["paths"].items():
        for method, operation in item.items():
            answers = operation["responses"]
            assert {"500", "503"} <= set(answers), path
            assert all(list(answers[s]) == ["$ref"] for s in answers if s >= "400"), path
            if path.startswith("/v1/"):
                assert {"401", "403"} <= set(answers), path
                assert "security" not in operation
            else:
                assert operation["security"] == []
            if "requestBody" in operation:
                assert {"400", "413", "415"} <= set(answers), (method, path)
    for answer in description["components"]["responses"].values():
        assert list(answer["content"]) == ["application/problem+json"]


async def test_bodies_are_described_as_they_are_decoded(db: Database) -> None:
    description = await _description(db)
    content = description["paths"]["/v1/partners/{partner_id}/terms"]["post"]["requestBody"]["content"]
    assert list(content) == ["application/json"]
    name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
    schema = description["components"]["schemas"][name]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["earn_per_minor"] == {"type": "integer", "minimum": 1, "maximum": 1_000_000_000}
    assert "effective_from" not in schema["required"]


async def test_problem_types_lead_to_a_place_on_the_page(db: Database) -> None:
    async with ground_client(GroundParts(db)) as client:
        problem = (await client.get("/v1/partners")).json()
        path, _, anchor = problem["type"].partition("#")
        page = (await client.get(path)).text
    assert f'id="{anchor}"' in page
    codes = [code for code, *_ in problem_codes()]
    assert len(codes) == len(set(codes))
    assert all(f'id="{code}"' in page for code in codes)


async def test_assets_do_not_lead_out_of_their_folder(db: Database) -> None:
    async with ground_client(GroundParts(db)) as client:
        for path in ("../openapi.py", "..%2fopenapi.py", "vendor/../../openapi.py", "%2e%2e/openapi.py", "nothing.js"):
            answer = await client.get(f"/docs/assets/{path}")
            assert answer.status_code == 404, path
