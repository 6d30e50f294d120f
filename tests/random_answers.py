"""Valid answers at random: every key, all types, extremes included, checked by `answers.complete` itself."""

import random

from mlscaffold import questions
from mlscaffold.answers import Answers, complete
from mlscaffold.questions import Question

WORDS = ("north", "south", "region", "channel", "payments", "stock", "mail", "search", "ledger", "audit")
WHOLE_METRICS = ("log_loss", "mae", "rmse")


def random_answers(seed: int) -> Answers:
    """The answers of this seed: about half the keys keep their default, the rest lie anywhere in their range."""
    rng = random.Random(seed)
    texts = {"kind": rng.choice(questions.KINDS), "decision": "Somebody decides something else than today."}
    texts["start_date"] = f"2026-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    for key, question in questions.of_kind(texts["kind"]).items():
        if key not in (*texts, "test_cases", "rows_a_run") and (
            rng.random() < 0.5 or key in ("task", "team", "consequence")
        ):
            texts[key] = _text(rng, question, texts)
    texts |= _in_the_metrics_range(rng, texts)
    labelled, past = int(texts.get("labelled_cases") or 0), int(texts.get("past_cases") or 0)
    texts["past_cases"] = str(max(past, labelled))
    own_split = random.Random(f"split {seed}")  # of its own, so that what a seed draws stays what it was
    if texts["kind"] == "ml" and labelled and own_split.random() < 0.2:
        texts["test_cases"] = str(own_split.randint(1, labelled))
    own_rows = random.Random(f"rows {seed}")
    if texts["kind"] == "software" and own_rows.random() < 0.5:
        texts["rows_a_run"] = _text(own_rows, questions.load()["rows_a_run"], texts)
    if float(texts.get("rarest_share") or 0) * int(texts.get("class_count") or 3) > 1:
        texts["rarest_share"] = ""
    return complete(texts)


def likely_answers(seed: int) -> Answers:
    """The answers of this seed as a project might give them: every amount within a range that is met in practice."""
    rng = random.Random(f"likely {seed}")
    kind = rng.choice(questions.KINDS)
    texts = {"kind": kind, "decision": "Somebody decides something else than today.", "start_date": "2026-03-02"}
    given = LIKELY[kind] | LIKELY["both"]
    for key, values in given.items():
        if rng.random() < 0.6:
            texts[key] = rng.choice(values)
    if kind == "ml":
        texts |= _likely_metric(rng)
        labelled, past = int(texts.get("labelled_cases", 0)), int(texts.get("past_cases", 0))
        texts["past_cases"] = str(max(past, labelled))
    return complete(texts)


def _likely_metric(rng: random.Random) -> dict[str, str]:
    task = rng.choice(("binary", "binary", "multiclass", "regression", "ranking", "forecast"))
    metric = rng.choice(questions.choices(questions.load()["metric"], {"kind": "ml", "task": task}))
    found = {"task": task, "metric": metric}
    scale = rng.choice((1.0, 40.0)) if metric in ("mae", "rmse") else 1.0
    if rng.random() < 0.8:
        found["current_value"] = _decimal(scale * rng.choice((0.1, 0.3, 0.55, 0.7, 0.9)))
    if rng.random() < 0.4:
        found["target_value"] = _decimal(scale * rng.choice((0.05, 0.25, 0.6, 0.75, 0.95)))
    return found


LIKELY: dict[str, dict[str, tuple[str, ...]]] = {
    "both": {
        "consequence": ("cosmetic", "money", "rights", "intolerable"),
        "daily_volume": ("20", "300", "5000", "200000"),
        "peak_factor": ("2", "10", "30"),
        "day_rate": ("400", "900"),
        "appetite_weeks": ("12", "30", "60"),
    },
    "ml": {
        "current_practice": ("none", "people", "rules", "model"),
        "past_cases": ("500", "8000", "60000", "2000000"),
        "labelled_cases": ("0", "400", "6000", "50000"),
        "positive_share": ("0.003", "0.02", "0.1", "0.5"),
        "false_alarm_cost": ("2", "10"),
        "miss_cost": ("5", "60", "800"),
        "unit_error_cost": ("0.2", "3"),
        "label_source": ("logs", "people", "both", "none"),
        "label_delay_days": ("0", "2", "14", "90"),
        "label_minutes": ("0.5", "4", "15"),
        "label_agreement": ("0.8", "0.95", "0.99"),
        "label_return_share": ("0", "0.05", "0.5", "1"),
        "class_count": ("3", "12"),
        "rarest_share": ("", "0.01", "0.06"),
        "missed_labels": ("", "0.05", "0.2"),
        "false_labels": ("", "0.002", "0.03"),
        "segments": ("", "region", "region; channel; size"),
        "serving": ("batch", "api", "alert"),
        "change_rate": ("stable", "seasonal", "fast", "adversarial"),
        "monthly_run_budget": ("100", "2000", "20000"),
        "review_rate": ("", "0.02", "0.3"),
        "current_precision": ("", "0.2", "0.8"),
        "retrain_cost": ("", "300", "5000"),
        "decay_per_month": ("", "0.002", "0.05"),
        "min_gain": ("", "0.01", "0.05"),
        "promotion_margin": ("0.01", "0.03", "0.1"),
        "audit_margin": ("0.02", "0.08", "0.2"),
        "canary_share": ("0.05", "0.5"),
        "payback_limit_months": ("6", "18", "36"),
        "slice_margin": ("0.02", "0.1"),
    },
    "software": {
        "deliverable": ("service", "web-app", "cli", "library", "batch"),
        "capabilities": ("Report status", "Submit a form; Approve a form; Search forms"),
        "dependencies": ("", "payments=99.9", "mail=99.5; stock=99"),
        "slo_percent": ("95", "99.5", "99.95"),
        "data_class": ("none", "internal", "personal", "regulated"),
        "worker_limit": ("", "2", "20"),
    },
}


def _in_the_metrics_range(rng: random.Random, texts: dict[str, str]) -> dict[str, str]:
    if texts["kind"] != "ml":
        return {"current_value": texts.get("current_value", "").removeprefix("-")}
    if rng.random() < 0.2:
        return _of_the_teams_own(rng, texts)
    allowed = questions.choices(questions.load()["metric"], texts | {"task": texts.get("task", "binary")})
    metric = texts.get("metric") if texts.get("metric") in allowed else rng.choice(allowed)
    high = rng.choice((1.0, 10.0, 5000.0)) if metric in WHOLE_METRICS else 1.0
    values = {"metric": str(metric)}
    for key in ("current_value", "target_value"):
        values[key] = "" if rng.random() < 0.3 else _decimal(rng.choice((0.0, high, rng.uniform(0, high))))
    return values


def _of_the_teams_own(rng: random.Random, texts: dict[str, str]) -> dict[str, str]:
    """A metric that the team writes itself: a share, a loss, or a gain that may be below 0."""
    form, direction = rng.choice((("share", "higher"), ("mean", "lower"), ("mean", "higher")))
    high = 1.0 if form == "share" else rng.choice((10.0, 5000.0))
    low = -high if (form, direction) == ("mean", "higher") else 0.0
    values = {"metric": "own:profit", "metric_form": form, "metric_direction": direction}
    for key in ("current_value", "target_value"):
        values[key] = "" if rng.random() < 0.3 else _decimal(rng.choice((0.0, low, high, rng.uniform(low, high))))
    return values


def _text(rng: random.Random, question: Question, texts: dict[str, str]) -> str:
    if question.key in (
        "kind_reason",
        "author",
        "project_name",
        "email",
        "project_slug",
        "confirmed",
        "code_owners",
        "requirement_ids",
    ):
        return texts.get(question.key, questions.default(question, texts))
    if question.choices:
        return rng.choice(questions.choices(question, texts))
    if question.type in ("integer", "number"):
        return _number(rng, question)
    return {
        "names": "; ".join(rng.sample(WORDS, rng.randint(1, 6))),
        "shares": "; ".join(f"{word}={rng.choice((100, 99.99, 99.5, 60))}" for word in rng.sample(WORDS, 3)),
        "team": _team(rng),
    }.get(question.type, questions.default(question, texts))


def _number(rng: random.Random, question: Question) -> str:
    low = question.min or 0.0
    high = question.max if question.max is not None else 1e6
    value = rng.choice((low, high, rng.uniform(low, high), low + (high - low) * 10 ** rng.uniform(-6, 0)))
    text = str(int(value)) if question.type == "integer" else _decimal(value)
    return text if questions.check(question, text) is None else questions.default(question, {"kind": "ml"})


def _decimal(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _team(rng: random.Random) -> str:
    roles = ["po", *rng.sample(["ds", "mle", "swe", "de", "ops", "expert"], rng.randint(0, 6))]
    return "; ".join(f"{role}={rng.choice(('?', 'Ana', 'Bo', 'Cy'))}:{rng.choice((0.1, 0.5, 1))}" for role in roles)
