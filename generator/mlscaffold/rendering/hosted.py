"""What a code host reads at the top of a repository only, and how it gets there."""

from collections.abc import Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.hosting import GITLAB_TOP, at_top
from mlscaffold.rendering.forms import lines

WATCHED = "17 5 * * *"  # as in the workflow of the operation
HOSTS = {"github": "GitHub", "gitlab": "GitLab", "azure": "Azure DevOps"}


def moves(answers: Answers, plan: Mapping[PlanKey, Any]) -> str:
    """The lines that move what the code host reads at the top only, from a project below the top of its repository."""
    up = "../" * len(answers.folder.split("/"))
    tops = ((path, up + str(at_top(path, answers.project_slug))) for path in _hosted(answers))
    return lines(f"mkdir -p {top.rpartition('/')[0]} && git mv {path} {top}" for path, top in tops)


class Remarked:
    """What the jobs have in common that write into a pull request or an issue, whichever the kind and the host.

    `asked_in` is the job that has judged the gates, `morning` when GitHub's clock starts the watch, `clocked` what
    that clock starts, `workflow` the name under which it stands.
    """

    def __init__(self, answers: Answers, plan: Mapping[PlanKey, Any]) -> None:
        ml = answers.kind == "ml"
        self.asked_in = "check" if ml else "build"
        self.morning = f"github.event.schedule == '{WATCHED}'" if ml else "github.event_name == 'schedule'"
        self.clocked = "the watch and the retraining" if ml else "the watch"
        self.workflow = f"{answers.project_slug} " * bool(answers.folder) + ("operations" if ml else "ci")


def _hosted(answers: Answers) -> list[str]:
    if answers.ci == "gitlab":
        return [GITLAB_TOP, "docs/CODEOWNERS"]
    if answers.ci == "azure":
        return []  # a pipeline names its file, wherever it lies
    ml = answers.kind == "ml"
    forms = ["data", "experiment", "misbehaviour"] if ml else ["change"]
    forms += ["misbehaviour"] if not ml and answers.ml_component else []
    return [
        ".github/workflows/ci.yml",
        *([".github/workflows/operations.yml"] if ml else []),
        *(f".github/ISSUE_TEMPLATE/{form}.yml" for form in forms),
        ".github/PULL_REQUEST_TEMPLATE.md",
        ".github/CODEOWNERS",
        *([] if ml else [".github/dependabot.yml"]),
    ]
