"""The words on the operator's page about Apple."""

from kernel.i18n import register

register(
    {
        "operator.title": {"en": "Apple Wallet", "fi": "Apple Wallet", "hu": "Apple Wallet"},
        "operator.as_of": {"en": "As of {time}", "fi": "Tilanne {time}", "hu": "Állapot: {time}"},
        "operator.level.ok": {"en": "All is well", "fi": "Kaikki kunnossa", "hu": "Minden rendben"},
        "operator.level.note": {"en": "Good to know", "fi": "Hyvä tietää", "hu": "Jó tudni"},
        "operator.level.warn": {"en": "Needs attention", "fi": "Vaatii huomiota", "hu": "Figyelmet kér"},
        "operator.level.bad": {"en": "Act now", "fi": "Toimi heti", "hu": "Azonnali teendő"},
        "operator.findings": {"en": "What to do", "fi": "Mitä tehdä", "hu": "Teendők"},
        "operator.certificates": {"en": "Certificates", "fi": "Varmenteet", "hu": "Tanúsítványok"},
        "operator.no_certificates": {
            "en": "There is no certificate yet.",
            "fi": "Varmennetta ei vielä ole.",
            "hu": "Még nincs tanúsítvány.",
        },
        "operator.coalition": {"en": "Coalition", "fi": "Yhteenliittymä", "hu": "Szövetség"},
        "operator.source.store": {"en": "stored", "fi": "tallennettu", "hu": "tárolt"},
        "operator.source.files": {"en": "from files", "fi": "tiedostoista", "hu": "fájlokból"},
        "operator.taps": {"en": "taps", "fi": "lähiluku", "hu": "érintés"},
        "operator.no_taps": {"en": "no taps", "fi": "ei lähilukua", "hu": "nincs érintés"},
        "operator.unusable": {"en": "cannot be used", "fi": "ei käytettävissä", "hu": "nem használható"},
        "operator.team": {"en": "Team", "fi": "Tiimi", "hu": "Csapat"},
        "operator.ends": {"en": "Ends", "fi": "Päättyy", "hu": "Lejár"},
        "operator.issuer_ends": {
            "en": "Intermediate ends",
            "fi": "Välivarmenne päättyy",
            "hu": "A köztes lejár",
        },
        "operator.pushes": {"en": "Pushes", "fi": "Push-viestit", "hu": "Push-üzenetek"},
        "operator.no_pushes": {
            "en": "Nothing has been pushed yet.",
            "fi": "Vielä ei ole lähetetty mitään.",
            "hu": "Még semmi sem ment ki.",
        },
        "operator.standing.open": {"en": "Apple accepts", "fi": "Apple hyväksyy", "hu": "Az Apple elfogadja"},
        "operator.standing.waiting": {"en": "waiting", "fi": "odottaa", "hu": "várakozik"},
        "operator.standing.stopped": {"en": "stopped", "fi": "pysäytetty", "hu": "leállt"},
        "operator.by.certificate": {
            "en": "with the certificate",
            "fi": "varmenteella",
            "hu": "a tanúsítvánnyal",
        },
        "operator.by.token": {"en": "with a push key", "fi": "push-avaimella", "hu": "push-kulccsal"},
        "operator.by.none": {"en": "not connected yet", "fi": "ei vielä yhteyttä", "hu": "még nincs kapcsolat"},
        "operator.since": {"en": "since {time}", "fi": "{time} alkaen", "hu": "{time} óta"},
        "operator.push_key": {
            "en": "Push key {key_id}, team {team}",
            "fi": "Push-avain {key_id}, tiimi {team}",
            "hu": "{key_id} push-kulcs, {team} csapat",
        },
        "operator.unfetched": {
            "en": "Told as part of many and not fetched yet: {count}",
            "fi": "Osana isoa joukkoa kerrottu, vielä noutamatta: {count}",
            "hu": "Tömeges értesítésből még nem töltötték le: {count}",
        },
        "operator.notes": {"en": "Waiting changes", "fi": "Odottavat muutokset", "hu": "Várakozó változások"},
        "operator.no_notes": {
            "en": "Nothing waits: phones are up to date.",
            "fi": "Mikään ei odota: puhelimet ovat ajan tasalla.",
            "hu": "Semmi sem vár: a telefonok naprakészek.",
        },
        "operator.note.pass": {"en": "Cards to write anew", "fi": "Päivitettävät kortit", "hu": "Újraírandó kártyák"},
        "operator.note.pass.bulk": {
            "en": "Cards changed many at once",
            "fi": "Suuri erä muuttuvia kortteja",
            "hu": "Tömegesen változó kártyák",
        },
        "operator.note.design.release": {
            "en": "Designs on their way",
            "fi": "Julkaistavat ulkoasut",
            "hu": "Kiadás alatt álló arculatok",
        },
        "operator.note.apple.push": {
            "en": "iPhones to wake",
            "fi": "Herätettävät iPhonet",
            "hu": "Értesítendő iPhone-ok",
        },
        "operator.note.apple.push.device": {
            "en": "iPhones that Apple lets wait",
            "fi": "iPhonet, joita Apple odotuttaa",
            "hu": "iPhone-ok, amelyekre az Apple várat",
        },
        "operator.note.google.push": {"en": "Google cards to update", "fi": "Google-kortit", "hu": "Google-kártyák"},
        "operator.waiting": {"en": "waiting", "fi": "odottaa", "hu": "vár"},
        "operator.stuck": {"en": "{count} stuck", "fi": "{count} jumissa", "hu": "{count} elakadt"},
        "operator.reports": {
            "en": "What phones complain of",
            "fi": "Puhelinten valitukset",
            "hu": "A telefonok panaszai",
        },
        "operator.no_reports": {
            "en": "No phone has complained.",
            "fi": "Yksikään puhelin ei ole valittanut.",
            "hu": "Egyetlen telefon sem panaszkodott.",
        },
        "operator.last": {"en": "last {time}", "fi": "viimeksi {time}", "hu": "utoljára: {time}"},
        "operator.sign_in": {
            "en": "Sign in with an operator’s key",
            "fi": "Kirjaudu ylläpitäjän avaimella",
            "hu": "Jelentkezz be üzemeltetői kulccsal",
        },
        "operator.sign_in_how": {
            "en": "Reload the page. Any name will do; the password is a key of the operator with network:read, as"
            " commonpoint key create --operator prints it.",
            "fi": "Lataa sivu uudelleen. Nimi saa olla mikä tahansa; salasana on ylläpitäjän avain, jolla on oikeus"
            " network:read. Sen tulostaa commonpoint key create --operator.",
            "hu": "Töltsd újra az oldalt. A név bármi lehet; a jelszó az üzemeltető kulcsa network:read joggal, ahogy a"
            " commonpoint key create --operator kiírja.",
        },
    }
)
