"""What happened, in one word or two, as the member's page lists it."""

from kernel.i18n import register

# Kinds of journals (see `points.tables.Journal`); those of earning, spending and correcting are with the card's words.
register(
    {
        "page.claim": {"en": "Reward", "fi": "Etu", "hu": "Jutalom"},
        "page.capture": {"en": "Reward", "fi": "Etu", "hu": "Jutalom"},
        "page.release": {"en": "Given back", "fi": "Palautettu", "hu": "Visszaadva"},
        "page.time_out": {"en": "Given back", "fi": "Palautettu", "hu": "Visszaadva"},
        "page.grant": {"en": "Bonus", "fi": "Bonus", "hu": "Bónusz"},
        "page.adjust": {"en": "Corrected", "fi": "Oikaisu", "hu": "Helyesbítés"},
        "page.transfer_out": {"en": "Sent", "fi": "Lähetit", "hu": "Elküldve"},
        "page.transfer_in": {"en": "Received", "fi": "Sait", "hu": "Érkezett"},
        "page.merge_out": {"en": "Moved", "fi": "Siirretty", "hu": "Áthelyezve"},
        "page.merge_in": {"en": "Moved", "fi": "Siirretty", "hu": "Áthelyezve"},
        "page.expire": {"en": "Expired", "fi": "Vanheni", "hu": "Lejárt"},
        "page.activate": {"en": "Ready to use", "fi": "Käytettävissä", "hu": "Felhasználható"},
        "page.total": {"en": "Month's total", "fi": "Kuukausi koottu", "hu": "Havi összesítés"},
        "page.convert": {"en": "Turned into a coupon", "fi": "Muutettu kupongiksi", "hu": "Kuponra váltva"},
        "page.other": {"en": "Changed", "fi": "Muutos", "hu": "Változás"},
    }
)
KINDS = frozenset(
    {
        "earn", "redeem", "reverse", "claim", "capture", "release", "time_out", "grant", "adjust", "transfer_out",
        "transfer_in", "merge_out", "merge_in", "expire", "activate", "total", "convert",
    }
)  # fmt: skip


def happened(kind: str) -> str:
    """The message for a kind of journal."""
    return f"page.{kind if kind in KINDS else 'other'}"
