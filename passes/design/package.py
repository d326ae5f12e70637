"""The pictures of a look as the wallets take them: Apple's in the package at all scales and languages, Google's three.

A picture that is given in any language is written for each of ours, as phones want it localised everywhere or nowhere
(those without one of their own take the general one); the general one stays in the root for all other phones.
"""

from collections.abc import Mapping

from kernel.i18n import FALLBACK, LANGUAGES
from passes.design.sizes import (
    FRAMES,
    GOOGLE_HERO,
    GOOGLE_IMAGE,
    GOOGLE_LOGO,
    GOOGLE_SOURCES,
    SCALES,
    Frame,
    fits_an_icon,
    frame_of,
    framed,
    opaque,
    opened,
    tile,
    trimmed,
    written,
)
from passes.look import Look
from passes.pictures import brand_images, logo_png

_ICON_SHARE, _DISC_SHARE = 0.84, 0.62  # how much of a tile a logo may fill; Google shows its tile as a circle


def apple_pictures(look: Look, uploaded: Mapping[str, bytes]) -> dict[str, bytes]:
    """Path in the package -> PNG. `uploaded` is slot (or `slot.language`) -> PNG as it was taken in.

    Without a logo a monogram is drawn; without an icon it is made of the logo. Takes up to half a second of CPU.
    """
    files: dict[str, bytes] = {}
    drawn = brand_images(look.brand_name, look.background, look.foreground)
    for slot in FRAMES:
        per_language = _per_language(slot, uploaded)
        general = uploaded.get(slot) or next(iter(per_language.values()), None)
        if general is None:
            files |= _made(slot, look, uploaded, drawn)
            continue
        if look.style not in FRAMES[slot].styles:
            continue
        done: dict[bytes, dict[str, bytes]] = {}
        for folder, png in {"": general, **{f"{one}.lproj/": png for one, png in per_language.items()}}.items():
            scaled = done.get(png) or done.setdefault(png, _scaled(slot, look, png))
            files |= {folder + name: body for name, body in scaled.items()}
    return files


def google_logo(look: Look, uploaded: Mapping[str, bytes]) -> bytes:
    """A square of 660 pixels, which Google shows as a circle."""
    icon, logo = _any(uploaded, "icon"), _any(uploaded, "logo")
    if icon is not None:
        return written(framed(opaque(opened(icon), look.background), GOOGLE_LOGO, 1))
    if logo is not None:
        return written(tile(trimmed(opened(logo)), GOOGLE_LOGO.width, look.background, _DISC_SHARE))
    return logo_png(look.brand_name, look.background, look.foreground)


def google_hero(look: Look, uploaded: Mapping[str, bytes]) -> bytes | None:
    """The banner of Google's card, made of the strip; None without one."""
    return _of_google("hero", GOOGLE_HERO, look, uploaded)


def google_image(look: Look, uploaded: Mapping[str, bytes]) -> bytes | None:
    """The picture among the details, made of the thumbnail or the background; None without either."""
    return _of_google("image", GOOGLE_IMAGE, look, uploaded)


def _of_google(name: str, frame: Frame, look: Look, uploaded: Mapping[str, bytes]) -> bytes | None:
    given = (_any(uploaded, slot) for slot in GOOGLE_SOURCES[name])
    source = next((png for png in given if png is not None), None)
    return written(framed(opaque(opened(source), look.background), frame, 1)) if source is not None else None


def _any(uploaded: Mapping[str, bytes], slot: str) -> bytes | None:
    """Google knows one picture for all languages."""
    names = (slot, f"{slot}.{FALLBACK}", *(f"{slot}.{language}" for language in LANGUAGES))
    return next((uploaded[name] for name in names if name in uploaded), None)


def _per_language(slot: str, uploaded: Mapping[str, bytes]) -> dict[str, bytes]:
    given = {language: uploaded[f"{slot}.{language}"] for language in LANGUAGES if f"{slot}.{language}" in uploaded}
    if not given:
        return {}
    rest = uploaded.get(slot) or given.get(FALLBACK) or next(iter(given.values()))
    return {language: given.get(language, rest) for language in LANGUAGES}


def _scaled(slot: str, look: Look, png: bytes) -> dict[str, bytes]:
    frame, image = frame_of(slot, look.style), opened(png)
    if frame.how == "fit":
        image = trimmed(image)
    if slot == "icon":
        image = opaque(image, look.background)
    return {f"{frame.name}{suffix}.png": written(framed(image, frame, scale)) for suffix, scale in SCALES.items()}


def _made(slot: str, look: Look, uploaded: Mapping[str, bytes], drawn: Mapping[str, bytes]) -> dict[str, bytes]:
    """What stands in for a picture that was not given: only icon and logo must be there, and the sign-up's logo."""
    logo = _any(uploaded, "logo")
    if slot == "icon" and logo is not None and fits_an_icon(mark := trimmed(opened(logo))):
        side = FRAMES["icon"].width
        return {
            f"icon{suffix}.png": written(tile(mark, side * scale, look.background, _ICON_SHARE))
            for suffix, scale in SCALES.items()
        }
    if slot in ("icon", "logo"):
        return {path: body for path, body in drawn.items() if path.startswith(slot)}
    if slot == "personalization_logo" and look.sign_up is not None:
        return _scaled(slot, look, logo or drawn["logo@3x.png"])
    return {}
