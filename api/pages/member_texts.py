"""The words on the member's page: live code, questions of tills, PIN, receipts."""

from kernel.i18n import register

register(
    {
        "page.back": {"en": "Back to the card", "fi": "Takaisin korttiin", "hu": "Vissza a kártyához"},
        "page.gone": {
            "en": "There is no such page",
            "fi": "Sivua ei ole",
            "hu": "Nincs ilyen oldal",
        },
        "page.gone_text": {
            "en": "Open your card from your wallet, or ask at the desk for its address.",
            "fi": "Avaa kortti lompakkosovelluksestasi tai kysy sen osoitetta palvelupisteestä.",
            "hu": "Nyisd meg a kártyád a tárcádból, vagy kérd el a címét a pultnál.",
        },
        "page.later": {
            "en": "This does not work right now",
            "fi": "Tämä ei onnistu juuri nyt",
            "hu": "Ez most nem sikerült",
        },
        "page.later_text": {
            "en": "Try again in a moment.",
            "fi": "Yritä hetken päästä uudelleen.",
            "hu": "Próbáld újra egy kis idő múlva.",
        },
        "page.refused": {"en": "This cannot be done", "fi": "Tämä ei onnistu", "hu": "Ez nem lehetséges"},
        "page.refused_text": {
            "en": "Go back to your card and try from there.",
            "fi": "Palaa korttiisi ja yritä sieltä.",
            "hu": "Menj vissza a kártyádhoz, és próbáld onnan.",
        },
        "page.more": {"en": "Your card", "fi": "Korttisi", "hu": "A kártyád"},
        "page.add_bundle_google": {
            "en": "Add card and coupons to Google Wallet",
            "fi": "Lisää kortti ja kupongit Google Walletiin",
            "hu": "Kártya és kuponok hozzáadása a Google Wallethez",
        },
        "live.static": {"en": "Card code", "fi": "Kortin koodi", "hu": "Kártyakód"},
        "live.live": {"en": "Live code", "fi": "Vaihtuva koodi", "hu": "Változó kód"},
        "live.next": {
            "en": "New code in {seconds} s",
            "fi": "Uusi koodi {seconds} s kuluttua",
            "hu": "Új kód {seconds} mp múlva",
        },
        "live.why": {
            "en": "The live code proves that you are here. Show it when you spend points.",
            "fi": "Vaihtuva koodi todistaa, että olet paikalla. Näytä se, kun käytät pisteitä.",
            "hu": "A változó kód igazolja, hogy itt vagy. Ezt mutasd, amikor pontot váltasz be.",
        },
        "live.offline": {
            "en": "No connection: this is your card code again.",
            "fi": "Ei yhteyttä: tämä on taas kortin koodi.",
            "hu": "Nincs kapcsolat: ez újra a kártyakódod.",
        },
        "questions.asks": {"en": "{partner} asks", "fi": "{partner} kysyy", "hu": "{partner} kérdezi"},
        "questions.spend": {"en": "Spend {points}?", "fi": "Käytetäänkö {points}?", "hu": "Elkölthető {points}?"},
        "questions.reward": {"en": "For: {reward}", "fi": "Etu: {reward}", "hu": "Jutalom: {reward}"},
        "questions.terminal": {"en": "Till: {terminal}", "fi": "Kassa: {terminal}", "hu": "Pénztár: {terminal}"},
        "questions.here": {
            "en": "Confirm only if you are at this till now.",
            "fi": "Vahvista vain, jos olet nyt tällä kassalla.",
            "hu": "Csak akkor erősítsd meg, ha most ennél a pénztárnál vagy.",
        },
        "questions.yes": {"en": "Confirm", "fi": "Vahvista", "hu": "Megerősítem"},
        "questions.no": {"en": "Decline", "fi": "Hylkää", "hu": "Elutasítom"},
        "questions.confirmed": {"en": "Confirmed", "fi": "Vahvistettu", "hu": "Megerősítve"},
        "questions.confirmed_text": {
            "en": "{partner} may now take {points}.",
            "fi": "{partner} voi nyt veloittaa {points}.",
            "hu": "{partner} most levonhatja: {points}.",
        },
        "questions.declined": {"en": "Declined", "fi": "Hylätty", "hu": "Elutasítva"},
        "questions.declined_text": {
            "en": "Your points stay as they are.",
            "fi": "Pisteesi pysyvät ennallaan.",
            "hu": "A pontjaid megmaradnak.",
        },
        "questions.ended": {
            "en": "This question is over",
            "fi": "Kysymys ei ole enää avoin",
            "hu": "Ez a kérdés már lezárult",
        },
        "questions.ended_text": {
            "en": "It was answered before, or too much time has passed. The till can ask again.",
            "fi": "Siihen on jo vastattu tai aikaa on kulunut liikaa. Kassa voi kysyä uudelleen.",
            "hu": "Már válaszoltál rá, vagy túl sok idő telt el. A pénztár újra kérdezhet.",
        },
        "pin.title": {"en": "PIN", "fi": "PIN-koodi", "hu": "PIN-kód"},
        "pin.link": {
            "en": "PIN for spending points",
            "fi": "PIN pisteiden käyttöön",
            "hu": "PIN a pontok beváltásához",
        },
        "pin.why": {
            "en": "With a PIN you can spend points at a till without your phone. Nobody will ask you to say it aloud.",
            "fi": "PIN-koodilla käytät pisteitä kassalla ilman puhelinta. Kukaan ei pyydä sinua sanomaan sitä ääneen.",
            "hu": "PIN-kóddal telefon nélkül is beválthatsz pontot a pénztárnál. Senki sem kéri, hogy kimondd.",
        },
        "pin.current": {"en": "Current PIN", "fi": "Nykyinen PIN", "hu": "Jelenlegi PIN"},
        "pin.new": {"en": "New PIN (4 to 8 digits)", "fi": "Uusi PIN (4–8 numeroa)", "hu": "Új PIN (4–8 számjegy)"},
        "pin.again": {"en": "New PIN again", "fi": "Uusi PIN uudelleen", "hu": "Új PIN még egyszer"},
        "pin.set": {"en": "Set PIN", "fi": "Aseta PIN", "hu": "PIN beállítása"},
        "pin.change": {"en": "Change PIN", "fi": "Vaihda PIN", "hu": "PIN módosítása"},
        "pin.forgotten": {
            "en": "Forgotten? {brand} can reset it at the desk.",
            "fi": "Unohtuiko? {brand} voi nollata sen palvelupisteessä.",
            "hu": "Elfelejtetted? {brand} a pultnál törölheti.",
        },
        "pin.differ": {
            "en": "The two new PINs are not the same.",
            "fi": "Uudet PIN-koodit eivät ole samat.",
            "hu": "A két új PIN nem egyezik.",
        },
        "pin.wrong": {
            "en": "The current PIN is not right.",
            "fi": "Nykyinen PIN ei ole oikein.",
            "hu": "A jelenlegi PIN nem helyes.",
        },
        "pin.bad": {
            "en": "A PIN has 4 to 8 digits and is not as easy to guess as 1234.",
            "fi": "PIN-koodissa on 4–8 numeroa, eikä se saa olla yhtä helppo arvata kuin 1234.",
            "hu": "A PIN 4–8 számjegyből áll, és nem olyan könnyen kitalálható, mint az 1234.",
        },
        "pin.wait": {
            "en": "Too many tries. Wait a while before the next one.",
            "fi": "Liian monta yritystä. Odota hetki ennen seuraavaa.",
            "hu": "Túl sok próbálkozás. Várj egy kicsit a következő előtt.",
        },
        "pin.done": {"en": "Your PIN is set", "fi": "PIN-koodisi on asetettu", "hu": "A PIN-kódod beállítva"},
        "pin.done_text": {
            "en": "Keep it to yourself.",
            "fi": "Pidä se omana tietonasi.",
            "hu": "Ne áruld el senkinek.",
        },
        "receipt.title": {
            "en": "Points from a receipt",
            "fi": "Pisteet kuitista",
            "hu": "Pontok nyugtáról",
        },
        "receipt.why": {
            "en": "Forgot your card? Enter the code from your receipt.",
            "fi": "Unohtuiko kortti? Kirjoita kuitin koodi.",
            "hu": "Otthon maradt a kártyád? Írd be a nyugtán lévő kódot.",
        },
        "receipt.code": {"en": "Code on the receipt", "fi": "Kuitin koodi", "hu": "A nyugta kódja"},
        "receipt.sale": {
            "en": "A purchase of {amount} at {brand}",
            "fi": "Ostos {amount}: {brand}",
            "hu": "{amount} értékű vásárlás: {brand}",
        },
        "receipt.card": {"en": "Card number", "fi": "Kortin numero", "hu": "Kártyaszám"},
        "receipt.card_why": {
            "en": "The 12 characters below the code of your card.",
            "fi": "Korttisi koodin alla olevat 12 merkkiä.",
            "hu": "A kártyád kódja alatti 12 karakter.",
        },
        "receipt.claim": {"en": "Collect the points", "fi": "Kerää pisteet", "hu": "Pontok jóváírása"},
        "receipt.done": {"en": "Collected", "fi": "Kerätty", "hu": "Jóváírva"},
        "receipt.gained": {
            "en": "This purchase: {points}.",
            "fi": "Tästä ostoksesta: {points}.",
            "hu": "Ezért a vásárlásért: {points}.",
        },
        "receipt.gained_none": {
            "en": "The purchase is noted. It earns no points by itself.",
            "fi": "Ostos on kirjattu. Siitä ei kerry pisteitä.",
            "hu": "A vásárlást feljegyeztük. Önmagában nem jár érte pont.",
        },
        "receipt.to_card": {
            "en": "They are on the card that ends in {ending}.",
            "fi": "Ne ovat kortilla, jonka numero päättyy {ending}.",
            "hu": "A(z) {ending} végű kártyára kerültek.",
        },
        "receipt.unknown": {
            "en": "There is no receipt with this code.",
            "fi": "Tällä koodilla ei ole kuittia.",
            "hu": "Nincs nyugta ezzel a kóddal.",
        },
        "receipt.claimed": {
            "en": "The points of this receipt have been collected.",
            "fi": "Tämän kuitin pisteet on jo kerätty.",
            "hu": "Ennek a nyugtának a pontjait már jóváírták.",
        },
        "receipt.voided": {
            "en": "The shop has cancelled this receipt.",
            "fi": "Liike on mitätöinyt tämän kuitin.",
            "hu": "Az üzlet érvénytelenítette ezt a nyugtát.",
        },
        "receipt.expired": {
            "en": "The time for collecting these points is over.",
            "fi": "Pisteiden keräämisaika on päättynyt.",
            "hu": "A pontok jóváírásának ideje lejárt.",
        },
        "receipt.no_card": {
            "en": "No card has this number.",
            "fi": "Tällä numerolla ei ole korttia.",
            "hu": "Nincs kártya ezzel a számmal.",
        },
        "receipt.too_many_guesses": {
            "en": "Too many tries. Try again later.",
            "fi": "Liian monta yritystä. Yritä myöhemmin uudelleen.",
            "hu": "Túl sok próbálkozás. Próbáld újra később.",
        },
        "receipt.later": {
            "en": "This does not work right now. Try again in a moment.",
            "fi": "Tämä ei onnistu juuri nyt. Yritä hetken päästä uudelleen.",
            "hu": "Ez most nem sikerült. Próbáld újra egy kis idő múlva.",
        },
        "receipt.refused": {
            "en": "These points cannot be collected with this card. Ask at the desk.",
            "fi": "Näitä pisteitä ei voi kerätä tälle kortille. Kysy palvelupisteestä.",
            "hu": "Ezek a pontok nem írhatók jóvá ezen a kártyán. Kérdezd a pultnál.",
        },
    }
)
