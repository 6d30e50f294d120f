"""What a plan's six lines do under other answers: side by side for values of one, and by what moves each most."""

import math

import pytest
from mlscaffold import answers, cli, context, sensitivity
from mlscaffold.errors import MlscaffoldError
from mlscaffold.planning.number import entries

GIVEN = {
    "kind": "ml",
    "kind_reason": "a test",
    "start_date": "2026-03-02",
    "current_value": "0.3",
    "past_cases": "500000",
    "labelled_cases": "500000",
    "miss_cost": "100",
    "monthly_run_budget": "5000",
}
SOFTWARE = {"kind": "software", "kind_reason": "a test", "start_date": "2026-03-02"}


def six_lines(**texts: str) -> list[str]:
    """The six lines of the plan of these answers, computed apart."""
    return [line["text"] for line in context.plan_of(answers.complete(GIVEN | texts))["headline"]]


def number(key: str, **texts: str) -> float | None:
    """One number of the plan of these answers, computed apart."""
    value = dict(entries(context.plan_of(answers.complete(GIVEN | texts))))[key]["value"]
    return None if value is None else float(value)


# ------------------------------------------------------------------------------------------------ what if


def test_each_case_is_the_plan_with_that_value() -> None:
    """First the plan as it is, then one for each value, in the order given and each once."""
    key, cases = sensitivity.what_if(GIVEN, "daily_volume=500, 5000,500")

    assert key == "daily_volume"
    assert [case.value for case in cases] == ["", "500", "5000"]
    assert [[line["text"] for line in case.plan["headline"]] for case in cases] == [
        six_lines(), six_lines(daily_volume="500"), six_lines(daily_volume="5000"),
    ]  # fmt: skip


def test_a_line_that_stays_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    """And one that moves has a row for each value."""
    code = cli.run(["plan", "--kind", "ml", "--set", "start_date=2026-03-02", "--what-if", "day_rate=300,1200"])
    told = capsys.readouterr().out

    assert code == 0
    assert told.count("Decision threshold, the same for each:\n") == 1
    assert "  as answered      " in told
    assert told.count("  day_rate = 300   ") == told.count("  day_rate = 1200  ") == told.count("  as answered      ")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("daily_volume", "names no value"),
        ("daily_volume=", "names no value"),
        ("dailyvolume=5", 'no question called "dailyvolume" in --what-if'),
        ("daily_volume=48,000", "000 looks like the end of a number"),
        ("daily_volume=5,x", 'daily_volume is "x" in --what-if'),
        ("rigor=light,hard", 'rigor is "hard" in --what-if'),
        ("labelled_cases=900000", "more than past_cases"),
        ("data_source=postgresql://me:hunter22@host/x", "holds a secret"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(asked: str, told: str) -> None:
    """It names the value, and says nothing of a secret."""
    with pytest.raises(MlscaffoldError) as refusal:
        sensitivity.what_if(GIVEN, asked)

    assert told in str(refusal.value)
    assert "hunter22" not in f"{refusal.value} {refusal.value.hint}"


def test_one_thing_is_printed_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["plan", "--kind", "ml", "--json", "--drivers"]) == 2
    assert "Give one of them." in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------ what moves a line


@pytest.fixture(scope="module")
def found() -> dict[str, sensitivity.Line]:
    """What moves each line of the answers above."""
    return {line.label: line for line in sensitivity.drivers(GIVEN)}


def test_the_decision_threshold_is_moved_by_the_two_costs_alone(found: dict[str, sensitivity.Line]) -> None:
    """F12 by hand: 1 / (1 + 100), .5 / 100.5 and 2 / 102, and both costs move it equally far."""
    line = found["Decision threshold"]

    assert line.now == "0.0099"
    assert [(driver.key, [(tried.value, tried.text) for tried in driver.tried]) for driver in line.drivers] == [
        ("false_alarm_cost", [("0.5", "0.00498"), ("2", "0.0196")]),
        ("miss_cost", [("200", "0.00498"), ("50", "0.0196")]),
    ]


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("Release", "schedule.days.p80"),
        ("Rows needed, rows held", "test.rows"),
        ("Smallest useful gain", "acceptance.min_gain"),
        ("Payback", "acceptance.payback_months"),
    ],
)
def test_what_moves_a_line_most_stands_first(label: str, key: str, found: dict[str, sensitivity.Line]) -> None:
    """By the plan's own number for each value tried, computed apart; at most ten answers, none that moves nothing."""
    before = number(key)
    assert before is not None
    moves = []
    for driver in found[label].drivers:
        if driver.key == "team":
            continue  # told in words
        after = [number(key, **{driver.key: tried.value}) for tried in driver.tried]
        assert all(value != before for value in after), driver.key
        moves.append(max(math.inf if value is None else abs(math.log(value / before)) for value in after))

    assert 2 <= len(moves) <= 10
    assert moves == sorted(moves, reverse=True)


def test_a_share_keeps_below_one_and_an_amount_is_halved_and_doubled(found: dict[str, sensitivity.Line]) -> None:
    """Half and twice the odds of .8 are 2 to 1 and 8 to 1."""
    release = {driver.key: driver for driver in found["Release"].drivers}
    gain = {driver.key: driver for driver in found["Smallest useful gain"].drivers}

    assert {tried.value for tried in release["focus_factor"].tried} == {"0.6667", "0.8889"}
    assert {tried.value for tried in gain["day_rate"].tried} == {"300", "1200"}


def test_only_what_nobody_has_given_is_marked(found: dict[str, sensitivity.Line]) -> None:
    marked = {driver.key: driver.assumed for line in found.values() for driver in line.drivers}

    assert not marked["current_value"]
    assert marked["day_rate"]


def test_assumptions_alone_are_no_obstacle_that_moves() -> None:
    """Among what moves the last line is only what brings a finding, or another advice."""
    costs = {"false_alarm_cost": "150"}  # else acting on every case would find them all
    line = next(line for line in sensitivity.drivers(GIVEN | costs) if line.label == "Most in the way")

    assert line.now == "nothing but assumptions"
    assert not any("answers are assumed" in tried.text for driver in line.drivers for tried in driver.tried)


def test_a_software_plan_has_its_own_lines() -> None:
    """The objective moves the error budget; a per cent keeps below a hundred."""
    lines = {line.label: line for line in sensitivity.drivers(SOFTWARE)}
    budget = {driver.key: driver for driver in lines["Error budget"].drivers}

    assert list(lines) == [
        "Release", "Objective", "What shows it", "Error budget", "Cost to build", "Most in the way",
    ]  # fmt: skip
    assert [tried.value for tried in budget["slo_percent"].tried] == ["99.75", "99"]
    assert [tried.text for tried in budget["slo_percent"].tried] == ["108 minutes", "432 minutes"]


def test_the_same_answers_give_the_same_lines() -> None:
    assert sensitivity.drivers(SOFTWARE) == sensitivity.drivers(SOFTWARE)
