"""Which parts a service gets: given credentials are used, missing ones are stood in for."""

from pathlib import Path

from api.wiring import open_parts
from kernel.settings import Settings
from passes.sandbox.authority import Authority


async def test_a_vendor_whose_credentials_are_given_keeps_them(
    database_url: str, tmp_path: Path, twins_folder: Path
) -> None:
    own = Authority.at(tmp_path / "own", "pass.org.example.own", "OWNTEAM001")
    settings = Settings(
        database_url=database_url,
        data_dir=twins_folder,
        chain_url="off",
        apple_pass_type="pass.org.example.own",
        apple_team="OWNTEAM001",
        apple_certificate=own.pass_certificate,
        apple_key=own.pass_key,
        apple_wwdr=own.intermediate,
    )
    async with open_parts(settings) as parts:
        assert parts.settings.apple_certificate == own.pass_certificate
        assert parts.settings.apple_push_host == "api.push.apple.com"
        assert parts.settings.google_service_account is not None
        assert parts.settings.google_base_url.startswith("http://127.0.0.1:")
