"""Replanning: new facts change the numbers and the documents, and nothing that the team has written is lost.

The repository keeps the pristine render it started from (`.mlscaffold/base.tar.gz`). The same template rendered with
the new answers is merged with the team's files over that base, as git merges two branches.
"""

import json
import os
import re
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mlscaffold import answers, context, questions, render, vcs, yamltext
from mlscaffold.answers import Answers
from mlscaffold.errors import CannotWrite, NoRecord, NotCommitted, UnreadablePlan
from mlscaffold.planning import requirements
from mlscaffold.planning.number import entries

# Written by the program from the answers, which have been read from them: the new version holds.
OWN = "own_"  # a label that no requirement can have: the highest number that the team has given itself
COMPUTED = ("plan/plan.json", "plan/project.yaml", "plan/assumptions.yaml")


@dataclass(frozen=True)
class Replanned:
    """What a replan changed, or would change."""

    before: dict[str, Any]
    after: dict[str, Any]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    conflicts: tuple[str, ...]


def replan(folder: Path, new_facts: Mapping[str, str], *, dry_run: bool = False) -> Replanned:
    """Plan again with new facts and merge the result into the repository at `folder`.

    Raises `NoRecord` where mlscaffold did not make the repository, `NotCommitted` where changes would be hard to tell
    apart from the merge, and what `answers.complete` raises.
    """
    _refuse_unready(folder, dry_run)
    before = _plan_before(folder / "plan/plan.json")
    complete = _with_kept_numbers(answers.merge(recorded(folder), new_facts), before, folder / "plan/requirements.yaml")
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        theirs = render.generate(complete, scratch / "theirs")
        store = vcs.Store(scratch / "store.git")
        merge = _merge(store, folder, _unpacked(folder, scratch / "base"), theirs)
        if not dry_run:
            _write(folder, merge)
            render.write_record(folder, theirs, complete)
            if merge.conflicts and vcs.is_inside_repository(folder):
                vcs.mark_conflicts(folder, store, merge)
    after = context.plan_of(complete)
    return Replanned(before, after, tuple(sorted(merge.changed)), merge.removed, merge.conflicts)


def _with_kept_numbers(texts: dict[str, str], before: Mapping[str, Any], own: Path) -> Answers:
    """The complete answers; where the plain order would give a requirement another's number, with `requirement_ids`."""
    complete = answers.complete(texts)
    if complete.kind != "software":
        return complete
    kept = complete.requirement_ids | _numbers(before.get("requirements", ()))
    highest = max([*kept.values(), *_own_numbers(own)], default=0)
    wanted = _numbers(context.plan_of(complete)["requirements"])
    if all(number == kept[label] if label in kept else number > highest for label, number in wanted.items()):
        return complete
    listed = kept | ({OWN: highest} if highest > max(kept.values(), default=0) else {})
    return answers.complete(texts | {"requirement_ids": "; ".join(f"{key}={value}" for key, value in listed.items())})


def _numbers(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    rows = list(rows)
    labels = requirements.labelled([(row["about"], row["capability"]) for row in rows])
    return {label: int(row["id"].removeprefix("R-")) for label, row in zip(labels, rows, strict=True)}


def _own_numbers(path: Path) -> list[int]:
    """The numbers in the team's page of requirements, its own ones among them; readable or not."""
    return [int(digits) for digits in re.findall(r"\bR-(\d{2,4})\b", path.read_text("utf-8"))] if path.is_file() else []


def recorded(folder: Path) -> dict[str, str]:
    """The repository's answers: project.yaml as it stands, and what people have confirmed since."""
    texts = answers.read(folder / "plan/project.yaml")
    kept = questions.split(texts.get("confirmed", ""))
    return texts | {"confirmed": "; ".join(dict.fromkeys([*kept, *_confirmed(folder / "plan/assumptions.yaml")]))}


def _confirmed(path: Path) -> list[str]:
    """The keys of the assumptions that a person has put a name to."""
    try:
        rows = yamltext.load(path.read_text("utf-8")) or []
        return [row["key"] for row in rows if row.get("confirmed_by")]
    except (UnicodeDecodeError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise UnreadablePlan(path, "it is not a list of assumptions, each with its key") from error


def _plan_before(path: Path) -> dict[str, Any]:
    try:
        plan = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise UnreadablePlan(path, f"it is not JSON ({error})") from error
    if not isinstance(plan, dict):
        raise UnreadablePlan(path, "it holds no plan")
    return plan


def _refuse_unready(folder: Path, dry_run: bool) -> None:
    missing = [name for name in (f"{render.RECORD}/base.tar.gz", *COMPUTED) if not folder.joinpath(name).is_file()]
    if missing:
        raise NoRecord(folder, missing[0])
    vcs.require_git()
    if not dry_run and vcs.is_inside_repository(folder) and vcs.is_dirty(folder):
        raise NotCommitted(folder)


def _unpacked(folder: Path, target: Path) -> Path:
    with tarfile.open(folder / render.RECORD / "base.tar.gz") as archive:
        archive.extractall(target, filter="data")
    return target


def _merge(store: vcs.Store, folder: Path, base_folder: Path, theirs_folder: Path) -> vcs.Merge:
    base, theirs = store.tree(base_folder, everything=True), store.tree(theirs_folder, everything=True)
    ours = store.tree(folder)
    settled = store.with_files(ours, base, [*COMPUTED, *_record_files()])
    merge = store.merge(base, settled, theirs)
    computed = {path: theirs_folder.joinpath(path).read_bytes() for path in COMPUTED}
    fresh = {path: new for path, new in computed.items() if folder.joinpath(path).read_bytes() != new}
    others = {path: new for path, new in merge.changed.items() if path not in COMPUTED}
    return vcs.Merge(others | fresh, merge.removed, merge.conflicts, merge.entries)


def _record_files() -> tuple[str, ...]:
    return (f"{render.RECORD}/base.tar.gz", f"{render.RECORD}/state.json")


def _write(folder: Path, merge: vcs.Merge) -> None:
    """Stage every byte beside its place first, so that a full disk changes nothing; then only rename and remove."""
    staged: list[tuple[Path, Path]] = []
    try:
        for path, content in merge.changed.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            beside = target.with_name(f".{target.name}.replan-{os.getpid()}")
            staged.append((beside, target))
            beside.write_bytes(content)
            if target.exists():
                beside.chmod(target.stat().st_mode)
    except OSError as error:
        for beside, _ in staged:
            beside.unlink(missing_ok=True)
        raise CannotWrite(folder, error.strerror or str(error)) from error
    for beside, target in staged:
        beside.replace(target)
    for path in merge.removed:
        folder.joinpath(path).unlink(missing_ok=True)


def changed_numbers(replanned: Replanned) -> list[tuple[str, Any, Any]]:
    """(key, before, after) of each number that moved."""
    old, new = (dict(entries(plan)) for plan in (replanned.before, replanned.after))
    return [
        (key, old.get(key), new.get(key))
        for key in dict.fromkeys([*old, *new])
        if (old.get(key) or {}).get("value") != (new.get(key) or {}).get("value")
    ]
