"""What people and programs do today, and how far it can be written down, as pages say it."""

from collections.abc import Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.rendering.forms import or_assumed

ON_THE_COMMAND_LINE = "chosen on the command line"  # what stands for a reason that nobody has given yet
RULES = {
    "full": "A careful person can write the behaviour down as rules, completely.",
    "partial": "A careful person can write part of the behaviour down as rules.",
    "no": "Nobody can write the behaviour down as rules, by the answers given.",
}
LEFT = {
    "none": "the job stays undone",
    "people": "people go on doing it by hand",
    "rules": "today's rule or script goes on",
    "model": "today's model goes on",
}
TODAY = {
    "none": "Nobody and nothing does this job today, so the comparison is with leaving it undone.",
    "people": "People do this job by hand today.",
    "rules": "A rule, a query or a script does this job today.",
    "model": "A model does this job today, and this project replaces it by something that can be written down.",
}


class Approach:
    """The record of why this is software."""

    def __init__(self, answers: Answers, plan: Mapping[PlanKey, Any]) -> None:
        overruled, reason = plan["advice"]["overruled"], answers.kind_reason
        decided = not overruled or bool(reason and reason != ON_THE_COMMAND_LINE)
        self.followed = "followed" if not overruled else "overruled" if decided else "owed"
        self.rules = or_assumed(answers, "rules_expressible", RULES[answers.rules_expressible])
        self.left = LEFT[answers.current_practice]
