"""Gates T0 and T1: the decision, the plan, and requirements that can be tested."""

import json
import re
from collections.abc import Iterable
from typing import Any

from . import trace
from .files import canonical, write_text
from .gates import Result, blocked, failed, gate, passed
from .repo import Repo
from .signing import COMMAND, signable, signed, unconfirmed

RECORD = "docs/decisions/0001-approach.md"
OPEN_QUESTION = re.compile(r"\[NEEDS ANSWER owner: ([a-z]+)\] *([^|\n]*)")
FIELDS = ("id", "capability", "text", "fit", "verification", "priority", "owner", "scenario", "function")
METHODS = ("test", "inspection", "demonstration", "analysis")
EARS = re.compile(r"^(When|While|Where|If|The)\b.* shall ", re.IGNORECASE | re.DOTALL)
OBSERVABLE = re.compile(r"\d|\b(yes|no|every|all|none|each|nothing)\b", re.IGNORECASE)
EVERY = "every capability"
LOCK = "gates/T1.lock"

signable("T1", ["docs/01-requirements.md", trace.REQUIREMENTS], ["po", "swe"])


def questions(repo: Repo, paths: Iterable[str]) -> list[tuple[str, str, str]]:
    """Questions that documents still put to a person: (document, owner, question)."""
    return [(path, *found) for path in paths for found in OPEN_QUESTION.findall(repo.text(path))]


def _owner(question: tuple[str, str, str]) -> str:
    return question[1]


def documents(repo: Repo) -> list[str]:
    """Every page below docs/."""
    return [path.relative_to(repo.root).as_posix() for path in sorted((repo.root / "docs").rglob("*.md"))]


def answered(repo: Repo, path: str) -> Result:
    """Whether a document waits for nobody."""
    waiting = questions(repo, [path])
    if waiting:
        owners = ", ".join(sorted({owner for _, owner, _ in waiting}))
        return blocked(f"{path} has {len(waiting)} open question(s), for {owners}.", f"Answer: {waiting[0][2]}")
    return passed(f"{path} is complete.")


@gate("T0.1", "Charter")
def charter(repo: Repo) -> Result:
    return answered(repo, "docs/00-charter.md")


@gate("T0.2", "Software or not")
def approach(repo: Repo) -> Result:
    text = repo.text(RECORD)
    head = dict(re.findall(r"^(\w+): *\"?(.*?)\"?$", text.partition("\n---\n")[0], re.MULTILINE))
    if not head.get("advisor") or not head.get("rung"):
        return blocked(f"{RECORD} does not say what the advisor recommended.", f"Fill in advisor and rung in {RECORD}.")
    if head.get("status") != "accepted":
        return blocked(
            f"{RECORD} is {head.get('status') or 'undecided'}.", f"Give the reason in {RECORD}; set accepted."
        )
    _, heading, section = text.partition("When would ML be reconsidered?\n")
    if not heading or not re.search(r"^- \S", section.partition("\n## ")[0], re.MULTILINE):
        return blocked(f"{RECORD} does not say when ML would be reconsidered.", f"Fill in section 5 of {RECORD}.")
    return passed(f"The advisor said {head['advisor']} ({head['rung']}); the record is accepted.")


@gate("T0.3", "Roles")
def roles(repo: Repo) -> Result:
    problems = repo.plan["people"]["problems"]
    if problems:
        return failed(problems[0], "mlscaffold replan --set team=…")
    unnamed = [role for role, name in repo.team.items() if name in ("?", "")]
    if unnamed:
        return blocked(f"Nobody is named for {', '.join(unnamed)}.", "mlscaffold replan --set team=…")
    return passed("Every deliverable has one who answers for it and one who does it.")


@gate("T0.4", "Schedule")
def schedule(repo: Repo) -> Result:
    late, floor = repo.entry("schedule.fits"), repo.needed("schedule.floor_days")
    if not late["value"]:
        return blocked(str(late["note"]), "mlscaffold replan --set appetite_weeks=…, or fewer capabilities")
    given = repo.needed("schedule.phase1.p80_days")
    if given < floor:
        return failed(f"{given:g} days to T1 are less than the {floor:g} it takes at best.", "mlscaffold replan")
    return passed(f"With 80 % probability it ends by {repo.number('schedule.p80')}, within the appetite.")


@gate("T1.1", "Capabilities and requirements")
def coverage(repo: Repo) -> Result:
    rows, capabilities = trace.requirements(repo), repo.names("capabilities")
    named = {str(row.get("capability", "")) for row in rows}
    known = {*capabilities, *(part.partition("=")[0].strip() for part in repo.names("dependencies")), EVERY}
    uncovered = [name for name in capabilities if name not in named]
    orphans = [row["id"] for row in rows if row.get("capability") not in known]
    if uncovered:
        return failed(f'No requirement names the capability "{uncovered[0]}".', f"Write one in {trace.REQUIREMENTS}.")
    if orphans:
        return failed(f"{', '.join(orphans)} names no capability of the plan.", f"Correct {trace.REQUIREMENTS}.")
    if "capabilities" in {row["key"] for row in unconfirmed(repo)}:
        return blocked("The capabilities are a default that nobody has confirmed.", f"{COMMAND} confirm capabilities")
    return passed(f"{len(rows)} requirements cover {len(capabilities)} capabilities.")


@gate("T1.2", "Requirements well formed")
def well_formed(repo: Repo) -> Result:
    rows = trace.requirements(repo)
    ids = [row["id"] for row in rows]
    problems = [f"{name} is used twice" for name in sorted({name for name in ids if ids.count(name) > 1})]
    problems += [f"{row['id']} {problem}" for row in rows for problem in malformed(row)]
    if problems:
        return failed(f"{problems[0]}. ({len(problems)} in all)", f"Correct {trace.REQUIREMENTS}.")
    waiting = [row["id"] for row in rows if "NEEDS ANSWER" in str(row)]
    if waiting:
        return blocked(f"{', '.join(waiting)} waits for an answer.", f"Answer it in {trace.REQUIREMENTS}.")
    return passed(f"{len(rows)} requirements, each with one shall, a fit criterion, a verification and an owner.")


def malformed(row: dict[str, Any]) -> list[str]:
    """What is wrong with one requirement."""
    text = str(row.get("text", ""))
    problems = [f"has no {name}" for name in FIELDS if not row.get(name)]
    if text and not EARS.match(text):
        problems.append("does not open with When, While, Where, If or The and go on to what it shall do")
    if text and len(re.findall(r"\bshall\b", text)) != 1:
        problems.append("does not say shall exactly once")
    if row.get("fit") and not OBSERVABLE.search(str(row["fit"])):
        problems.append("has a fit criterion without a number or a yes-or-no observation")
    if row.get("verification") and row["verification"] not in METHODS:
        problems.append(f"is verified by {row['verification']}, which is none of {', '.join(METHODS)}")
    return problems


@gate("T1.3", "Assumptions and open questions")
def questions_answered(repo: Repo) -> Result:
    assumed, waiting = [row["key"] for row in unconfirmed(repo)], questions(repo, documents(repo))
    owed = [f"{len(assumed)} assumption(s) unconfirmed: {', '.join(assumed)}."] if assumed else []
    if waiting:
        lines = [f"{'':<17}{owner:<4} {path}: {question}" for path, owner, question in sorted(waiting, key=_owner)]
        owed.append("\n".join([f"{len(waiting)} open question(s) in docs/:", *lines]))
    if owed:
        path, owner, question = waiting[0] if waiting else ("", "", "")
        return blocked(" ".join(owed), f"{COMMAND} confirm --all" if assumed else f"{owner}, in {path}: {question}")
    return passed("Every assumption is confirmed and every question answered.")


@gate("T1.4", "Objective that the dependencies allow")
def objective(repo: Repo) -> Result:
    promised, ceiling = repo.needed("slo.objective"), repo.needed("slo.ceiling")
    if promised <= ceiling:
        return passed(f"{promised:.4%} is within the {ceiling:.4%} that the dependencies allow.")
    soft = [name.strip() for name in str(repo.number("slo.soft") or "").split(",") if name.strip()]
    rows = trace.requirements(repo)
    faults = [str(row) for row in rows if row.get("kind") == "fault" and "degraded" in str(row)]
    hard = [name for name in soft if not any(name in fault for fault in faults)]
    if hard or promised > repo.needed("slo.ceiling_soft"):
        entry = repo.entry("slo.ceiling")
        return failed(str(entry["note"]), f"Write a requirement for the failure of {', '.join(hard)}, or lower it.")
    return passed(f"{promised:.4%} stands because {', '.join(soft)} may fail without failing a request.")


@gate("T1.5", "Capacity")
def capacity(repo: Repo) -> Result:
    workers, limit = repo.needed("capacity.workers"), repo.answers.get("worker_limit", "")
    if not limit:
        return blocked("Nobody has said how many workers the hosting gives.", "mlscaffold replan --set worker_limit=…")
    if workers > int(limit):
        return failed(f"{workers:g} workers are needed and {limit} are there.", "Raise worker_limit or lower the peak.")
    return passed(f"{workers:g} of {limit} workers carry the load test's rate.")


@gate("T1.6", "Decisions")
def decisions(repo: Repo) -> Result:
    return answered(repo, RECORD)


@gate("T1.7", "Risks")
def risks(repo: Repo) -> Result:
    severe = [risk for risk in repo.plan["risks"] if risk["active"] and risk["score"] >= 12]
    bare = [risk["id"] for risk in severe if not all(risk.get(key) for key in ("owner", "response", "due"))]
    if bare:
        return blocked(f"{', '.join(bare)} has no owner, response or date.", "Complete docs/05-risks.md and replan.")
    return passed(f"{len(severe)} risk(s) of 12 or more, each with an owner, a response and a date.")


@gate("T1.8", "Requirements signed")
def requirements_signed(repo: Repo) -> Result:
    result = signed(repo, "T1")
    if result.state == "pass":
        locked = {row["id"]: canonical(row) for row in trace.requirements(repo)}
        text = json.dumps(locked, indent=2, ensure_ascii=False) + "\n"
        if not (repo.root / LOCK).is_file() or (repo.root / LOCK).read_text("utf-8") != text:
            write_text(repo.root / LOCK, text)
    return result
