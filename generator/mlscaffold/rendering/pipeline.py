"""The steps of a software product's pipeline, as each code host writes them."""

from collections.abc import Iterable, Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.hosting import at_top
from mlscaffold.rendering.forms import called_for, lines, stores
from mlscaffold.rendering.operations import is_counted

BUDGET = 'budget --metrics "$METRICS_URL"'  # only where somebody has given the address of such a page


class Pipeline:
    """What is done to build, to release and every morning."""

    def __init__(self, answers: Answers, plan: Mapping[str, Any]) -> None:
        audited, counted = answers.rigor != "light", is_counted(answers)
        self._github = answers.ci == "github"
        self.tag = f"{answers.project_slug}-v" if answers.folder else "v"
        self.paths = f'["{answers.folder}/**", "{at_top(".github/workflows/ci.yml", answers.project_slug)}"]'
        tags, paths = f'    tags: ["{self.tag}*"]', f"    paths: {self.paths}"
        self.pushes = lines(called_for((True, tags), (bool(answers.folder), paths)))
        self.watch = self._written(called_for((audited, "audit"), (counted, BUDGET)))
        self.release = self._written(
            called_for(
                (True, "check"),
                (True, "accept"),
                (True, "load"),
                (stores(answers), "restore-drill"),
                (True, "rollback-drill"),
                (audited, "audit"),
                (audited and counted, BUDGET),
                (True, "status --check"),
            )
        )
        image = f"      - run: docker build --tag {answers.project_slug} ."
        built = (True, self._step("check")), (answers.deploy == "container", image), (True, self._step("status"))
        self.build = lines(called_for(*built))

    def _written(self, commands: Iterable[str]) -> str:
        return lines(self._step(command) for command in commands)

    def _step(self, command: str) -> str:
        if self._github:
            asked = "\n        if: env.METRICS_URL != ''" if command == BUDGET else ""
            return f"      - run: $DO {command}{asked}"
        return (
            f'    - if [ -n "$METRICS_URL" ]; then $DO {command}; fi' if command == BUDGET else f"    - $DO {command}"
        )
