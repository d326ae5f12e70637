"""The words on the operator's page of what waits for a look."""

from kernel.i18n import register

register(
    {
        "operator.reviews.title": {"en": "Reviews", "fi": "Tarkistettavat", "hu": "Ellenőrzések"},
        "operator.reviews.open": {"en": "Waiting for a look", "fi": "Odottaa tarkistusta", "hu": "Ellenőrzésre vár"},
        "operator.reviews.none": {
            "en": "Nothing waits for a look.",
            "fi": "Mikään ei odota tarkistusta.",
            "hu": "Semmi sem vár ellenőrzésre.",
        },
        "operator.reviews.points": {"en": "{points} points", "fi": "{points} pistettä", "hu": "{points} pont"},
        "operator.reviews.at": {
            "en": "till {terminal}, cashier {cashier}",
            "fi": "kassa {terminal}, kassanhoitaja {cashier}",
            "hu": "{terminal} pénztár, {cashier} pénztáros",
        },
        "operator.reviews.today": {"en": "Today", "fi": "Tänään", "hu": "Ma"},
        "operator.reviews.came": {"en": "came", "fi": "tuli", "hu": "érkezett"},
        "operator.reviews.approved": {"en": "approved", "fi": "hyväksytty", "hu": "jóváhagyva"},
        "operator.reviews.rejected": {"en": "rejected", "fi": "hylätty", "hu": "elutasítva"},
        "operator.reviews.alerts": {
            "en": "Perhaps their own points",
            "fi": "Ehkä omia pisteitä",
            "hu": "Talán a saját pontjaik",
        },
        "operator.reviews.no_alerts": {
            "en": "No cashier seems to have served themselves today.",
            "fi": "Kukaan kassanhoitaja ei näytä palvelleen itseään tänään.",
            "hu": "Ma úgy tűnik, egyik pénztáros sem szolgálta ki önmagát.",
        },
        "operator.reviews.how": {
            "en": "Approve or reject by the API:",
            "fi": "Hyväksy tai hylkää rajapinnassa:",
            "hu": "Jóváhagyás vagy elutasítás az API-n:",
        },
        "operator.reason.own_account": {
            "en": "the cashier's own account",
            "fi": "kassanhoitajan oma tili",
            "hu": "a pénztáros saját számlája",
        },
    }
    | {
        f"operator.reason.{of}_{what}": {
            "en": f"too {much['en']} {where['en']}",
            "fi": f"liian {much['fi']} {where['fi']}",
            "hu": f"túl {much['hu']} {where['hu']}",
        }
        for of, where in {
            "member": {"en": "for one card", "fi": "samalla kortilla", "hu": "egy kártyán"},
            "cashier": {"en": "at one cashier", "fi": "samalla kassanhoitajalla", "hu": "egy pénztárosnál"},
            "terminal": {"en": "at one till", "fi": "samalla kassalla", "hu": "egy pénztárnál"},
            "partner": {"en": "at one partner", "fi": "samassa yrityksessä", "hu": "egy partnernél"},
            "member_at_cashier": {
                "en": "for one card at one cashier",
                "fi": "samalla kortilla ja kassanhoitajalla",
                "hu": "egy kártyán egy pénztárosnál",
            },
            "member_at_terminal": {
                "en": "for one card at one till",
                "fi": "samalla kortilla ja kassalla",
                "hu": "egy kártyán egy pénztárnál",
            },
        }.items()
        for what, much in {
            "times": {"en": "often", "fi": "usein", "hu": "gyakran"},
            "points": {"en": "many points", "fi": "monta pistettä", "hu": "sok pont"},
        }.items()
    }
)
