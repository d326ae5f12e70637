"""What all cards of a brand have in common on Google Wallet: a LoyaltyClass, made of the brand's look.

It holds nothing of a member, not even a language. So one PATCH of it reaches every holder.

Field reference: https://developers.google.com/wallet/reference/rest/v1/loyaltyclass
"""

from dataclasses import dataclass
from typing import Any, Final

from kernel.i18n import FALLBACK
from passes import texts as texts  # registers the words
from passes.card import Place
from passes.google import action_texts as action_texts  # registers the words
from passes.google import document_parts as parts
from passes.google.document_slots import loyalty_template
from passes.google.document_words import both, spoken
from passes.google.patching import APP_LINK, PICTURE, WHOLE, WORDS, Shape, absolute, without_absent
from passes.look import Action, Look
from passes.speech import phrase

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ClassPictures:
    """Public addresses. Google keeps what it fetched, so an address changes with its picture.

    `image_url` is shown among the details.
    """

    logo_url: str
    hero_url: str | None = None
    image_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassOptions:
    """What the issuer may use and how it is called.

    `callback_url` hears of saves and deletions; Google calls https alone. `smart_tap_issuers` are the issuers whose
    readers may read cards with taps; none where Google has not allowed Smart Tap. `places` are shops of the brand, none
    where Google has not allowed locations.
    """

    callback_url: str | None = None
    smart_tap_issuers: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()


NO_OPTIONS: Final = ClassOptions()

SHAPE_OF_ALL: Final[Shape] = {
    "heroImage": PICTURE,
    "imageModulesData": WHOLE,
    "textModulesData": WHOLE,
    "linksModuleData": WHOLE,
    "appLinkData": APP_LINK,
    "merchantLocations": WHOLE,
    "callbackOptions": WHOLE,
    "enableSmartTap": WHOLE,
    "redemptionIssuers": WHOLE,
    "classTemplateInfo": WHOLE,
}
_SHAPE: Final[Shape] = {
    **SHAPE_OF_ALL,
    "programLogo": PICTURE,
    "accountNameLabel": WHOLE,
    "localizedAccountNameLabel": WORDS,
    "accountIdLabel": WHOLE,
    "localizedAccountIdLabel": WORDS,
}


def class_body(look: Look, class_id: str, pictures: ClassPictures, options: ClassOptions = NO_OPTIONS) -> Body:
    """The LoyaltyClass of a brand."""
    return {"id": class_id} | without_absent(_values(look, pictures, options))


def class_patch(look: Look, pictures: ClassPictures, options: ClassOptions = NO_OPTIONS) -> Body:
    """A PATCH body that brings the class to this look, whatever it holds now."""
    return absolute(_values(look, pictures, options), _SHAPE)


def _values(look: Look, pictures: ClassPictures, options: ClassOptions) -> Body:
    return values_of_all(look, pictures, options) | {
        "issuerName": look.brand_name,
        "programName": look.logo_text or look.brand_name,
        "programLogo": parts.picture(pictures.logo_url, phrase("card.description", brand=look.brand_name), FALLBACK),
        **both("accountNameLabel", look.labels.get("holder") or phrase("card.holder"), FALLBACK),
        **both("accountIdLabel", look.labels.get("member_code") or phrase("card.member_code"), FALLBACK),
        "classTemplateInfo": loyalty_template(look.layout),
        **_smart_tap(look, options),
    }


def values_of_all(look: Look, pictures: ClassPictures, options: ClassOptions) -> Body:
    """What classes of cards and of coupons have alike; None for what the look does not have."""
    front = _front_action(look)
    modules = (parts.text_module(f"text_{one.key}", one.label, one.text, FALLBACK) for one in look.texts)
    links = [
        parts.link(f"link_{number}", one.label, one.url, FALLBACK) for number, one in enumerate(look.links, start=1)
    ]
    links += [
        parts.link(f"action_{one.kind}", phrase(f"google.action.{one.kind}"), one.url, FALLBACK)
        for one in look.actions
        if one is not front
    ]
    image = parts.picture(pictures.image_url)
    return {
        # The only status besides DRAFT that an issuer may send; Google turns it into APPROVED by itself. A PATCH
        # without it is refused.
        "reviewStatus": "UNDER_REVIEW",
        # The first account that saves a card owns it, so a copied save link is worth nothing afterwards; unless the
        # design lets cards be shared.
        "multipleDevicesAndHoldersAllowedStatus": "MULTIPLE_HOLDERS" if look.sharing else "ONE_USER_ALL_DEVICES",
        "hexBackgroundColor": look.background,
        "heroImage": parts.picture(pictures.hero_url),
        "imageModulesData": [{"id": "image", "mainImage": image}] if image else None,
        "textModulesData": [module for module in modules if module is not None] or None,
        "linksModuleData": parts.links_module(links),
        "appLinkData": _app_link(look, front),
        "merchantLocations": parts.locations(options.places),
        "callbackOptions": {"url": options.callback_url} if options.callback_url else None,
    }


def _smart_tap(look: Look, options: ClassOptions) -> Body:
    """A reader gets nothing of a class that names nobody who may read."""
    if not look.taps or not options.smart_tap_issuers:
        return {"enableSmartTap": None, "redemptionIssuers": None}
    return {"enableSmartTap": True, "redemptionIssuers": list(options.smart_tap_issuers)}


def _front_action(look: Look) -> Action | None:
    """The tile that is the button on the front, where there is room for one: Apple shows two below the pass."""
    if look.android_app:
        return None
    return next((one for one in look.actions if one.url.startswith("https://")), None)


def _app_link(look: Look, front: Action | None) -> Body | None:
    if look.android_app:
        opens = spoken(phrase("google.open_app"), FALLBACK)
        return {"displayText": opens, "androidAppLinkInfo": {"appTarget": {"packageName": look.android_app}}}
    if front is None:
        return None
    words = phrase(f"google.action.{front.kind}")
    target = {"uri": front.url} | both("description", words, FALLBACK)
    return {"displayText": spoken(words, FALLBACK), "webAppLinkInfo": {"appTarget": {"targetUri": target}}}
