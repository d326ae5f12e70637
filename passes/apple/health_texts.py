"""What is told of the state of certificates and pushes, to the operator: in the terminal and on the page."""

from datetime import date

from kernel.i18n import register, translate

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

register(
    {
        "apple.left.today": {"en": "last day", "fi": "viimeinen päivä", "hu": "utolsó nap"},
        "apple.left.one": {"en": "1 day left", "fi": "1 päivä jäljellä", "hu": "még 1 nap"},
        "apple.left.many": {"en": "{days} days left", "fi": "{days} päivää jäljellä", "hu": "még {days} nap"},
        "apple.left.over": {"en": "expired", "fi": "vanhentunut", "hu": "lejárt"},
        "apple.health.ends": {
            "en": "The certificate ends on {date} ({left}). Ask Apple for the next one now.",
            "fi": "Varmenne päättyy {date} ({left}). Pyydä Applelta seuraava nyt.",
            "hu": "A tanúsítvány lejárata: {date} ({left}). Kérd most a következőt az Apple-től.",
        },
        "apple.health.ends_requested": {
            "en": "The certificate ends on {date} ({left}). The next one is asked for: install what Apple gives you.",
            "fi": "Varmenne päättyy {date} ({left}). Seuraavan pyyntö on tehty: asenna Applen vastaus.",
            "hu": "A tanúsítvány lejárata: {date} ({left}). A következő kérelme már kész: telepítsd, amit az Apple ad.",
        },
        "apple.health.ended": {
            "en": "The certificate ended on {date}. Passes stay on phones, but none can be updated or added.",
            "fi": "Varmenne päättyi {date}. Kortit pysyvät puhelimissa, mutta niitä ei voi päivittää eikä lisätä.",
            "hu": "A tanúsítvány lejárt ({date}). A kártyák a telefonokon maradnak, de egyik sem frissíthető, és új sem"
            " adható hozzá.",
        },
        "apple.health.issuer_ends": {
            "en": "Apple’s intermediate certificate ends on {date} ({left}). Get a certificate of the newer one.",
            "fi": "Applen välivarmenne päättyy {date} ({left}). Hanki varmenne, jonka uudempi on myöntänyt.",
            "hu": "Az Apple köztes tanúsítványának lejárata: {date} ({left}). Szerezz az újabbtól kapott tanúsítványt.",
        },
        "apple.health.issuer_ended": {
            "en": "Apple’s intermediate certificate ended on {date}: phones refuse what is signed now.",
            "fi": "Applen välivarmenne päättyi {date}: puhelimet hylkäävät nyt allekirjoitetut kortit.",
            "hu": "Az Apple köztes tanúsítványa lejárt ({date}). A telefonok elutasítják, amit most aláírunk.",
        },
        "apple.health.early": {
            "en": "The certificate begins on {date}, which is not yet. Is this machine’s clock right?",
            "fi": "Varmenne tulee voimaan vasta {date}. Onko tämän koneen kello oikeassa?",
            "hu": "A tanúsítvány még nem érvényes (kezdete: {date}). Jól jár ennek a gépnek az órája?",
        },
        "apple.health.test_authority": {
            "en": "A test authority issued the certificate: no real phone opens these passes.",
            "fi": "Varmenteen myönsi testivarmentaja: mikään oikea puhelin ei avaa näitä kortteja.",
            "hu": "A tanúsítványt teszthatóság adta ki: valódi telefon nem nyitja meg ezeket a kártyákat.",
        },
        "apple.health.issuer_unknown": {
            "en": "The intermediate is not known to this version. Compare its fingerprint with Apple’s: {fingerprint}",
            "fi": "Tämä versio ei tunne välivarmennetta. Vertaa sen sormenjälkeä Applen ilmoittamaan: {fingerprint}",
            "hu": "Ez a változat nem ismeri a köztes tanúsítványt. Vesd össze az ujjlenyomatát az Apple adatával:"
            " {fingerprint}",
        },
        "apple.health.locked": {
            "en": "The stored certificate cannot be used: {reason}",
            "fi": "Tallennettua varmennetta ei voi käyttää: {reason}",
            "hu": "A tárolt tanúsítvány nem használható: {reason}",
        },
        "apple.health.no_taps": {
            "en": "There are keys for taps, but the certificate does not allow taps: passes are made without them.",
            "fi": "Lähilukua varten on avaimia, mutta varmenne ei salli sitä: kortit tehdään ilman lähilukua.",
            "hu": "Vannak kulcsok az érintéshez, de a tanúsítvány nem engedi: a kártyák érintés nélkül készülnek.",
        },
        "apple.health.request_open": {
            "en": "A request has been waiting for Apple’s certificate since {date}.",
            "fi": "Pyyntö on odottanut Applen varmennetta {date} alkaen.",
            "hu": "Egy kérelem {date} óta vár az Apple tanúsítványára.",
        },
        "apple.health.nothing": {
            "en": "No certificate is installed. Begin with a request.",
            "fi": "Varmennetta ei ole asennettu. Aloita tekemällä pyyntö.",
            "hu": "Nincs telepített tanúsítvány. Kezdd egy kérelemmel.",
        },
        "apple.health.not_the_settings": {
            "en": "The settings name this pass type for new passes, but no certificate for it is in use.",
            "fi": "Asetuksissa tämä on uusien korttien tyyppi, mutta sille ei ole varmennetta käytössä.",
            "hu": "A beállítások szerint az új kártyák ilyen típusúak, de nincs hozzá használt tanúsítvány.",
        },
        "apple.health.overridden": {
            "en": "The files of the settings are not used: the store has a certificate for this pass type.",
            "fi": "Asetusten tiedostoja ei käytetä: tälle tyypille on tallennettu varmenne.",
            "hu": "A beállításokban megadott fájlok nincsenek használatban: ehhez a típushoz van tárolt tanúsítvány.",
        },
        "apple.health.push_key_locked": {
            "en": "The push key {key_id} cannot be used: {reason}",
            "fi": "Push-avainta {key_id} ei voi käyttää: {reason}",
            "hu": "A(z) {key_id} push-kulcs nem használható: {reason}",
        },
        "apple.health.push_stopped": {
            "en": "Apple refuses our pushes, so phones are not told of changes: {reason}",
            "fi": "Apple hylkää push-viestit, joten puhelimet eivät kuule muutoksista: {reason}",
            "hu": "Az Apple elutasítja a push-üzeneteket, a telefonok nem értesülnek a változásokról: {reason}",
        },
        "apple.health.push_waiting": {
            "en": "Apple’s push service cannot be reached or asks to wait: {reason}",
            "fi": "Applen push-palveluun ei saada yhteyttä tai se pyytää odottamaan: {reason}",
            "hu": "Az Apple push-szolgáltatása nem érhető el, vagy várakozást kér: {reason}",
        },
        "apple.health.notes_stuck": {
            "en": "Changes that wait for “{kind}” are stuck ({stuck}): {reason}",
            "fi": "Muutokset, jotka odottavat kohdetta “{kind}”, ovat jumissa ({stuck}): {reason}",
            "hu": "Elakadtak a(z) „{kind}” címzettre váró változások ({stuck}): {reason}",
        },
    }
)


def date_text(day: date, language: str) -> str:
    """A day with its year, as the language writes it in tables."""
    if language == "fi":
        return f"{day.day}.{day.month}.{day.year}"
    if language == "hu":
        return f"{day.year}. {day.month:02}. {day.day:02}."
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def left_text(days: int, language: str) -> str:
    """How long something still is valid."""
    form = "over" if days < 0 else "today" if days == 0 else "one" if days == 1 else "many"
    return translate(f"apple.left.{form}", language, **({"days": days} if form == "many" else {}))
