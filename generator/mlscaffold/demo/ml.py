"""The machine learning story: from the audit to a rollback, with a drift and a decay that are planted and caught."""

import contextlib
import json
import random
import re
from datetime import datetime, timedelta
from typing import Any

from mlscaffold.demo import parcels
from mlscaffold.demo.door import DemoFailed
from mlscaffold.demo.environment import Extent
from mlscaffold.demo.project import NOBODY, Project, Service
from mlscaffold.demo.telling import Telling

OPENING = (
    "Late parcels: an example, from the first audit to a rollback",
    "Every line below is a command of the new repository that really ran, in a scratch folder that is removed at the "
    f"end. The data come from a seed, days pass by dating the log back, signatures belong to “{NOBODY}”.",
)
NEEDS = Extent(("fastapi", "httptools", "uvicorn"), 32, 400)
SETTINGS: dict[str, str] = {}
SOURCE, DATA, RECORD = "data/source.yaml", "data/raw/parcels.csv", "docs/decisions/0001-ml-or-not.md"
HELD, BATCH = 8000, 200
STUCK = "rain_mm"  # the gauge that will send the same number all day


class Days:
    """What happens after the release, a day at a time."""

    def __init__(self, project: Project, service: Service) -> None:
        self.project, self.service = project, service
        self.rows = int(project.plan("monitor.window_rows"))
        self.seed = 100
        self.late: list[dict[str, object]] = []

    def passes(self, *, hall: bool = False, stuck: bool = False) -> None:
        """The answers so far grow a day older, their labels come back, and a new day's parcels are asked about."""
        self._grows_older()
        if self.late:
            parcels.write(self.project.folder / "labels" / f"day-{self.seed}.csv", self.late)
        self.seed += 1
        day = parcels.made(self.rows, self.seed, hall=hall)
        self.late = [{"id": row[parcels.KEY], "label": row[parcels.TARGET]} for row in day]
        for row in day if stuck else ():
            row[STUCK] = 0.0
        for first in range(0, len(day), BATCH):
            self.asks(day[first : first + BATCH])

    def asks(self, day: list[parcels.Row]) -> list[dict[str, Any]]:
        """The service's answers for parcels, sent without their outcomes."""
        named = (parcels.KEY, parcels.TARGET)
        asked = [
            {"id": row[parcels.KEY], "inputs": {name: value for name, value in row.items() if name not in named}}
            for row in day
        ]
        return list(self.service.ask("/v1/predict", {"rows": asked})["answers"])

    def _grows_older(self) -> None:
        """A day, for the log and for the registry's events."""
        for file in self.project.folder.glob("predictions/*.jsonl"):
            rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
            older = [json.dumps(row | {"made_at": _yesterday(row["made_at"])}) + "\n" for row in rows]
            file.write_text("".join(older), "utf-8")
        path = self.project.folder / "registry" / "models.json"
        book = json.loads(path.read_text("utf-8"))
        for event in book["events"]:
            event["at"] = _yesterday(event["at"])
        path.write_text(json.dumps(book), "utf-8")


def tell(project: Project, telling: Telling) -> list[tuple[str, str]]:
    """The whole story; its results, a label and a sentence each.

    Raises `DemoFailed` where a command does something else than the story tells.
    """
    results: dict[str, str] = {}
    telling.chapter("Before any experiment")
    _phase_one(project, telling, results)
    telling.chapter("Experiments, then one look at the test rows")
    _experiments(project, telling)
    _acceptance(project, telling, results)
    telling.chapter("In service")
    _release(project, telling)
    with contextlib.ExitStack() as open_:
        with telling.step("serve") as step:
            service = open_.enter_context(project.serving("serve", health="/health"))
            step.says(f"{service.ask('/health')['model']} answers over HTTP")
        days = Days(project, service)
        _watching(project, telling, days, results)
        _retraining(project, telling, results)
        _rollback(project, telling, days, results)
    return list(results.items())


def _phase_one(project: Project, telling: Telling, results: dict[str, str]) -> None:
    rows = parcels.made(HELD, seed=1)
    parcels.write(project.folder / DATA, rows)
    with telling.step("audit") as step:
        project.run("audit")
        sizes = project.evidence("splits")["sizes"]
        kept = sizes["test"]
        step.says(
            f"{sum(sizes.values()):,} rows, {len(rows[0]) - 2} inputs, every rule holds; "
            f"{kept:,} are put aside for the test"
        )
    results["rows"] = f"{project.plan('test.rows'):,.0f} were needed in the test to show the target, {kept:,} were held"
    with telling.step("experiment") as step:
        said = project.run("experiment", ends={2}).said
        step.says(f"REFUSED before the data are locked: {_gates(said)} are shut", "bad")
    with telling.step("confirm --all") as step:
        project.run("confirm", "--all")
        count = len(re.findall(r"^- key:", project.folder.joinpath("plan/assumptions.yaml").read_text("utf-8"), re.M))
        step.says(f"{count} assumptions, each under a name: {NOBODY}")
    with telling.step("baseline") as step:
        project.run("baseline")
        found = project.evidence("baseline")
        step.says(f"best rule of one column ({found['rule']['column']}): recall {_bounds(found['result'])}; locked")
    path = project.folder / RECORD
    path.write_text(path.read_text("utf-8").replace("status: proposed", "status: accepted", 1), "utf-8")
    project.commit("Audited, measured, locked; decision 0001 accepted")


def _experiments(project: Project, telling: Telling) -> None:
    for model in ("linear", "forest"):
        with telling.step("experiment") as step:
            project.run("experiment", "--model", model)
            record = _record(project, model)
            against = record["vs_champion"] or record["vs_baseline"]
            name = record["champion"].partition("-")[2] if record["champion"] else "the rule"
            kept = record["decision"] == "keep"
            step.says(
                f"{'KEPT' if kept else 'DROPPED'} {model}: recall {record['metric']['value']:.2f}, "
                f"{_bounds(against, '+')} against {name}",
                "good" if kept else "bad",
            )
            _must(kept == (model == "linear"), f"experiment --model {model}", record["learned"])
    project.commit("Two experiments")


def _acceptance(project: Project, telling: Telling, results: dict[str, str]) -> None:
    with telling.step("sign G3") as step:
        project.run("sign", "G3")
        step.says(f"{NOBODY} accepts the thresholds before anybody sees a test row")
    with telling.step("accept") as step:
        project.run("accept")
        found = project.evidence("acceptance")
        gain, least = found["gain"], found["minimum"]
        step.says(f"PASS gain in recall {_bounds(gain)}; its lower bound had to reach {least:.2g}", "good")
    results["gain"] = (
        f"{gain['value']:.2f} in recall, {gain['low']:.2f} to {gain['high']:.2f} with {1 - 2 * gain['alpha']:.0%} "
        f"confidence; {least:.2g} was asked for"
    )
    alarm, miss, currency = (project.answer(key) for key in ("false_alarm_cost", "miss_cost", "currency"))
    results["threshold"] = (
        f"act from a probability of {found['decision_threshold']:.2f}: "
        f"a false alarm costs {alarm} {currency}, a miss {miss}"
    )
    project.commit("Accepted")


def _release(project: Project, telling: Telling) -> None:
    with telling.step("promote") as step:
        said = project.run("promote").said
        rows = len(project.evidence("parity")["training"])
        step.says(f"{said.split()[0]} answers; the same scores in training and service on {rows} rows")
    with telling.step("rollback") as step:
        project.run("rollback", "--drill")
        found = project.evidence("rollback_drill")
        step.says(f"rehearsed: {found['from']} → {found['to']}, the rule, and back; {found['seconds']:.1f} s")
    project.commit("Released")


def _watching(project: Project, telling: Telling, days: Days, results: dict[str, str]) -> None:
    with telling.step("monitor") as step:
        days.passes()
        days.passes()
        project.run("monitor", ends={0, 1})
        loud = [
            f"{name}: {one['reason']}" for name, one in _signals(project).items() if one["state"] in ("alarm", "silent")
        ]
        _must(not loud, "monitor", "; ".join(loud))
        step.says(f"2 days, {2 * days.rows:,} answers: all is well, {_recall(project)} by the labels that came back")
    with telling.step("status") as step:
        shown = json.loads(project.run("status", "--check", "--json").printed)["gates"]
        gates = [gate for gate in shown if gate["blocking"]]
        step.says(f"all {len(gates)} blocking gates are open")
    found = 0
    with telling.step("monitor") as step:
        while not found or STUCK not in _signal(project, "drift")["reason"]:
            found += 1
            _must(found <= 3, "monitor", f"{STUCK} was not named in 3 days")
            days.passes(stuck=True)
            project.run("monitor", ends={0, 1})
        moved = re.search(rf"{STUCK} PSI ([\d.]+) \(noise ([\d.]+)\)", _signal(project, "drift")["reason"])
        told = f"PSI {float(moved[1]):.2f}, noise below {float(moved[2]):.2f}" if moved else ""
        step.says(f"DRIFT planted: {STUCK} stuck at 0. Named after {_days(found)}: {told}", "bad")
    decayed = 0
    with telling.step("monitor") as step:
        while not decayed or _signal(project, "quality")["state"] != "alarm":
            decayed += 1
            _must(decayed <= 8, "monitor", "the decay was not seen in 8 days")
            days.passes(hall=True)
            project.run("monitor", ends={0, 1})
        step.says(
            f"ALARM planted: a new sorting hall, late for other reasons. "
            f"Seen on day {decayed}: {_rounded(_signal(project, 'quality')['reason'].rpartition(': ')[2])}",
            "bad",
        )
    results["drift"] = (
        f"an input that was stuck: found after {_days(found)}; a world that had changed: on day {decayed}"
    )


def _retraining(project: Project, telling: Telling, results: dict[str, str]) -> None:
    new, chance = parcels.made(HELD, seed=2, hall=True), random.Random(3)  # noqa: S311  (repeatable)
    mixed = [
        row | {"part": "train" if place % 5 < 3 else "validation" if place % 5 < 4 else "test"}
        for place, row in enumerate(new)
    ]
    learned = [row for row in mixed if row["part"] == "train"]
    answers = [row[parcels.TARGET] for row in learned]
    chance.shuffle(answers)
    for row, answer in zip(learned, answers, strict=True):
        row[parcels.TARGET] = answer
    with telling.step("retrain") as step:
        _data(project, mixed, split="part")
        project.run("retrain", ends={1})
        facts = project.evidence("candidate")
        step.says(
            f"REFUSED planted: an export that mixed up the answers to learn from. {facts['version']} has a recall of "
            f"{facts['result']['value']:.2f}, the floor is {facts['floor']:.2f}; {facts['champion']} stays",
            "bad",
        )
    refused = facts["version"]
    with telling.step("retrain") as step:
        _data(project, new)
        project.run("retrain")
        facts = project.evidence("candidate")
        gain = facts["vs_champion"]
        step.says(
            f"on {HELD:,} parcels since the hall: recall {_bounds(gain, '+')} against {facts['champion']}; "
            f"{facts['version']} waits for people"
        )
    with telling.step("promote") as step:
        said = project.run("promote").said
        _must(said.startswith(facts["version"]), "promote", said)
        step.says(f"{facts['version']} answers now, in the running service")
    results["retraining"] = (
        f"{refused} refused; {facts['version']} promoted: recall {_bounds(gain, '+')} on the same new rows"
    )
    project.commit("Retrained")


def _rollback(project: Project, telling: Telling, days: Days, results: dict[str, str]) -> None:
    with telling.step("rollback") as step:
        said = project.run("rollback", "--reason", "to see how long it takes").said
        took = re.match(r"(\S+) → (\S+) in ([\d.]+) s, limit ([\d.]+) min", said)
        _must(took is not None, "rollback", said)
        assert took is not None
        now = days.asks(parcels.made(1, seed=99, hall=True))[0]["model"]
        _must(now == took[2], "serve", f"{now} answers after the rollback to {took[2]}")
        step.says(f"{took[1]} → {took[2]} in {took[3]} s; {took[4]} min are allowed")
    results["rollback"] = f"{took[3]} s; the plan allows {took[4]} min"
    project.commit("Rolled back")


# ------------------------------------------------------------------------------------------------ words and files
def _data(project: Project, rows: list[parcels.Row], split: str = "") -> None:
    """New rows in place of the old ones, with a split of their own or without."""
    parcels.write(project.folder / DATA, rows)
    path = project.folder / SOURCE
    path.write_text(re.sub(r"^split: .*$", f'split: "{split}"', path.read_text("utf-8"), flags=re.M), "utf-8")


def _record(project: Project, model: str) -> dict[str, Any]:
    """The record of an experiment, by its model."""
    import yaml

    (path,) = project.folder.glob(f"experiments/*-{model}/record.yaml")
    return dict(yaml.safe_load(path.read_text("utf-8")))


def _signals(project: Project) -> dict[str, dict[str, Any]]:
    """What the last monitoring said of each signal."""
    return dict(project.evidence("monitor")["signals"])


def _signal(project: Project, name: str) -> dict[str, Any]:
    return _signals(project)[name]


def _recall(project: Project) -> str:
    return f"recall {_signal(project, 'quality')['value']:.2f}"


def _bounds(found: dict[str, Any], sign: str = "") -> str:
    return f"{found['value']:{sign}.2f} ({found['low']:{sign}.2f} to {found['high']:{sign}.2f})"


def _rounded(text: str) -> str:
    """The text with two decimals in every number that has more."""
    return re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", text)


def _days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"


def _gates(said: str) -> str:
    """The gates that a refusal names."""
    return ", ".join(re.findall(r"^  (G\S+)", said, re.M))


def _yesterday(moment: str) -> str:
    return (datetime.fromisoformat(moment) - timedelta(days=1)).isoformat()


def _must(true: bool, command: str, said: str) -> None:
    """The story goes on only where it is true."""
    if not true:
        raise DemoFailed(f"`{command}` did not do what the story tells: {said}")
