"""What a machine learning repository's README says by the answers: sizes, lines to type, the tree."""

from collections.abc import Mapping
from typing import Any

from mlscaffold import catalogue
from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import AnswerKey, PlanKey
from mlscaffold.rendering.forms import called_for, lines
from mlscaffold.wording import number

# What the verdict on the same rows follows from; a price does once it is answered, for then the gain has to pay back.
DECIDING: tuple[AnswerKey, ...] = (
    "metric", "min_gain", "min_gain_share", "current_value", "test_looks",
    "miss_cost", "false_alarm_cost", "unit_error_cost",
)  # fmt: skip
SERVE = {"batch": "make score", "api": "make serve", "alert": "make alert"}


class MlReadme:
    """The README's prepared words, each worked out when the page asks for it."""

    def __init__(self, answers: Answers, plan: Mapping[PlanKey, Any]) -> None:
        self._answers = answers
        self._plan = plan
        self._audited = answers.rigor != "light"
        self._sample = answers.data_source == "sample"
        self._example = catalogue.tasks()[answers.task].sample
        self._mlflow = answers.tracking == "mlflow"
        self._spark = answers.compute == "spark"

    @property
    def packages(self) -> int:
        """How many packages are installed."""
        served, alone = (70, 67) if self._mlflow else (43, 25)
        return (served if self._answers.serving == "api" else alone) + 8 * self._spark

    @property
    def megabytes_to_load(self) -> int:
        """What is downloaded for them."""
        return (150 if self._mlflow else 130) + 60 * self._spark

    @property
    def megabytes_on_disk(self) -> int:
        """What they take on the disk."""
        return (550 if self._mlflow else 470) + 210 * self._spark

    @property
    def sample(self) -> str:
        """What the built-in sample is."""
        return str(self._example["about"])

    @property
    def unmeasured(self) -> bool:
        """Whether people label and nobody has measured how far two of them agree."""
        people = self._answers.label_source in ("people", "both")
        return people and self._answers.label_agreement is None and self._audited

    @property
    def passes(self) -> bool:
        """Whether the sample is sure to PASS: its row says so, and no answer changes what decides."""
        return self._example["ends"] == "PASS" and not self._decided_otherwise

    @property
    def _decided_otherwise(self) -> bool:
        """Whether the verdict may be another than with default answers; tests hold that one to `accept` alone."""
        return any(self._answers.provenance(key) != "default" for key in DECIDING if self._answers.is_asked(key))

    @property
    def expected(self) -> str:
        """How acceptance ends on the sample."""
        ends = self._example["ends"]
        kind = "synthetic and kind" if ends == "PASS" else "small, and its one-column rule is already good"
        proves = ", which shows the way and proves nothing about your data" if ends == "PASS" else ""
        said = f"The sample is {kind}: with default answers expect {ends}{proves}."
        yours = " Yours ask for something else, so it may end otherwise here."
        return said + (yours if self._decided_otherwise else "")

    @property
    def unpaid(self) -> str:
        """Why the sample's model is not promoted without a waiver, as half a sentence; "" where it is."""
        if self.passes:
            return ""
        few, poor = "its few rows leave the verdict open", "its model does not pay"
        return {"INCONCLUSIVE": few, "FAIL": poor}.get(self._example["ends"], "its verdict may not be PASS")

    @property
    def earns(self) -> str:
        """Where the smallest gain comes from, as half a sentence: answered, worked out from money, or a stand-in."""
        answers, inputs = self._answers, self._plan["acceptance"]["min_gain"]["inputs"]
        if answers.min_gain is not None:
            return "which `min_gain` says"
        if "min_gain_share" not in inputs:
            return f"from which the work pays back within {answers.payback_limit_months:g} months"
        return "which stands in, because the answers do not tell what the work has to earn"

    @property
    def _shut(self) -> list[tuple[str, str]]:
        """The gates that nothing but a waiver opens on the sample, before promotion, and what each stands for."""
        return called_for(
            (self._audited, ("G0.1", "the charter")),
            (True, ("G0.2", "the record of why it is a model")),
            (not self.passes, ("G3.3", "the verdict")),
            (self._audited and bool(self._answers.segments), ("G3.4", "the segments, of which the sample has no rows")),
        )

    @property
    def waived(self) -> str:
        """What these gates stand for, as a list in a sentence."""
        *most, last = [what for _, what in self._shut]
        return f"{', '.join(most)} and {last}" if most else last

    @property
    def onward(self) -> str:
        """What is typed between acceptance and promotion: waivers on the sample, the written answers otherwise."""
        if not self._sample:
            return 'git add --all && git commit -m "Answer the charter, decide on a model"'
        reason = '--reason "sample data, to see operations" --until 60'
        return lines(f".venv/bin/planrun waive {gate} {reason}" for gate, _ in self._shut)

    @property
    def running(self) -> str:
        """What is typed once the model is promoted."""
        answers = self._answers
        rows = answers.data_source if "://" not in answers.data_source else "FILE"
        serve = SERVE[answers.serving]
        plain = answers.serving == "api" or self._sample
        return lines(
            called_for(
                (self._audited, "make monitor ARGS=--test-alert"), (True, serve if plain else f"{serve} ARGS={rows}")
            )
        )

    @property
    def served_by(self) -> str:
        """The rows of commands that answer with the champion."""
        answers = self._answers
        waiting = "; `--waiting` lists what waits for a person, `--answer ID LABEL` closes one"
        asks = waiting if answers.human_confirms == "yes" else ""
        return {
            "batch": "| `score ARGS=FILE` | answers every row of a CSV or Parquet file into `predictions/`, in parts; "
            "killed, it is simply run again |",
            "api": "| `serve` | answers `POST /v1/predict` on port 8000 until stopped (Ctrl-C); "
            "`/health`, `/metrics` and `/docs` beside it |\n"
            f"| `load` | sends a copy of the service {number(answers.load_factor)} times the plan's peak load for half "
            "a minute, with as many workers as the plan has (gate G4.3) |",
            "alert": f"| `alert ARGS=FILE` | answers every row, and raises those above the threshold{asks} |",
        }[answers.serving]

    @property
    def yours(self) -> str:
        """The lines of the tree for what the team writes."""
        answers = self._answers
        endpoints = ", endpoints" if answers.serving == "api" else ""
        notebook = "notebooks/explore.ipynb look around, without the test rows"
        source = f"src/{answers.package_name}/          yours: rows, features, models, gates{endpoints} of your own"
        return lines(
            called_for(
                (answers.rigor == "strict" or not self._sample, notebook), (True, f"{source} (docs/bring-your-own.md)")
            )
        )

    @property
    def checked(self) -> str:
        """The lines of the tree for what checks it."""
        ci = self._answers.ci
        own = "yours: the data keep their schema, a row is the same in service, what must not decide"
        daily = "the watch every day; retraining when it is due"
        host = "lint, tests and gates; the daily watch, retraining when it is due"
        return lines(
            called_for(
                (True, f"tests/                  {own}"),
                (ci == "github", ".github/workflows/ci.yml          lint, tests and gates, at every push"),
                (ci == "github", f".github/workflows/operations.yml  {daily}"),
                (ci == "github", ".github/                owners, issue forms, questions for a pull request"),
                (ci == "gitlab", f".gitlab-ci.yml          {host}"),
                (ci == "azure", f"azure-pipelines.yml     {host}"),
                (
                    bool(self._answers.catalog_owner),
                    "catalog-info.yaml       what the software catalogue is told of it",
                ),
            )
        )
