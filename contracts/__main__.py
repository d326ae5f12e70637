"""`python -m contracts install|build|check|test|faults`."""

import subprocess
import sys

import click

from contracts import faults, toolchain
from contracts.build import Stale, build, check


@click.group()
def main() -> None:
    """Build, check and test the coalition contract."""


@main.command("install")
def install_command() -> None:
    """Install the pinned tools into contracts/node_modules (`npm ci`), if they are not there."""
    toolchain.install()
    click.echo(f"contracts: tools ready, {toolchain.forge()}")


@main.command("build")
def build_command() -> None:
    """Compile the sources and write contracts/artifacts/."""
    for path in build():
        click.echo(f"contracts: wrote {path.relative_to(toolchain.FOLDER.parent)}")


@main.command("check")
def check_command() -> None:
    """Fail when the committed artifacts are not what the sources compile to, or the sources are not formatted."""
    check()
    toolchain.run_forge(["fmt", "--check", "src", "test"])
    toolchain.run_forge(["lint", "src"])
    click.echo("contracts: artifacts are fresh")


@main.command("test")
@click.argument("forge_arguments", nargs=-1, type=click.UNPROCESSED)
def test_command(forge_arguments: tuple[str, ...]) -> None:
    """Run the contract's own tests: examples, fuzz and invariants."""
    toolchain.run_forge(["test", *forge_arguments])


@main.command("faults")
def faults_command() -> None:
    """Plant faults into a copy of the contract, one by one; fail when the tests miss one. Takes minutes."""
    missed = 0
    for fault, unnoticed in faults.unnoticed():
        click.echo(f"contracts: {'MISSED' if unnoticed else 'found'}: {fault.name}")
        missed += unnoticed
    if missed:
        raise click.ClickException(f"{missed} planted faults were not found")


if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except (Stale, toolchain.ToolMissing, click.ClickException) as error:
        sys.exit(f"contracts: {error}")
    except subprocess.CalledProcessError as error:
        output = error.stderr or error.stdout
        sys.exit(f"contracts: forge failed\n{output}" if output else f"contracts: forge failed ({error.returncode})")
