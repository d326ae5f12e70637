"""The words on the card and on the member's page."""

from kernel.i18n import register

register(
    {
        "card.balance": {"en": "Points", "fi": "Pisteet", "hu": "Pont"},
        "card.tier": {"en": "Level", "fi": "Taso", "hu": "Szint"},
        "card.next_reward": {"en": "Next reward", "fi": "Seuraava etu", "hu": "Következő jutalom"},
        "card.rewards_ready": {"en": "Rewards ready", "fi": "Etuja odottaa", "hu": "Átvehető jutalmak"},
        "card.vouchers": {"en": "Vouchers", "fi": "Kupongit", "hu": "Kuponok"},
        "card.pending": {"en": "On the way", "fi": "Tulossa", "hu": "Úton"},
        "card.held": {"en": "Set aside", "fi": "Varattu", "hu": "Félretéve"},
        "card.owed": {"en": "Owed", "fi": "Velkaa", "hu": "Tartozás"},
        "card.expiring": {"en": "Expiring", "fi": "Vanhenee", "hu": "Lejár"},
        "card.progress": {"en": "Progress", "fi": "Edistyminen", "hu": "Haladás"},
        "card.holder": {"en": "Member", "fi": "Jäsen", "hu": "Tag"},
        "card.member_code": {"en": "Card number", "fi": "Kortin numero", "hu": "Kártyaszám"},
        "card.joined": {"en": "Member since", "fi": "Jäsen alkaen", "hu": "Tagság kezdete"},
        "card.reward": {"en": "Reward", "fi": "Etu", "hu": "Jutalom"},
        "card.worth": {"en": "Worth", "fi": "Arvo", "hu": "Érték"},
        "card.uses_left": {"en": "Uses left", "fi": "Käyttökertoja", "hu": "Hátralévő alkalmak"},
        "card.valid_until": {"en": "Valid until", "fi": "Voimassa", "hu": "Érvényes"},
        "card.news": {"en": "Latest", "fi": "Viimeisin", "hu": "Legutóbb"},
        "card.units": {"en": "points", "fi": "pistettä", "hu": "pont"},
        "card.to_go": {
            "en": "{missing} {units} to {reward}",
            "fi": "{missing} {units}: {reward}",
            "hu": "{missing} {units}: {reward}",
        },
        "card.all_reached": {
            "en": "All rewards reached",
            "fi": "Kaikki edut saatavilla",
            "hu": "Minden jutalom elérve",
        },
        "card.expiring_on": {"en": "{points} on {date}", "fi": "{points} {date}", "hu": "{points}, {date}"},
        "card.progress_of": {
            "en": "{name}: {done} of {goal}",
            "fi": "{name}: {done}/{goal}",
            "hu": "{name}: {done}/{goal}",
        },
        "card.here": {
            "en": "{place}: show your card",
            "fi": "{place}: näytä korttisi",
            "hu": "{place}: mutasd a kártyád",
        },
        "card.description": {
            "en": "{brand} loyalty card",
            "fi": "{brand} kanta-asiakaskortti",
            "hu": "{brand} hűségkártya",
        },
        "card.page": {"en": "Your points", "fi": "Pisteesi", "hu": "Pontjaid"},
        "page.title": {"en": "{brand} points", "fi": "{brand}: pisteet", "hu": "{brand} pontok"},
        "page.add_apple": {
            "en": "Add to Apple Wallet",
            "fi": "Lisää Apple Walletiin",
            "hu": "Hozzáadás az Apple Wallethez",
        },
        "page.add_google": {
            "en": "Add to Google Wallet",
            "fi": "Lisää Google Walletiin",
            "hu": "Hozzáadás a Google Wallethez",
        },
        "page.show": {
            "en": "Show this code at the till",
            "fi": "Näytä tämä koodi kassalla",
            "hu": "Mutasd ezt a kódot a pénztárnál",
        },
        "page.recent": {"en": "Latest", "fi": "Viimeisimmät", "hu": "Legutóbbiak"},
        "page.nothing_yet": {
            "en": "Nothing yet: show your card with your next purchase.",
            "fi": "Ei vielä tapahtumia: näytä korttisi seuraavalla ostoksella.",
            "hu": "Még nincs semmi: mutasd a kártyád a következő vásárlásnál.",
        },
        "page.earn": {"en": "Earned", "fi": "Kertyi", "hu": "Jóváírás"},
        "page.redeem": {"en": "Spent", "fi": "Käytit", "hu": "Beváltás"},
        "page.reverse": {"en": "Corrected", "fi": "Oikaisu", "hu": "Helyesbítés"},
        "page.owed": {
            "en": "{points} points will be settled from your next purchases after a refund.",
            "fi": "{points} pistettä kuitataan seuraavista ostoksistasi palautuksen vuoksi.",
            "hu": "Visszatérítés miatt {points} pont a következő vásárlásaidból kerül levonásra.",
        },
    }
)
