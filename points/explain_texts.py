"""The words of explanations. `{points}` is a number with the unit, `{money}` an amount with its currency."""

from kernel.i18n import register

register(
    {
        "why.unit.one": {"en": "point", "fi": "piste", "hu": "pont"},
        "why.unit.many": {"en": "points", "fi": "pistettä", "hu": "pont"},
        "why.purchase": {
            "en": "The purchase was {money}.",
            "fi": "Ostoksen summa oli {money}.",
            "hu": "A vásárlás összege {money} volt.",
        },
        "why.purchase_in_part": {
            "en": "The purchase was {money}, of which {counts} counts.",
            "fi": "Ostoksen summa oli {money}, josta otetaan huomioon {counts}.",
            "hu": "A vásárlás összege {money} volt, ebből {counts} számít.",
        },
        "why.rule": {"en": "{rule}: {points}.", "fi": "{rule}: {points}.", "hu": "{rule}: {points}."},
        "why.rule_of_money": {
            "en": "{rule} ({rate} for every {per}): {points}.",
            "fi": "{rule} ({rate} jokaista {per} kohti): {points}.",
            "hu": "{rule} ({rate} minden {per} után): {points}.",
        },
        "why.rule_of_pieces": {
            "en": "{rule} ({rate} for a quantity of {per}): {points}.",
            "fi": "{rule} ({rate} / määrä {per}): {points}.",
            "hu": "{rule} ({rate} / {per} mennyiség): {points}.",
        },
        "why.terms": {
            "en": "Rate of the shop, {terms}",
            "fi": "Liikkeen kertymä, {terms}",
            "hu": "Az üzlet pontgyűjtési aránya, {terms}",
        },
        "why.campaign": {
            "en": "Campaign {campaign}: {points} more.",
            "fi": "Kampanja {campaign}: lisäksi {points}.",
            "hu": "{campaign} kampány: további {points}.",
        },
        "why.carried": {
            "en": "Carried over from before: {before}; kept for the next time: {after}.",
            "fi": "Aiemmasta siirtyi {before}; seuraavaan kertaan jää {after}.",
            "hu": "Korábbról áthozva: {before}; a következő alkalomra marad: {after}.",
        },
        "why.in_all": {"en": "In all: {points}.", "fi": "Yhteensä: {points}.", "hu": "Összesen: {points}."},
        "why.usable_from": {
            "en": "They can be used from {date}.",
            "fi": "Käytettävissä {date} alkaen.",
            "hu": "Felhasználható ettől a naptól: {date}",
        },
        "why.awaits": {
            "en": "They can be used as soon as this has happened: {event}.",
            "fi": "Käytettävissä heti, kun tämä on tapahtunut: {event}.",
            "hu": "Felhasználható, amint ez megtörtént: {event}.",
        },
        "why.review": {
            "en": "They can be used as soon as somebody has looked at this.",
            "fi": "Käytettävissä heti, kun tapahtuma on tarkistettu.",
            "hu": "Felhasználható, amint a tételt ellenőriztük.",
        },
        "why.approved": {
            "en": "It was looked at and approved.",
            "fi": "Tapahtuma on tarkistettu ja hyväksytty.",
            "hu": "A tételt ellenőriztük és jóváhagytuk.",
        },
        "why.rejected": {
            "en": "It was looked at and not approved.",
            "fi": "Tapahtuma on tarkistettu, eikä sitä hyväksytty.",
            "hu": "A tételt ellenőriztük, és nem hagytuk jóvá.",
        },
        "why.acted": {
            "en": "This has happened: {event}.",
            "fi": "Tämä on tapahtunut: {event}.",
            "hu": "Ez megtörtént: {event}.",
        },
        "why.short": {
            "en": "Spent at a till without a connection; {points} were not there.",
            "fi": "Käytetty kassalla ilman yhteyttä; {points} puuttui.",
            "hu": "Kapcsolat nélküli pénztárnál beváltva; {points} hiányzott.",
        },
        "why.proof.rotating_code": {
            "en": "Shown with a code that changes.",
            "fi": "Vahvistettu vaihtuvalla koodilla.",
            "hu": "Változó kóddal igazolva.",
        },
        "why.proof.tap": {
            "en": "The phone was held to the reader.",
            "fi": "Puhelin näytettiin lukijalle.",
            "hu": "A telefont az olvasóhoz érintették.",
        },
        "why.proof.confirmation": {
            "en": "The member confirmed it.",
            "fi": "Jäsen vahvisti tapahtuman.",
            "hu": "A tag megerősítette.",
        },
        "why.proof.pin": {
            "en": "The PIN was entered.",
            "fi": "Vahvistettu PIN-koodilla.",
            "hu": "PIN-kóddal igazolva.",
        },
        "why.not.staff": {
            "en": "it is not for those who work here",
            "fi": "se ei koske henkilökuntaa",
            "hu": "az itt dolgozóknak nem jár",
        },
        "why.valid_until": {
            "en": "They are valid until {date}.",
            "fi": "Voimassa {date} asti.",
            "hu": "Érvényesség vége: {date}",
        },
        "why.not": {
            "en": "{rule} gave nothing: {reason}.",
            "fi": "{rule} ei kerryttänyt: {reason}.",
            "hu": "{rule} nem adott semmit: {reason}.",
        },
        "why.not.min_gap": {
            "en": "too soon after the last time",
            "fi": "edellisestä kerrasta on liian vähän aikaa",
            "hu": "túl rövid idő telt el az előző alkalom óta",
        },
        "why.not.max_per": {
            "en": "the number of times in this period is used up",
            "fi": "tämän jakson kerrat on käytetty",
            "hu": "ebben az időszakban több alkalom nem jár",
        },
        "why.not.max_points": {
            "en": "the limit of this period is reached",
            "fi": "tämän jakson enimmäismäärä on täynnä",
            "hu": "ebben az időszakban több nem gyűjthető",
        },
        "why.not.once": {
            "en": "it is given only once",
            "fi": "sen saa vain kerran",
            "hu": "csak egyszer jár",
        },
        "why.not.budget": {
            "en": "the campaign's budget is used up",
            "fi": "kampanjan budjetti on käytetty",
            "hu": "a kampány kerete elfogyott",
        },
        "why.not.minimum_basket": {
            "en": "the purchase is below the minimum",
            "fi": "ostos jää alle vähimmäissumman",
            "hu": "a vásárlás nem éri el a minimális összeget",
        },
        "why.not.earn_base": {
            "en": "nothing in this purchase counts",
            "fi": "mikään tässä ostoksessa ei kerrytä",
            "hu": "ebben a vásárlásban semmi sem számít",
        },
        "why.redeem": {"en": "Spent: {points}.", "fi": "Käytetty: {points}.", "hu": "Beváltva: {points}."},
        "why.reward": {"en": "Reward: {reward}.", "fi": "Etu: {reward}.", "hu": "Jutalom: {reward}."},
        "why.worth": {"en": "Worth {money}.", "fi": "Arvo {money}.", "hu": "Értéke {money}."},
        "why.refund": {
            "en": "{money} was refunded; points are what the rest of the purchase gives.",
            "fi": "Palautus {money}; pisteet lasketaan siitä, mitä ostoksesta jää jäljelle.",
            "hu": "Visszatérítés: {money}; a pontok a vásárlás megmaradt része után járnak.",
        },
        "why.refund_whole": {
            "en": "It was taken back as a whole.",
            "fi": "Tapahtuma peruttiin kokonaan.",
            "hu": "A tétel teljes egészében visszavonva.",
        },
        "why.taken_back": {
            "en": "Taken back: {points}.",
            "fi": "Peruttu: {points}.",
            "hu": "Visszavonva: {points}.",
        },
        "why.given_back": {
            "en": "Given back: {points}.",
            "fi": "Palautettu: {points}.",
            "hu": "Visszaadva: {points}.",
        },
        "why.retracted": {
            "en": "{what} is not reached any more after a return.",
            "fi": "{what}: ehto ei enää täyty palautuksen jälkeen.",
            "hu": "{what}: a feltétel a visszatérítés után már nem teljesül.",
        },
        "why.claim": {
            "en": "Set aside for {reward}: {points}.",
            "fi": "Varattu etuun {reward}: {points}.",
            "hu": "Félretéve erre: {reward}: {points}.",
        },
        "why.capture": {
            "en": "{reward} was handed over for {points}.",
            "fi": "{reward} on luovutettu, hinta {points}.",
            "hu": "{reward} átadva, ára {points}.",
        },
        "why.release": {
            "en": "{reward} was given up: {points} can be used again.",
            "fi": "{reward}: varaus peruttiin, {points} on taas käytettävissä.",
            "hu": "{reward}: a foglalás törölve, {points} újra felhasználható.",
        },
        "why.time_out": {
            "en": "{reward} was not collected in time: {points} can be used again.",
            "fi": "{reward}: varaus vanheni, {points} on taas käytettävissä.",
            "hu": "{reward}: a foglalás lejárt, {points} újra felhasználható.",
        },
        "why.grant.challenge": {
            "en": "Challenge completed: {what}.",
            "fi": "Haaste suoritettu: {what}.",
            "hu": "Kihívás teljesítve: {what}.",
        },
        "why.grant.streak": {
            "en": "Streak completed: {what}.",
            "fi": "Putki täynnä: {what}.",
            "hu": "Sorozat teljesítve: {what}.",
        },
        "why.grant.milestone": {
            "en": "Milestone reached: {what}.",
            "fi": "Virstanpylväs saavutettu: {what}.",
            "hu": "Mérföldkő elérve: {what}.",
        },
        "why.grant.birthday": {
            "en": "Happy birthday!",
            "fi": "Hyvää syntymäpäivää!",
            "hu": "Boldog születésnapot!",
        },
        "why.grant.anniversary": {
            "en": "Thank you for another year with us.",
            "fi": "Kiitos taas yhdestä vuodesta kanssamme.",
            "hu": "Köszönjük, hogy újabb éve velünk vagy.",
        },
        "why.grant.referral_referrer": {
            "en": "A friend came on your invitation.",
            "fi": "Ystäväsi tuli mukaan kutsustasi.",
            "hu": "Egy barátod a meghívásodra csatlakozott.",
        },
        "why.grant.referral_friend": {
            "en": "You came on a friend's invitation.",
            "fi": "Tulit mukaan ystävän kutsusta.",
            "hu": "Egy barátod meghívására csatlakoztál.",
        },
        "why.grant.survey": {
            "en": "Thank you for your answers.",
            "fi": "Kiitos vastauksistasi.",
            "hu": "Köszönjük a válaszaidat.",
        },
        "why.grant.game": {
            "en": "Won in a game: {what}.",
            "fi": "Voitto pelistä: {what}.",
            "hu": "Nyeremény játékból: {what}.",
        },
        "why.grant.surprise": {
            "en": "A surprise: you were drawn by chance.",
            "fi": "Yllätys: arpa osui sinuun.",
            "hu": "Meglepetés: a sorsolás téged választott.",
        },
        "why.grant.total": {
            "en": "{what}: settled for the whole period {period}.",
            "fi": "{what}: laskettu koko jaksolta {period}.",
            "hu": "{what}: a teljes időszakra elszámolva ({period}).",
        },
        "why.grant.other": {"en": "Given for: {what}.", "fi": "Peruste: {what}.", "hu": "Indok: {what}."},
        "why.adjust": {
            "en": "Corrected by hand: {reason}.",
            "fi": "Korjattu käsin: {reason}.",
            "hu": "Kézi helyesbítés: {reason}.",
        },
        "why.adjust_by": {"en": "By {actor}.", "fi": "Tekijä: {actor}.", "hu": "Végezte: {actor}."},
        "why.approved_by": {
            "en": "Approved by {actor}.",
            "fi": "Hyväksyjä: {actor}.",
            "hu": "Jóváhagyta: {actor}.",
        },
        "why.transfer_out": {
            "en": "Given to another member: {points}.",
            "fi": "Annettu toiselle jäsenelle: {points}.",
            "hu": "Átadva egy másik tagnak: {points}.",
        },
        "why.transfer_in": {
            "en": "Received from another member: {points}.",
            "fi": "Saatu toiselta jäseneltä: {points}.",
            "hu": "Egy másik tagtól kapva: {points}.",
        },
        "why.merge_out": {
            "en": "Moved to the account that you use from now on: {points}.",
            "fi": "Siirretty tilille, jota käytät tästä lähtien: {points}.",
            "hu": "Áthelyezve arra a számlára, amelyet mostantól használsz: {points}.",
        },
        "why.merge_in": {
            "en": "Came from another account: {points}.",
            "fi": "Siirretty toiselta tililtä: {points}.",
            "hu": "Egy másik számláról érkezett: {points}.",
        },
        "why.expire": {
            "en": "Their time was over: {points}.",
            "fi": "Voimassaolo päättyi: {points}.",
            "hu": "Lejárt az érvényességük: {points}.",
        },
        "why.prolonged": {
            "en": "They stay valid until {date}, as you were active.",
            "fi": "Voimassaolo jatkuu {date} asti, koska olet ollut aktiivinen.",
            "hu": "Mivel aktív voltál, az érvényesség meghosszabbodott. Az új határnap: {date}",
        },
        "why.activate": {
            "en": "Can be used from now on: {points}.",
            "fi": "Käytettävissä tästä lähtien: {points}.",
            "hu": "Mostantól felhasználható: {points}.",
        },
        "why.tier": {"en": "Level: {level}.", "fi": "Taso: {level}.", "hu": "Szint: {level}."},
        "why.mark": {"en": "Noted: {reason}.", "fi": "Kirjattu: {reason}.", "hu": "Feljegyezve: {reason}."},
        "why.frozen": {
            "en": "The account is frozen.",
            "fi": "Tili on jäädytetty.",
            "hu": "A számla zárolva van.",
        },
        "why.thawed": {
            "en": "The account can be used again.",
            "fi": "Tili on taas käytössä.",
            "hu": "A számla újra használható.",
        },
        "why.convert": {
            "en": "{points} became a voucher of {money}.",
            "fi": "{points} vaihtui arvosetelin arvoksi {money}.",
            "hu": "{points} utalvánnyá alakult, értéke {money}.",
        },
        "why.notice.expiry": {
            "en": "On {date} these will expire: {points}.",
            "fi": "Vanhenee {date}: {points}.",
            "hu": "Hamarosan lejár: {points}. A határnap: {date}",
        },
        "why.notice.tier": {
            "en": "{level} lasts until {date}; after that the level is {to}.",
            "fi": "{level} on voimassa {date} asti; sen jälkeen taso on {to}.",
            "hu": "{level} szint vége: {date} Utána a szint: {to}.",
        },
    }
)
