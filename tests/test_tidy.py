"""The house rules. A broken rule names file and line; a rule that is in the way is changed here, in the open."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.support.tree import (
    PRODUCT,
    ROOT,
    dotted,
    files,
    functions,
    imported,
    name_of,
    parsed,
    python_files,
    text,
)

LINES_PER_FILE = 400
LINES_PER_FUNCTION = 60

# Names that say the pattern, not the subject: such a file collects whatever has no other place.
SHAPELESS_NAMES = frozenset(
    {"util", "utils", "helper", "helpers", "common", "services", "manager", "managers", "base", "misc"}
)

# Where a rule of one place is broken on purpose, and why.
READS_THE_ENVIRONMENT = {
    "kernel/settings.py": "the one reader of our settings",
    "contracts/toolchain.py": "hands PATH on to node and forge; reads no setting of ours",
    "api/demo/service.py": "starts the service as an operator would, in a shell's environment without our settings",
}
IMPORTS_WEB3 = {"tokens/chain.py": "the one door to a node"}
COMMITS = {"kernel/database.py": "one way to write"}

_MACHINE_PATH = re.compile(r"(?:^|[^\w./~-])/(?:work|farm|root|home)/\w")
_THROWAWAY_PATH = re.compile(r"[\"'](?:/var)?/tmp\b")
# `XXX` alone is a currency code (ISO 4217) in our tests, so it has to end in a colon to count.
_UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME)\b|\bXXX:|raise NotImplemented")
_ADDRESS = re.compile(r"\bhttps?://|--(?:extra-)?index-url|--find-links|^\s*registry\s*=", re.MULTILINE)
_SKIPS = re.compile(r"pytest\.(?:skip|xfail|importorskip)\b|mark\.(?:skip|skipif|xfail)\b|unittest\.skip")


def at(path: Path, line: int, what: str) -> str:
    return f"{name_of(path)}:{line}: {what}"


def none_of(found: Iterator[str]) -> None:
    """Fails with one line per finding."""
    listed = sorted(found)
    assert not listed, "\n" + "\n".join(listed)


def matches(pattern: re.Pattern[str], path: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text(path).splitlines(), start=1):
        if pattern.search(line):
            yield number, line.strip()[:120]


def calls(path: Path) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call):
            yield node, dotted(node.func)


def test_a_file_has_one_subject_and_fits_400_lines() -> None:
    kinds = {".py", ".sol", ".html", ".css", ".js", ".sh"}
    none_of(
        at(path, count, f"{count} lines; two subjects in one room? ({LINES_PER_FILE} at most)")
        for path in files()
        if path.suffix in kinds
        and (count := len(text(path).splitlines())) > LINES_PER_FILE
        # A migration is history: it is written once and never split.
        and "api/migrations/versions/" not in name_of(path)
    )


def test_a_function_fits_60_lines() -> None:
    none_of(
        at(path, function.lineno, f"{function.name} has {length} lines ({LINES_PER_FUNCTION} at most)")
        for path in python_files()
        if "api/migrations/versions/" not in name_of(path)
        for function in functions(path)
        if (length := (function.end_lineno or function.lineno) - function.lineno + 1) > LINES_PER_FUNCTION
    )


def test_names_say_the_subject_not_the_pattern() -> None:
    none_of(
        at(path, 1, f"'{part}' says nothing about what is inside")
        for path in files()
        for part in {*path.relative_to(ROOT).parts[:-1], path.stem}
        if part.lower() in SHAPELESS_NAMES
    )


def test_no_import_hides_inside_a_function() -> None:
    none_of(
        at(path, node.lineno, f"imports {', '.join(imported(node))} inside {function.name}")
        for path in python_files()
        for function in functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    )


def test_no_star_imports() -> None:
    none_of(
        at(path, node.lineno, f"from {node.module} import *")
        for path in python_files()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
    )


def test_one_file_commits() -> None:
    none_of(
        at(path, call.lineno, "commits; open a unit instead (kernel/database.py)")
        for path in python_files()
        if name_of(path) not in COMMITS
        for call, _ in calls(path)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "commit"
    )


def test_one_file_imports_web3() -> None:
    none_of(
        at(path, node.lineno, "imports web3; ask tokens/chain.py")
        for path in python_files()
        if name_of(path) not in IMPORTS_WEB3
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.stmt) and any(name.split(".")[0] == "web3" for name in imported(node))
    )


def test_one_file_reads_the_environment() -> None:
    forbidden = {"os.environ", "os.environb", "os.getenv"}
    none_of(
        at(path, node.lineno, "reads the environment; take a value from kernel/settings.py")
        for path in python_files(*PRODUCT, "bench")
        if name_of(path) not in READS_THE_ENVIRONMENT
        for node in ast.walk(parsed(path))
        if (isinstance(node, ast.Attribute) and dotted(node) in forbidden)
        or (isinstance(node, ast.ImportFrom) and forbidden.intersection(imported(node)))
    )


def test_tests_use_real_parts_and_twins_not_mocks() -> None:
    none_of(
        at(path, node.lineno, "uses a mock; use the real part or its twin")
        for path in python_files("tests")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        and any(name.startswith(("unittest.mock", "mock", "pytest_mock")) for name in imported(node))
    )


def test_every_test_runs_every_time() -> None:
    none_of(
        at(path, line, f"may not run: {said}")
        for path in python_files("tests")
        if path != Path(__file__)
        for line, said in matches(_SKIPS, path)
    )


def test_nothing_blocks_the_event_loop_by_sleeping() -> None:
    none_of(
        at(path, call.lineno, "time.sleep stops everybody; wait with asyncio")
        for path in python_files(*PRODUCT, "tests")
        for call, name in calls(path)
        if name == "time.sleep"
    )


def test_only_the_command_line_prints() -> None:
    none_of(
        at(path, call.lineno, "prints; log it, or let the command line say it")
        for path in python_files(*PRODUCT)
        for call, name in calls(path)
        if name == "print"
    )


def test_whatever_is_public_says_what_it_is() -> None:
    none_of(
        at(path, node.lineno, f"{node.name} has no docstring")
        for path in python_files(*PRODUCT)
        if "api/migrations/versions/" not in name_of(path)
        for node in parsed(path).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    )


def test_every_file_begins_by_saying_what_it_is_for() -> None:
    none_of(
        at(path, 1, "has no docstring")
        for path in python_files(*PRODUCT, "bench")
        if not ast.get_docstring(parsed(path))
    )


def test_no_package_of_the_tests_hides_a_real_one() -> None:
    none_of(
        at(path, 1, "a package under tests would be imported in place of the real one")
        for path in python_files("tests")
        if path.name == "__init__.py"
    )


def test_names_of_test_files_are_unique() -> None:
    places: dict[str, list[Path]] = defaultdict(list)
    for path in python_files("tests"):
        places[path.name].append(path)
    none_of(
        at(paths[0], 1, f"the same name as {', '.join(map(name_of, paths[1:]))}")
        for paths in places.values()
        if len(paths) > 1
    )


def test_nothing_is_left_for_later() -> None:
    none_of(
        at(path, line, said)
        for path in files()
        if path.suffix in {".py", ".sol", ".js", ".html", ".css", ".md"} and path != Path(__file__)
        for line, said in matches(_UNFINISHED, path)
    )


def test_the_tree_names_no_path_of_one_machine() -> None:
    none_of(
        at(path, line, said)
        for path in files()
        if path.suffix != ".lock" and path != Path(__file__)
        for line, said in matches(_MACHINE_PATH, path)
    )


def test_the_product_writes_where_it_is_told() -> None:
    none_of(
        at(path, line, said)
        for path in python_files(*PRODUCT, "bench")
        for line, said in matches(_THROWAWAY_PATH, path)
    )


def test_what_installs_names_no_address() -> None:
    """Where packages come from is a matter of the machine; what they must be is a matter of their hashes."""
    node = [f"{folder}/{name}" for folder in ("contracts", "bench/peers") for name in ("package.json", ".npmrc")]
    names = ("Makefile", "pyproject.toml", ".ci/run", "scripts/set-up", *node)
    locks = [path for path in files() if path.suffix == ".lock"]
    assert locks
    none_of(
        at(path, line, said)
        for path in [*locks, *(ROOT / name for name in names)]
        for line, said in matches(_ADDRESS, path)
    )
    for folder in ("contracts", "bench/peers"):
        assert '"resolved"' not in text(ROOT / folder / "package-lock.json"), f"{folder}: the lock names a registry"


def test_exceptions_to_the_rules_are_still_needed() -> None:
    """A file that went away or was mended must not keep its licence."""
    none_of(
        f"{name}: has no {sign} any more ({why})"
        for table, sign in ((READS_THE_ENVIRONMENT, "os.environ"), (IMPORTS_WEB3, "web3"), (COMMITS, ".commit("))
        for name, why in table.items()
        if not (ROOT / name).is_file() or sign not in text(ROOT / name)
    )
