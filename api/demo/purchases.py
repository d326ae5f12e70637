"""Which of the real purchases the demonstration replays (see points/programme/simulation/data/README.md)."""

import random

from points.programme.simulation.example import CURRENCY, Purchase, noon, read_purchases

__all__ = ["CURRENCY", "Purchase", "noon", "of_some_customers", "read_purchases"]


def of_some_customers(purchases: list[Purchase], at_least: int | None, seed: int) -> list[Purchase]:
    """The whole history of customers drawn by `seed` until there are `at_least` purchases; None takes everybody."""
    if at_least is None:
        return purchases
    customers = sorted({purchase.customer for purchase in purchases})
    random.Random(seed).shuffle(customers)
    counts: dict[str, int] = {}
    for purchase in purchases:
        counts[purchase.customer] = counts.get(purchase.customer, 0) + 1
    chosen: set[str] = set()
    total = 0
    for customer in customers:
        if total >= at_least:
            break
        chosen.add(customer)
        total += counts[customer]
    return [purchase for purchase in purchases if purchase.customer in chosen]
