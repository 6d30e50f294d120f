"""Predictions beside the right answers."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Case:
    """Predictions beside the right answers. `scores` is P(positive), a value, or one column a class."""

    y: np.ndarray
    scores: np.ndarray
    threshold: float = 0.5
    classes: tuple[str, ...] = ()
    clusters: np.ndarray | None = None  # rows that are not independent share one; None: every row is
    queries: np.ndarray | None = None  # ranking: which query a row belongs to
    prices: tuple[float, float] = (0.0, 0.0)  # of a false alarm and of a miss; with classes the second of any error

    def only(self, mask: np.ndarray) -> "Case":
        """The rows of a segment."""
        pick = {key: value[mask] for key in ("clusters", "queries") if (value := getattr(self, key)) is not None}
        return replace(self, y=self.y[mask], scores=self.scores[mask], **pick)
