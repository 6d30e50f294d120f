"""The model families, in the order in which they are tried."""

from typing import Any

from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge

CLASSIFY = ("binary", "multiclass")
FAMILIES: dict[str, dict[bool, Any]] = {
    "linear": {True: LogisticRegression, False: Ridge},
    "forest": {True: RandomForestClassifier, False: RandomForestRegressor},
    "boosting": {True: HistGradientBoostingClassifier, False: HistGradientBoostingRegressor},
}
ORDER = ("linear", "forest", "boosting")  # the simplest first
FIRST = {  # why one would try it
    "linear": "The simplest readable model uses several columns, so it beats a rule that uses one.",
    "forest": "Columns act together or in steps, which a linear model cannot see.",
    "boosting": "Many small trees fit what a forest smooths over.",
}
DEFAULTS = {"linear": {}, "forest": {"n_estimators": 100, "min_samples_leaf": 2}, "boosting": {"max_iter": 100}}
