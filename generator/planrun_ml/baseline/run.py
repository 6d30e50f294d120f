"""`baseline`: measure the rule on the validation rows, and lock the data."""

import math
from typing import Any

from planrun.catalogue import AnswerKey
from planrun.repository import Repo
from planrun.trouble import Outcome

from planrun_ml.baseline import practice
from planrun_ml.baseline.rule import MOST, case, constant, learn, own
from planrun_ml.data import frames, lock, memory, prediction_files, watch_list
from planrun_ml.data import source as source_module
from planrun_ml.data.lock import locked
from planrun_ml.data.splits import SPLITS
from planrun_ml.experiments import carrying as carrying_module
from planrun_ml.experiments import records
from planrun_ml.experiments.log import write_log
from planrun_ml.measuring import measures
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.deciding import deciding, measured_by
from planrun_ml.measuring.intervals import Interval, interval
from planrun_ml.measuring.metrics import BUILT_IN, Metric, score
from planrun_ml.measuring.stakes import decision_threshold, expected_cost

NAME = "0000-baseline"
RECORD = f"experiments/{NAME}/record.yaml"
SHOWN = 300  # characters of a rule on the console


def run(repo: Repo) -> Outcome:
    """Learn or read the rule, measure it on validation, and lock the data if nothing else is missing.

    After an update of the engine, the records that come out equal are carried to the new lock.
    """
    task, metric, source = repo.answers["task"], deciding(repo), source_module.source_of(repo)
    sampled = f"The column of its rule is chosen on {MOST:,} of them, the rule made of all."
    memory.announce(repo, ("train", "validation"), sampled)
    rows, validation = frames.load(repo, "train"), frames.load(repo, "validation")
    rule = learn(rows, task) if source.baseline == "auto" else own(source, task)
    said = case(rule, validation, decision_threshold(repo))
    found = interval(metric, said, repo.needed("acceptance.alpha"))
    facts: dict[str, Any] = {
        "rule": rule,
        "metric": metric.name,
        "threshold": said.threshold,
        "result": found.as_json(),
        "constant": score(metric, case(constant(rows, task), validation, said.threshold)),
        "cost_per_decision": expected_cost(repo, said),
        measures.MEASURES: {} if source.is_sample else measures.of_baseline(metric, found),
        "predictions": prediction_files.keep_predictions(repo, validation, said.scores, said.classes),
    }
    repo.write_evidence("baseline", facts, ("data/manifest.json", SPLITS, *measured_by(repo)))
    shown = {key: facts["result"][key] for key in ("value", "low", "high")}
    content = {"id": NAME, "goal": "the baseline", "rule": rule, "metric": {"name": metric.name, **shown}, "n": found.n}
    records.write_record(repo, NAME, content | {"split": "validation", "predictions_file": facts["predictions"]})
    sql = _shortened(rule["sql"].get("score") or "; ".join(f"{name}: {text}" for name, text in rule["sql"].items()))
    bounds = f"{_bounds(metric, found)}{source_module.label(repo, source)}."
    carrying = carrying_module.carried(Repo(repo.root))
    lines = [f"Baseline {metric.name} {found.value:.4g} ({metric.better} is better), {bounds}", f"Rule: {sql}"]
    if told := practice.unlike(practice.stated(repo), metric, facts["result"]):
        lines.append(f"{told} Settle it: {practice.settled_by(facts['result'])}.")
    if metric.own and (missing := _not_planned_with(repo, metric, found)):
        asked = " ".join(f"--set {key}={value:.4g}" for key, value in missing.items())
        lines.append(f"The plan counts rows once it knows what was measured here: mlscaffold replan {asked}")
    doubt = watch_list.rests_on((repo.evidence("splits") or {}).get("leakage"), rule)
    lines += [_constant(metric, found.value, facts["constant"], said, praised=doubt is None)]
    if doubt:
        lines.append(f"The rule's column may know the answer: {doubt['why']}. Settle it: {doubt['settle']}.")
    lines += [*carrying.told(), locked(Repo(repo.root), carrying.equal)]
    if (carrying.equal or carrying.other) and not lock.moved(repo):
        write_log(Repo(repo.root))
    return Outcome("\n".join(lines))


def _bounds(metric: Metric, found: Interval) -> str:
    """The bounds and what they are measured on; where there are none, why."""
    units = f"{found.n:,} {metric.more}"
    if math.isfinite(found.low) and math.isfinite(found.high):
        return f"bounds {found.low:.4g} to {found.high:.4g}, {units}"
    return f"without bounds ({found.method}), {units}"


def _shortened(sql: str) -> str:
    """A rule for the eye; one that fills the screen is cut, and where it stands in full is said."""
    if len(sql) <= SHOWN:
        return sql
    return f"{sql[:SHOWN].rsplit(' ', 1)[0]} … (in full in {RECORD})"


def _constant(metric: Metric, rule: float, flat: float, said: Case, praised: bool = True) -> str:
    """What answering always the same scores, and what that says of the rule; one in doubt is not praised."""
    if not math.isfinite(flat):
        return f"Answering always the same has no {metric.name}."
    better = metric.sign * (rule - flat)
    good = f"the rule is better{', as it should be' if praised else ''}"
    return f"Answering always the same scores {flat:.4g}: {good if better > 0 else _no_better(metric, said)}."


def _no_better(metric: Metric, said: Case) -> str:
    """What is known of a rule that scores no better than always the same answer.

    A metric of decisions can be at its best where everybody gets the same one, as a recall is where all are alarmed:
    that says nothing of the rule's column. What the column knows shows in the order of its scores.
    """
    told = f"the rule is no better by {metric.name}"
    order = math.nan if said.classes or not {0.0, 1.0}.issuperset(said.y) else score(BUILT_IN["roc_auc"], said)
    if not math.isfinite(order) or metric.name == "roc_auc":
        return told
    knows = f"; in order its scores have a ROC AUC of {order:.3f} (a coin has 0.5)"
    return f"{told} at the threshold of {said.threshold:.3g}{knows}"


def _not_planned_with(repo: Repo, metric: Metric, found: Interval) -> dict[AnswerKey, float]:
    """What the plan asks about a metric of the team's own, nobody has answered, and this measurement knows."""
    spread = 0.0 if metric.share else found.spread
    known: dict[AnswerKey, float] = {"metric_spread": spread, "current_value": found.value}
    return {key: value for key, value in known.items() if value and not repo.answers.get(key)}
