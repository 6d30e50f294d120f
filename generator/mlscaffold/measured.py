"""What a repository has measured of its own answers, for `replan --measured`: the figure, and the one it replaces.

Evidence says it itself: a file of `evidence/` or a record of an experiment holds, under `measures`, values by the keys
of the answers that they measure. Nothing of the repository is executed, and what was edited by hand is not taken.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mlscaffold import agreed, answers, questions, yamltext
from mlscaffold.answers import Answers
from mlscaffold.errors import AnswerError

MEASURES = "measures"
# What people reach today is not what a rule reaches: the rule stands in where nobody has said.
ONLY_IF_EMPTY = ("current_value",)
PLAN = "plan/plan.json#"
# What each signature covers of pages and plan; the engine's own list, which a test compares with this one.
SIGNED = {
    "G1": ("docs/01-data-audit.md", "docs/labelling-guide.md"),
    "G3a": (
        agreed.DOCUMENT,
        agreed.THRESHOLDS,
        "plan/project.yaml#rigor",
        "plan/gates.yaml#blocking",
    ),
    "T1": ("docs/01-requirements.md", "plan/requirements.yaml"),
    "T3": ("docs/03-acceptance.md", "plan/requirements.yaml"),
}


@dataclass(frozen=True)
class Measured:
    """One answer that was measured. `before` is the answer as it stands, "" for none, and `origin` where that is from:
    "answered", "measured" or "default"."""

    key: str
    text: str
    evidence: str
    before: str
    origin: str


@dataclass(frozen=True)
class Offer:
    """What can be taken, in the order of the questions, and the evidence that cannot be, each with the reason."""

    taken: tuple[Measured, ...]
    left_out: tuple[str, ...]


def offered(root: Path, recorded: Mapping[str, str]) -> Offer:
    """What the repository at `root` has measured and its answers do not say.

    Left out is a file whose seal does not fit what it says, or that was measured on other data than today's.
    """
    complete = answers.complete(dict(recorded))
    found: dict[str, Measured] = {}
    left_out = []
    for evidence, values, problem in _evidence(root):
        offers = {key: one for key, value in values.items() if (one := _offer(complete, key, value, evidence))}
        if offers and problem:
            left_out.append(f"{evidence} {problem}")
        else:
            found |= offers
    return Offer(tuple(found[key] for key in questions.load() if key in found), tuple(left_out))


def facts_of(taken: tuple[Measured, ...], recorded: Mapping[str, str]) -> dict[str, str]:
    """The answers that the measurements give, with where each is from."""
    kept = [
        part
        for part in questions.split(recorded.get("measured", ""))
        if part.partition("=")[0].strip() not in {one.key for one in taken}
    ]
    origins = [*kept, *(f"{one.key}={one.evidence}" for one in taken)]
    return {one.key: one.text for one in taken} | {"measured": "; ".join(origins)}


def made_stale(root: Path, before: Mapping[Any, Any], after: Mapping[Any, Any], pages: Collection[str]) -> list[str]:
    """What rests on a part of the plan, by evidence's own word, that moves, or on one of these pages, which change."""

    def moved(names: Iterable[str]) -> list[str]:
        whole = [name for name in names if name.startswith(PLAN) and name != agreed.THRESHOLDS]
        parts = [part for name in whole for part in name.removeprefix(PLAN).split(",")]
        found = [part for part in parts if before.get(part) != after.get(part)]
        found += agreed.moved(before, after) if agreed.THRESHOLDS in names else ()
        return list(dict.fromkeys([*found, *(name for name in names if name in pages)]))

    resting = {
        path.relative_to(root).as_posix(): list(_json(path).get("measured", {}))
        for path in sorted(root.glob("evidence/*.json"))
    }
    signed = {f"gates/signoff-{name}.yaml": list(covered) for name, covered in SIGNED.items()}
    resting |= {path: covered for path, covered in signed.items() if root.joinpath(path).is_file()}
    return [f"{path} ({', '.join(what)})" for path, names in resting.items() if (what := moved(names))]


def _offer(complete: Answers, key: str, value: Any, evidence: str) -> Measured | None:
    """The measurement as an answer; None where it is the answer already, or does not belong to these answers."""
    if key not in questions.load() or not complete.calls_for(key):
        return None
    before, origin = complete.raw[key], complete.origin_of(key)
    if key in ONLY_IF_EMPTY and before and origin != "measured":
        return None
    text = f"{value:.10g}" if isinstance(value, float) else str(value)
    if _same(text, before) or not _allowed(key, text):
        return None
    return Measured(key, text, evidence, before, origin)


def _same(text: str, before: str) -> bool:
    try:
        return float(text) == float(before)
    except ValueError:
        return text == before


def _allowed(key: str, text: str) -> bool:
    """Whether the question takes the value; a share of exactly 0, say, may be measured and cannot be planned with."""
    try:
        answers.check_texts({key: text})
    except AnswerError:
        return False
    return True


def _evidence(root: Path) -> Iterator[tuple[str, dict[str, Any], str]]:
    """(path, what it measures, why it cannot be taken), the older first: of two measurements the later one holds."""
    for path in sorted(root.glob("evidence/*.json"), key=lambda path: str(_json(path).get("at", ""))):
        content = _json(path)
        if isinstance(content.get(MEASURES), dict):
            yield path.relative_to(root).as_posix(), content[MEASURES], _problem(root, content)
    yield from _last_kept(root)


def _problem(root: Path, content: Mapping[str, Any]) -> str:
    """Why evidence says nothing of today, as the rest of a sentence about it; "" where it does."""
    if content.get("seal") != seal(content):
        return "was edited by hand; measure it again"
    for name, known in content.get("measured", {}).items():
        path = root / name
        if "#" not in name and path.is_file() and _text_sha256(path) != known:
            return f"was measured before {name} changed; measure it again"
    return ""


def _text_sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def _last_kept(root: Path) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The newest experiment that was kept."""
    for path in sorted(root.glob("experiments/*/record.yaml"), reverse=True):
        try:
            record = yamltext.load(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            continue
        if isinstance(record, dict) and record.get("decision") == "keep":
            values = record.get(MEASURES)
            if isinstance(values, dict):
                yield path.relative_to(root).as_posix(), values, ""
            return


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def seal(content: Mapping[str, Any]) -> str:
    """The hash that a repository's engine puts on evidence, of everything but itself."""
    sealed = {key: value for key, value in content.items() if key != "seal"}
    text = json.dumps(sealed, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
