"""Settings from the environment, and the secret that is kept when none is given."""

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from kernel.secrets import Keyring
from kernel.settings import BadSettings, Settings, load_settings

LIVE = {
    "MODE": "live",
    "CHAIN_URL": "off",
    "BASE_URL": "https://points.example",
    "MASTER_SECRET": "s" * 40,
    "APPLE_CERTIFICATE": "/etc/pass.pem",
    "APPLE_KEY": "/etc/pass.key",
    "APPLE_WWDR": "/etc/wwdr.pem",
    "GOOGLE_SERVICE_ACCOUNT": "/etc/google.json",
}


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith("COMMONPOINT_"):
            monkeypatch.delenv(name)


def set_all(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"COMMONPOINT_{name}", value)


def test_an_empty_environment_means_the_embedded_parts_in_test_mode() -> None:
    settings = load_settings()
    assert (settings.mode, settings.database_url, settings.chain_url) == ("test", None, "memory:")
    assert settings.public_url == "http://127.0.0.1:8000"


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {"PORT": "9000", "BASE_URL": "https://points.example/", "DATABASE_URL": "postgresql://h/x"})
    settings = load_settings()
    assert (settings.port, settings.public_url) == (9000, "https://points.example")
    assert settings.database_url == "postgresql://h/x"


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_settings().port = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", ["COMMONPOINT_PROT", "COMMONPOINT_", "commonpoint_prot"])
def test_a_variable_that_means_nothing_is_refused_by_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "9000")
    with pytest.raises(BadSettings, match=name):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("MODE", "production"),
        ("WORKERS", "0"),
        ("APPLE_TEAM", "SHORT"),
        ("GOOGLE_ISSUER", "12x"),
        ("GOOGLE_RATE_PER_S", "0"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {name: value})
    with pytest.raises(BadSettings, match=f"COMMONPOINT_{name}"):
        load_settings()


def test_the_chain_in_memory_lives_in_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {"WORKERS": "2"})
    with pytest.raises(BadSettings, match="memory:"):
        load_settings()
    set_all(monkeypatch, {**LIVE, "MODE": "test", "CHAIN_URL": "off"})
    assert load_settings().workers == 2


@pytest.mark.parametrize(
    ("values", "said"), [({"WORKERS": "2", "CHAIN_URL": "off"}, "twins"), ({"WORKER_IN_PROCESS": "false"}, "twins")]
)
def test_the_twins_live_in_one_process(values: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, values)
    with pytest.raises(BadSettings, match=said):
        load_settings()


def test_live_mode_takes_real_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, LIVE)
    assert load_settings().mode == "live"


def test_live_mode_needs_no_files_of_apple_when_the_certificate_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {name: value for name, value in LIVE.items() if not name.startswith("APPLE_")})
    monkeypatch.setenv("COMMONPOINT_APPLE_STORED", "true")
    assert not load_settings().twins


@pytest.mark.parametrize("missing", sorted(set(LIVE) - {"MODE", "CHAIN_URL"}))
def test_live_mode_refuses_to_go_without(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {name: value for name, value in LIVE.items() if name != missing})
    with pytest.raises(BadSettings, match=missing.lower()):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CHAIN_URL", "memory:", "memory:"),
        ("TEST_CLOCK", "true", "test_clock"),
        ("BASE_URL", "http://points.example", "https in base_url"),
        ("BASE_URL", "", "https in base_url"),
        ("GOOGLE_BASE_URL", "http://127.0.0.1:9", "https in google_base_url"),
        ("GOOGLE_SAVE_URL", "http://127.0.0.1:9", "https in google_save_url"),
    ],
)
def test_live_mode_refuses_twins_and_open_lines(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_all(monkeypatch, {**LIVE, name: value})
    with pytest.raises(BadSettings, match=said):
        load_settings()


def test_live_mode_keeps_the_posting_key_from_ruling_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = {"CHAIN_URL": "https://node.example", "CHAIN_KEY": "ab" * 32}
    rulers = {"CHAIN_ADMIN": f"0x{'1' * 40}", "CHAIN_GUARDIAN": f"0x{'2' * 40}"}
    set_all(monkeypatch, {**LIVE, **chain, **rulers})
    assert load_settings().chain_admin == rulers["CHAIN_ADMIN"]
    for missing in rulers:
        monkeypatch.delenv(f"COMMONPOINT_{missing}")
        with pytest.raises(BadSettings, match="chain_admin and chain_guardian"):
            load_settings()
        set_all(monkeypatch, rulers)


def test_a_node_needs_the_key_that_posts(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {"CHAIN_URL": "http://127.0.0.1:8545"})
    with pytest.raises(BadSettings, match="chain_key"):
        load_settings()


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {"MASTER_SECRET": "tell-nobody" * 4, "CHAIN_KEY": "0xtell-nobody"})
    assert "tell-nobody" not in repr(load_settings())
    set_all(monkeypatch, {"PORT": "0"})
    with pytest.raises(BadSettings) as refused:
        load_settings()
    assert "tell-nobody" not in str(refused.value)


def test_a_given_master_secret_is_used_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {"MASTER_SECRET": "s" * 40, "DATA_DIR": str(tmp_path / "data")})
    assert load_settings().master_bytes() == b"s" * 40
    assert not (tmp_path / "data").exists()


def test_without_one_a_secret_is_made_once_for_the_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"
    first = Settings(data_dir=folder).master_bytes()
    assert Settings(data_dir=folder).master_bytes() == first
    Keyring(first)
    assert stat.S_IMODE((folder / "master_secret").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["master_secret"]


def test_all_who_ask_at_the_same_moment_get_the_same_whole_secret(tmp_path: Path) -> None:
    racers = 8
    start = threading.Barrier(racers)

    def ask(folder: Path) -> bytes:
        start.wait(20)
        return Settings(data_dir=folder).master_bytes()

    with ThreadPoolExecutor(racers) as pool:
        for number in range(30):
            secrets = set(pool.map(ask, [tmp_path / str(number)] * racers))
            assert len(secrets) == 1
            assert {len(secret) for secret in secrets} == {64}
