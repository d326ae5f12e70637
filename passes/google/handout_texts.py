"""What the button says. Google's name for it is the same in every language.

https://developers.google.com/wallet/generic/resources/brand-guidelines
"""

from kernel.i18n import register

register(
    {
        "google.button.add": {
            "en": "Add to Google Wallet",
            "fi": "Lisää Google Walletiin",
            "hu": "Hozzáadás a Google Wallethez",
        },
        "google.button.view": {
            "en": "View in Google Wallet",
            "fi": "Näytä Google Walletissa",
            "hu": "Megtekintés a Google Walletben",
        },
    }
)
