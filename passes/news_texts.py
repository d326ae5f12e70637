"""The sentences that a change of a card may tell.

`{points}` is a number with its unit and always stands where the language needs no case ending, so that any programme's
unit fits. `{date}` is the day as it stands in a sentence.
"""

from kernel.i18n import register

register(
    {
        "news.balance": {"en": "You have {points}", "fi": "Sinulla on {points}", "hu": "Egyenleged {points}"},
        "news.balance_now": {
            "en": "Your balance is now {points}",
            "fi": "Saldosi on nyt {points}",
            "hu": "Az egyenleged most {points}",
        },
        "news.ready": {
            "en": "Your reward is ready: {reward}",
            "fi": "Etusi odottaa: {reward}",
            "hu": "Vár a jutalmad: {reward}",
        },
        "news.ready_many": {
            "en": "{count} rewards are ready for you",
            "fi": "{count} etua odottaa sinua",
            "hu": "{count} jutalom vár rád",
        },
        "news.asked": {
            "en": "{brand} asks until {time}: may {points} be spent?",
            "fi": "{brand} kysyy {time} asti: käytetäänkö {points}?",
            "hu": "{brand} kérdezi {time}-ig: elkölthető {points}?",
        },
        "news.tier": {
            "en": "Your level is now {tier}",
            "fi": "Tasosi on nyt {tier}",
            "hu": "A szinted mostantól {tier}",
        },
        "news.spent": {"en": "You used {points}", "fi": "Käytetty {points}", "hu": "{points} beváltva"},
        "news.held": {"en": "{points} set aside", "fi": "Varattu {points}", "hu": "{points} félretéve"},
        "news.taken_back": {"en": "{points} taken back", "fi": "Peruttu {points}", "hu": "{points} visszavonva"},
        "news.removed": {"en": "{points} removed", "fi": "Poistettu {points}", "hu": "{points} levonva"},
        "news.given": {"en": "You gave {points}", "fi": "Annettu {points}", "hu": "{points} átadva"},
        "news.earned": {"en": "You earned {points}", "fi": "Sinulle kertyi {points}", "hu": "{points} jóváírva"},
        "news.given_back": {"en": "{points} given back", "fi": "Palautettu {points}", "hu": "{points} visszaadva"},
        "news.added": {"en": "{points} added", "fi": "Lisätty {points}", "hu": "{points} hozzáadva"},
        "news.received": {"en": "You received {points}", "fi": "Saapui {points}", "hu": "{points} érkezett"},
        "news.freed": {
            "en": "{points} free again",
            "fi": "{points} taas käytettävissä",
            "hu": "{points} újra felhasználható",
        },
        "news.usable": {
            "en": "{points} ready to use",
            "fi": "{points} nyt käytettävissä",
            "hu": "{points} mostantól felhasználható",
        },
        "news.coming": {"en": "{points} on the way", "fi": "Tulossa {points}", "hu": "{points} úton"},
        "news.shared": {
            "en": "Shared account: {points}",
            "fi": "Yhteinen tili: {points}",
            "hu": "Közös számla: {points}",
        },
        "news.expired": {"en": "{points} expired", "fi": "{points} vanheni", "hu": "{points} lejárt"},
        # English verbs agree with the number; in Finnish and Hungarian they stay in the singular.
        "news.expiring_one": {
            "en": "{points} expires on {date}",
            "fi": "{points} vanhenee {date}",
            "hu": "{points} {date} lejár",
        },
        "news.expiring_many": {
            "en": "{points} expire on {date}",
            "fi": "{points} vanhenee {date}",
            "hu": "{points} {date} lejár",
        },
        "news.tier_ends": {
            "en": "Your level {tier} ends on {date}",
            "fi": "Tasosi {tier} päättyy {date}",
            "hu": "{tier} szinted {date} lejár",
        },
        "news.now": {"en": "{news}, now {balance}", "fi": "{news}, nyt {balance}", "hu": "{news}, most {balance}"},
        "news.with_balance": {"en": "{news} ({points})", "fi": "{news} ({points})", "hu": "{news} ({points})"},
    }
)
