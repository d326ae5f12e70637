"""What the complaints of phones mean, for whoever runs the service."""

from kernel.i18n import register
from passes.apple.device_log import KINDS
from passes.apple.reports import DROPPED

_MEANINGS = {
    "unchanged": {
        "en": "A pass was listed as changed, but the phone had this version already. A few are normal; many mean that "
        "tags or dates are wrong.",
        "fi": "Kortti listattiin muuttuneeksi, mutta puhelimessa oli jo tämä versio. Muutama on tavallista; jos niitä "
        "on paljon, tunnisteet tai päivämäärät ovat väärin.",
        "hu": "Egy kártya változottként szerepelt a listán, de a telefonon már ez a változat volt. Néhány ilyen "
        "természetes; ha sok van, a címkék vagy a dátumok hibásak.",
    },
    "ignored_date": {
        "en": "A phone got a file that it had already. If-Modified-Since does not reach the service: look at proxies "
        "and caches in front of it.",
        "fi": "Puhelin sai tiedoston, joka sillä jo oli. If-Modified-Since ei tule palveluun asti: tarkista edessä "
        "olevat välipalvelimet ja välimuistit.",
        "hu": "Egy telefon olyan fájlt kapott, amely már megvolt neki. Az If-Modified-Since nem jut el a "
        "szolgáltatásig: nézd meg az előtte álló proxykat és gyorsítótárakat.",
    },
    "missing_date": {
        "en": "A file arrived without Last-Modified: a proxy removes the header.",
        "fi": "Tiedosto saapui ilman Last-Modified-otsaketta: jokin välipalvelin poistaa sen.",
        "hu": "Egy fájl Last-Modified nélkül érkezett: egy proxy elveszi a fejlécet.",
    },
    "spurious_push": {
        "en": "A phone was woken although nothing had changed. A few are normal after many changes at once.",
        "fi": "Puhelin herätettiin, vaikka mikään ei ollut muuttunut. Muutama on tavallista, kun muutoksia on monta "
        "kerralla.",
        "hu": "Egy telefont felébresztettünk, pedig semmi sem változott. Sok egyidejű változás után néhány ilyen "
        "természetes.",
    },
    "unregistered": {
        "en": "A phone was told of a pass that its owner had deleted. The phone's message about it was lost.",
        "fi": "Puhelimelle kerrottiin kortista, jonka omistaja oli poistanut. Puhelimen viesti siitä katosi.",
        "hu": "Egy telefon olyan kártyáról kapott hírt, amelyet a tulajdonosa már törölt. A telefon erről szóló "
        "üzenete elveszett.",
    },
    "missing_tag": {
        "en": "A list arrived without its tag: something between the service and the phones changes the answers.",
        "fi": "Lista saapui ilman tunnistetta: jokin palvelun ja puhelinten välillä muuttaa vastauksia.",
        "hu": "Egy lista a címkéje nélkül érkezett: valami a szolgáltatás és a telefonok között megváltoztatja a "
        "válaszokat.",
    },
    "same_tag": {
        "en": "A list arrived with the tag that the phone had: an old answer came out of a cache in front of the "
        "service.",
        "fi": "Lista saapui samalla tunnisteella, joka puhelimella jo oli: vanha vastaus tuli edessä olevasta "
        "välimuistista.",
        "hu": "Egy lista azzal a címkével érkezett, amely a telefonnak már megvolt: egy régi válasz jött a "
        "szolgáltatás előtti gyorsítótárból.",
    },
    "not_personalised": {
        "en": "After signing up the pass was still the impersonal one. The phone will ask again.",
        "fi": "Liittymisen jälkeen kortti oli yhä nimetön. Puhelin kysyy uudelleen.",
        "hu": "A feliratkozás után a kártya még mindig a név nélküli volt. A telefon újra kérdezni fogja.",
    },
    "refused": {
        "en": "A phone's token was not accepted: its pass was replaced by another one, or the master secret changed.",
        "fi": "Puhelimen tunnusta ei hyväksytty: kortti on korvattu toisella tai pääsalaisuus on vaihtunut.",
        "hu": "Egy telefon tokenjét nem fogadtuk el: a kártyáját másik váltotta fel, vagy a mestertitok megváltozott.",
    },
    "malformed_list": {
        "en": "A phone could not read a list: something between the service and the phones changes the answers.",
        "fi": "Puhelin ei osannut lukea listaa: jokin palvelun ja puhelinten välillä muuttaa vastauksia.",
        "hu": "Egy telefon nem tudott elolvasni egy listát: valami a szolgáltatás és a telefonok között megváltoztatja "
        "a válaszokat.",
    },
    "invalid_pass": {
        "en": "A phone refused a pass file. Look at the certificate (commonpoint apple doctor) and at the design.",
        "fi": "Puhelin hylkäsi korttitiedoston. Tarkista varmenne (commonpoint apple doctor) ja ulkoasu.",
        "hu": "Egy telefon visszautasított egy kártyafájlt. Nézd meg a tanúsítványt (commonpoint apple doctor) és a "
        "kártyatervet.",
    },
    "status": {
        "en": "A phone got an answer that it did not expect; the call and the status are named. 4xx and 5xx often come "
        "from a proxy in front of the service.",
        "fi": "Puhelin sai odottamattoman vastauksen; kutsu ja tila on nimetty. 4xx ja 5xx tulevat usein edessä "
        "olevasta välipalvelimesta.",
        "hu": "Egy telefon váratlan választ kapott; a hívás és az állapotkód meg van nevezve. A 4xx és 5xx gyakran a "
        "szolgáltatás előtti proxytól jön.",
    },
    "failed": {
        "en": "A call of a phone failed, mostly for want of network. Many at once: look at TLS and at the address.",
        "fi": "Puhelimen kutsu epäonnistui, useimmiten verkon puutteeseen. Jos niitä tulee monta kerralla, tarkista "
        "TLS ja osoite.",
        "hu": "Egy telefon hívása nem sikerült, többnyire hálózat híján. Ha egyszerre sok van: nézd meg a TLS-t és a "
        "címet.",
    },
    "other": {
        "en": "Something that we do not know. Anyone can post here, so it may mean nothing.",
        "fi": "Jotain, mitä emme tunne. Kuka tahansa voi kirjoittaa tänne, joten se ei välttämättä merkitse mitään.",
        "hu": "Valami, amit nem ismerünk. Ide bárki írhat, így lehet, hogy semmit sem jelent.",
    },
    DROPPED: {
        "en": "Lines beyond what is taken in a minute. They were not read.",
        "fi": "Rivejä enemmän kuin minuutissa otetaan vastaan. Niitä ei luettu.",
        "hu": "Több sor, mint amennyit egy perc alatt átveszünk. Ezeket nem olvastuk el.",
    },
}

register({f"apple.report.{kind}": texts for kind, texts in _MEANINGS.items()})
assert _MEANINGS.keys() == {*KINDS, DROPPED}, "each kind of complaint has a meaning"


def meaning_of(kind: str) -> str:
    """The id of the message that says what a kind of complaint means; kinds that we no longer know are "other"."""
    return f"apple.report.{kind if kind in _MEANINGS else 'other'}"
