"""A wallet is a folder of one shape: who knows the one finds their way in the other, and a third would be a third."""

import importlib
import inspect
from pathlib import Path
from types import ModuleType

import pytest

import passes

WALLETS = ("apple", "google")
# What a wallet needs, whichever it is: what is said, who we are, how it is sealed, told, handed out and looked after.
ROLES = (
    "answer", "document", "handout", "health", "identity", "push", "push_state", "push_verdict", "registry", "seal",
    "service", "tables", "taps", "validation",
)  # fmt: skip


def part(wallet: str, role: str) -> ModuleType:
    return importlib.import_module(f"passes.{wallet}.{role}")


@pytest.mark.parametrize("wallet", WALLETS)
def test_every_role_has_its_file(wallet: str) -> None:
    folder = Path(passes.__file__).parent / wallet
    assert [role for role in ROLES if not (folder / f"{role}.py").is_file()] == []


@pytest.mark.parametrize("wallet", WALLETS)
def test_every_file_says_what_it_is_for(wallet: str) -> None:
    assert [role for role in ROLES if not inspect.getdoc(part(wallet, role))] == []


def test_no_wallet_knows_the_other() -> None:
    for wallet, other in (("apple", "google"), ("google", "apple")):
        folder = Path(passes.__file__).parent / wallet
        assert [file.name for file in folder.glob("*.py") if f"passes.{other}" in file.read_text("utf-8")] == []


def test_the_same_names_stand_for_the_same_roles() -> None:
    for role, names in {
        "handout": {"Handout"},
        "push_state": {"PushState", "Standing"},
        "push_verdict": {"verdict"},
        "registry": {"PUSH_KIND"},
        "validation": {"faults"},
    }.items():
        for wallet in WALLETS:
            assert names <= set(vars(part(wallet, role))), (wallet, role)


def test_what_hands_out_can_do_the_same_in_every_wallet() -> None:
    asked = {name for name, one in inspect.getmembers(part("apple", "handout").Handout, inspect.isfunction)}
    public = {name for name in asked if not name.startswith("_")}
    for wallet in WALLETS:
        handout = part(wallet, "handout").Handout
        for name in public:
            assert inspect.signature(getattr(handout, name)).parameters == (
                inspect.signature(getattr(part("apple", "handout").Handout, name)).parameters
            )


def test_a_push_is_a_follower_with_room_for_many_changes_at_once() -> None:
    for wallet, name in (("apple", "ApplePush"), ("google", "GooglePush")):
        follower = getattr(part(wallet, "push"), name)
        assert follower.kind == f"{wallet}.push"
        assert inspect.iscoroutinefunction(follower.follow)
        assert inspect.iscoroutinefunction(follower.room)
