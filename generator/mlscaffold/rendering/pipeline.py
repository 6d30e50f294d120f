"""The steps of a software product's pipeline, as each code host writes them."""

from collections.abc import Iterable, Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.hosting import at_top
from mlscaffold.rendering.forms import called_for, lines, stores
from mlscaffold.rendering.operations import is_counted

BUDGET = 'budget --metrics "$METRICS_URL"'  # only where somebody has given the address of such a page


class Pipeline:
    """What is done to build, to release and every morning."""

    def __init__(self, answers: Answers, plan: Mapping[PlanKey, Any]) -> None:
        audited, counted = answers.rigor != "light", is_counted(answers)
        self._host = answers.ci
        self._at = f"\n        workingDirectory: {answers.folder}" if answers.folder else ""
        self.tag = f"{answers.project_slug}-v" if answers.folder else "v"
        self.paths = f'["{answers.folder}/**", "{at_top(".github/workflows/ci.yml", answers.project_slug)}"]'
        tags, paths = f'    tags: ["{self.tag}*"]', f"    paths: {self.paths}"
        self.pushes = lines(called_for((True, tags), (bool(answers.folder), paths)))
        self.pulls = f"\n{paths}" if answers.folder else ""
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
        image = self._typed(f"docker build --tag {answers.project_slug} .")
        self.build = lines(called_for((True, self._step("check")), (answers.deploy == "container", image)))

    def _written(self, commands: Iterable[str]) -> str:
        return lines(self._step(command) for command in commands)

    def _step(self, command: str) -> str:
        """One command of the engine; counting the budget is left out where nobody has named a page of metrics."""
        if command != BUDGET:
            return self._typed(f"$DO {command}")
        if self._host == "github":
            return f"{self._typed(f'$DO {command}')}\n        if: env.METRICS_URL != ''"
        if self._host == "azure":  # an unset variable arrives as its own name in brackets, a secret one only by `env`
            counted = f'if [[ "$METRICS_URL" = http* ]]; then $DO {command}; fi'
            return f"{self._typed(counted)}\n        env:\n          METRICS_URL: $(METRICS_URL)"
        return self._typed(f'if [ -n "$METRICS_URL" ]; then $DO {command}; fi')

    def _typed(self, line: str) -> str:
        """A line of the shell as a step of the host's job."""
        if self._host == "gitlab":
            return f"    - {line}"
        if self._host == "azure":
            return f"      - bash: {line}{self._at}"
        return f"      - run: {line}"
