"""Words on Google's cards that Apple draws as pictures or says by itself."""

from kernel.i18n import register

register(
    {
        "google.action.membership_benefits": {"en": "Member benefits", "fi": "Jäsenedut", "hu": "Tagsági előnyök"},
        "google.action.view_offers_rewards": {
            "en": "Offers and rewards",
            "fi": "Tarjoukset ja edut",
            "hu": "Ajánlatok, jutalmak",
        },
        "google.action.add_to_balance": {"en": "Add to balance", "fi": "Lataa saldoa", "hu": "Egyenleg feltöltése"},
        "google.action.order": {"en": "Order", "fi": "Tilaa", "hu": "Rendelés"},
        "google.action.shop": {"en": "Shop", "fi": "Osta", "hu": "Vásárlás"},
        "google.action.call": {"en": "Call us", "fi": "Soita meille", "hu": "Hívj minket"},
        "google.open_app": {"en": "Open the app", "fi": "Avaa sovellus", "hu": "Alkalmazás megnyitása"},
    }
)
