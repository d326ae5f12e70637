"""What is told of the state of the Google side, to the operator: in the terminal and on the page."""

from kernel.i18n import register

register(
    {
        "google.health.twin": {
            "en": "No service account is named: the test twin stands in, and no real phone hears of anything.",
            "fi": "Palvelutiliä ei ole annettu: tilalla on testikaksonen, eikä mikään oikea puhelin kuule mistään.",
            "hu": "Nincs megadva szolgáltatásfiók: a tesztmás helyettesíti, valódi telefonra semmi sem jut el.",
        },
        "google.health.credentials": {
            "en": "The service account’s file cannot be used: {reason}",
            "fi": "Palvelutilin tiedostoa ei voi käyttää: {reason}",
            "hu": "A szolgáltatásfiók fájlja nem használható: {reason}",
        },
        "google.health.account_refused": {
            "en": "Google does not know this service account any more. Make a new key in the Cloud console."
            " ({reason})",
            "fi": "Google ei enää tunne tätä palvelutiliä. Luo uusi avain Cloud-konsolissa. ({reason})",
            "hu": "A Google már nem ismeri ezt a szolgáltatásfiókot. Készíts új kulcsot a Cloud konzolban. ({reason})",
        },
        "google.health.token_unavailable": {
            "en": "Google gives no access token now: {reason}",
            "fi": "Google ei nyt anna käyttötunnusta: {reason}",
            "hu": "A Google most nem ad hozzáférési tokent: {reason}",
        },
        "google.health.issuer_unknown": {
            "en": "Google knows no issuer with this number. Compare it with the Pay & Wallet console.",
            "fi": "Google ei tunne tämän numeroista myöntäjää. Vertaa numeroa Pay & Wallet -konsoliin.",
            "hu": "A Google nem ismer ilyen számú kibocsátót. Vesd össze a Pay & Wallet konzollal.",
        },
        "google.health.issuer_forbidden": {
            "en": "Google does not let the account act for this issuer. Invite {email} as a developer in the Pay &"
            " Wallet"
            " console. ({reason})",
            "fi": "Google ei salli tilin toimia tämän myöntäjän puolesta. Kutsu {email} kehittäjäksi Pay & Wallet"
            " -konsolissa. ({reason})",
            "hu": "A Google nem engedi, hogy a fiók ennek a kibocsátónak a nevében járjon el. Hívd meg fejlesztőként a"
            " Pay & Wallet konzolban: {email}. ({reason})",
        },
        "google.health.issuer_unavailable": {
            "en": "The issuer cannot be read as {email} now: {reason}",
            "fi": "Myöntäjän tietoja ei voi nyt lukea tilillä {email}: {reason}",
            "hu": "A kibocsátó most nem olvasható ezzel a fiókkal: {email}. {reason}",
        },
        "google.health.calls_stopped": {
            "en": "Google refuses our calls, so cards on phones stay as they are: {reason}",
            "fi": "Google hylkää kutsumme, joten puhelinten kortit jäävät ennalleen: {reason}",
            "hu": "A Google elutasítja a hívásainkat, a telefonokon a kártyák nem változnak: {reason}",
        },
        "google.health.calls_waiting": {
            "en": "Google cannot be reached or asks to wait: {reason}",
            "fi": "Googleen ei saada yhteyttä tai se pyytää odottamaan: {reason}",
            "hu": "A Google nem érhető el, vagy várakozást kér: {reason}",
        },
        "google.health.class_rejected": {
            "en": "Google rejected this class: its cards cannot be saved. The console says why.",
            "fi": "Google hylkäsi tämän luokan: sen kortteja ei voi tallentaa. Syy on konsolissa.",
            "hu": "A Google elutasította ezt az osztályt: a kártyái nem menthetők. Az ok a konzolban olvasható.",
        },
        "google.health.class_draft": {
            "en": "This class is a draft at Google: its cards cannot be saved.",
            "fi": "Tämä luokka on Googlella luonnos: sen kortteja ei voi tallentaa.",
            "hu": "Ez az osztály a Google-nál még vázlat: a kártyái nem menthetők.",
        },
        "google.health.class_under_review": {
            "en": "Google still reviews this class; normally that takes a moment.",
            "fi": "Google tarkastaa vielä tätä luokkaa; yleensä se vie hetken.",
            "hu": "A Google még vizsgálja ezt az osztályt; ez általában egy pillanat.",
        },
        "google.health.class_unclear": {
            "en": "Google says of this class what this version does not know: {review}",
            "fi": "Google sanoo luokasta jotain, mitä tämä versio ei tunne: {review}",
            "hu": "A Google olyat mond az osztályról, amit ez a változat nem ismer: {review}",
        },
        "google.health.class_missing": {
            "en": "Google does not have this class any more. It is sent again within a day, or with the next change.",
            "fi": "Googlella ei enää ole tätä luokkaa. Se lähetetään uudelleen vuorokaudessa tai muutoksen"
            " yhteydessä.",
            "hu": "A Google-nál már nincs meg ez az osztály. Egy napon belül vagy a következő változáskor újra"
            " elküldjük.",
        },
        "google.health.class_unread": {
            "en": "The class could not be read: {reason}",
            "fi": "Luokkaa ei voitu lukea: {reason}",
            "hu": "Az osztályt nem sikerült beolvasni: {reason}",
        },
        "google.health.cards_refused": {
            "en": "Cards that Google does not take as they are: {count}. One of the reasons: {reason}",
            "fi": "Kortteja, joita Google ei ota tällaisina: {count}. Yksi syistä: {reason}",
            "hu": "Ennyi kártyát nem fogad el a Google így: {count}. Az egyik ok: {reason}",
        },
        "google.health.cards_unasked": {
            "en": "Cards that Google was not asked about for {days} days: {count}. Calls are needed elsewhere.",
            "fi": "Kortteja, joista Googlelta ei ole kysytty {days} vuorokauteen: {count}. Kutsut menevät muualle.",
            "hu": "Ennyi kártyáról nem kérdeztük a Google-t {days} napja: {count}. A hívások máshová kellenek.",
        },
        "google.health.callbacks_silent": {
            "en": "Google’s callbacks do not arrive: {count} saved cards were found by asking alone.",
            "fi": "Googlen ilmoitukset eivät tule perille: {count} tallennettua korttia löytyi vain kysymällä.",
            "hu": "A Google visszahívásai nem érkeznek meg: {count} mentett kártyáról csak kérdezésből tudunk.",
        },
        "google.health.callbacks_unknown": {
            "en": "Callbacks about cards that are not here: {count}. Does another service use this issuer too?",
            "fi": "Ilmoituksia korteista, joita täällä ei ole: {count}. Käyttääkö toinen palvelu samaa myöntäjää?",
            "hu": "Ennyi visszahívás szólt itt ismeretlen kártyáról: {count}. Más szolgáltatás is használja a"
            " kibocsátót?",
        },
        "google.health.callbacks_no_https": {
            "en": "Google posts callbacks to https addresses only; this is not one.",
            "fi": "Google lähettää ilmoituksia vain https-osoitteisiin; tämä ei ole sellainen.",
            "hu": "A Google csak https címre küld visszahívást; ez nem az.",
        },
        "google.health.callbacks_private": {
            "en": "Nobody outside reaches this address, so Google’s callbacks do not arrive.",
            "fi": "Tähän osoitteeseen ei pääse ulkoa, joten Googlen ilmoitukset eivät tule perille.",
            "hu": "Ez a cím kívülről nem érhető el, így a Google visszahívásai nem érkeznek meg.",
        },
        "google.health.callbacks_robots": {
            "en": "robots.txt (status {status}) does not let Googlebot go where callbacks go, so Google sends none.",
            "fi": "robots.txt (tila {status}) ei päästä Googlebotia ilmoitusten osoitteeseen, joten niitä ei"
            " lähetetä.",
            "hu": "A robots.txt (állapot: {status}) nem engedi a Googlebotot a visszahívások címére, így nem is küld.",
        },
        "google.health.callbacks_elsewhere": {
            "en": "Something else than this service answers where callbacks go (status {status}): a proxy in front"
            " of it?",
            "fi": "Ilmoitusten osoitteessa vastaa jokin muu kuin tämä palvelu (tila {status}): onko edessä"
            " välipalvelin?",
            "hu": "A visszahívások címén nem ez a szolgáltatás válaszol (állapot: {status}): van előtte proxy?",
        },
        "google.health.callbacks_unreachable": {
            "en": "The address of callbacks cannot be reached from here: {reason}",
            "fi": "Ilmoitusten osoitteeseen ei saada yhteyttä täältä: {reason}",
            "hu": "A visszahívások címe innen nem érhető el: {reason}",
        },
        "google.health.root_keys_unavailable": {
            "en": "Google’s root keys cannot be had, so callbacks cannot be believed: {reason}",
            "fi": "Googlen juuriavaimia ei saada, joten ilmoituksiin ei voi luottaa: {reason}",
            "hu": "A Google gyökérkulcsai nem érhetők el, így a visszahívásoknak nem hihetünk: {reason}",
        },
        "google.health.root_keys_none": {
            "en": "Google’s list has no root key that may sign callbacks now.",
            "fi": "Googlen luettelossa ei ole juuriavainta, joka nyt saisi allekirjoittaa ilmoituksia.",
            "hu": "A Google listáján nincs gyökérkulcs, amely most visszahívást írhatna alá.",
        },
        "google.health.clock_off": {
            "en": "This machine’s clock differs from Google’s by {seconds} s. Set it: codes and callbacks depend on"
            " it.",
            "fi": "Tämän koneen kello poikkeaa Googlen kellosta {seconds} s. Aseta se: koodit ja ilmoitukset"
            " nojaavat siihen.",
            "hu": "A gép órája {seconds} mp-cel eltér a Google órájától. Állítsd be: a kódok és visszahívások ezen"
            " múlnak.",
        },
        "google.health.clock_wrong": {
            "en": "This machine’s clock differs from Google’s by {seconds} s: Google refuses us, and no rotating"
            " code fits.",
            "fi": "Tämän koneen kello poikkeaa Googlen kellosta {seconds} s: Google hylkää meidät, eikä vaihtuva"
            " koodi täsmää.",
            "hu": "A gép órája {seconds} mp-cel eltér a Google órájától: a Google elutasít, és egy váltakozó kód sem"
            " jó.",
        },
        "google.health.rate_above": {
            "en": "The pace is set to {rate} calls a second; without asking for more, Google allows {allowed}.",
            "fi": "Tahdiksi on asetettu {rate} kutsua sekunnissa; ellei enempää ole pyydetty, Google sallii"
            " {allowed}.",
            "hu": "A beállított ütem másodpercenként {rate} hívás; külön kérés nélkül a Google {allowed} hívást"
            " enged.",
        },
        "google.health.rate_slowed": {
            "en": "Google asked to slow down: {rate} calls a second now, of {allowed}. The pace grows back by itself.",
            "fi": "Google pyysi hidastamaan: nyt {rate} kutsua sekunnissa, täysi tahti {allowed}. Tahti palautuu"
            " itsestään.",
            "hu": "A Google lassítást kért: most {rate} hívás másodpercenként a {allowed} helyett. Magától visszaáll.",
        },
        "google.health.backlog": {
            "en": "{count} changes wait for Google; at the present pace they take {minutes} minutes.",
            "fi": "{count} muutosta odottaa Googlea; nykyisellä tahdilla niihin menee {minutes} minuuttia.",
            "hu": "{count} változás vár a Google-ra; a mostani ütemben ez {minutes} perc.",
        },
        "google.health.notes_stuck": {
            "en": "Changes that wait for “{kind}” are stuck ({stuck}): {reason}",
            "fi": "Muutokset, jotka odottavat kohdetta “{kind}”, ovat jumissa ({stuck}): {reason}",
            "hu": "Elakadtak a(z) „{kind}” címzettre váró változások ({stuck}): {reason}",
        },
    }
)  # fmt: skip
