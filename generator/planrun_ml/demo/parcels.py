"""The example's data: parcels of an invented carrier, and which of them came late. Made from a seed, standard library.

The chance of being late is a logistic function of what the depot knows at noon. After the new sorting hall has opened
it is another function of the same columns: the inputs look as before, and what they mean has changed.
"""

import csv
import math
import random
from collections.abc import Iterable, Mapping
from pathlib import Path

TARGET, KEY = "late", "parcel_id"
CARRIERS = {"north": 4, "south": 3, "harbour": 2, "rail": 1}  # how often each one comes
BEFORE = {"north": 0.0, "south": 0.4, "harbour": 1.2, "rail": -0.6}
AFTER = {"north": 2.0, "south": 0.4, "harbour": -1.2, "rail": -0.6}
Row = dict[str, str | float]


def made(count: int, seed: int, *, hall: bool = False) -> list[Row]:
    """So many parcels with their outcomes; the same seed gives the same ones. `hall`: since the new sorting hall."""
    chance, rows = random.Random(seed), []  # noqa: S311  (an example wants to be repeated)
    for number in range(count):
        row: Row = {
            KEY: f"P{seed:03d}-{number:05d}",
            "carrier": chance.choices(list(CARRIERS), list(CARRIERS.values()))[0],
            "distance_km": round(chance.lognormvariate(4.6, 0.6), 1),
            "weight_kg": round(chance.lognormvariate(1.0, 0.7), 2),
            "depot_load": round(min(1.2, max(0.2, chance.gauss(0.75, 0.18))), 3),
            "rain_mm": round(max(0.0, chance.expovariate(0.25) - 2), 1),
            "stops": chance.randint(8, 60),
            "collected_at": round(chance.uniform(14, 21), 1),
            "promised_hours": chance.choice((24, 24, 48, 72)),
        }
        logit = _after(row) if hall else _before(row)
        rows.append(row | {TARGET: "yes" if chance.random() < 1 / (1 + math.exp(-logit)) else "no"})
    return rows


def _before(row: Mapping[str, str | float]) -> float:
    effects = (
        0.011 * float(row["distance_km"])
        + 8.0 * (float(row["depot_load"]) - 0.75)
        + 0.14 * float(row["rain_mm"])
        + 0.045 * (float(row["stops"]) - 34)
        + 0.55 * (float(row["collected_at"]) - 17.5)
        - 0.035 * (float(row["promised_hours"]) - 42)
        + BEFORE[str(row["carrier"])]
    )
    return 1.5 * (effects - 3.5)


def _after(row: Mapping[str, str | float]) -> float:
    effects = (
        0.004 * float(row["distance_km"])
        - 3.0 * (float(row["depot_load"]) - 0.75)
        + 0.05 * float(row["rain_mm"])
        - 0.045 * (float(row["stops"]) - 34)
        + 0.2 * (float(row["collected_at"]) - 17.5)
        + AFTER[str(row["carrier"])]
    )
    return 1.5 * (effects - 2.2)


def write(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Rows as CSV, one line each, the first row's keys as the header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
