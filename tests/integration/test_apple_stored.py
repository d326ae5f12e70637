"""A service whose certificate is kept in the database: it starts without one, says so, and signs once it is there."""

import io
from pathlib import Path
from zipfile import ZipFile

import msgspec

from passes.apple import certificate_requests, certificates
from passes.apple.certificate_files import read_certificate_file
from tests.support.certificates import LOYALTY, portal
from tests.support.service import door


async def test_it_starts_without_a_certificate_and_signs_when_one_was_installed(
    database_url: str, twins_folder: Path
) -> None:
    async with door(database_url, twins_folder, apple_stored=True) as service:
        till = await service.partner()
        member = await service.member(till)
        await service.earn(till, member["id"], 4200)
        path = f"/v1/members/{member['id']}/passes/apple"
        away = await service.ask("GET", path, till.key)
        assert away.status_code == 503, away.text
        assert away.headers["content-type"].startswith("application/problem+json")
        db, keyring = service.parts.db, service.parts.keyring
        asked = await certificate_requests.request(db, keyring, LOYALTY)
        answer = read_certificate_file(portal().issue(asked.pem.encode(), pass_type=LOYALTY))
        await certificates.install(db, keyring, answer, intermediates=[portal().intermediate])
    async with door(database_url, twins_folder, apple_stored=True) as service:
        file = await service.ask("GET", path, till.key)
        assert file.status_code == 200, file.text
        with ZipFile(io.BytesIO(file.content)) as package:
            paper = msgspec.json.decode(package.read("pass.json"))
        assert (paper["passTypeIdentifier"], paper["storeCard"]["headerFields"][0]["value"]) == (LOYALTY, "42")
