"""What rigor strict adds to acceptance (G3) and release (G4): limits, costs, changed behaviour, contract, readiness."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import yaml
from planrun import catalogue, git, trouble
from planrun.catalogue import RIGORS
from planrun.command import COMMAND
from planrun.files import canonical, rows_of
from planrun.gates import OPEN, Result, at_strict, blocked, blocking, failed, gate, passed, require, state_of
from planrun.repository import Repo
from planrun.rigor import called_for
from planrun.signing.assumptions import unconfirmed
from planrun.signing.people import decides, waiving
from planrun.signing.signatures import SIGNABLES, document_hash, signable, signed
from planrun.steps import Step, asked_of, rows_missing
from planrun.trouble import Blocked, Trouble

from planrun_ml.acceptance import agreed, verdicts
from planrun_ml.acceptance.agreed import DOCUMENT, SIGNATURE, THRESHOLDS
from planrun_ml.acceptance.retracing import retraced
from planrun_ml.acceptance.run import too_little_room
from planrun_ml.acceptance.thresholds import moved_since
from planrun_ml.acceptance.verdicts import accepted
from planrun_ml.baseline import practice
from planrun_ml.data import lock
from planrun_ml.data import looks as looks_module
from planrun_ml.data import source as source_module
from planrun_ml.experiments import records
from planrun_ml.experiments.retracing import LOOSE
from planrun_ml.gates.documents import open_questions
from planrun_ml.gates.g2_experiments import NEW_TEST_SET
from planrun_ml.measuring.deciding import deciding
from planrun_ml.models import configuration, families
from planrun_ml.pages import write

ACCEPT = "make accept"
PROMOTE = "make promote"
DRILL = "make rollback ARGS=--drill"
ASKED = ("plan/project.yaml#rigor", "plan/gates.yaml#blocking")  # which gates have to be open
SIGNED = "evidence/acceptance.json#experiment,predictions,verdict,segments"
ROLES = ("po", "ds", "ops")
BACK = f"bring the signed text back (git log -p {DOCUMENT} plan/plan.json), or {NEW_TEST_SET}"


# ------------------------------------------------------------------------------------------------ acceptance
def _ready(repo: Repo) -> None:
    """The acceptance is signed last: every blocking gate before it has to be open."""
    accepted(repo)
    require(repo, *(id for id in repo.blocking() if id < "G4" and id not in ("G3.9", "G3.10")))


def _answered(repo: Repo) -> None:
    """Where gate G3.10 will want section 1 answered, it is answered first: later it would void the signature."""
    asks = open_questions(_sections(repo)[0]) if "G3.10" in repo.blocking() else 0
    if asks:
        told = f"Section 1 of {DOCUMENT} has {trouble.counted(asks, 'open question')}."
        raise Blocked(f"{told} An answer after signing would void the signature.", f"Answer section 1 of {DOCUMENT}")


def _held_to(repo: Repo) -> str:
    """What may not change once somebody has looked: the thresholds, and the page from section 2 on."""
    return canonical({DOCUMENT: agreed.signed_text(_sections(repo)[1]), THRESHOLDS: repo.digest(THRESHOLDS)})


def _sections(repo: Repo) -> tuple[str, str]:
    """The acceptance page in two: section 1, on use and limits, and what comes after it."""
    first, mark, rest = repo.text(DOCUMENT).partition("## 2")
    return first, mark + rest


def _still_open(repo: Repo) -> str:
    """What who signs should know of the page's open questions: until when each can be answered."""
    first, rest = (open_questions(text) for text in _sections(repo))
    told = [f"Section 1 of {DOCUMENT} has {trouble.counted(first, 'open question')}: answer, then sign again."] * bool(
        first
    )
    if rest:
        asks = trouble.counted(rest, "question")
        told.append(f"Sections 2 to 12 leave {asks} open: an answer counts if it is signed before the first look.")
    if late := [row["key"] for row in repo.assumptions() if row.get("confirmed_by")]:
        facts = f"{trouble.counted(len(late), 'fact')} {'was' if len(late) == 1 else 'were'}"
        told.append(
            f"{facts} confirmed since the plan was computed. A replan counts with what is confirmed and may move these "
            "thresholds, which nobody can sign anew after the first look: mlscaffold replan, then sign again."
        )
    return "\n".join(told)


signable("G3a", (DOCUMENT, THRESHOLDS, *ASKED), ROLES, _answered, held_to=_held_to, note=_still_open)
signable("G3b", (SIGNED,), ROLES, _ready)


@gate("G3.1")
def thresholds(repo: Repo) -> Result:
    state = _named(repo, signed(repo, "G3a"))
    if not looks_module.looks(repo):
        return state if state.state not in OPEN else passed(f"{state.reason} Nobody has looked at the test rows.")
    test_set = repo.fresh("splits", "make audit")["keys"]["test"]
    looks = [look for look in looks_module.looks(repo) if look["test_set"] == test_set]
    if state.state not in OPEN and not (looks and _came_late(repo, looks[0])):
        return state
    if not looks:
        return passed(f"{state.reason} Nobody has looked at the test rows.")
    if state.state not in OPEN:  # nobody is sent to sign what would not help
        said = f"{state.reason} Somebody has looked at the test rows since, so a new signature would come too late."
        return blocked(said, decides(repo, "po", _way_back(repo)))
    if gone := _no_longer_asked(repo, looks):
        said = f"{', '.join(gone)} had to be open when the test rows were read, and need not be now."
        return failed(f"{said}{_rigor_then(repo, looks)}", decides(repo, "po", _asking_again(repo, looks)))
    if _came_late(repo, looks[0]):
        said = "The thresholds that stand now were signed after the first look at the test rows."
        return failed(said, decides(repo, "po", _way_back(repo)))
    return passed(f"{state.reason} The first look came after.")


def _named(repo: Repo, state: Result) -> Result:
    """The state of the signature; where it is void, with the numbers that moved since."""
    changes = {} if state.state in OPEN else moved_since(repo, SIGNATURE)
    return replace(state, reason=f"{state.reason} Moved: {agreed.told(changes)}.") if changes else state


def _way_back(repo: Repo) -> str:
    """How what was signed is said again: by the answer that holds the gain where that moved, or from git."""
    answer = agreed.holding(moved_since(repo, SIGNATURE))
    return f"{answer}, or {BACK}" if answer else BACK


def _no_longer_asked(repo: Repo, looks: Sequence[Mapping[str, str]]) -> list[str]:
    """Gates that blocked when somebody looked and do not block now, though the answers call for them as before."""
    known, now = catalogue.GATES[repo.answers["kind"]], set(blocking(repo))
    then = dict.fromkeys(id for look in looks for id in look.get("gates", "").split())

    def asked(id: str) -> bool:
        row = known.get(id)
        return row is None or called_for(row, repo.answers)

    return [id for id in then if id not in now and asked(id)]


def _strictest(looks: Sequence[Mapping[str, str]]) -> str:
    named = [look["rigor"] for look in looks if look.get("rigor") in RIGORS]
    return max(named, key=RIGORS.index, default="")


def _rigor_then(repo: Repo, looks: Sequence[Mapping[str, str]]) -> str:
    then, now = _strictest(looks), repo.answers["rigor"]
    return f" Rigor was {then}, and is {now}." if then and then != now else ""


def _asking_again(repo: Repo, looks: Sequence[Mapping[str, str]]) -> str:
    """How as much is asked for again as when somebody looked."""
    then = _strictest(looks)
    lowered = then and then != repo.answers["rigor"]
    back = f"mlscaffold replan --set rigor={then}" if lowered else "list them again in plan/gates.yaml or checks.py"
    return f"{back}; or {NEW_TEST_SET}; or {waiving('G3.1')}"


def _came_late(repo: Repo, look: dict[str, str]) -> bool:
    """Whether what today's signature holds to was first signed after the first look. Section 1 may be signed anew.

    The order of commits decides where the look is in one, whatever the clocks said: the signature has to be there
    already. Then their times count, and within git's one second the signature's own. One that does not tell section 1
    apart counts as a whole.
    """
    first = datetime.fromisoformat(look["at"])
    path, digest = "gates/signoff-G3a.yaml", _held_to(repo)
    if any(row.get("held_to") != digest for row in rows_of(repo.root, path)):
        digest = document_hash(repo, SIGNABLES["G3a"])
    if (seen := looks_module.looked_in(repo, look)) and digest not in git.contents(repo.root, path, [seen])[seen]:
        return True
    known = git.git(repo.root, "log", "--reverse", "--format=%H %ct", f"-S{digest}", "--", path) or ""
    commit, _, stamp = (known.splitlines() or [""])[0].partition(" ")
    when, looked = int(stamp) if stamp else math.inf, int(first.timestamp())
    if when != looked:
        return when > looked
    rows = yaml.safe_load(git.git(repo.root, "show", f"{commit}:./{path}") or "") or []
    return any(datetime.fromisoformat(str(row["at"])) > first for row in rows)


@gate("G3.2")
def looks(repo: Repo) -> Result:
    allowed = repo.needed("test.looks")
    used = looks_module.looks_used(repo, repo.fresh("splits", "make audit")["keys"]["test"])
    if used > allowed:
        return failed(
            f"{used} models were measured on this test set, {allowed:.0f} may be.", decides(repo, "po", NEW_TEST_SET)
        )
    return passed(f"{used} of {allowed:.0f} looks are used, each at alpha {repo.needed('test.alpha_per_look'):.3g}.")


@gate("G3.3")
def gain_shown(repo: Repo) -> Result:
    judged, found = accepted(repo)["verdict"], retraced(repo)
    if found.state == LOOSE:
        what = "seed what is random in models.py and features.py, then make experiment; or walk past it"
        told = f"Nobody can tell whether the accepted model is its record's: {found.why}. {judged['sentence']}"
        return blocked(told, decides(repo, "ds", f"{what}: {waiving('G3.3')}"))
    if judged["state"] == "inconclusive":
        return blocked(f"Inconclusive. {judged['sentence']}", _more_rows(repo, judged["more"]))
    return Result(judged["state"], judged["sentence"], "" if judged["state"] == "pass" else _after_a_fail(repo))


def _more_rows(repo: Repo, more: int | None) -> Step:
    """What decides an open verdict: rows, or walking past it; the built-in sample has no more rows than it has."""
    past = f"or walk past it: {waiving('G3.3')}"
    if source_module.source_of(repo).is_sample:
        return decides(repo, "po", f"name your own data in {source_module.SOURCE}, for the sample cannot grow; {past}")
    if not more:
        return decides(repo, "po", f"label more test rows, then make audit; {past}")
    what = deciding(repo).more  # positive rows, say: a row of the stream is rarely one
    return rows_missing(more, f"{more:,} more {what} with labels to test on, then make audit; {past}")


def _after_a_fail(repo: Repo) -> str:
    """What is left once the gain was shown not to be there: another model while there is one to try, or a decision."""
    who = [f"po {name}" for name in repo.team.get("po", ())] or ["po"]
    tried = {record["config"]["model"] for record in records.counted(repo, lock.lock_sha(repo))}
    used, facts = looks_module.looks_used(repo, repo.fresh("splits", "make audit")["keys"]["test"]), accepted(repo)
    if (facts["today"] or {}).get("state") == "fail":
        return asked_of(who, f"Another model or better columns, or {practice.settled_by(facts['baseline'])}")
    if too_little_room(facts, deciding(repo)) is not None:
        return asked_of(who, "No model can pay at these costs: check them (mlscaffold replan --set …), or stop")
    if set(families.ORDER) - tried and used < repo.needed("test.looks"):
        return asked_of(
            who, "Try another model (make experiment, then make accept); or promise less, or stop", "make experiment"
        )
    return asked_of(who, "Better data or columns, other costs (mlscaffold replan --set …), or stop: the rule ships")


@gate("G3.4")
def segments(repo: Repo) -> Result:
    judged, named = accepted(repo)["segments"], ", ".join(repo.names("segments"))
    if named and not judged:
        own = f"name your own data in {source_module.SOURCE}; or walk past it: {waiving('G3.4')}"
        return blocked(f"The data has no rows of the segments {named}.", decides(repo, "po", own))
    if not judged:
        return passed("No segment is named (`segments` in plan/project.yaml).")
    for state, result in (("fail", failed), ("inconclusive", blocked)):
        for name, entry in judged.items():
            if entry["state"] == state:
                return result(
                    f"{name}: {entry['sentence']}",
                    decides(repo, "po", f"better rows for this segment, or walk past it: {waiving('G3.4')}"),
                )
    return passed(f"{len(judged)} segments are not worse than the margin allows.")


@gate("G3.8")
def simpler(repo: Repo) -> Result:
    facts = accepted(repo)
    if facts["simple"]:
        return passed("The accepted model is itself the simple one.")
    if "simpler" not in facts:
        return blocked("The simplest model was not measured.", ACCEPT)
    if facts["simpler"]["state"] != "pass":
        return passed(f"A linear model alone does not pass ({facts['simpler']['state']}).")
    over = facts["over_simpler"]
    if over["state"] == "pass":
        return passed(f"A linear model passes by itself, and the accepted one adds to it. {over['sentence']}")
    told = "A linear model passes by itself, and nothing is shown that the accepted one adds"
    return failed(f"{told}. {over['sentence']}", _simplest(repo))


def _simplest(repo: Repo) -> str:
    """What ships the simplest model: its acceptance where it was measured, else its experiment.

    That may have been dropped, against the champion; here it is held against the baseline.
    """
    sha, wanted = lock.lock_sha(repo), configuration.config(families.ORDER[0])
    known = [record for record in records.counted(repo, sha) if families.is_simple(record["config"], repo.rooms)]
    known.sort(key=lambda record: record["config"] != wanted)
    if known:
        return f"{COMMAND} accept --experiment {known[0]['id']}"
    champion = records.champion(repo, sha)
    settings = champion["config"] if champion else wanted
    plain = " --features none" if settings.get("features") else ""
    plain += " --ablation 'the simplest'" if plain and settings["model"] != families.ORDER[0] else ""
    return f"{COMMAND} experiment --model {families.ORDER[0]}{plain}"


@gate("G3.9")
def acceptance_signed(repo: Repo) -> Result:
    accepted(repo)
    shut = [id for id in repo.blocking() if id.startswith("G0.") and state_of(repo, id).state not in OPEN]
    if shut:
        step = state_of(repo, shut[0]).next_step
        return blocked(
            f"{', '.join(shut)} {'comes' if len(shut) == 1 else 'come'} before the acceptance signature.", step
        )
    return signed(repo, "G3b")


@gate("G3.10")
def model_card(repo: Repo) -> Result:
    accepted(repo)
    if stale := [path for path, text in write.pages(repo).items() if repo.text(path) != text]:
        return failed(f"{' and '.join(stale)} does not tell of today's evidence.", ACCEPT)
    if questions := open_questions(_sections(repo)[0]):
        told = f"{trouble.counted(questions, 'question')} on use and limits {'is' if questions == 1 else 'are'} open."
        return blocked(told, f"Answer section 1 of {DOCUMENT}, and sign it again: {COMMAND} sign G3")
    return passed("Written from the evidence; use and limits are answered.")


@gate("G3.5", applies=at_strict)
def limits(repo: Repo) -> Result:
    measured, limit = verdicts.accepted(repo)["limits"], repo.answers.get("latency_ms")
    best, here = measured.get("cost_best_of_20"), measured.get("cost_at_threshold")
    if best is not None and here is not None and here > 1.05 * best + 1e-9:
        return failed(
            f"A decision costs {here:.4g}, and {best:.4g} at a better threshold.",
            decides(repo, "ds", f"calibrate the model (make experiment, then make accept), or {waiving('G3.5')}"),
        )
    if limit and measured["seconds_per_1000"] > float(limit):
        return failed(
            f"One row takes {measured['seconds_per_1000']:.3g} ms, {limit} ms may be.",
            decides(repo, "ds", f"a smaller model (make experiment, then make accept), or {waiving('G3.5')}"),
        )
    return passed(f"{measured['model_bytes']:,} bytes, {measured['seconds_per_1000']:.3g} s for 1,000 rows.")


@gate("G3.6", applies=at_strict)
def cheaper(repo: Repo) -> Result:
    costs = verdicts.accepted(repo)["cost"]
    assumed = [row["key"] for row in unconfirmed(repo) if row["key"] in ("false_alarm_cost", "miss_cost")]
    if assumed:
        return blocked(f"{', '.join(assumed)} are assumed.", f"{COMMAND} confirm {' '.join(assumed)}")
    if costs["model"] is None:
        return passed("The result is no decision, so its cost is its error (G3.3).")
    for name in ("baseline", "nothing"):
        if costs[name] is not None and costs["model"] >= costs[name]:
            said = f"A decision costs {costs['model']:.4g}; with {name} it costs {costs[name]:.4g}."
            return failed(said, decides(repo, "po", f"do not ship, or walk past it: {waiving('G3.6')}"))
    return passed(f"A decision costs {costs['model']:.4g}, with the baseline {costs['baseline']:.4g}.")


def changed_behaviour(repo: Repo) -> dict[str, Any]:
    """The evidence of changed decisions, worked out again. `Trouble` when it does not follow from the predictions."""
    accepted, known = verdicts.accepted(repo), repo.fresh("behaviour", ACCEPT)
    files = accepted["predictions"]
    again = verdicts.behaviour(repo, files["model"], files["baseline"], accepted["decision_threshold"])
    typed = [key for key in again if again[key] != known[key]]
    if typed:
        said = f"{', '.join(typed)} in evidence/behaviour.json do not follow from the predictions."
        raise Trouble(said, ACCEPT)
    return known


def _readable(repo: Repo) -> None:
    changed_behaviour(repo)


signable("G3.7", ("evidence/behaviour.json#against,changed,better,worse",), ("expert",), _readable, applies=at_strict)


@gate("G3.7", applies=at_strict)
def behaviour_read(repo: Repo) -> Result:
    known, state = changed_behaviour(repo), signed(repo, "G3.7")
    said = (
        f"{known['changed']:.1%} of decisions differ from the {known['against']}'s; evidence/behaviour.json shows "
        f"{len(known['better'])} that turn right and {len(known['worse'])} that turn wrong."
    )
    return Result(state.state, f"{said} {state.reason}", state.next_step)
