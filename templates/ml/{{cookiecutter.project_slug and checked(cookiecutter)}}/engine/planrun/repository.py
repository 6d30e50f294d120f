"""This repository as its own code reads it: answers, plan, evidence and hashes."""

import json
import shlex
import tomllib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from planrun.answers import Answers, is_answer
from planrun.catalogue import AnswerKey, NumberKey, PlanKey
from planrun.files import (
    canonical,
    left_over,
    named,
    now,
    read_json,
    read_mapping,
    read_yaml,
    restoring,
    rows_of,
    sha256,
    write_text,
)
from planrun.git import git
from planrun.identity import engine_sha256
from planrun.rigor import due
from planrun.rooms import Rooms
from planrun.steps import Step
from planrun.trouble import Blocked, Trouble

MARKS = ("<<<<<<< yours", ">>>>>>> the-new-plan", ">>>>>>> version-")
LINES = tuple(mark.encode() for mark in MARKS)
ENGINE = "engine/"
ROOMS = "rooms/"
# Inputs of numbers, by the answers they come from.
ANSWERED_BY: dict[str, AnswerKey] = {"baseline": "current_value", "target": "target_value"}

DIGESTS: dict[str, "Callable[[Repo], str]"] = {}  # what of a path counts, where that is not the whole of it


def digested(path: str) -> "Callable[[Callable[[Repo], str]], Callable[[Repo], str]]":
    """Register how `Repo.digest` hashes a path of which only a part counts, such as the thresholds of a plan."""

    def register(function: "Callable[[Repo], str]") -> "Callable[[Repo], str]":
        DIGESTS[path] = function
        return function

    return register


class Repo:
    """One repository. Make a new one after files have changed: what it read, it keeps."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root).resolve()

    @classmethod
    def here(cls, start: Path | None = None) -> "Repo":
        """The repository around the current folder. Raises `Trouble` outside of one."""
        start = Path(start or Path.cwd()).resolve()
        for folder in (start, *start.parents):
            if (folder / "plan" / "project.yaml").is_file():
                return cls(folder)
        raise Trouble(f"{start} is not inside a planned repository.", "Change into the folder that holds plan/.")

    def refuse_unresolved(self) -> None:
        """Raise `Blocked` where a merge left two versions of something: nobody signs or measures both of them."""
        if step := self.unresolved():
            told = f"{', '.join(step.facts['files'])}: a merge is not finished"
            raise Blocked(f"{told}, and two versions of the same lines are there.", step)

    def unresolved(self) -> Step | None:
        """What finishes a merge that left two versions of something; None where there is only one of everything."""
        paths = sorted({*self._unmerged(), *self._marked()})
        if not paths:
            return None
        told = f"Choose one (<<<<<<< … >>>>>>>), then: git add {shlex.join(paths)} && git commit"
        return Step(told, "edit", files=paths)

    def _unmerged(self) -> list[str]:
        entries = (git(self.root, "ls-files", "--unmerged", "-z") or "").split("\0")
        return [entry.partition("\t")[2] for entry in entries if entry]

    def _marked(self) -> list[str]:
        """Files with the marks of mlscaffold: among all that git keeps, or else among those it wrote."""
        kept = git(self.root, "grep", "--no-color", "-lzIE", f"^({'|'.join(MARKS)})", "--", ".")
        if kept is not None:
            return [path for path in kept.split("\0") if path]
        record = self.root / ".mlscaffold" / "state.json"
        written = [self.root / path for path in read_json(record).get("files", {})] if record.is_file() else []
        texts = {path: path.read_bytes().splitlines() for path in written if path.is_file()}
        return [named(path) for path, lines in texts.items() if any(line.startswith(LINES) for line in lines)]

    # ------------------------------------------------------------------------------------------------ answers, plan
    @cached_property
    def answers(self) -> Answers:
        """plan/project.yaml with every value as its text.

        Raises `Trouble` where a value is more than one text, and what `read_mapping` raises.
        """
        found = read_mapping(self.root / "plan" / "project.yaml")
        flat = Answers((key, value) for key, value in found.items() if isinstance(value, str))
        if len(flat) < len(found):
            odd = ", ".join(sorted(set(found) - set(flat)))
            raise Trouble(f"plan/project.yaml: {odd} must be one text.", 'Write it as key: "value".')
        return flat

    def names(self, key: AnswerKey) -> list[str]:
        """An answer that lists several things, separated by semicolons."""
        return [part.strip() for part in self.answers.get(key, "").split(";") if part.strip()]

    @cached_property
    def team(self) -> dict[str, tuple[str, ...]]:
        """Role → the people who hold it; none of them where it is there and nobody is named yet ("?")."""
        held: dict[str, tuple[str, ...]] = {}
        for role, _, rest in (entry.partition("=") for entry in self.names("team")):
            name = rest.rpartition(":")[0].strip()
            held[role.strip()] = held.get(role.strip(), ()) + ((name,) if name not in ("", "?") else ())
        return held

    @cached_property
    def rooms(self) -> Rooms:
        """The team's own modules; `[tool.planrun] package` in pyproject.toml may name another package."""
        return Rooms(self.root, self._package)

    @property
    def _package(self) -> str:
        path = self.root / "pyproject.toml"
        try:
            settings = tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise Trouble(f"pyproject.toml is not TOML: {error}.", "Correct it.") from None
        told = settings.get("tool", {}).get("planrun", {}).get("package", "")
        return str(told) or self.answers["project_slug"].replace("-", "_")

    @cached_property
    def answers_sha256(self) -> str:
        """Hash of all answers, which a plan holds of those that it was computed from. Raises as `answers` does."""
        return canonical(self.answers)

    @cached_property
    def plan_as_written(self) -> dict[Any, Any]:
        """plan/plan.json as it stands there, whatever was done to it. Raises `Blocked`, `Trouble` where it is none."""
        return read_json(self.root / "plan" / "plan.json", "mlscaffold replan")

    @cached_property
    def plan(self) -> dict[PlanKey, Any]:
        """plan/plan.json. Raises `Blocked` when it, or an answer, was changed after the plan was computed."""
        plan = self.plan_as_written
        if plan.get("answers_sha256") != self.answers_sha256:
            raise Blocked("plan/project.yaml changed after plan/plan.json was computed from it.", "mlscaffold replan")
        if plan.get("seal") != seal(plan):
            told = "plan/plan.json is not what mlscaffold computed: it was edited by hand or torn."
            more = "A number changes with its answer: mlscaffold replan --set …"
            raise Blocked(f"{told} {more}", restoring(self.root / "plan/plan.json", _sealed, "mlscaffold replan"))
        return plan

    def entry(self, key: NumberKey) -> dict[str, Any]:
        """A number of the plan with its unit, formula and inputs, by its dotted key.

        Raises `Blocked` where the plan has no such number.
        """
        found: Any = self.plan
        for part in key.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if not isinstance(found, dict) or "value" not in found:
            raise Blocked(f"plan/plan.json has no number {key}.", "mlscaffold replan")
        return found

    def number(self, key: NumberKey) -> Any:
        """A number of the plan; None where it is not measured or not computable."""
        return self.entry(key)["value"]

    def needed(self, key: NumberKey) -> float:
        """A number of the plan that has to exist. Raises `Blocked` with the plan's own note otherwise."""
        entry = self.entry(key)
        if entry["value"] is None:
            note = entry.get("note") or "It has not been measured."
            asked = [ANSWERED_BY.get(name, name) for name in entry["inputs"]]
            asked = [name for name in asked if is_answer(name) and name in self.answers]
            remedy = f"mlscaffold replan --set {' or '.join(asked)}=…" if asked else "mlscaffold replan"
            raise Blocked(f"The plan has no value for {key}. {note}", remedy)
        return float(entry["value"])

    def assumptions(self) -> list[dict[str, str]]:
        """What the plan assumes, as plan/assumptions.yaml has it; a row that lacks there, or differs, is open again."""
        rows = {row["key"]: row for row in rows_of(self.root, "plan/assumptions.yaml") if row.get("key")}
        for one in self.plan["assumptions"]:
            if rows.get(one["key"], {}).get("value") != one["value"]:
                told = {key: one[key] for key in ("key", "question", "value", "why", "gate")}
                rows[one["key"]] = told | {"confirmed_by": "", "confirmed_on": ""}
        return list(rows.values())

    @cached_property
    def gate_list(self) -> dict[str, Any]:
        """plan/gates.yaml: which gates block at this rigor, and every gate's title.

        Raises `Trouble` where it says neither.
        """
        found = {"titles": {}} | read_mapping(self.root / "plan" / "gates.yaml")
        if not isinstance(found.get("blocking"), list) or not isinstance(found["titles"], dict):
            raise Trouble(
                "plan/gates.yaml: blocking is no list, or titles no lines.", restoring(self.root / "plan/gates.yaml")
            )
        return found

    def blocking(self) -> list[str]:
        """The gates that block: those that plan/gates.yaml lists, and those of this rigor that it does not."""
        return list(dict.fromkeys([*self.gate_list["blocking"], *self._due]))

    @cached_property
    def _due(self) -> list[str]:
        """The gates that block at this rigor, whatever plan/gates.yaml says."""
        return due(self.answers)

    # ------------------------------------------------------------------------------------------------ evidence
    def evidence(self, name: str, remedy: str = "") -> dict[str, Any] | None:
        """evidence/<name>.json, or None. Raises `Blocked` when it was edited by hand.

        `remedy` is the command that measures it anew, for the case that no commit holds what was measured.
        """
        path = self.root / "evidence" / f"{name}.json"
        if not path.is_file():
            return None
        remedy = remedy or f"Delete {named(path)}, which no commit holds"
        found = read_json(path, remedy)
        if found.get("seal") != seal(found):
            raise Blocked(f"evidence/{name}.json was edited by hand or torn.", restoring(path, _sealed, remedy))
        if _ahead(found.get("at")):
            told = f"evidence/{name}.json is dated {found['at'][:10]}, which has not come yet."
            raise Blocked(f"{told} Its clock, or this machine's, is wrong.", remedy)
        return found

    def fresh(self, name: str, remedy: str) -> dict[str, Any]:
        """Evidence that still describes today's files. `Blocked` when it is missing or what it measured moved."""
        found = self.evidence(name, remedy)
        if found is None:
            raise Blocked(f"evidence/{name}.json is missing.", remedy)
        for path, digest in found["measured"].items():
            if self.digest(path) != digest:
                raise Blocked(f"evidence/{name}.json is stale: {path} changed after it was measured.", remedy)
        return found

    def write_evidence(self, name: str, facts: dict[str, Any], measured: Iterable[str] = ()) -> dict[str, Any]:
        """Write evidence/<name>.json with the hash of every path it measured; a path is digested by `digest`."""
        hashes = {path: self.digest(path) for path in measured}
        content = dict(json.loads(json.dumps({"at": now(), "measured": hashes, **facts})))  # sealed as it is parsed
        content["seal"] = seal(content)
        write_text(self.root / "evidence" / f"{name}.json", json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        return content

    # ------------------------------------------------------------------------------------------------ hashes
    def digest(self, path: str) -> str:
        """Hash of a file, of a folder's files ("src/"), of sections of a file ("plan/plan.json#test,slices"), of what a
        room says ("rooms/metrics.py"), or of the engine that was imported ("engine/"), wherever it is installed.

        Of a path in `DIGESTS` only what counts is hashed."""
        if path in DIGESTS:
            return DIGESTS[path](self)
        name, _, sections = path.partition("#")
        if name == ENGINE:
            return engine_sha256(self.answers["kind"])
        if name.startswith(ROOMS):
            return self.rooms.content(name.removeprefix(ROOMS).removesuffix(".py"))
        if sections:
            content = read_json(self.root / name) if name.endswith(".json") else read_yaml(self.root / name)
            return canonical({part: content.get(part) for part in sections.split(",")})
        if name.endswith("/"):
            found = {p.relative_to(self.root): p for p in sorted((self.root / name).rglob("*")) if p.is_file()}
            return canonical({p.as_posix(): self.sha256(path) for p, path in found.items() if not left_over(p)})
        return self.sha256(name)

    def sha256(self, path: str | Path) -> str:
        """Hash of a file, of a text whatever its line ends; "" when there is none."""
        full = self.root / path
        return sha256(full) if full.is_file() else ""

    def text(self, path: str) -> str:
        """A document. Raises `Blocked` when it is missing."""
        full = self.root / path
        if not full.is_file():
            raise Blocked(f"{path} is missing.", restoring(full))
        return full.read_text("utf-8")


def seal(content: dict[str, Any]) -> str:
    """Hash of evidence, or of a plan, without its seal: it shows a slip of the editor, it stops no forger."""
    return canonical({key: value for key, value in content.items() if key != "seal"})


def _ahead(moment: Any) -> bool:
    """Whether a moment, as `now` writes it, lies more than a day ahead; evidence from there would never grow old."""
    try:
        return datetime.fromisoformat(moment) > datetime.now(UTC) + timedelta(days=1)
    except (TypeError, ValueError):  # who reads it says that it is no moment
        return False


def _sealed(text: str) -> bool:
    """Whether a text is sealed JSON, as it was written."""
    try:
        content = json.loads(text)
    except ValueError:
        return False
    return isinstance(content, dict) and content.get("seal") == seal(content)
