"""`commonpoint programme`: from a template to a programme in force, without leaving the terminal."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api.commands.programme import programme
from points.programme.shelf import names, template
from tests.support.programme_files import HEAD


def run(*arguments: str) -> Result:
    return CliRunner().invoke(programme, [*arguments], catch_exceptions=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "programme.yaml"
    path.write_text(HEAD)
    return path


def test_new_prints_a_template_or_writes_it_without_overwriting(tmp_path: Path) -> None:
    assert run("new", "--template", "cafe").stdout == template("cafe")
    target = str(tmp_path / "mine.yaml")
    assert run("new", "--template", "cafe", "-o", target).exit_code == 0
    assert Path(target).read_text() == template("cafe")
    again = run("new", "--template", "gym", "-o", target)
    assert again.exit_code == 2
    assert "exists already" in again.stderr
    assert Path(target).read_text() == template("cafe")


def test_new_takes_another_name_for_the_programme() -> None:
    for name in names():
        made = run("new", "--template", name, "--name", "corner").stdout
        assert "programme: corner\n" in made
        assert made.count("\n") == template(name).count("\n")
    assert run("new", "--template", "cafe", "--name", "Corner Café").exit_code == 2


def test_lint_tells_faults_as_file_line_and_column(file: Path) -> None:
    file.write_text(HEAD + "earn: [{id: a, kind: visit, points: 0}]\nzoom: 1\n")
    result = run("lint", str(file))
    assert result.exit_code == 2
    first, second = result.stderr.splitlines()
    assert first == f"{file}:5:29: fault: earn[0].points: 0 is too small; at least 1 is needed"
    assert second.startswith(f"{file}:6:1: fault: zoom: there is no field `zoom` here")


def test_lint_tells_advice_and_what_is_good_by_its_exit_code(file: Path) -> None:
    advised = run("lint", str(file))
    assert advised.exit_code == 1
    assert f"{file}:1: advice: goal: " in advised.stdout
    good = run("lint", "cafe")
    assert good.exit_code == 0
    assert "all good" in good.stdout


def test_lint_speaks_json(file: Path) -> None:
    told = json.loads(run("lint", "--json", str(file)).stdout)
    assert [one["code"] for one in told["advice"]][:1] == ["nothing_earned"]
    file.write_text("programme: x\n")
    result = run("lint", "--json", str(file))
    assert result.exit_code == 2
    assert json.loads(result.stdout)["faults"][0]["line"] == 1


def test_diff_tells_what_differs_and_what_is_unfair(tmp_path: Path, file: Path) -> None:
    other = tmp_path / "other.yaml"
    file.write_text(HEAD + "unit: {value: 0.02}\n")
    other.write_text(HEAD + "unit: {value: 0.01}\n")
    result = run("diff", str(file), str(other))
    assert result.exit_code == 1
    assert "~ unit.value: 0.02 -> 0.01" in result.stdout
    assert "unfair to members with points: the value of a point falls" in result.stdout
    same = run("diff", str(file), str(file))
    assert (same.exit_code, same.stdout) == (0, "Both are the same version.\n")


def test_schema_is_json() -> None:
    assert json.loads(run("schema").stdout)["title"] == "Commonpoint programme"


def test_show_lists_the_templates_and_prints_one() -> None:
    listed = run("show").stdout
    assert all(name in listed for name in names())
    assert "programme: cafe" in run("show", "cafe").stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["publish", "cafe"], "either --partner or --coalition"),
        (["publish", "cafe", "--coalition", "--partner", "ptn_x"], "either --partner or --coalition"),
        (["publish", "cafe", "--coalition", "--bind", "cafe"], "NAME=ID"),
        (["publish", "cafe", "--coalition", "--from", "tomorrow"], "is not a moment"),
        (["publish", "cafe", "--coalition", "--from", "2026-12-01T00:00"], "does not say its zone"),
        (["lint", "nowhere.yaml"], "cannot be read"),
    ],
)
def test_what_is_asked_wrongly_is_refused_before_anything_happens(arguments: list[str], says: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr


async def test_publish_puts_a_file_in_force(
    database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: Path
) -> None:
    monkeypatch.setenv("COMMONPOINT_DATABASE_URL", database_url)
    monkeypatch.setenv("COMMONPOINT_DATA_DIR", str(tmp_path))
    result = await _in_thread("publish", str(file), "--coalition")
    assert result.exit_code == 0, result.output
    assert "In force at the whole coalition" in result.stdout


async def _in_thread(*arguments: str) -> Result:
    """The command runs a loop of its own, so it needs a thread of its own."""
    return await asyncio.to_thread(run, *arguments)
