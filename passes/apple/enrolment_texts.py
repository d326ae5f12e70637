"""The words to whoever signed up from a pass."""

from kernel.i18n import register

register(
    {
        "enrolment.welcome": {"en": "Welcome, {name}", "fi": "Tervetuloa, {name}", "hu": "Üdvözlünk, {name}"},
        "enrolment.thanks": {
            "en": "Thank you for signing up",
            "fi": "Kiitos liittymisestä",
            "hu": "Köszönjük, hogy csatlakoztál",
        },
    }
)
