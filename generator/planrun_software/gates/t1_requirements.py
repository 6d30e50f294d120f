"""Gates T0 and T1: the decision, the plan, and requirements that can be tested."""

import json
import re
from operator import itemgetter as by
from typing import Any

from planrun.command import COMMAND
from planrun.files import canonical, write_text
from planrun.gates import Result, blocked, failed, gate, passed
from planrun.repository import Repo
from planrun.signing.assumptions import confirming, doubts, unconfirmed
from planrun.signing.people import decides
from planrun.signing.signatures import signable, signed
from planrun.steps import Step
from planrun.trouble import counted

from planrun_software.gates.documents import OPEN_QUESTION, RECORD, answered, first_answered, questions
from planrun_software.traceability import requirements

FIELDS = ("id", "capability", "text", "fit", "verification", "priority", "owner", "scenario", "function")
CHOICES = {"verification": ["test", "inspection", "demonstration", "analysis"], "priority": ["must", "should", "could"]}
EARS = re.compile(r"^(When|While|Where|If|The)\b.* shall ", re.IGNORECASE | re.DOTALL)
OBSERVABLE = re.compile(r"\d|\b(yes|no|every|all|none|each|nothing)\b", re.IGNORECASE)
EVERY = "every capability"
LOCK = "gates/T1.lock"
PAGE = "docs/01-requirements.md"


def lock_requirements(repo: Repo) -> str:
    """Keep the hash of each requirement as it was agreed to, so that a later change shows which one it was."""
    locked = {row["id"]: canonical(row) for row in requirements.requirements(repo)}
    write_text(repo.root / LOCK, json.dumps(locked, indent=2, ensure_ascii=False) + "\n")
    return LOCK


signable(
    "T1", [PAGE, requirements.REQUIREMENTS], ["po", "swe"], lambda repo: first_answered(repo, PAGE), lock_requirements
)


@gate("T1.1")
def coverage(repo: Repo) -> Result:
    rows, capabilities = requirements.requirements(repo), repo.names("capabilities")
    named = {str(row.get("capability", "")) for row in rows}
    known = {*capabilities, *(part.partition("=")[0].strip() for part in repo.names("dependencies")), EVERY}
    uncovered = [name for name in capabilities if name not in named]
    orphans = [row["id"] for row in rows if row.get("capability") not in known]
    if uncovered:
        return failed(
            f'No requirement names the capability "{uncovered[0]}".', f"Write one in {requirements.REQUIREMENTS}."
        )
    if orphans:
        step = (
            f"Correct {requirements.REQUIREMENTS}; or, if it is a new one: mlscaffold replan --set capabilities='…; …'"
        )
        return failed(f"{', '.join(orphans)} names no capability of the plan.", step)
    if "capabilities" in {row["key"] for row in unconfirmed(repo)}:
        return blocked("The capabilities are a default that nobody has confirmed.", confirming())
    return passed(f"{counted(len(rows), 'requirement')}; no capability is without one, none names another.")


@gate("T1.2")
def well_formed(repo: Repo) -> Result:
    rows = requirements.requirements(repo)
    ids = [row["id"] for row in rows]
    problems = [f"{name} is used twice" for name in sorted({name for name in ids if ids.count(name) > 1})]
    problems += [f"{row['id']} {problem}" for row in rows for problem in malformed(row)]
    if problems:
        return failed(f"{problems[0]}. ({len(problems)} in all)", f"Correct {requirements.REQUIREMENTS}.")
    waiting = [row["id"] for row in rows if "NEEDS ANSWER" in str(row)]
    if waiting:
        return blocked(f"{', '.join(waiting)} waits for an answer.", f"Answer it in {requirements.REQUIREMENTS}.")
    return passed(f"{counted(len(rows), 'requirement')}: one shall, a fit criterion, a verification and an owner each.")


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
    for key in (key for key in CHOICES if row.get(key) and row[key] not in CHOICES[key]):
        problems.append(f'has the {key} "{row[key]}", which is none of {", ".join(CHOICES[key])}')
    return problems


@gate("T1.3")
def questions_answered(repo: Repo) -> Result:
    pages = [path.relative_to(repo.root).as_posix() for path in sorted((repo.root / "docs").rglob("*.md"))]
    assumed, waiting = [row["key"] for row in unconfirmed(repo)], questions(repo, pages)
    owed = (
        [f"{counted(len(assumed), 'assumption')} unconfirmed: {', '.join(assumed)}.{doubts(repo)}"] if assumed else []
    )
    if waiting:
        lines = [f"{'':<17}{owner:<4} {path}: {question}" for path, owner, question in sorted(waiting, key=by(1))]
        owed.append("\n".join([f"{counted(len(waiting), 'open question')} in docs/:", *lines]))
    if owed:
        step = confirming() if assumed else "Answer, as {1}, in {0}: {2}".format(*waiting[0])
        return blocked(" ".join(owed), step)
    return passed("Every assumption is confirmed and every question answered.")


@gate("T1.4")
def objective(repo: Repo) -> Result:
    promised, ceiling = repo.needed("slo.objective"), repo.needed("slo.ceiling")
    if not repo.answers.get("dependencies") and any(row["key"] == "dependencies" for row in unconfirmed(repo)):
        said = f"{promised:.4%} is promised, and nobody has said whether it depends on other systems."
        none = f"{COMMAND} confirm dependencies"
        step = (
            f"Name them (mlscaffold replan --set 'dependencies=payments=99.95'), or take it that there is none: {none}"
        )
        return blocked(said, Step(step, "command", command=none))
    if promised <= ceiling:
        return passed(f"{promised:.4%} is within the {ceiling:.4%} that the dependencies allow.")
    soft = [name.strip() for name in str(repo.number("slo.soft") or "").split(",") if name.strip()]
    rows = [row for row in requirements.requirements(repo) if row.get("kind") == "fault" and "degraded" in str(row)]
    faults = {name: row for name in soft for row in rows if name in str(row)}
    hard, told = [name for name in soft if name not in faults], " and ".join(soft)
    if hard or promised > repo.needed("slo.ceiling_soft"):
        return failed(
            str(repo.entry("slo.ceiling")["note"]),
            decides(
                repo,
                "po",
                "a lower objective (mlscaffold replan --set slo_percent=…), or a degraded result in "
                f"{requirements.REQUIREMENTS}",
            ),
        )
    waiting = sorted({row["id"] for row in faults.values() if not str(row.get("agreed", "")).strip()})
    if waiting:
        reason = f"{promised:.4%} stands only if {told} may fail without failing a request; nobody has agreed to that."
        step = f"{requirements.REQUIREMENTS}: write who agreed, and when, under agreed: of {' and '.join(waiting)}."
        return blocked(reason, step)
    return passed(f"{promised:.4%} stands because it is agreed that {told} may fail without failing a request.")


@gate("T1.5")
def capacity(repo: Repo) -> Result:
    workers, limit = repo.needed("capacity.workers"), repo.answers.get("worker_limit", "")
    if not limit:
        return blocked("Nobody has said how many workers the hosting gives.", "mlscaffold replan --set worker_limit=…")
    if workers > int(limit):
        return failed(
            f"{workers:g} are needed, and the limit is {limit}.",
            decides(repo, "po", "mlscaffold replan --set worker_limit=… or --set peak_factor=…"),
        )
    return passed(f"{workers:g} of {counted(int(limit), 'worker')} can carry the load test's rate.")


@gate("T1.6")
def decisions(repo: Repo) -> Result:
    return answered(repo, RECORD)


@gate("T1.7")
def risks(repo: Repo) -> Result:
    severe = [risk for risk in repo.plan["risks"] if risk["active"] and risk["score"] >= 12]
    bare = [risk["id"] for risk in severe if not all(risk.get(key) for key in ("owner", "response", "due"))]
    if bare:
        return blocked(f"{', '.join(bare)} has no owner, response or date.", "Complete docs/05-risks.md and replan.")
    return passed(f"{counted(len(severe), 'risk')} of 12 or more, each with an owner, a response and a date.")


@gate("T1.9")
def privacy(repo: Repo) -> Result:
    """Basis, retention, deletion, access and appeal are written down before a line is built on the data."""
    part = repo.text(PAGE).partition("### Privacy and rights\n")[2]
    part = re.split(r"^## ", part, maxsplit=1, flags=re.MULTILINE)[0]
    waiting = OPEN_QUESTION.findall(part)
    if not part.strip():
        return blocked(f"{PAGE} says nothing on privacy and rights.", f"Write a part ### Privacy and rights in {PAGE}.")
    if waiting:
        told = f"{counted(len(waiting), 'question')} on privacy and rights open."
        return blocked(told, f"Answer, as {waiting[0][0]}, in {PAGE}: {waiting[0][1].strip()}")
    return passed("Basis, retention, deletion, access and appeal are written down.")


@gate("T1.8")
def requirements_signed(repo: Repo) -> Result:
    return signed(repo, "T1")
