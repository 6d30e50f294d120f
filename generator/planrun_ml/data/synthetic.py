"""The samples that scikit-learn does not bundle, made from a seed: queries to rank, and days to forecast."""

from collections.abc import Callable

import numpy as np
import pandas as pd

SEED = 20260101


def table(task: str) -> pd.DataFrame:
    """The synthetic sample of a task."""
    made: dict[str, Callable[[], pd.DataFrame]] = {
        "ranking": _queries,
        "forecast": _sales,
    }
    return made[task]()


def _queries(queries: int = 200, items: int = 10) -> pd.DataFrame:
    """Synthetic: 200 queries of ten items, graded 0 to 3; text match, freshness and price tell, popularity misleads."""
    rng = np.random.default_rng(SEED)
    count = queries * items
    frame = pd.DataFrame(
        {
            "row_id": [f"R{number:05d}" for number in range(count)],
            "query": np.repeat([f"Q{number:03d}" for number in range(queries)], items),
            "text_match": rng.beta(2, 3, count),
            "freshness_days": rng.gamma(2, 20, count),
            "price": rng.lognormal(3, 0.6, count),
            "popularity": rng.beta(1, 4, count),
            "seller": rng.choice(["alpha", "beta", "gamma"], count),
        }
    )
    worth = 2 * frame.text_match - frame.freshness_days / 35 - frame.price / 25 + 0.6 * (frame.seller == "alpha")
    graded = worth + rng.normal(0, 0.4, count)
    frame["relevance"] = np.digitize(graded, np.quantile(graded, [0.5, 0.75, 0.9]))
    return frame.round(6)


def _sales(stores: int = 4, days: int = 420) -> pd.DataFrame:
    """Synthetic: daily sales of four stores with trend, week, promotions and noise; inputs are known a week ahead."""
    rng = np.random.default_rng(SEED)
    day = np.arange(days + 28)
    frames = []
    for number in range(stores):
        promotion = rng.random(len(day)) < 0.15
        level = 80 + 25 * number + 0.03 * day + 8 * np.sin(2 * np.pi * day / 365)
        sales = level * (1 + 0.2 * np.isin(day % 7, (4, 5))) + 18 * promotion + rng.normal(0, 6, len(day))
        frames.append(
            pd.DataFrame(
                {
                    "row_id": [f"S{number}-{value:03d}" for value in day],
                    "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(day, unit="D"),
                    "store": f"store-{number}",
                    "weekday": day % 7,
                    "promotion": promotion.astype(int),
                    "sales_7_days_ago": pd.Series(sales).shift(7),
                    "sales_28_days_ago": pd.Series(sales).shift(28),
                    "sales": sales,
                }
            ).iloc[28:]
        )
    frame = pd.concat(frames).sort_values(["day", "store"], ignore_index=True)
    frame["day"] = frame["day"].dt.strftime("%Y-%m-%d")
    return frame.round(4)
