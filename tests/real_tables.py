"""Real tables that well-kept packages ship, written as a team would have them: none was made fit for this program.

Each is a file and the answers that its team gives; what the file tells, `mlscaffold new --data` finds by itself.
"""

import csv
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

Row = dict[str, object]


@dataclass(frozen=True)
class Table:
    """A table, how it is written, and what its team answers beside what the file tells."""

    about: str
    rows: Callable[[], list[Row]]
    answers: Mapping[str, str]
    write: Callable[[Path, Sequence[Row]], Path] = field(default=lambda folder, rows: _csv(folder, rows))

    def file(self, folder: Path) -> Path:
        """The file, written into a folder."""
        return self.write(folder, self.rows())


def _csv(folder: Path, rows: Sequence[Row], **form: str) -> Path:
    path = folder / "cases.csv"
    with path.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, list(rows[0]), delimiter=form.get("delimiter", ","), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def _with_semicolons(folder: Path, rows: Sequence[Row]) -> Path:
    return _csv(folder, rows, delimiter=";")


def _sqlite(folder: Path, rows: Sequence[Row]) -> Path:
    """A database of one table, `cases`."""
    path, names = folder / "cases.db", list(rows[0])
    with closing(sqlite3.connect(path)) as base:
        base.execute(f"create table cases ({', '.join(names)})")
        marks = ", ".join("?" * len(names))
        base.executemany(f"insert into cases values ({marks})", [tuple(row.values()) for row in rows])  # noqa: S608
        base.commit()
    return path


def _of_statsmodels(name: str, file: str = "") -> list[dict[str, str]]:
    found = find_spec("statsmodels")
    assert found is not None
    assert found.origin is not None
    path = Path(found.origin).parent / f"datasets/{name}/{file or name}.csv"
    with path.open(encoding="utf-8-sig") as text:
        return list(csv.DictReader(text, delimiter=";" if name == "modechoice" else ","))


# ------------------------------------------------------------------------------------------------------------- rows
def survey() -> list[Row]:
    """6,366 answers to a survey of 1978; whether there was an affair."""
    rows: list[Row] = []
    for row in _of_statsmodels("fair"):
        rest = {name: float(value) for name, value in row.items() if name != "affairs"}
        rows.append(rest | {"affair": "yes" if float(row["affairs"]) > 0 else "no"})
    return rows


def visits() -> list[Row]:
    """20,190 years of insured people; whether one of them had 12 visits or more, which is rare."""
    rows: list[Row] = []
    for row in _of_statsmodels("randhie"):
        rest = {name: float(value) for name, value in row.items() if name != "mdvis"}
        rows.append(rest | {"many": int(float(row["mdvis"]) >= 12)})
    return rows


def digits() -> list[Row]:
    """1,797 written digits of eight by eight grey values."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return [
        {f"p{number:02d}": int(value) for number, value in enumerate(image)} | {"digit": f"d{target}"}
        for image, target in zip(found.data, found.target, strict=True)
    ]


def air() -> list[Row]:
    """2,225 weeks of carbon dioxide on Mauna Loa, with what was known a week before: it rises from year to year."""
    weeks = [
        (datetime.strptime(row["date"], "%Y%m%d"), float(row["co2"])) for row in _of_statsmodels("co2") if row["co2"]
    ]
    rows: list[Row] = []
    for (when, value), (_, before), (_, earlier) in zip(weeks[2:], weeks[1:], weeks, strict=False):
        week = when.timetuple().tm_yday // 7
        rows.append({"when": f"{when:%Y-%m-%d}T08:00:00-10:00", "week": week, "before": before,
                     "change": round(before - earlier, 2), "ppm": value})  # fmt: skip
    return rows


def trips() -> list[Row]:
    """840 alternatives of 210 travellers, four each, of whom every one took one."""
    names = {"1": "air", "2": "train", "3": "bus", "4": "car"}
    rows: list[Row] = []
    for row in _of_statsmodels("modechoice"):
        rows.append({
            "traveller": f"T{int(float(row['individual'])):03d}", "way": names[str(int(float(row["mode"])))],
            **{name: float(row[name]) for name in ("ttme", "invc", "invt", "gc", "hinc", "psize")},
            "taken": int(float(row["choice"])),
        })  # fmt: skip
    return rows


def firms() -> list[Row]:
    """220 years of 11 firms: what each invested."""
    return [
        {"firm": row["firm"], "year": int(float(row["year"])), "value": float(row["value"]),
         "capital": float(row["capital"]), "invest": float(row["invest"])}
        for row in _of_statsmodels("grunfeld")
    ]  # fmt: skip


def tumours() -> list[Row]:
    """569 biopsies and thirty measures of each."""
    from sklearn.datasets import load_breast_cancer

    found = load_breast_cancer()
    names = [name.replace(" ", "_") for name in found.feature_names]
    return [
        dict(zip(names, map(float, values), strict=True)) | {"malignant": "no" if target else "yes"}
        for values, target in zip(found.data, found.target, strict=True)
    ]


# ----------------------------------------------------------------------------------------------------------- tables
COMMON = {"consequence": "cosmetic", "human_confirms": "yes", "appetite_weeks": "60", "personal_data": "none",
          "team": "po=Ana:1; ds=Ana:1; swe=Ana:1"}  # fmt: skip
TABLES = {
    "binary": Table(
        "yes or no, a third of them yes",
        survey,
        {"target_column": "affair", "metric": "roc_auc", "current_value": "0.5", "target_value": "0.7"},
    ),
    "rare": Table(
        "yes or no, one in twenty-five yes",
        visits,
        {"target_column": "many", "metric": "average_precision", "current_value": "0.04", "target_value": "0.12"},
        _with_semicolons,
    ),
    "small": Table(
        "yes or no, 569 rows: too few for much",
        tumours,
        {"target_column": "malignant", "metric": "recall", "current_value": "0.7", "target_value": "0.9"},
    ),
    "classes": Table(
        "ten classes",
        digits,
        {"target_column": "digit", "metric": "accuracy", "current_value": "0.5", "target_value": "0.9"},
    ),
    "trend": Table(
        "an amount that rises from year to year, moments with a zone",
        air,
        {"target_column": "ppm", "task": "regression", "metric": "mae", "current_value": "1", "target_value": "0.5"},
    ),
    "forecast": Table(
        "the same as a forecast",
        air,
        {"target_column": "ppm", "task": "forecast", "metric": "mae", "current_value": "1", "target_value": "0.5"},
    ),
    "groups": Table(
        "an amount in 11 groups of 20 rows",
        firms,
        {
            "target_column": "invest",
            "task": "regression",
            "group_column": "firm",
            "metric": "mae",
            "current_value": "150",
            "target_value": "80",
        },
    ),
    "ranking": Table(
        "210 queries of four alternatives",
        trips,
        {
            "target_column": "taken",
            "task": "ranking",
            "group_column": "traveller",
            "metric": "ndcg_at_10",
            "current_value": "0.5",
            "target_value": "0.7",
        },
    ),
    "database": Table(
        "yes or no, from a database",
        survey,
        {"target_column": "affair", "metric": "recall", "current_value": "0.3", "target_value": "0.5"},
        _sqlite,
    ),
}
