"""The words on the operator's page about Google."""

from kernel.i18n import register

register(
    {
        "operator.google.title": {"en": "Google Wallet", "fi": "Google Wallet", "hu": "Google Wallet"},
        "operator.google.calls": {"en": "Calls to Google", "fi": "Kutsut Googlelle", "hu": "Hívások a Google felé"},
        "operator.google.no_calls": {
            "en": "Google has not been called yet.",
            "fi": "Googlea ei ole vielä kutsuttu.",
            "hu": "Még nem volt hívás a Google felé.",
        },
        "operator.google.issuer": {
            "en": "Issuer {issuer}",
            "fi": "Myöntäjä {issuer}",
            "hu": "Kibocsátó: {issuer}",
        },
        "operator.google.rate": {
            "en": "{rate} calls a second",
            "fi": "{rate} kutsua sekunnissa",
            "hu": "{rate} hívás másodpercenként",
        },
        "operator.google.standing.open": {
            "en": "Google accepts",
            "fi": "Google hyväksyy",
            "hu": "A Google elfogadja",
        },
        "operator.google.standing.waiting": {"en": "waiting", "fi": "odottaa", "hu": "várakozik"},
        "operator.google.standing.stopped": {"en": "stopped", "fi": "pysäytetty", "hu": "leállt"},
        "operator.google.cards": {"en": "Cards", "fi": "Kortit", "hu": "Kártyák"},
        "operator.google.known": {
            "en": "Cards and coupons at Google",
            "fi": "Kortteja ja kuponkeja Googlella",
            "hu": "Kártyák és kuponok a Google-nál",
        },
        "operator.google.saved": {"en": "On somebody’s phone", "fi": "Jonkun puhelimessa", "hu": "Valaki telefonján"},
        "operator.google.deleted": {"en": "Put away", "fi": "Poistettu puhelimesta", "hu": "A telefonról törölve"},
        "operator.google.unknown": {"en": "Never saved", "fi": "Ei koskaan tallennettu", "hu": "Sosem mentették"},
        "operator.google.refused": {
            "en": "Google does not take these",
            "fi": "Google ei ota näitä",
            "hu": "A Google ezeket nem fogadja el",
        },
        "operator.google.classes": {"en": "Classes", "fi": "Luokat", "hu": "Osztályok"},
        "operator.google.no_classes": {
            "en": "No class has been made at Google yet.",
            "fi": "Googlella ei ole vielä yhtään luokkaa.",
            "hu": "A Google-nál még nincs osztály.",
        },
        "operator.google.review.APPROVED": {"en": "approved", "fi": "hyväksytty", "hu": "jóváhagyva"},
        "operator.google.review.UNDER_REVIEW": {"en": "under review", "fi": "tarkastettavana", "hu": "vizsgálat alatt"},
        "operator.google.review.REJECTED": {"en": "rejected", "fi": "hylätty", "hu": "elutasítva"},
        "operator.google.review.DRAFT": {"en": "draft", "fi": "luonnos", "hu": "vázlat"},
        "operator.google.review.unknown": {"en": "not asked yet", "fi": "ei vielä kysytty", "hu": "még nem kérdeztük"},
        "operator.google.sent": {"en": "sent {time}", "fi": "lähetetty {time}", "hu": "elküldve: {time}"},
        "operator.google.callbacks": {
            "en": "What Google tells us",
            "fi": "Mitä Google kertoo",
            "hu": "Amit a Google jelez",
        },
        "operator.google.no_callbacks": {
            "en": "Google has not told of a saved card yet.",
            "fi": "Google ei ole vielä kertonut tallennetusta kortista.",
            "hu": "A Google még nem jelzett mentett kártyát.",
        },
        "operator.google.kept": {
            "en": "Saves and deletions told",
            "fi": "Kerrottuja tallennuksia ja poistoja",
            "hu": "Jelzett mentések és törlések",
        },
        "operator.google.found": {
            "en": "Holders found only by asking",
            "fi": "Vain kysymällä löydettyjä",
            "hu": "Csak kérdezésből ismert birtokosok",
        },
        "operator.google.foreign": {
            "en": "About cards that are not here",
            "fi": "Täällä tuntemattomista korteista",
            "hu": "Itt ismeretlen kártyákról",
        },
        "operator.note.google.class": {
            "en": "Google classes to update",
            "fi": "Google-luokat",
            "hu": "Google-osztályok",
        },
    }
)
