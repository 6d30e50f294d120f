"""Gates G3: thresholds first, then the look; the verdict is worked out again from the prediction files."""

from datetime import datetime
from functools import lru_cache
from typing import Any

from . import behaviour, data, dataset, files
from .accept import THRESHOLDS, judge
from .checks_work import open_questions
from .files import Trouble, read_yaml
from .gates import OPEN, Repo, Result, blocked, failed, gate, passed, require, state_of
from .signing import COMMAND, document_hash, signable, signed, unconfirmed

DOCUMENT = "docs/03-acceptance.md"
EVIDENCE = "evidence/acceptance.json"
ROLES = ("po", "ds", "ops")
TOLERANCE = 1e-5
STAGES = ("G0.", "G1.", "G2.", "G3.")


def _ready(repo: Repo) -> None:
    """The acceptance is signed last: every blocking gate before it has to be open."""
    found(repo)
    require(repo, *(id for id in repo.blocking() if id.startswith(STAGES) and id not in ("G3.9", "G3.10")))


signable("G3a", (DOCUMENT, THRESHOLDS), ROLES)
signable("G3b", (f"{EVIDENCE}#experiment,predictions,verdict,segments",), ROLES, _ready)


@lru_cache(maxsize=1)  # nine gates of one look at the repository ask for it
def found(repo: Repo) -> dict[str, Any]:
    """The evidence of acceptance, recomputed. `Blocked` when missing or stale, `Trouble` when it does not fit."""
    data.manifest(repo)
    facts = repo.fresh("acceptance", "make accept")
    for name, digest in facts["predictions"].items():
        wrong = dataset.problems(repo, dataset.read_predictions(repo, digest), "test")
        if wrong:
            raise Trouble(f"The predictions of the {name} do not fit: {wrong}.", "make accept")
    if facts["predictions"]["model"] == facts["predictions"]["baseline"]:
        raise Trouble("The model was compared with itself.", "make accept")
    again = judge(repo, facts["predictions"])
    for part in ("gain", "result", "baseline"):
        for key in ("value", "low", "high"):
            typed, worked_out = facts[part][key], again[part][key]
            if typed != worked_out and (None in (typed, worked_out) or abs(typed - worked_out) > TOLERANCE):
                raise Trouble(
                    f"{part} {key} recomputes to {worked_out}, not to {typed}.", "make accept; never type a score"
                )
    return facts | again


@gate("G3.1", "Thresholds signed before the first look")
def thresholds(repo: Repo) -> Result:
    state = signed(repo, "G3a")
    if state.state not in OPEN:
        return state
    test_set = _test_set(repo)
    looks = [look for look in dataset.looks(repo) if look["test_set"] == test_set]
    if not looks:
        return passed(f"{state.reason} Nobody has looked at the test rows.")
    if _came_late(repo, datetime.fromisoformat(looks[0]["at"])):
        return failed(
            "The thresholds that stand now were signed after the first look at the test rows.",
            "Restore the signed text, or take a new test set: audit --resplit with new rows",
        )
    return passed(f"{state.reason} The first look came after.")


def _test_set(repo: Repo) -> str:
    return str(repo.fresh("splits", "make audit")["keys"]["test"])


def _came_late(repo: Repo, first: datetime) -> bool:
    """Whether today's signature is younger than the first look. Within git's one second its own time decides."""
    when, look = _signed_at(repo), int(first.timestamp())
    if when is None or when != look:
        return when is None or when > look
    rows = read_yaml(repo.root / "gates" / "signoff-G3a.yaml")
    return any(datetime.fromisoformat(row["at"]) > first for row in rows)


def _signed_at(repo: Repo) -> int | None:
    """Seconds of the commit that brought in the signature of today's text."""
    from .signing import SIGNABLES

    digest = document_hash(repo, SIGNABLES["G3a"])
    stamps = files.git(repo.root, "log", "--reverse", "--format=%ct", f"-S{digest}", "--", "gates/signoff-G3a.yaml")
    return int(stamps.splitlines()[0]) if stamps else None


@gate("G3.2", "Looks at the test split")
def looks(repo: Repo) -> Result:
    test_set, allowed = _test_set(repo), repo.needed("test.looks")
    used = dataset.looks_used(repo, test_set)
    if used > allowed:
        return failed(f"{used} models were measured on this test set, {allowed:.0f} may be.", "Take a new test set")
    return passed(f"{used} of {allowed:.0f} looks are used, each at alpha {repo.needed('test.alpha_per_look'):.3g}.")


@gate("G3.3", "Gain over the baseline")
def gain_shown(repo: Repo) -> Result:
    judged = found(repo)["verdict"]
    if judged["state"] == "pass":
        return passed(judged["sentence"])
    if judged["state"] == "fail":
        return failed(judged["sentence"], "Another experiment, a smaller promise, or stop")
    return blocked(f"Inconclusive. {judged['sentence']}", "Label more test rows, then make audit and make accept")


@gate("G3.4", "Segments")
def segments(repo: Repo) -> Result:
    judged = found(repo)["segments"]
    named = ", ".join(repo.names("segments"))
    if named and not judged:
        return blocked(f"The data has no rows of the segments {named}.", "Name your own data in data/source.yaml")
    if not judged:
        return passed("No segment is named (`segments` in plan/project.yaml).")
    for state, result in (("fail", failed), ("inconclusive", blocked)):
        for name, entry in judged.items():
            if entry["state"] == state:
                return result(f"{name}: {entry['sentence']}", "Better rows for this segment, or a wider margin, signed")
    return passed(f"{len(judged)} segments are not worse than the margin allows.")


@gate("G3.5", "Hard limits")
def limits(repo: Repo) -> Result:
    measured = found(repo)["limits"]
    best, here = measured.get("cost_best_of_20"), measured.get("cost_at_threshold")
    if best is not None and here is not None and here > 1.05 * best + 1e-9:
        return failed(f"A decision costs {here:.4g}, and {best:.4g} at a better threshold.", "Calibrate the model")
    limit = repo.answers.get("latency_ms")
    if limit and measured["seconds_per_1000"] > float(limit):
        return failed(f"One row takes {measured['seconds_per_1000']:.3g} ms, {limit} ms may be.", "A smaller model")
    return passed(f"{measured['model_bytes']:,} bytes, {measured['seconds_per_1000']:.3g} s for 1,000 rows.")


@gate("G3.6", "Cost of decisions")
def cheaper(repo: Repo) -> Result:
    costs = found(repo)["cost"]
    assumed = [row["key"] for row in unconfirmed(repo) if row["key"] in ("false_alarm_cost", "miss_cost")]
    if assumed:
        return blocked(f"{', '.join(assumed)} are assumed.", f"{COMMAND} confirm {' '.join(assumed)}")
    if costs["model"] is None:
        return passed("The result is no decision, so its cost is its error (G3.3).")
    for name in ("baseline", "nothing"):
        if costs[name] is not None and costs["model"] >= costs[name]:
            return failed(
                f"A decision costs {costs['model']:.4g}; with {name} it costs {costs[name]:.4g}.", "Do not ship"
            )
    return passed(f"A decision costs {costs['model']:.4g}, with the baseline {costs['baseline']:.4g}.")


def changed_behaviour(repo: Repo) -> dict[str, Any]:
    """The evidence of changed decisions, worked out again. `Trouble` when it does not follow from the predictions."""
    accepted, known = found(repo), repo.fresh(behaviour.EVIDENCE, "make accept")
    files, threshold = accepted["predictions"], accepted["decision_threshold"]
    again = behaviour.of_files(repo, files["model"], files["baseline"], threshold)
    typed = [key for key in again if again[key] != known[key]]
    if typed:
        said = f"{', '.join(typed)} in evidence/behaviour.json do not follow from the predictions."
        raise Trouble(said, "make accept")
    return known


def _readable(repo: Repo) -> None:
    changed_behaviour(repo)


signable("G3.7", (behaviour.READ,), ("expert",), _readable)


@gate("G3.7", "Changed behaviour read")
def behaviour_read(repo: Repo) -> Result:
    known = changed_behaviour(repo)
    state = signed(repo, "G3.7")
    said = (
        f"{known['changed']:.1%} of decisions differ from the {known['against']}'s; evidence/behaviour.json shows "
        f"{len(known['better'])} that turn right and {len(known['worse'])} that turn wrong."
    )
    return Result(state.state, f"{said} {state.reason}", state.next_step)


@gate("G3.8", "Nothing simpler does")
def simpler(repo: Repo) -> Result:
    facts = found(repo)
    if facts["config"]["model"] == "linear":
        return passed("The accepted model is itself the simple one.")
    if "simpler" not in facts:
        return blocked("The simplest model was not measured.", "make accept")
    if facts["simpler"]["state"] == "pass":
        return failed("A linear model passes by itself.", "Ship it: experiment --model linear")
    return passed(f"A linear model alone does not pass ({facts['simpler']['state']}).")


@gate("G3.9", "Acceptance signed")
def accepted(repo: Repo) -> Result:
    found(repo)
    shut = [id for id in repo.blocking() if id.startswith("G0.") and state_of(repo, id).state not in OPEN]
    if shut:
        return blocked(f"{', '.join(shut)} come before the acceptance signature.", f"Open {shut[0]} first")
    return signed(repo, "G3b")


@gate("G3.10", "Model card")
def model_card(repo: Repo) -> Result:
    found(repo)
    if repo.text(dataset.CARD) != dataset.card(repo):
        return failed("The model card does not tell of today's evidence.", "make accept")
    questions = open_questions(repo.text(DOCUMENT).partition("## 2")[0])
    if questions:
        return blocked(f"{questions} questions on use and limits are open.", f"Answer section 1 of {DOCUMENT}")
    return passed("Written from the evidence; use and limits are answered.")
