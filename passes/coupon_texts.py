"""The words on coupons, and about them on the member's page."""

from kernel.i18n import register

register(
    {
        "coupon.description": {
            "en": "{brand} coupon: {reward}",
            "fi": "{brand}, etukuponki: {reward}",
            "hu": "{brand} kupon: {reward}",
        },
        "coupon.fresh": {
            "en": "Show this code at the till",
            "fi": "Näytä tämä koodi kassalla",
            "hu": "Mutasd ezt a kódot a pénztárnál",
        },
        "coupon.money_left": {
            "en": "{reward}: {amount} left",
            "fi": "{reward}: jäljellä {amount}",
            "hu": "{reward}: még {amount}",
        },
        "coupon.times_left": {
            "en": "{reward}: good for {uses} more",
            "fi": "{reward}: käyttökertoja jäljellä {uses}",
            "hu": "{reward}: még {uses} alkalom",
        },
        "coupon.used": {"en": "{reward}: used", "fi": "{reward}: käytetty", "hu": "{reward}: felhasználva"},
        "coupon.voided": {"en": "{reward}: cancelled", "fi": "{reward}: peruttu", "hu": "{reward}: visszavonva"},
        "page.coupons": {"en": "Your coupons", "fi": "Etukuponkisi", "hu": "Kuponjaid"},
        "page.coupon_until": {"en": "until {day}", "fi": "{day} asti", "hu": "érvényes: {day}"},
        "page.coupon_uses": {"en": "{uses} uses", "fi": "{uses} käyttökertaa", "hu": "{uses} alkalom"},
        "page.add_bundle": {
            "en": "Add card and coupons to Apple Wallet",
            "fi": "Lisää kortti ja kupongit Apple Walletiin",
            "hu": "Kártya és kuponok hozzáadása az Apple Wallethez",
        },
    }
)
