"""Gates G1: the data is known, sound, split without leaks, enough, and locked; then experiments may start."""

import math
from collections.abc import Mapping
from typing import Any

from planrun import self_test
from planrun.catalogue import NumberKey
from planrun.command import COMMAND
from planrun.gates import OPEN, Result, Row, blocked, failed, gate, order, passed, state_of, warned
from planrun.repository import Repo
from planrun.signing.assumptions import confirming, doubts, unconfirmed
from planrun.signing.people import decides, waiving
from planrun.signing.signatures import signable, signed
from planrun.steps import Step, asked_of, rows_missing
from planrun.trouble import Blocked, counted

from planrun_ml.audit import again
from planrun_ml.audit.two_runs import PIPELINE, differing
from planrun_ml.baseline import practice
from planrun_ml.data import lock, manifest, people_labels, prediction_files, schema, source, watch_list
from planrun_ml.data.lock import GUIDE, LOCK, lock_sha
from planrun_ml.data.origins import sources
from planrun_ml.data.splits import SPLITS, clusters_said
from planrun_ml.gates.documents import open_questions
from planrun_ml.measuring.deciding import deciding
from planrun_ml.measuring.intervals import FEWEST
from planrun_ml.measuring.metrics import score
from planrun_ml.measuring.stakes import decision_threshold

AUDIT = "docs/01-data-audit.md"
REPORT = "evidence/audit.md"
TOLERANCE = 1e-5
LOWER = "ask for less (mlscaffold replan --set target_value=…)"
UNREACHED = f"add rows or better columns, then make audit; {LOWER}; or walk past it: {waiving('G1.10')}"
CAPPED = f"label better, then mlscaffold replan --set label_agreement=…; {LOWER}; or walk past it: {waiving('G1.6')}"


def _audited(repo: Repo) -> None:
    manifest.manifest(repo)
    if asks := open_questions(repo.text(AUDIT)):
        told = f"{AUDIT} has {counted(asks, 'open question')}; an answer after signing would void the signature."
        raise Blocked(told, f"Answer each [NEEDS ANSWER …] in {AUDIT}")


# What the lock will hold; the signature comes before it, because at strict it is one of the gates that open the lock.
signable("G1", (AUDIT, manifest.MANIFEST, schema.PATH, SPLITS, GUIDE), ("de", "po"), _audited)


@gate("G1.1")
def recommendation(repo: Repo) -> Result:
    text = repo.text(AUDIT)
    line = next((line for line in text.splitlines() if line.startswith("Recommendation:")), "")
    said = line.partition(":")[2].strip().lower()
    if said.startswith("stop"):
        return failed("The audit says stop.", f"Read {AUDIT}, section 11")
    if said.startswith("go") and not open_questions(text):
        return passed("The audit says go.")
    if said.startswith("go"):
        return blocked(f"It says go with {open_questions(text)} questions open.", f"Answer them in {AUDIT}")
    return blocked(
        "The audit does not say go yet.", f"Write `Recommendation: go` in {AUDIT}, section 11, when it is so"
    )


@gate("G1.2")
def sourced(repo: Repo) -> Result:
    return sources(repo)


@gate("G1.3")
def quality(repo: Repo) -> Result:
    manifest.manifest(repo)
    found = repo.fresh("quality", "make audit")
    if not schema.read(repo)["columns"]:
        return blocked("data/schema.yaml holds no rule.", "make audit")
    if found["breaches"]:
        first, more = found["breaches"][0]["sentence"], len(found["breaches"]) - 1
        return failed(
            f"{first}{f'; {more} more' if more else ''}.", "Correct the data, or the rule in data/schema.yaml"
        )
    if said := again.untrue(repo):
        return failed(said, "make audit")
    return passed(f"{found['rows']:,} rows keep every rule.")


@gate("G1.4")
def leaks(repo: Repo) -> Result:
    manifest.manifest(repo)
    found = repo.fresh("splits", "make audit")
    for what, count in found["across"].items():
        if count:
            return failed(
                f"{count} {what} lie in more than one split.", "Correct `split` or `group` in data/source.yaml"
            )
    if found["time_inverted"]:
        return failed("Some training rows are newer than test rows.", "Correct `split` or `time` in data/source.yaml")
    if found["leakage"]["suspects"]:
        first = found["leakage"]["suspects"][0]
        more = len(found["leakage"]["suspects"]) - 1
        return failed(
            f"It looks like the answer: {first['why']}{f'; {more} more' if more else ''}.",
            "List it in known_after, or say why not in `explained` (data/source.yaml)",
        )
    if said := again.untrue(repo):
        return failed(said, "make audit")
    sizes = ", ".join(f"{part} {count:,}" for part, count in found["sizes"].items() if count)
    notes = "" if found.get("as_proposed", True) else " The cuts are not what today's rows give: an earlier audit's."
    explained = source.source_of(repo).explained
    notes += f" By explanation alone no leak: {', '.join(explained)}." if explained else ""
    listed = len(found["leakage"].get("watch", []))
    notes += f" On the watch list: {listed} {'entry' if listed == 1 else 'entries'}, in {REPORT}." if listed else ""
    return passed(f"Nothing is shared ({found['rule']['kind']}: {sizes}).{notes}")


@gate("G1.5")
def labelled(repo: Repo) -> Result:
    manifest.manifest(repo)
    found = repo.fresh("labels", "make audit")
    if repo.answers.get("label_source") in ("people", "both"):
        if not (repo.root / GUIDE).is_file():
            return blocked("People label, and there is no labelling guide.", f"Write {GUIDE}")
        agreement, least = found["agreement"], repo.number("labels.min_agreement")
        if agreement is not None and least is not None and float(agreement) < least:
            return failed(
                f"People agree on {float(agreement):.1%}, and {least:.1%} is needed.",
                f"Sharpen {GUIDE}, then: make audit",
            )
    sheets = repo.evidence("labelling")
    if sheets and sheets["disputes"]:
        told = f"People differ on {counted(sheets['disputes'], 'row')}, and nobody has settled what is right."
        return blocked(told, f"{COMMAND} label settle ID LABEL, for each row in {people_labels.DISPUTES}")
    return _enough(repo, found["test"])


def _enough(repo: Repo, test: Mapping[str, Any]) -> Result:
    """Units against the plan's: groups take more of them, and alarms not raised yet are planned in rows."""
    if deciding(repo).counted_on == "alarms":
        key: NumberKey = "test.rows"
        have, need, what = test["rows"], repo.number(key), "labelled test rows"
    else:
        key = "test.units"
        have, need, what = test["units"], repo.number(key), f"labelled test {deciding(repo).counted_on}"
        need = None if need is None else math.ceil(need * repo.needed("test.design_effect"))
    if (apart := test.get("clusters", FEWEST)) < FEWEST:
        return _few_groups(test, int(apart))
    if need is None:
        note = repo.entry(key).get("note") or ""
        return warned(f"{have:,} {what}; the plan cannot say how many are needed. {note}", "mlscaffold replan")
    if have < need:
        told = f"{have:,} of {need:,} {what}: acceptance may end inconclusive."
        step = (
            f"{need - have:,} more {what}; a fifth of the rows are test rows, unless a column of your own, `split` in "
        )
        return warned(told, rows_missing(need - have, f"{step}{source.SOURCE}, says which"))
    return passed(f"{have:,} {what}, {need:,} needed.")


def _few_groups(test: Mapping[str, Any], apart: int) -> Result:
    """Rows of one group vary together, so it is groups that must be added."""
    name = test["cluster"]
    told = (
        f"{test['rows']:,} labelled test rows come from {clusters_said(apart, name)}: rows of one {name} vary together"
    )
    step = f"rows of {clusters_said(FEWEST - apart, name)} more in the test split; more rows of the same add none"
    return warned(f"{told}, so acceptance will have nothing to judge by.", rows_missing(FEWEST - apart, step))


@gate("G1.6")
def ceiling(repo: Repo) -> Result:
    if repo.answers.get("label_source") not in ("people", "both"):
        return passed("No person labels, so no disagreement caps the score.")
    top, target = repo.number("labels.ceiling"), repo.number("acceptance.target")
    if top is None and repo.answers.get("label_agreement"):
        return warned("For this metric no ceiling follows from how far two people agree.")
    if top is None:
        return blocked("Agreement between people has not been measured.", _agreement(repo))
    if target is None:
        return blocked(
            f"At best {top:.3f} can be measured, and the plan has no target to hold against it.",
            decides(repo, "po", f"mlscaffold replan --set target_value=…; or walk past it: {waiving('G1.6')}"),
        )
    above = deciding(repo).sign * (top - target)
    if above < 0:
        return failed(
            f"With these labels {top:.3f} at best can be measured; the target is {target:.3f}.",
            decides(repo, "po", CAPPED),
        )
    if above < 0.02:
        return blocked(f"The ceiling {top:.3f} is within 0.02 of the target {target:.3f}.", decides(repo, "po", CAPPED))
    return passed(f"At best {top:.3f} can be measured; the target is {target:.3f}.")


def _agreement(repo: Repo) -> Step:
    """Where the share that two people agree on comes from: the sheets where they hold it, else people who label."""
    sheets = repo.evidence("labelling", f"{COMMAND} label collect") or {}
    share = sheets.get("agreement", {}).get("share")
    if share is not None and share >= 0.5:
        take = f"mlscaffold replan --set label_agreement={share:.4g}"
        return asked_of(["ds"], f"{take} (two people labelled the same rows)", take)
    measured = (
        f"two people label the same rows ({COMMAND} label draw --by NAME --by NAME, then {COMMAND} label collect), "
        "then mlscaffold replan --set label_agreement=…"
    )
    return decides(repo, "po", f"{measured}; or walk past it: {waiving('G1.6')}")


@gate("G1.7")
def repeatable(repo: Repo) -> Result:
    known = manifest.manifest(repo)
    found = repo.fresh(PIPELINE, "make audit")
    if found["data"] != known["sha256"]:
        return blocked("The two runs were of other data.", "make audit")
    if not found["second"]:
        return blocked(
            "With so many rows there was one run.",
            decides(
                repo,
                "po",
                "ask for two: mlscaffold replan --set rigor=standard",
                "mlscaffold replan --set rigor=standard",
            ),
        )
    if parts := differing(found):
        return failed(
            f"Two runs from the same raw file gave another {', '.join(parts)}.",
            "Look for what is random or reads the clock between data/raw/ and the manifest",
        )
    return passed(f"Two runs from the raw file {known['sha256'][:12]} arrived at the same manifest, inputs and splits.")


@gate("G1.8")
def sane(repo: Repo) -> Result:
    manifest.manifest(repo)
    found = repo.fresh("harness", "make audit")
    broken = [name for name in ("constant", "shuffled", "double_run") if not found[name]["ok"]]
    if broken:
        return failed(f"The harness is not sound: {', '.join(broken)}.", "Read evidence/harness.json")
    said = "A constant, shuffled labels and a double run give what they must"
    tests = repo.evidence(self_test.EVIDENCE)
    if tests is None or any(repo.digest(path) != digest for path, digest in tests["measured"].items()):
        return warned(f"{said}; this engine has not run its own tests here.", self_test.remedy())
    if bad := self_test.problems(tests):
        return failed(f"The engine's own tests: {bad[0]}; only one that ran and passed is a pass.", self_test.remedy())
    return passed(f"{said}; {tests['passed']} tests of the engine's own pass.")


def _before_the_lock(repo: Repo, but: str = "") -> Row | None:
    """The first gate that `make baseline` needs open, so that it measures once and locks."""
    others = (id for id in repo.blocking() if id.startswith("G1.") and id not in (but, "G1.lock"))
    rows = sorted((state_of(repo, id) for id in others), key=lambda row: order(row.id))
    return next((row for row in rows if row.state not in OPEN), None)


@gate("G1.9")
def baseline(repo: Repo) -> Result:
    manifest.manifest(repo)
    if repo.evidence("baseline", "make baseline") is None and (first := _before_the_lock(repo, "G1.9")):
        return blocked(f"It has not been measured, and {first.id} comes first.", first.next_step)
    found = repo.fresh("baseline", "make baseline")
    said = prediction_files.read_predictions(repo, found["predictions"])
    wrong = prediction_files.problems(repo, said, "validation")
    if wrong:
        return failed(f"The baseline's predictions do not fit: {wrong}.", "make baseline")
    metric = deciding(repo)
    value = score(metric, prediction_files.case(said, found["threshold"]))
    if not abs(value - (found["result"]["value"] if found["result"]["value"] is not None else value + 1)) <= TOLERANCE:
        return failed(f"The baseline recomputes to {value:.4g}, not to {found['result']['value']}.", "make baseline")
    target, better = repo.number("acceptance.target"), metric.sign > 0
    harder = "raise" if better else "lower"
    bound, flat = found["result"]["low" if better else "high"], found["constant"]
    # the sample's target was set for other rows, and a stand-in for one by nobody: that holds back only a metric by
    # which answering always the same is better than the rule
    stand_in = metric.sign * (value - flat) > 0 and not repo.answers.get("target_value")
    stop = warned if source.source_of(repo).is_sample or stand_in else failed
    if target is not None and math.isfinite(flat) and metric.sign * (flat - target) >= 0:
        return stop(
            f"Answering always the same already scores {found['metric']} {flat:.3g}, and the target is {target:.3g}.",
            decides(repo, "po", _from_a_constant(repo, harder, flat)),
        )
    if target is not None and bound is not None and (bound >= target if better else bound <= target):
        if doubt := watch_list.rests_on(repo.fresh("splits", "make audit")["leakage"], found["rule"]):
            told = f"The rule reaches the target {target:.4g}, and its column may know the answer: {doubt['why']}."
            return stop(told, f"Settle it {doubt['settle']}, then: make audit, make baseline")
        return stop(
            f"The rule already reaches the target {target:.4g}: a model is not needed.",
            decides(repo, "po", f"ship the rule, or {harder} the target: mlscaffold replan --set target_value=…"),
        )
    figure, result = practice.stated(repo), found["result"]
    if told := practice.unlike(figure, metric, result):
        missed = practice.missed(figure, metric, result["low"], result["high"])
        also = " Acceptance holds a model against both." if missed else ""
        return warned(f"{told}{also}", decides(repo, "po", practice.settled_by(result)))
    return passed(f"{found['metric']} {value:.4g} on {found['result']['n']:,} {metric.more}, by the same harness.")


def _from_a_constant(repo: Repo, harder: str, flat: float) -> str:
    """What helps where answering always the same reaches the target: only what is possible here."""
    ways = [] if flat == deciding(repo).limit else [f"{harder} the target (mlscaffold replan --set target_value=…)"]
    ways += ["change the metric (mlscaffold replan --set metric=…)"]
    share = float(repo.answers["positive_share"]) if repo.answers["task"] == "binary" else 0.0
    if share and decision_threshold(repo) < share:  # acting on every case is what these costs ask for
        ways.append("correct the costs of errors (mlscaffold replan --set miss_cost=… --set false_alarm_cost=…)")
    if share > 0.5:
        ways.append("name the rarer class as `positive` in data/source.yaml")
    return ", or ".join(ways)


@gate("G1.10")
def learning_curve(repo: Repo) -> Result:
    found = repo.fresh("learning_curve", "make audit")
    target, fit = repo.number("acceptance.target"), found["fit"]
    if target is None:
        note = repo.entry("acceptance.target").get("note") or ""
        return blocked(f"The plan has no target. {note}".strip(), "mlscaffold replan --set target_value=…")
    allowed = deciding(repo).error(target)
    if allowed is None:
        said = ", ".join(
            f"{value:.4g} at {size:,}" for size, value in zip(found["sizes"], found["values"], strict=True)
        )
        told = f"{found['metric']} has no best value, so how far more rows lead is not forecast"
        return warned(f"{told}; a simple model scores, by training rows: {said}.")
    if fit is None:
        told = "The curve of a simple model over training rows has fewer than four points, too few to be drawn on."
        return blocked(told, decides(repo, "po", UNREACHED))
    name = f"a simple model's error in {found['metric']}"
    most = f"the target {target:.4g} allows {allowed:.3f}"
    if fit["at_all_rows"] <= allowed:
        return passed(f"With all training rows {name} is forecast at {fit['at_all_rows']:.3f}; {most}.")
    if fit["a"] - fit["band"] > allowed:
        told = f"However many rows there are, {name} stays above {fit['a'] - fit['band']:.3f}; {most}."
        return failed(told, decides(repo, "po", UNREACHED))
    told = f"With all training rows {name} is forecast at {fit['at_all_rows']:.3f}; {most}, and more rows may reach it."
    return blocked(told, decides(repo, "po", UNREACHED))


@gate("G1.11")
def assumptions(repo: Repo) -> Result:
    still = [row["key"] for row in unconfirmed(repo)]
    if still:
        return blocked(f"{len(still)} assumed: {', '.join(still)}.{doubts(repo)}", confirming())
    return passed("Every default that matters has a person's name.")


@gate("G1.12")
def privacy(repo: Repo) -> Result:
    part = repo.text(AUDIT).partition("Privacy and rights")[2].partition("\n## ")[0]
    if not part or open_questions(part):
        return blocked(f"{open_questions(part)} questions on privacy are open.", f"Answer section 10 of {AUDIT}")
    return passed("Basis, retention, deletion and access are written down.")


@gate("G1.13")
def audit_signed(repo: Repo) -> Result:
    return signed(repo, "G1")


@gate("G1.lock")
def locked(repo: Repo) -> Result:
    manifest.manifest(repo)
    held, changed = (repo.root / LOCK).is_file(), lock.moved(repo)
    if (not held or changed) and (first := _before_the_lock(repo)):
        said = lock.no_longer_fits(changed) if held else "The data is not locked."
        return blocked(f"{said} {first.id} comes first.", first.next_step)
    return passed(f"Locked as {lock_sha(repo)[:12]}.")
