"""The only reader of the environment: `COMMONPOINT_…` variables, read once into one frozen object.

A variable that starts with COMMONPOINT_ and means nothing is an error, so that a typing mistake is seen at start.
"""

import os
import secrets as random_secrets
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from kernel.errors import Invalid

PREFIX = "COMMONPOINT_"


_NEEDED_LIVE = ("google_service_account", "master_secret", "base_url")
_NEEDED_LIVE_IN_FILES = ("apple_certificate", "apple_key", "apple_wwdr")
_ADDRESS = r"^0x[0-9a-fA-F]{40}$"


class BadSettings(Invalid):
    """The environment holds settings that cannot be used."""

    code = "bad_settings"
    title = "The settings cannot be used"


class Settings(BaseSettings):
    """Everything that can be chosen from outside. Unset means: use the embedded part."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    mode: Literal["test", "live"] = "test"
    data_dir: Path = Field(default=Path(".commonpoint"), description="Where the embedded parts keep their files.")

    database_url: str | None = Field(default=None, description="postgresql://…; unset starts the embedded one.")

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    base_url: str | None = Field(default=None, description="How phones reach this service; https in live mode.")
    workers: int = Field(default=1, ge=1, le=64)
    worker_in_process: bool = True
    test_clock: bool = Field(default=False, description="Test mode only: business time is moved over HTTP.")
    master_secret: SecretStr | None = Field(
        default=None, description="At least 32 characters; unset keeps one in data_dir."
    )

    chain_url: str = Field(default="memory:", description="`memory:`, an EVM node's http(s) URL, or `off`.")
    chain_key: SecretStr | None = Field(default=None, description="Hex private key of the sender; needed for a node.")
    chain_admin: str | None = Field(
        default=None,
        pattern=_ADDRESS,
        description="Address that may change the contract's roles and caps.",
    )
    chain_guardian: str | None = Field(
        default=None, pattern=_ADDRESS, description="Address that may pause the contract."
    )
    chain_partner_cap: int = Field(
        default=10_000_000, ge=1, description="Most points a partner may have outstanding on chain."
    )

    apple_pass_type: str = "pass.org.commonpoint.test"
    apple_team: str = Field(default="TESTTEAM01", min_length=10, max_length=10)
    apple_stored: bool = Field(
        default=False, description="The pass certificate is in the database: `commonpoint apple csr` and `install`."
    )
    apple_certificate: Path | None = Field(default=None, description="PEM of the Pass Type ID certificate.")
    apple_key: Path | None = Field(default=None, description="PEM of its private key, unencrypted.")
    apple_wwdr: Path | None = Field(default=None, description="PEM of the WWDR intermediate.")
    apple_push_host: str = "api.push.apple.com"
    apple_push_port: int = Field(default=443, ge=1, le=65535)
    apple_push_ca: Path | None = Field(default=None, description="PEM roots for the push server; unset: the system's.")

    google_issuer: str = Field(default="3388000000000000001", pattern=r"^\d{1,20}$")
    google_service_account: Path | None = Field(default=None, description="JSON of the service account.")
    google_base_url: str = "https://walletobjects.googleapis.com"
    google_save_url: str = "https://pay.google.com/gp/v/save/"
    google_rate_per_s: float = Field(default=20.0, gt=0, description="Requests per second to the Wallet API.")
    google_root_keys_url: str = "https://pay.google.com/gp/m/issuer/keys"
    google_smart_tap: bool = Field(default=False, description="Google has allowed this issuer Smart Tap.")
    google_places: bool = Field(default=False, description="Google has allowed this issuer merchant locations.")

    phone_prefix: str = Field(
        default="", pattern=r"^(\+[1-9]\d{0,3})?$", description="Country code for numbers typed without one: +358."
    )

    @model_validator(mode="after")
    def _fit_together(self) -> "Settings":
        if self.chain_url == "memory:" and self.workers > 1:
            raise ValueError("chain_url 'memory:' lives in one process: use workers = 1, a node, or 'off'")
        if self.chain_url not in ("memory:", "off") and self.chain_key is None:
            raise ValueError("a node needs chain_key: the key of the sender that posts batches")
        if self.test_clock and self.workers > 1:
            raise ValueError("a test clock lives in one process: use workers = 1")
        if self.twins and (self.workers > 1 or not self.worker_in_process):
            raise ValueError("the vendors' twins live in one process: give apple_… and google_… settings first")
        if self.mode == "live":
            self._refuse_twins()
        return self

    def _refuse_twins(self) -> None:
        needed = _NEEDED_LIVE if self.apple_stored else (*_NEEDED_LIVE_IN_FILES, *_NEEDED_LIVE)
        missing = [name for name in needed if getattr(self, name) is None]
        if missing:
            raise ValueError(f"live mode needs {', '.join(missing)}")
        if self.chain_url == "memory:" or self.test_clock:
            raise ValueError("live mode refuses test_clock and the chain 'memory:': name a node or 'off'")
        if self.chain_url != "off" and (self.chain_admin is None or self.chain_guardian is None):
            raise ValueError(
                "live mode needs chain_admin and chain_guardian: the posting key must not rule the contract"
            )
        for name in ("base_url", "google_base_url", "google_save_url", "google_root_keys_url"):
            if not str(getattr(self, name)).startswith("https://"):
                raise ValueError(f"live mode needs https in {name}")

    @property
    def twins(self) -> bool:
        """Whether credentials of a vendor are missing, so that its embedded twin stands in."""
        return self.apple_twin or self.google_service_account is None

    @property
    def apple_twin(self) -> bool:
        """Whether Apple's twin stands in."""
        return self.apple_certificate is None and not self.apple_stored

    @property
    def public_url(self) -> str:
        """Where phones and browsers find this service, without a slash at the end."""
        return (self.base_url or f"http://{self.host}:{self.port}").rstrip("/")

    def master_bytes(self) -> bytes:
        """The master secret; in test mode one is made and kept in `data_dir` when none is given."""
        if self.master_secret is not None:
            return self.master_secret.get_secret_value().encode()
        return _kept_secret(self.data_dir / "master_secret")


def load_settings(**overrides: object) -> Settings:
    """Read the environment. Raises BadSettings with one line per fault."""
    _refuse_unknown(os.environ)
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        faults = "; ".join(f"{PREFIX}{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        raise BadSettings(faults) from None


def _refuse_unknown(environment: "os._Environ[str]") -> None:
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    unknown = sorted(name for name in environment if name.upper().startswith(PREFIX) and name.upper() not in known)
    if unknown:
        raise BadSettings(f"unknown settings in the environment: {', '.join(unknown)}")


def _kept_secret(path: Path) -> bytes:
    """The secret of `path`, made now if there is none; it appears whole or not at all, whoever else makes one now."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{random_secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(random_secrets.token_hex(32).encode())
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_bytes()
