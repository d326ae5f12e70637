"""The project's own files, read and parsed once for the tests that look at them."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("kernel", "points", "network", "passes", "tokens", "contracts", "api")
FOLDERS = (*PRODUCT, "bench", "tests", "docs", "scripts", ".ci")

# Made by tools, or other people's.
_NOT_OURS = frozenset({"node_modules", "__pycache__", "out", "cache", "artifacts", "vendor", ".commonpoint"})
_TEXT = frozenset(
    {
        ".py",
        ".sol",
        ".html",
        ".css",
        ".js",
        ".md",
        ".toml",
        ".json",
        ".lock",
        ".mako",
        ".csv",
        ".sql",
        ".sh",
        ".yml",
        "",
    }
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    """The path as it is said in a message: from the root of the project."""
    return path.relative_to(ROOT).as_posix()


@cache
def files() -> tuple[Path, ...]:
    """All text files of the project, sorted."""
    inside = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))
    top = ROOT.glob("*")
    return tuple(sorted(path for path in (*top, *inside) if path.is_file() and _is_ours(path)))


def _is_ours(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return path.suffix in _TEXT and not _NOT_OURS.intersection(parts)


def python_files(*folders: str) -> Iterator[Path]:
    """Python files, of these top folders or of all."""
    for path in files():
        if path.suffix == ".py" and (not folders or path.relative_to(ROOT).parts[0] in folders):
            yield path


@cache
def text(path: Path) -> str:
    """The text of a file."""
    return path.read_text(encoding="utf-8")


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a Python file."""
    return ast.parse(text(path), filename=str(path))


def functions(path: Path) -> Iterator[Function]:
    """Every function and method of a file, nested ones included."""
    return (node for node in ast.walk(parsed(path)) if isinstance(node, Function))


def imported(node: ast.AST) -> Iterator[str]:
    """The dotted names that an import statement names; nothing for other nodes."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def dotted(node: ast.AST) -> str:
    """`a.b.c` for a name or an attribute of one, else nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""
