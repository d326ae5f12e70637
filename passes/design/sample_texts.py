"""What a member of the sample card would read."""

from kernel.i18n import register

register(
    {
        "design.sample.holder": {"en": "Alexandra Virtanen", "fi": "Alexandra Virtanen", "hu": "Kovács Alexandra"},
        "design.sample.tier": {"en": "Gold", "fi": "Kulta", "hu": "Arany"},
        "design.sample.next_reward": {
            "en": "66 points to a free coffee",
            "fi": "66 pistettä: ilmainen kahvi",
            "hu": "66 pont: ingyenes kávé",
        },
        "design.sample.pending": {"en": "12 points", "fi": "12 pistettä", "hu": "12 pont"},
        "design.sample.owed": {"en": "5 points", "fi": "5 pistettä", "hu": "5 pont"},
        "design.sample.expiring": {
            "en": "50 points on 30 June",
            "fi": "50 pistettä 30.6.",
            "hu": "50 pont, június 30.",
        },
        "design.sample.progress": {"en": "Coffees: 7 of 10", "fi": "Kahvit: 7/10", "hu": "Kávék: 7/10"},
        "design.sample.reward": {"en": "Free coffee", "fi": "Ilmainen kahvi", "hu": "Ingyenes kávé"},
        "design.sample.news": {
            "en": "You earned 12 points, now 1,234",
            "fi": "Sait 12 pistettä, nyt 1 234",
            "hu": "12 pontot kaptál, most 1234",
        },
    }
)
