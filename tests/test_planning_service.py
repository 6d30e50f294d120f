"""A running service: Erlang C, error budgets, burn alerts, dependency ceilings and demonstrations."""

import heapq
import math
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mlscaffold import answers as answers_module
from mlscaffold.answers import Answers
from mlscaffold.planning.formulas import reliability as r
from mlscaffold.planning.formulas.counts import LIMIT
from mlscaffold.planning.number import Number, begun, bounded
from mlscaffold.planning.operations.capacity import capacity
from mlscaffold.planning.operations.slo import burn_alerts, objectives

DECISION = "Shop assistants see the state of an order instead of asking the warehouse."


def orders(**texts: str) -> Answers:
    """A small order service with other answers on top."""
    given = {
        "kind": "software",
        "decision": DECISION,
        "dependencies": "payments=99.95; mail=99.99; inventory=99.5",
        "slo_percent": "99.9",
        "start_date": "2026-01-05",
    }
    return answers_module.complete(given | texts)


# ---------------------------------------------------------------------------------------------------------- capacity


def test_erlang_c_agrees_with_a_simulated_queue() -> None:
    """50 requests a second at 120 ms each on nine workers: 19.6 % wait, 95 % of them at most 55 ms."""
    waits = _queue(50, 0.12, 9)
    share = sum(wait > 1e-12 for wait in waits) / len(waits)

    assert r.erlang_c(9, 6) == pytest.approx(0.196, abs=5e-4)
    assert share == pytest.approx(0.196, abs=0.012)
    assert r.wait_quantile(9, 50, 0.12) == pytest.approx(0.055, abs=5e-4)
    assert sorted(waits)[int(0.95 * len(waits))] == pytest.approx(0.055, abs=0.006)


def _queue(rate: float, service: float, workers: int) -> list[float]:
    generator = random.Random(27)
    free, now, waits = [0.0] * workers, 0.0, []
    for _ in range(120_000):
        now += generator.expovariate(rate)
        start = max(now, heapq.heappop(free))
        waits.append(start - now)
        heapq.heappush(free, start + generator.expovariate(1 / service))
    return waits


def test_as_much_load_as_workers_lets_everybody_wait() -> None:
    """Exactly, for any number of them; a little less lets almost everybody."""
    for workers in range(1, 60):
        assert r.erlang_c(workers, workers) == 1.0
        assert 0.9 < r.erlang_c(workers, workers - 1e-3) < 1.0


def test_the_printed_number_of_workers() -> None:
    """50 a second, 120 ms, 300 ms for 95 %: nine workers, busy at most 70 % of the time; six with 40 % cache hits."""
    assert r.workers_needed(50, 0.12, 0.3, 0.7) == 9
    assert r.workers_needed(50 * 0.6, 0.12, 0.3, 0.7) == 6


@given(st.floats(0.001, 3000), st.floats(0.001, 2), st.floats(1.0, 20), st.floats(0.1, 0.99))
@example(1.0, 1.0000000000000002, 1.0, 0.25)  # a load that is four workers' up to the last digit
@settings(max_examples=100, deadline=None)
def test_one_worker_fewer_is_too_few(rate: float, service: float, slack: float, busy: float) -> None:
    """The count found keeps limit and busy share; with one fewer at least one of them breaks."""
    limit = service * slack
    workers = r.workers_needed(rate, service, limit, busy)

    assert workers is not None
    assert _keeps(workers, rate, service, limit, busy)
    assert workers == 1 or not _keeps(workers - 1, rate, service, limit, busy)
    assert (r.workers_needed(rate * 1.2, service, limit, busy) or math.inf) >= workers


def _keeps(workers: int, rate: float, service: float, limit: float, busy: float) -> bool:
    if rate * service > busy * workers * (1 + 1e-12):
        return False
    return r.wait_quantile(workers, rate, service) <= (limit - service) * (1 + 1e-9) + 1e-12


def test_no_number_of_workers_makes_one_answer_faster() -> None:
    """service_ms above the limit is a finding that names both answers."""
    number = capacity(orders(service_ms="400", p95_ms="300"))["capacity.workers"]

    assert number.value is None
    assert "400 ms" in str(number.note)
    assert "service_ms" in str(number.remedy)


def test_absurd_loads_are_a_finding_and_quick() -> None:
    """A thousand million results a day at a thousandfold peak: a sentence, not a number of workers."""
    number = capacity(orders(daily_volume="1000000000", peak_factor="1000"))["capacity.workers"]

    assert number.value is None
    assert "daily_volume" in str(number.remedy)


def test_a_hosting_limit_below_the_need_is_a_finding() -> None:
    """More workers than the hosting gives: the count stands, and the remedy names the answers."""
    answers = orders(daily_volume="1000000", worker_limit="3")
    number = capacity(answers)["capacity.workers"]

    assert number.value == 15
    assert "3 workers" in str(number.note)
    assert "worker_limit" in str(number.remedy)
    assert capacity(orders(daily_volume="1000000"))["capacity.workers"].remedy is None


def test_what_is_not_served_waits_in_no_queue() -> None:
    """A command, a library or a batch run has no queue to size; every key is there all the same."""
    online, offline = capacity(orders()), capacity(orders(deliverable="cli"))

    assert online.keys() == offline.keys()
    assert offline["capacity.wait95"].value is None
    assert offline["capacity.wait95"].note
    assert offline["capacity.workers"].value == 1


def test_a_run_that_nothing_could_compute_is_a_finding() -> None:
    """More than the most workers for a day's results: a note and a remedy, which a run that fits has not."""
    absurd = capacity(orders(deliverable="cli", daily_volume="1000000000", service_ms="1000000"))["capacity.workers"]
    fits = capacity(orders(deliverable="cli"))["capacity.workers"]

    assert absurd.value is None
    assert absurd.note == f"A day's results would keep more than {r.MOST_WORKERS:,} workers busy."
    assert "service_ms" in str(absurd.remedy)
    assert (fits.note, fits.remedy) == (None, None)


def test_each_deliverable_has_a_volume_of_its_own() -> None:
    """A nightly job runs once over many rows, a command is called, a library as often as its callers like."""
    job, command, library = (orders(deliverable=name) for name in ("batch", "cli", "library"))

    assert (orders().daily_volume, command.daily_volume, job.daily_volume, job.rows_a_run) == (1000, 100, 1, 1000)
    assert [one.is_asked("daily_volume") for one in (job, command, library)] == [True, True, False]
    assert [one.is_asked("peak_factor") for one in (orders(), job, command, library)] == [True, False, False, False]
    assert capacity(job)["capacity.run_minutes"].value == pytest.approx(1000 * job.service_ms / 60_000)
    assert capacity(job)["capacity.load_per_second"].value is None
    assert objectives(job)["slo.budget_requests"].value == pytest.approx(30 * (1 - job.slo_percent / 100))
    assert {capacity(library)[key].value for key in capacity(library)} == {None}


def test_a_jobs_runs_and_their_rows_make_its_days_work() -> None:
    """Twice the rows a run, or twice the runs a day, keep twice the workers busy; a run knows its own rows alone."""
    texts = {"deliverable": "batch", "rows_a_run": "40000000", "load_factor": "1"}
    once, twice, longer = (orders(**texts | more) for more in ({}, {"daily_volume": "2"}, {"rows_a_run": "80000000"}))
    workers = [capacity(one)["capacity.workers"].value for one in (once, twice, longer)]
    minutes = [capacity(one)["capacity.run_minutes"].value for one in (once, twice, longer)]

    assert workers == [math.ceil(n * 40_000_000 * once.service_ms / 86_400_000) for n in (1, 2, 2)]
    assert minutes[0] == minutes[1] == minutes[2] / 2


# -------------------------------------------------------------------------------------------------------- objectives


def test_error_budgets_as_printed() -> None:
    """99.9 % over 30 days leaves 43.2 minutes, over 28 days 40.3."""
    thirty, month = objectives(orders()), objectives(orders(slo_window_days="28"))

    assert thirty["slo.budget_minutes"].value == pytest.approx(43.2)
    assert month["slo.budget_minutes"].value == pytest.approx(40.32)
    assert thirty["slo.budget_requests"].value == pytest.approx(30)


def test_burn_alerts_are_the_published_ones() -> None:
    """30 days: 14.4, 6 and 1 (SRE Workbook); 28 days: 13.44 for the page. 70 requests an hour, or one failure pages."""
    thirty, month = burn_alerts(orders()), burn_alerts(orders(slo_window_days="28"))

    assert [alert["multiplier"] for alert in thirty] == [14.4, 6, 1]
    assert [alert["multiplier"] for alert in month] == [13.44, 5.6, 0.933333]
    assert [alert["guard"] for alert in thirty] == [70, 167, 1000]
    assert [alert["severity"] for alert in thirty] == ["page", "page", "ticket"]


def test_alerts_that_could_never_fire_are_left_out() -> None:
    """At 90 % even total failure burns only ten times too fast; a one-day window holds no three-day alert.

    Nor does a thousand answers a day hold an alert that waits for two thousand in an hour.
    """
    busy = orders(slo_window_days="1", daily_volume="1000000")
    assert [alert["window_hours"] for alert in burn_alerts(orders(slo_percent="90"))] == [6, 72]
    assert [alert["window_hours"] for alert in burn_alerts(busy)] == [
        1,
        6,
    ]
    assert burn_alerts(orders(slo_window_days="1")) == []
    assert burn_alerts(orders(deliverable="cli")) == []


def test_a_burn_at_the_multiplier_spends_its_share() -> None:
    """Failing at the alert's rate for its long window uses exactly the share it is named for."""
    for alert in burn_alerts(orders(daily_volume="24000")):
        failed = alert["error_rate"] * 1000 * alert["window_hours"]
        budget = objectives(orders(daily_volume="24000"))["slo.budget_requests"].value

        assert failed / float(budget or 0) == pytest.approx(alert["share"])


def test_demonstrations_as_printed() -> None:
    """99.9 % takes 2,995 requests without a failure; the slowest of 299 bounds the 99th percentile, of 59 the 95th."""
    numbers = objectives(orders())

    assert numbers["slo.demo_requests"].value == 2995
    assert numbers["slo.demo_samples"].value == 299
    assert numbers["slo.demo_samples_p95"].value == 59
    assert 0.999**2995 <= 0.05 < 0.999**2994


@given(st.floats(1e-6, 0.999999))
@settings(max_examples=100, deadline=None)
def test_a_demonstration_is_never_larger_than_needed(bound: float) -> None:
    """One trial fewer would not bound the rate."""
    trials = r.no_failures(bound)

    assert (1 - bound) ** trials <= 0.05 * (1 + 1e-6)
    assert trials == 1 or (1 - bound) ** (trials - 1) > 0.05 * (1 - 1e-6)


def test_the_ceiling_of_a_chain_as_printed() -> None:
    """99.95, 99.99 and 99.5 % in a row: 99.44 %; 99.9 % becomes possible at 99.94 % once inventory is soft."""
    numbers = objectives(orders())

    assert numbers["slo.ceiling"].value == pytest.approx(0.9944, abs=5e-5)
    assert numbers["slo.soft"].value == "inventory"
    assert numbers["slo.ceiling_soft"].value == pytest.approx(0.9994, abs=5e-5)
    assert "inventory" in str(numbers["slo.ceiling"].remedy)
    assert r.in_parallel(0.99, 2) == pytest.approx(0.9999)


def test_the_remedy_of_an_impossible_objective_works() -> None:
    """Lowering slo_percent to the figure in the remedy makes the finding go away."""
    remedy = str(objectives(orders())["slo.ceiling"].remedy)
    lower = remedy.rsplit(" ", 1)[1].rstrip(".")

    assert objectives(orders(slo_percent=lower))["slo.ceiling"].remedy is None


@pytest.mark.parametrize(
    ("dependencies", "lower"),
    [
        ("mail=99.99; inventory=99.5", "99.49"),
        ("mail=1; inventory=0.5", "0.005"),
        ("mail=0.02; inventory=0.01", "0.000002"),
        ("mail=0.01; inventory=0.001", "what you have measured"),
    ],
)
def test_a_remedy_never_asks_for_an_objective_of_nothing(dependencies: str, lower: str) -> None:
    """Two decimals, more where two would leave 0, and words where six would."""
    number = objectives(orders(dependencies=dependencies))["slo.ceiling"]

    assert str(number.remedy).endswith(f"lower slo_percent to {lower}.")


def test_nothing_promised_means_nothing_to_fail() -> None:
    """A library promises no availability; the same keys are there, empty, with the reason."""
    numbers = objectives(orders(deliverable="library"))

    assert numbers.keys() == objectives(orders()).keys()
    assert numbers["slo.budget_minutes"].value is None
    assert "library" in str(numbers["slo.budget_minutes"].note)


@given(st.lists(st.floats(0.5, 1), min_size=1, max_size=8), st.floats(0.5, 0.9999))
@settings(max_examples=100, deadline=None)
def test_softening_stops_as_soon_as_it_suffices(shares: list[float], objective: float) -> None:
    """What stays hard allows the objective, and giving back the last softened one would not."""
    chain = {f"system {at}": share for at, share in enumerate(shares)}
    soft = r.softened(chain, objective)
    hard = {name: share for name, share in chain.items() if name not in soft}

    assert r.in_series(hard.values()) >= objective - 1e-9
    if soft:
        assert r.in_series([*hard.values(), chain[soft[-1]]]) < objective


@given(
    st.integers(1, 10**9),
    st.floats(1, 1000),
    st.floats(0.001, 10**6),
    st.integers(1, 10**6),
    st.sampled_from(["service", "web-app", "cli", "library", "batch"]),
)
@settings(max_examples=80, deadline=None)
def test_capacity_is_never_infinite(volume: int, peak: float, service: float, limit: int, deliverable: str) -> None:
    """Whatever the answers: finite numbers, or empty with a reason."""
    answers = orders(
        daily_volume=str(volume),
        peak_factor=f"{peak:.3f}",
        service_ms=f"{service:.3f}",
        p95_ms=str(limit),
        deliverable=deliverable,
    )

    for key, number in capacity(answers).items():
        assert number.value is not None or number.note, key
        if key == "capacity.workers" and number.value is not None:
            assert 1 <= float(number.value) < LIMIT


# ---------------------------------------------------------------------------------------------- how a number is said


@pytest.mark.parametrize(
    ("months", "said"),
    [
        (None, "not known yet"),
        (0.2, "a month"),
        (1, "a month"),
        (1.01, "2 months"),
        (2.67, "3 months"),
        (3 + 1e-12, "3 months"),
        (1200.5, "1,201 months"),
    ],
)
def test_a_month_counts_from_its_beginning(months: float | None, said: str) -> None:
    """A last digit begins none."""
    assert begun(months) == said


@pytest.mark.parametrize(
    ("value", "inputs", "amount", "suspects"),
    [
        (2e9, {"gain": 0.1, "alpha": 0.05}, "more than 1,000,000,000 rows", "gain, alpha"),
        (-2e9, {"gain": 0.1}, "less than -1,000,000,000 rows", "gain"),
        (math.inf, {}, "rows without end", "the answers"),
    ],
)
def test_a_number_out_of_bounds_becomes_a_finding(
    value: float, inputs: dict[str, float], amount: str, suspects: str
) -> None:
    """Its sentence says how much, its remedy names what went in, unless the number has a remedy of its own."""
    shown = bounded("test.rows", Number(value, inputs=inputs), {"looks": "3"})
    own = bounded("test.rows", Number(value, inputs=inputs, remedy="Ask for less."), {"looks": "3"})

    assert shown.value is None
    assert str(shown.note).startswith(f"These answers give {amount}, which no project can use (")
    assert shown.remedy == f"Look at {suspects}: something there is far from real."
    assert own.remedy == "Ask for less."


@pytest.mark.parametrize("value", [True, "2026-01-05", None, 1e9, -1e9, 0])
def test_what_a_project_can_use_stays_as_it_is(value: object) -> None:
    """Texts, a yes, nothing, and the bound itself."""
    number = Number(value, inputs={"gain": 0.1})

    assert bounded("test.rows", number, {"looks": "3"}) is number
