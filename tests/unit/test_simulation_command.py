"""`commonpoint programme simulate` on the command line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api.commands.simulation import simulate_command
from points.programme.simulation.sales import BadSales

PROGRAMME = """
programme: shop
names: {en: The shop}
zone: Europe/Helsinki
currency: EUR
earn: [{id: base, kind: spend, per: 1.00, points: 1}]
rewards: [{id: cup, kind: product, cost: 10, names: {en: Cup}}]
lots: {expiry: {kind: rolling, length: P30D}}
"""
SALES = "Client;When;Total\na;2026-03-01 10:00;12.00\nb;2026-03-02 10:00;4.50\na;2026-03-09 10:00;x\n"
COLUMNS = ["--map", "customer=Client", "--map", "moment=When", "--map", "amount=Total", "--zone", "Europe/Helsinki"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.yaml").write_text(PROGRAMME)
    (tmp_path / "twice.yaml").write_text(PROGRAMME.replace("points: 1", "points: 2").replace("The shop", "Twice"))
    (tmp_path / "sales.csv").write_text(SALES)
    return tmp_path


def run(*words: object) -> Result:
    return CliRunner().invoke(simulate_command, [str(word) for word in words], terminal_width=200)


def test_two_programmes_stand_side_by_side(folder: Path) -> None:
    sales = ["--sales", folder / "sales.csv", *COLUMNS, "--skip-broken"]
    found = run(folder / "shop.yaml", folder / "twice.yaml", *sales, "--redeem", "1")
    assert found.exit_code == 0, found.output
    lines = {line.split("  ")[1].strip(): line.split() for line in found.stdout.splitlines() if line.startswith("  ")}
    assert lines["Issued"] == ["Issued", "16", "33", "+17"]
    assert lines["Redeemed"] == ["Redeemed", "10", "10", "="]
    assert "100 % of cases" in found.stdout
    assert "line 4: amount: 'x' is not a number" in found.stderr


def test_a_broken_row_stops_everything_unless_asked_otherwise(folder: Path) -> None:
    found = run(folder / "shop.yaml", "--sales", folder / "sales.csv", *COLUMNS, "--ledger", folder / "out.jsonl")
    assert isinstance(found.exception, BadSales)
    assert "line 4: amount: 'x' is not a number" in found.stderr
    assert not (folder / "out.jsonl").exists()


def test_programs_read_json_and_the_ledger_repeats_byte_for_byte(folder: Path) -> None:
    words = [folder / "shop.yaml", "--sales", folder / "sales.csv", *COLUMNS, "--skip-broken", "--json"]
    more = ["--until", "2026-12-31", "--reward-cost", "cup=0.60", "--point-cost", "0.05", "--breakage", "0.1"]
    first = run(*words, *more, "--ledger", folder / "one.jsonl")
    assert first.exit_code == 0, first.output
    found = json.loads(first.stdout)
    assert found["sales"] == {
        "source": "sales.csv",
        "used": 2,
        "fault_count": 1,
        "faults": [
            {"line": 4, "column": "amount", "message": "'x' is not a number (digits, a point, decimals)"},
        ],
    }
    (programme,) = found["programmes"]
    assert (programme["points"]["issued"], programme["points"]["open"]) == (16, 0)
    assert programme["history"]["last"] == "2026-12-31"
    assert found["assumptions"]["reward_cost"] == [["cup", "3/5"]]
    second = run(*words, *more, "--ledger", folder / "two.jsonl")
    assert first.stdout == second.stdout
    assert (folder / "one.jsonl").read_bytes() == (folder / "two.jsonl").read_bytes() != b""


@pytest.mark.parametrize("name", ["out.svg", "out.png"])
def test_a_picture_is_written(folder: Path, name: str) -> None:
    words = [folder / "shop.yaml", folder / "twice.yaml", "--limit", 50, "--picture", folder / name]
    assert run(*words).exit_code == 0
    first = (folder / name).read_bytes()
    assert first.startswith(b"<?xml" if name.endswith("svg") else b"\x89PNG")
    assert run(*words).exit_code == 0
    assert (folder / name).read_bytes() == first


def test_without_sales_the_example_runs_under_a_template() -> None:
    found = run("cafe_points", "--limit", 300)
    assert found.exit_code == 0, found.output
    assert "Purchases at a record shop (the example)" in found.stdout
    assert "Café points" in found.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere.yaml"], "no file 'nowhere.yaml', and no template of that name"),
        (["cafe_points", "--picture", "out.pdf"], "'out.pdf' is neither .svg nor .png"),
        (["cafe_points", "bookshop", "--ledger", "out.jsonl"], "--ledger is for one programme"),
        (["cafe_points", "--redeem", "1.5"], "'1.5' is not a number from 0 to 1"),
        (["cafe_points", "--redeem", "often"], "'often' is not a number from 0 to 1"),
        (["cafe_points", "--point-cost", "-1"], "'-1' is not an amount"),
        (["cafe_points", "--reward-cost", "drink"], "'drink' is not like coffee=0.60"),
        (["cafe_points", "--reward-cost", "tea=1"], "the programmes have no reward 'tea'"),
        (["cafe_points", "--map", "colour=Colour"], "'colour=Colour' is not like amount=Total"),
        (["cafe_points", "--zone", "Mars/Olympus"], "'Mars/Olympus' is not a time zone"),
        (["cafe_points", "--until", "tomorrow"], "'tomorrow' is not a date"),
    ],
)
def test_a_wrong_word_is_told_before_any_work(words: list[str], told: str) -> None:
    found = run(*words)
    assert found.exit_code == 2
    assert told in " ".join(found.stderr.replace("│", " ").split())


def test_programmes_in_two_currencies_are_not_compared() -> None:
    found = run("cafe_points", "coffee_chain")
    assert "the programmes in EUR and USD" in str(found.exception)
