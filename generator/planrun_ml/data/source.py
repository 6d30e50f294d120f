"""The team's data: where it is, which column is what, and the file whose hash everything else depends on."""

import difflib
from dataclasses import dataclass
from typing import Any

from planrun.files import canonical, read_yaml, restoring
from planrun.repository import Repo
from planrun.trouble import Trouble

from planrun_ml.data.sample import BUNDLED

SOURCE = "data/source.yaml"
REMEDY = f"Correct it in {SOURCE}."
ORIGINS = ("bundled with scikit-learn", "made by synthetic.py from a seed")  # how source.yaml names a sample's source
# What holds more than one text, of what, in words.
NAMES = (list, str, "a list of column names")
SHAPES: dict[str, tuple[type, type, str]] = {
    "leave_out": NAMES, "known_after": NAMES, "text": NAMES, "explained": (dict, str, "lines of `column: the reason`"),
    "dates": (dict, str, "lines of `column: how its moments are written`"),
    "sources": (list, dict, "entries that open with `- name: …`"),
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """data/source.yaml, read."""

    source: str
    query: str
    target: str
    positive: str
    time: str
    group: str
    id: str
    time_format: str
    dates: dict[str, str]
    split: str
    leave_out: list[str]
    known_after: list[str]
    explained: dict[str, str]
    text: list[str]
    baseline: str
    store: str
    sources: list[dict[str, str]]

    @property
    def moments(self) -> dict[str, str]:
        """Column → how it writes its moments, as a person said."""
        return self.dates | ({self.time: self.time_format} if self.time and self.time_format else {})

    @property
    def is_sample(self) -> bool:
        """Whether the rows are the built-in sample, and none of the team's own."""
        return self.source == "sample"

    @property
    def is_python(self) -> bool:
        """Whether the rows come from the team's own function."""
        return self.source == "python"

    @property
    def special(self) -> tuple[str, ...]:
        """Columns that are not inputs."""
        named = (self.target, self.time, self.group, self.id, self.split, *self.leave_out, *self.known_after)
        return tuple(dict.fromkeys(name for name in named if name))


def source_of(repo: Repo) -> Source:
    """data/source.yaml. Raises `Trouble` naming the key that is missing or not what it should be."""
    found = read_yaml(repo.root / SOURCE)
    if not isinstance(found, dict):
        raise Trouble(f"{SOURCE} is not a list of `key: value` lines.", restoring(repo.root / SOURCE))
    given: dict[str, Any] = {key: SHAPES[key][0]() if key in SHAPES else "" for key in Source.__dataclass_fields__}
    for key, value in found.items():
        if key not in given:
            raise Trouble(f'{SOURCE}: nobody reads "{key}". {near(key, list(given))}', REMEDY)
        kind, of, what = SHAPES.get(key, (str, str, "one text"))
        value = [value] if value and kind is list and isinstance(value, of) else value or given[key]
        parts = value.values() if isinstance(value, dict) else value
        if not isinstance(value, kind) or not all(part and isinstance(part, of) for part in parts):
            raise Trouble(f"{SOURCE}: {key} must be {what}.", REMEDY)
        given[key] = value.strip() if isinstance(value, str) else value
    for key, what in (("source", "data"), ("target", "target column")):
        if not given[key]:
            raise Trouble(f"{SOURCE}: {key} is empty.", f"Name the {what}.")
    return Source(**given | {"store": given["store"] or "store", "baseline": given["baseline"] or "auto"})


def of_rows(repo: Repo) -> str:
    """Hash of all in the file that shapes rows or what is made of them: who owns a source, and by which right it may be
    read (`sources`), is asked while the work goes on, and moves no row."""
    found = read_yaml(repo.root / SOURCE)
    if isinstance(found, dict):
        found = {key: str(value) for key, value in found.items() if key != "sources"}
    return canonical(found)


def label(repo: Repo, source: Source) -> str:
    """A mark for every output while the data is not the team's own; "" otherwise."""
    made = "" if repo.answers["task"] in BUNDLED else "synthetic "
    return f" [{made}sample data]" if source.is_sample else ""


def segments(repo: Repo, source: Source) -> tuple[str, ...]:
    """The columns that name segments; the sample has none of the team's own."""
    return () if source.is_sample else tuple(repo.names("segments"))


def near(name: str, known: list[str], otherwise: str = "") -> str:
    """The question whether somebody meant the known name that is nearest; `otherwise` where none is near."""
    plain = {other.lower(): other for other in known}
    found = difflib.get_close_matches(name.lower(), plain, 1)
    return f'Did you mean "{plain[found[0]]}"?' if found else otherwise
