"""A finding that changes the advice is said wherever somebody decides by the plan, in the same words."""

from pathlib import Path

import pytest
import yaml
from mlscaffold import answers as answers_module
from mlscaffold import cli, context
from mlscaffold.planning.plan import compute
from test_plausibility import WISH

SAID = {
    "decay-outruns-labels": ({"label_delay_days": "90", "change_rate": "adversarial", "miss_cost": "100"}, "R13"),
    "no-model-can-pay": ({"miss_cost": "3", "kind_reason": "We learn by building one."}, "R10"),
    "never-pays-back": (
        {"miss_cost": "40", "target_value": "0.32", "min_gain": "0.01", "kind_reason": "Wanted."},
        "R10",
    ),
}


def told(text: str) -> str:
    """A text without its line ends and the marks of a page, so that a wrapped sentence is found."""
    return " ".join(text.replace("\\|", "|").split())


def finding(name: str, texts: dict[str, str]) -> dict[str, object]:
    """The finding of this name in the plan of these answers."""
    found = compute(answers_module.complete(texts))["findings"]
    return next(row for row in found if row["name"] == name)


@pytest.mark.parametrize("name", SAID)
def test_new_plan_replan_and_the_pages_say_what_changes_the_advice(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`new`, its dry run, `plan`, `replan` and its dry run, the charter's readiness table, and the risk register."""
    more, risk = SAID[name]
    monkeypatch.chdir(tmp_path)
    Path("facts.yaml").write_text(yaml.safe_dump(WISH | more), "utf-8")
    row = finding(name, WISH | more)
    sentence = told(str(row["sentence"]))

    def says(*arguments: str) -> str:
        assert cli.run(arguments) == 0, capsys.readouterr()
        return told(capsys.readouterr().out)

    assert row["changes_advice"]
    assert sentence in says("plan", "--answers", "facts.yaml")
    assert sentence in says("new", "desk", "--defaults", "--answers", "facts.yaml", "--no-git", "--dry-run")
    assert sentence in says("new", "desk", "--defaults", "--answers", "facts.yaml", "--no-git")
    assert sentence in says("replan", "desk", "--set", "appetite_weeks=40", "--dry-run")
    assert sentence in says("replan", "desk", "--set", "appetite_weeks=40")
    charter, register = (told(Path("desk/docs", page).read_text("utf-8")) for page in ("00-charter.md", "05-risks.md"))
    assert f"| Stands in the way | {sentence}" in charter
    assert f"**The plan itself says:** {sentence}" in register
    assert f"### {risk} " in register


def test_a_payback_that_never_comes_keeps_its_risk() -> None:
    """Late, never, or at a price that nobody has named: R10 stays active, and names the reason or the months."""
    for texts in ({"miss_cost": "30", "target_value": "0.4", "min_gain": "0.01"}, {"miss_cost": "3"}, {}):
        risks = {risk["id"]: risk for risk in compute(answers_module.complete(WISH | texts))["risks"]}

        assert risks["R10"]["active"], texts
        assert "never pays" in risks["R10"]["trigger"] or "Payback takes" in risks["R10"]["trigger"]
    well_off = compute(answers_module.complete(WISH | {"miss_cost": "1000"}))["risks"]
    assert not next(risk for risk in well_off if risk["id"] == "R10")["active"]


def test_the_advice_says_from_which_price_on_it_pays() -> None:
    """Nobody has named a cost: the advice is not turned by a guess, and says which cost would turn it."""
    reasons = context.plan_of(answers_module.complete(WISH))["advice"]["reasons"]
    turned = context.plan_of(answers_module.complete(WISH | {"miss_cost": "3"}))["advice"]

    assert any("a gain of 3.03" in reason and "from 22.60 EUR on" in reason for reason in reasons)
    assert (turned["recommendation"], turned["rung"]) == ("software", "rules")
