"""`commonpoint apple`, as an operator runs it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import serialization

from api.cli import main
from passes.sandbox.portal import push_key_file
from tests.support.certificates import LOYALTY, own_key, own_request, portal

TEAM = "ABCDE12345"


@pytest.fixture(autouse=True)
def folder(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the operator stands, with the files that they brought."""
    monkeypatch.setenv("COMMONPOINT_DATABASE_URL", database_url)
    monkeypatch.setenv("COMMONPOINT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wwdr.pem").write_bytes(portal().intermediate.public_bytes(serialization.Encoding.PEM))
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["apple", *arguments])


def told(*arguments: str) -> Any:
    """What a command says to machines."""
    said = run(*arguments, "--json")
    assert said.exit_code == 0, said.output
    return json.loads(said.stdout)


def answered(request: str, **kind: Any) -> None:
    """Apple's answer to a request lies in pass.cer."""
    certificate = portal().issue(Path(request).read_bytes(), **{"pass_type": LOYALTY, "team": TEAM, **kind})
    Path("pass.cer").write_bytes(certificate)


def installed(**kind: Any) -> Result:
    assert run("csr", "--pass-type", LOYALTY, "-o", "first.csr").exit_code == 0
    answered("first.csr", **kind)
    return run("install", "pass.cer", "--intermediate", "wwdr.pem")


def rules() -> dict[str, str]:
    return {finding["rule"]: finding["level"] for finding in json.loads(run("doctor", "--json").stdout)["findings"]}


def test_from_the_request_to_the_next_rotation() -> None:
    assert "commonpoint apple csr" in run("doctor").stdout
    first = installed(nfc=True)
    assert first.exit_code == 0, first.output
    assert f"Installed: {LOYALTY}, team {TEAM}, taps allowed." in first.stdout
    assert "395 days" in first.stdout
    assert "Installed already" in run("install", "pass.cer").stdout
    rotated = run("rotate", "-o", "next.csr")
    assert rotated.exit_code == 0
    assert "Upload next.csr" in rotated.stderr
    assert rules()["request_open"] == "note"
    answered("next.csr", nfc=True, days=300)
    assert "would have ended later" in run("install", "pass.cer").stdout
    (certificate,) = told("doctor")["certificates"]
    assert (certificate["days_left"], certificate["taps"], certificate["from"]) == (299, True, "store")
    assert rules() == {"test_authority": "note"}


def test_a_request_goes_to_standard_output_and_advice_beside_it() -> None:
    said = run("csr", "--pass-type", LOYALTY)
    assert said.stdout.startswith("-----BEGIN CERTIFICATE REQUEST-----")
    assert said.stdout.endswith("-----END CERTIFICATE REQUEST-----\n")
    assert "commonpoint apple install" in said.stderr
    again = told("csr", "--pass-type", LOYALTY)
    assert (again["csr"], again["new"]) == (said.stdout, False)
    assert told("csr", "--pass-type", LOYALTY, "--new-key")["new"]


def test_a_file_is_not_overwritten_and_no_key_is_made_for_it() -> None:
    Path("there.csr").write_text("mine")
    said = run("csr", "--pass-type", LOYALTY, "-o", "there.csr")
    assert (said.exit_code, Path("there.csr").read_text()) == (2, "mine")
    assert told("doctor")["requests"] == []


def test_the_doctor_warns_and_ends_with_1_when_something_is_bad() -> None:
    assert run("doctor").exit_code == 0
    installed(days=20)
    assert rules()["ends"] == "warn"
    assert run("doctor").exit_code == 0
    assert run("rotate", "-o", "next.csr").exit_code == 0
    answered("next.csr", days=5)
    run("install", "pass.cer")
    said = run("doctor")
    assert said.exit_code == 1
    assert re.search(r"^bad +pass\.com\.example\.loyalty: The certificate ends on .*4 days left", said.stdout, re.M)
    assert f"commonpoint apple rotate --pass-type {LOYALTY}" in said.stdout


def test_another_master_secret_is_told_as_a_locked_store(monkeypatch: pytest.MonkeyPatch) -> None:
    installed()
    monkeypatch.setenv("COMMONPOINT_MASTER_SECRET", "another master secret of some 32 bytes")
    said = run("doctor")
    assert said.exit_code == 1
    assert "The master secret is another one" in said.stdout


def test_a_refusal_is_one_line_and_names_the_way_out() -> None:
    installed(nfc=True)
    run("rotate", "-o", "next.csr")
    answered("next.csr")
    said = run("install", "pass.cer")
    assert said.exit_code == 1
    assert "--give-up-taps" in said.stderr
    assert run("install", "pass.cer", "--give-up-taps").exit_code == 0
    other = portal().issue(own_request(), pass_type=LOYALTY, team="OTHERTEAM9")
    Path("other.p12").write_bytes(portal().p12(other, own_key()))
    assert "--change-team" in run("install", "other.p12").stderr
    assert run("install", "other.p12", "--change-team").exit_code == 0


def test_a_p12_is_opened_with_the_password_of_a_file() -> None:
    Path("mine.p12").write_bytes(portal().p12(portal().issue(own_request(), pass_type=LOYALTY), own_key(), "secret"))
    assert "asks for its password" in run("install", "mine.p12").stderr
    Path("password").write_text("secret\n")
    assert run("install", "mine.p12", "--password-file", "password").exit_code == 0


def test_a_key_made_elsewhere_is_given_by_its_file() -> None:
    Path("pass.cer").write_bytes(portal().issue(own_request(), pass_type=LOYALTY))
    Path("my.key").write_bytes(
        own_key().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    said = run("install", "pass.cer", "--key", "my.key", "--intermediate", "wwdr.pem")
    assert said.exit_code == 0, said.output


def test_the_files_of_the_settings_are_used_until_the_store_has_its_own(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    pem, none = serialization.Encoding.PEM, serialization.NoEncryption()
    Path("c.cer").write_bytes(portal().issue(own_request(), pass_type=LOYALTY, team=TEAM))
    Path("k.pem").write_bytes(own_key().private_bytes(pem, serialization.PrivateFormat.PKCS8, none))
    for name, file in (("CERTIFICATE", "c.cer"), ("KEY", "k.pem"), ("WWDR", "wwdr.pem")):
        monkeypatch.setenv(f"COMMONPOINT_APPLE_{name}", str(folder / file))
    (used,) = told("doctor")["certificates"]
    assert (used["from"], used["pass_type"]) == ("files", LOYALTY)
    assert run("rotate", "-o", "next.csr").exit_code == 0
    answered("next.csr")
    assert run("install", "pass.cer").exit_code == 0  # the intermediate of the settings is known
    (used,) = told("doctor")["certificates"]
    assert used["from"] == "store"
    assert rules()["overridden"] == "note"
    monkeypatch.setenv("COMMONPOINT_APPLE_TEAM", "OTHERTEAM9")
    said = run("doctor")
    assert said.exit_code == 1
    assert "the settings say OTHERTEAM9" in said.stdout


def test_push_keys_are_installed_and_retired() -> None:
    installed()
    Path("AuthKey_AB12CD34EF.p8").write_bytes(push_key_file())
    assert told("install-push-key", "AuthKey_AB12CD34EF.p8") == {"key_id": "AB12CD34EF", "team": TEAM}
    assert "push key AB12CD34EF, team ABCDE12345" in run("doctor").stdout
    assert run("retire-push-key", "AB12CD34EF").exit_code == 0
    assert told("doctor")["push_keys"] == []
    Path("key.p8").write_bytes(push_key_file())
    assert "--key-id" in run("install-push-key", "key.p8").stderr


@pytest.mark.parametrize("command", [["csr"], ["rotate"], ["install", "nowhere.cer"], ["csr", "--pass-type", "x"]])
def test_what_is_missing_is_said_without_a_trace(command: list[str]) -> None:
    said = run(*command)
    assert said.exit_code in (1, 2)
    assert "Traceback" not in said.output


def test_no_key_is_ever_printed() -> None:
    everything = "".join(
        said.output
        for said in (
            run("csr", "--pass-type", LOYALTY, "--json"), installed(), run("install", "pass.cer", "--json"),
            run("doctor"), run("doctor", "--json"), run("rotate", "--json"),
        )
    )  # fmt: skip
    assert "PRIVATE KEY" not in everything


def test_the_command_is_told_in_the_overview() -> None:
    assert "apple" in CliRunner().invoke(main, ["--help"]).stdout
