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
        if key not in texts and (rng.random() < 0.5 or key in ("task", "team", "consequence")):
            texts[key] = _text(rng, question, texts)
    texts |= _in_the_metrics_range(rng, texts)
    labelled, past = int(texts.get("labelled_cases") or 0), int(texts.get("past_cases") or 0)
    texts["past_cases"] = str(max(past, labelled))
    return complete(texts)


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
