"""Integer money: amounts are minor units of an ISO 4217 currency, prices per point are micros (1e-6 of the unit)."""

from kernel.errors import Invalid

MICROS_PER_UNIT = 1_000_000

# The number of decimals of the minor unit, ISO 4217 table A.1; the currencies that programmes here use.
_DECIMALS = {
    "AUD": 2, "BGN": 2, "CAD": 2, "CHF": 2, "CZK": 2, "DKK": 2, "EUR": 2, "GBP": 2, "HUF": 2, "ISK": 0, "JPY": 0,
    "NOK": 2, "NZD": 2, "PLN": 2, "RON": 2, "RSD": 2, "SEK": 2, "TRY": 2, "UAH": 2, "USD": 2,
}  # fmt: skip


class UnknownCurrency(Invalid):
    """The currency is not one that this service keeps."""

    code = "unknown_currency"
    title = "Unknown currency"


def decimals(currency: str) -> int:
    """Decimals of the minor unit of `currency` (EUR: 2, JPY: 0). Raises UnknownCurrency."""
    try:
        return _DECIMALS[currency]
    except KeyError:
        raise UnknownCurrency(f"'{currency}' is not a currency that this service keeps.", currency=currency) from None


def micros_per_minor(currency: str) -> int:
    """How many micros one minor unit is (EUR: 10,000)."""
    return int(MICROS_PER_UNIT // 10 ** decimals(currency))


def minor_text(amount_minor: int, currency: str) -> str:
    """A plain decimal text such as `-12.05 EUR`, for logs and the command line; pages format by locale instead."""
    places = decimals(currency)
    if places == 0:
        return f"{amount_minor} {currency}"
    sign = "-" if amount_minor < 0 else ""
    whole, part = divmod(abs(amount_minor), 10**places)
    return f"{sign}{whole}.{part:0{places}d} {currency}"
