"""Signing the mirror's transactions."""

from dataclasses import dataclass
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_keys.backends import get_backend
from eth_keys.backends.coincurve import CoinCurveECCBackend

from kernel.errors import Invalid, Unavailable
from tokens.chain import Fees


class SenderKeyInvalid(Invalid):
    """The sender's key is not a secp256k1 private key of 32 bytes."""

    code = "sender_key_invalid"
    title = "The chain sender's key is not usable"


class FeeTooHigh(Unavailable):
    """The chain asks for more than the operator allows; points stay usable off the chain meanwhile."""

    code = "chain_fee_too_high"
    title = "The chain's fee is above the ceiling"


@dataclass(frozen=True, slots=True)
class FeeOffer:
    """What a transaction offers per gas, in wei (EIP-1559)."""

    max_fee: int
    tip: int


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed transaction: the bytes to send, and the hash they will have."""

    raw: bytes
    hash: bytes


class Signer:
    """Holds the sender's key. Signs for one chain and nothing that is not given gas, fees and nonce explicitly."""

    def __init__(self, key: bytes) -> None:
        try:
            self._account: LocalAccount = Account.from_key(key)
        except ValueError as error:
            raise SenderKeyInvalid("The chain sender's key must be 32 bytes, not zero.") from error
        self.address: str = self._account.address.lower()

    def sign(self, chain_id: int, nonce: int, to: str | None, data: bytes, gas: int, fees: FeeOffer) -> Signed:
        """A type 2 transaction without value; `to` is None for a deployment."""
        transaction: dict[str, Any] = {
            "type": 2,
            "chainId": chain_id,
            "nonce": nonce,
            "gas": gas,
            "maxFeePerGas": fees.max_fee,
            "maxPriorityFeePerGas": fees.tip,
            "value": 0,
            "data": data,
        }
        if to is not None:
            transaction["to"] = bytes.fromhex(to.removeprefix("0x"))
        signed = self._account.sign_transaction(transaction)
        return Signed(bytes(signed.raw_transaction), bytes(signed.hash))


def fee_offer(fees: Fees, ceiling: int) -> FeeOffer:
    """Twice the base fee and the tip, so that a few full blocks do not strand the transaction, but at most `ceiling`.

    All in wei per gas. Raises FeeTooHigh when even the present fee is above the ceiling.
    """
    needed = fees.base + fees.tip
    if needed > ceiling:
        raise FeeTooHigh("The chain's fee is above the ceiling.", 30.0, needed_wei=needed, ceiling_wei=ceiling)
    return FeeOffer(min(2 * fees.base + fees.tip, ceiling), fees.tip)


def signing_is_native() -> bool:
    """Whether signing runs in C (coincurve), ten times faster than in Python."""
    return isinstance(get_backend(), CoinCurveECCBackend)
