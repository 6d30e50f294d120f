"""What pages of a machine learning repository say by one answer: phrases, each where it is worded once."""

from collections.abc import Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.rendering.forms import or_assumed
from mlscaffold.rendering.practice import ON_THE_COMMAND_LINE
from mlscaffold.wording import cell

ENTITY = {"ranking": "query", "forecast": "period"}
DECIDES_BY = {"binary": "cost", "multiclass": "class"}
DELIVERED = {
    "batch": "a scheduled run scores a table and writes the results beside it",
    "api": "a service answers one request at a time",
    "alert": "a result above the threshold becomes an alert that a person sees",
}
CONFIRMED = {
    "yes": "yes, before it takes effect: the model warns, the person decides",
    "no": "no: a wrong result takes effect at once",
}
EFFECT = {
    "yes": "A person confirms each result before it takes effect.",
    "no": "The result takes effect without a person.",
}
TODAY = {
    "none": "Nothing does this job today.",
    "people": "People do this job today.",
    "rules": "Rules or queries do this job today.",
    "model": "Another model does this job today.",
}
BASELINE = {
    "none": "the best constant or rule, since nothing does the job today",
    "people": "people, as they do it today",
    "rules": "the rules or queries in use",
    "model": "the model in use",
}
COMPARED = {
    "none": "the best constant, and one query or rule",
    "people": "people as today, and one query or rule",
    "rules": "the rules in use today",
    "model": "the model in use today, and one query or rule",
}
NO_PEOPLE = {
    "answered": "The answers say that the data describe no people, so nothing is asked here.",
    "assumed": "Nobody has said whether the data describe people; the plan takes it that they do not.",
}
EXTENT = {"full": "in full", "partial": "in part", "no": "not at all"}


class Told:
    """The phrases of one project."""

    def __init__(self, answers: Answers, plan: Mapping[PlanKey, Any]) -> None:
        metric, task, practice = plan["metric"], answers.task, answers.current_practice
        self.entity = ENTITY.get(task, "case")
        self.decides_by = DECIDES_BY.get(task, "error")
        self.delivered = DELIVERED[answers.serving]
        self.confirmed, self.effect = CONFIRMED[answers.human_confirms], EFFECT[answers.human_confirms]
        self.today = or_assumed(answers, "current_practice", TODAY[practice])
        self.baseline, self.compared = BASELINE[practice], COMPARED[practice]
        unsaid = answers.provenance("personal_data") == "default"
        self.no_people = NO_PEOPLE["assumed" if unsaid else "answered"]
        self.extent = EXTENT[answers.rules_expressible]
        self.by_people = answers.label_source in ("people", "both")
        self.timed = answers.time_column != "" or task == "forecast"
        self.grouped = answers.group_column != "" or task == "ranking"
        self.group = "query" if task == "ranking" else f"`{cell(answers.group_column)}`"
        self.reason_owed = plan["advice"]["overruled"] and answers.kind_reason in ("", ON_THE_COMMAND_LINE)
        less = f"For {metric['title']} less is better, so *gain* below means how much smaller it gets."
        more = f"*Gain* below means how much larger {metric['title']} gets."
        self.gain = less if metric["better"] == "lower" else more
