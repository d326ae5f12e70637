"""Programmes that come with the product: the default one, and templates to start from."""

from functools import cache
from pathlib import Path

from kernel.errors import NotFound
from points.programme.canonical import version_of
from points.programme.text import read_programme
from points.programme.version import Version

_FOLDER = Path(__file__).parent / "templates"
DEFAULT = "default"


class TemplateUnknown(NotFound):
    """There is no template of that name."""

    code = "template_unknown"
    title = "Unknown template"


def names() -> list[str]:
    """The names of all templates, in order."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def template(name: str) -> str:
    """The text of a template. Raises TemplateUnknown."""
    if name not in names():
        raise TemplateUnknown(f"There is no template '{name}'; there are {', '.join(names())}.")
    return (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


@cache
def default_version() -> Version:
    """The programme of partners that published none."""
    return version_of(read_programme(template(DEFAULT)))
