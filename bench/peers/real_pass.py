"""A pass as a coalition's member has it: a document in three languages, ten places, taps, and 105 KB of pictures."""

from bisect import bisect
from datetime import datetime, timedelta, timezone
from io import BytesIO

from PIL import Image

from passes.apple.document import Ticket
from passes.card import Card, Link, Place, Value, Words
from passes.look import BackText, Layout, Look, LookLink
from passes.pictures import brand_images

TOKEN = "0123456789abcdef0123456789abcdef01234567"
_TAP_KEY = "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADmovwkoZ+VJYpBvLqx0Q/3NISR+KwHKWk80N3lOHpDAM="
_PICTURE_BYTES = 105_000


def _words(english: str, finnish: str, hungarian: str) -> Words:
    return {"en": english, "fi": finnish, "hu": hungarian}


LOOK = Look(
    id="dsg_bench",
    partner_id="ptn_bench",
    brand_name="Kávézó Körút",
    logo_text="Kávézó Körút",
    background="#1f3a5f",
    label_colour="#c9d6e8",
    layout=Layout(back=("rewards_ready", "vouchers", "expiring", "joined", "member_code")),
    taps=True,
    texts=(
        BackText(
            "terms",
            _words("Terms", "Ehdot", "Feltételek"),
            _words(
                "Points are worth nothing in cash and expire after a year without a purchase.",
                "Pisteillä ei ole rahallista arvoa, ja ne vanhenevat vuoden kuluttua viimeisestä ostoksesta.",
                "A pontok készpénzre nem válthatók, és egy évvel az utolsó vásárlás után lejárnak.",
            ),
        ),
    ),
    links=(LookLink(_words("Opening hours", "Aukioloajat", "Nyitvatartás"), "https://kavezo.example/hours"),),
)

_LABELS = {
    "balance": _words("Points", "Pisteet", "Pontok"),
    "holder": _words("Member", "Jäsen", "Tag"),
    "tier": _words("Level", "Taso", "Szint"),
    "next_reward": _words("Next reward", "Seuraava palkinto", "Következő jutalom"),
    "rewards_ready": _words("Ready", "Valmiina", "Kész"),
    "vouchers": _words("Vouchers", "Kupongit", "Kuponok"),
    "expiring": _words("Expiring", "Vanhenee", "Lejár"),
    "joined": _words("Member since", "Jäsen alkaen", "Tagság kezdete"),
    "member_code": _words("Code", "Koodi", "Kód"),
    "news": _words("News", "Uutta", "Újdonság"),
}


def card(number: int) -> Card:
    """The card of a member with so many points."""
    said: dict[str, Words | int | datetime] = {
        "balance": number,
        "holder": {"en": "Aino Mäkinen"},
        "tier": _words("Gold", "Kulta", "Arany"),
        "next_reward": _words(
            f"Free coffee in {number} points", f"Ilmainen kahvi {number} pisteen päästä", f"Kávé {number} pont múlva"
        ),
        "rewards_ready": _words("Free coffee, Cake", "Ilmainen kahvi, Kakku", "Ingyen kávé, Sütemény"),
        "vouchers": 2,
        "expiring": _words("50 points on 30 June", "50 pistettä 30. kesäkuuta", "50 pont június 30-án"),
        "joined": datetime(2024, 5, 1, tzinfo=timezone(timedelta(hours=3))),
        "member_code": {"en": "7K3M 9QXA 2BCD"},
        "news": _words(
            f"You earned 12 points, now {number}", f"Sait 12 pistettä, nyt {number}", f"12 pontot kaptál, most {number}"
        ),
    }
    return Card(
        brand_id=LOOK.partner_id,
        design=LOOK.id,
        language=("en", "fi", "hu")[number % 3],
        description=_words("Loyalty card", "Kanta-asiakaskortti", "Törzsvásárlói kártya"),
        code="7K3M9QXA2BCD",
        values={key: _value(_LABELS[key], one) for key, one in said.items()},
        links=(Link(_words("Your account", "Oma tilisi", "Fiókod"), f"https://points.example/c/mbr_{number}.{TOKEN}"),),
        places=tuple(
            Place(
                latitude=47.49 + at / 1000,
                longitude=19.05,
                text=_words("Your card for Kávézó Körút", "Korttisi: Kávézó Körút", "Kártyád: Kávézó Körút"),
            )
            for at in range(10)
        ),
        tap_key="2dfed7b3",
    )


def ticket(number: int) -> Ticket:
    """What the pass of that member says of itself."""
    return Ticket(f"pass_{number:026}", TOKEN, tap_code="7k3m9qxa2bcd", tap_public_key=_TAP_KEY)


def pictures() -> dict[str, bytes]:
    """Icon, logo and strip at all scales; the largest is grainy as a photograph is, until all are 105 KB."""
    files = brand_images(LOOK.brand_name, LOOK.background, LOOK.foreground)
    for suffix, scale in (("", 1), ("@2x", 2)):
        files[f"strip{suffix}.png"] = _strip(scale, 0)
    room = _PICTURE_BYTES - sum(map(len, files.values()))
    files["strip@3x.png"] = _strip(3, bisect(range(1126), room, key=lambda columns: len(_strip(3, columns))) - 1)
    return files


def _strip(scale: int, grainy_columns: int) -> bytes:
    """A strip with grain in its first columns, which does not compress."""
    strip = Image.new("L", (375 * scale, 144 * scale), 90)
    if grainy_columns:
        strip.paste(Image.effect_noise((grainy_columns, strip.height), 60), (0, 0))
    out = BytesIO()
    strip.save(out, "PNG")
    return out.getvalue()


def _value(label: Words, one: Words | int | datetime) -> Value:
    if isinstance(one, int):
        return Value(label=label, number=one)
    return Value(label=label, moment=one) if isinstance(one, datetime) else Value(label=label, text=one)
