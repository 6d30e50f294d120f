"""The steps of a software product's pipeline, as each code host writes them."""

from collections.abc import Iterable, Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.hosting import at_top
from mlscaffold.rendering.forms import called_for, lines, stores
from mlscaffold.rendering.operations import is_counted

BUDGET = 'budget --metrics "$METRICS_URL"'  # only where somebody has given the address of such a page
# It lists what an image holds and finds what is known to be weak in it. It reads the image from Docker itself, which is
# as much as owning the machine: so it is named by its content, which nobody can put another in the place of.
SCANNER = (
    "docker run --rm --volume /var/run/docker.sock:/var/run/docker.sock "
    "aquasec/trivy:0.65.0@sha256:a22415a38938a56c379387a8163fcb0ce38b10ace73e593475d3658d578b2436 image --quiet"
)


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
        self.looked_through = lines(self._looked_through(answers.project_slug))
        self.build = lines(
            called_for(
                (True, self._step("check")),
                (answers.deploy == "container", image),
                (answers.deploy == "container", self.looked_through),
            )
        )
        host = "database" if self._host == "gitlab" else "127.0.0.1"
        self.database = f"postgresql+pg8000://postgres:throwaway@{host}:5432/postgres"

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

    def _looked_through(self, image: str) -> list[str]:
        """A bill of materials of the image, kept beside the run; red where a weakness in it has a repair."""
        bill = self._typed(f"{SCANNER} --format cyclonedx {image} > sbom.json")
        weak = self._typed(f"{SCANNER} --severity HIGH,CRITICAL --ignore-unfixed --exit-code 1 {image}")
        below = f"{self._at.rpartition(' ')[2]}/" if self._at else ""
        kept = {
            "github": "      - uses: actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2\n"
            f"        with:\n          name: sbom\n          path: {below}sbom.json",
            "azure": f'      - bash: echo "##vso[artifact.upload artifactname=sbom]$PWD/sbom.json"{self._at}',
        }
        return [bill, *([kept[self._host]] if self._host in kept else []), weak]

    def _typed(self, line: str) -> str:
        """A line of the shell as a step of the host's job."""
        if self._host == "gitlab":
            return f"    - {line}"
        if self._host == "azure":
            return f"      - bash: {line}{self._at}"
        return f"      - run: {line}"
