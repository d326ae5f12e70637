"""What the documents name is there: commands, settings, addresses, files."""

import re
from functools import cache
from pathlib import Path

import click
import pytest
from litestar.routes import HTTPRoute
from pydantic import SecretStr

from api.app import create_app
from api.cli import main
from kernel.settings import PREFIX, Settings
from tests.support.tree import ROOT, name_of, text

DOCUMENTS = sorted([*ROOT.glob("*.md"), ROOT / "NOTICE", *(ROOT / "docs").rglob("*.md")])
WISHES = frozenset(re.findall(r"^([a-z]+):.*## ", text(ROOT / "Makefile"), re.MULTILINE))

_MAKE = re.compile(r"(?:^ {4}|`|time )make ([a-z]+)", re.MULTILINE)
_COMMAND = re.compile(r"(?:^ {4}|`|\$\()commonpoint ((?:[a-z]+ ?)+)", re.MULTILINE)
_MODULE = re.compile(r"python -m ([a-z_.]+)")
_ADDRESS = re.compile(r"(/v1/[\w/{}$-]+)")
_FILE = re.compile(r"`((?:kernel|points|network|passes|tokens|contracts|api|bench|tests|docs|scripts|\.ci)/[\w./-]+)`")
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
_SETTING = re.compile(rf"\| `({PREFIX}\w+)` \| (?:`([^`]*)`)? ?\|")


@pytest.fixture(params=DOCUMENTS, ids=name_of)
def document(request: pytest.FixtureRequest) -> Path:
    """Each document in turn."""
    path: Path = request.param
    return path


def test_every_wish_that_is_named_can_be_made(document: Path) -> None:
    assert set(_MAKE.findall(text(document))) <= WISHES


def test_every_command_that_is_named_exists(document: Path) -> None:
    for words in _COMMAND.findall(text(document)):
        assert known(main, words.split()), f"commonpoint {words}"


def known(group: click.Command, words: list[str]) -> bool:
    """Whether the words name a command; words after a command that takes arguments are those."""
    if not words or not isinstance(group, click.Group):
        return True
    command = group.get_command(click.Context(group), words[0])
    return command is not None and known(command, words[1:])


def test_every_module_that_is_named_can_be_run(document: Path) -> None:
    for module in _MODULE.findall(text(document)):
        folder = ROOT.joinpath(*module.split("."))
        assert folder.with_suffix(".py").is_file() or (folder / "__main__.py").is_file(), module


def test_every_file_that_is_named_exists(document: Path) -> None:
    missing = [name for name in _FILE.findall(text(document)) if not (ROOT / name).exists()]
    assert not missing


def test_every_link_leads_somewhere(document: Path) -> None:
    missing = [link for link in _LINK.findall(text(document)) if not (document.parent / link).exists()]
    assert not missing


def test_every_address_that_is_named_is_served(document: Path) -> None:
    named = {shape(path.rstrip("/")) for path in _ADDRESS.findall(text(document))}
    assert named <= addresses()


@cache
def addresses() -> frozenset[str]:
    """The shapes of all paths of a service that has every route."""
    app = create_app(Settings(test_clock=True, master_secret=SecretStr("x" * 32)))
    return frozenset(shape(route.path) for route in app.routes if isinstance(route, HTTPRoute))


def shape(path: str) -> str:
    """A path with its parameters left blank, however they are written: `{id}`, `{member_id:str}`, `$MEMBER`."""
    return re.sub(r"\{[^}]*\}|\$\w+", "{}", path)


def test_the_settings_are_listed_as_they_are() -> None:
    listed = dict(_SETTING.findall(text(ROOT / "docs" / "operators.md")))
    defaults = {
        f"{PREFIX}{name.upper()}": "" if field.default is None else str(field.default)
        for name, field in Settings.model_fields.items()
    }
    assert listed == defaults


def test_the_readme_and_ci_make_the_same_wishes() -> None:
    ci = text(ROOT / ".ci" / "run")
    for wish in ("test", "demo"):
        assert f"    make {wish} " in text(ROOT / "README.md")
        assert re.search(rf"^step make {wish}\b", ci, re.MULTILINE)
    assert ci.rstrip().endswith("step make test"), "the last line of CI's output is pytest's"


def test_the_changelog_has_a_place_for_what_comes_next() -> None:
    changelog = text(ROOT / "CHANGELOG.md")
    assert re.search(
        r"^## \[Unreleased\]\n\n### (Added|Changed|Fixed|Removed|Deprecated|Security)\n\n- ", changelog, re.M
    )


def test_decisions_are_numbered_listed_and_of_one_form() -> None:
    folder = ROOT / "docs" / "decisions"
    pages = sorted(folder.glob("[0-9]*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        assert re.findall(r"^## (.+)$", text(page), re.MULTILINE) == ["Context", "Decision", "Alternatives"], page.name
        assert f"({page.name})" in text(folder / "README.md")
