"""Speed, error rate and error budget beside the plan's: arithmetic, verdicts, and what a slow product cannot hide."""

import math
import re
import time
from pathlib import Path
from typing import Any

import pytest
from planrun.trouble import Blocked, Trouble

from planrun_software import harness
from planrun_software.harness.deliverable import Reply
from planrun_software.measuring import load
from planrun_software.measuring.bounds import percentile, upper_bound
from planrun_software.measuring.error_budget import allowed, budget, counted
from planrun_software.measuring.load import Target, judged, target_of
from planrun_software.tests.conftest import Make, Serve
from planrun_software.tests.toy import OFFERED, PACKAGE, Desk


# ---------------------------------------------------------------------------------------------------- bounds
@pytest.mark.parametrize(
    ("share", "value"), [(0, 10), (1, 10), (25, 10), (26, 20), (50, 20), (51, 30), (95, 40), (100, 40)]
)
def test_a_percentile_is_one_of_the_values(share: float, value: float) -> None:
    """The smallest that so many per cent of them do not exceed."""
    assert percentile([10, 20, 30, 40], share) == value


@pytest.mark.parametrize(
    ("failures", "trials", "bound"),
    [
        (0, 59, 1 - 0.05 ** (1 / 59)),
        (0, 299, 1 - 0.05 ** (1 / 299)),
        (1, 10, 0.39416),
        (5, 100, 0.10225),
        (9, 10, 0.99488),
    ],
)
def test_an_upper_bound_is_the_rate_that_the_count_leaves_possible(failures: int, trials: int, bound: float) -> None:
    """Published limits of Clopper and Pearson, one-sided 95 %; of no failure it is known in closed form."""
    assert upper_bound(failures, trials) == pytest.approx(bound, abs=2e-5)


def test_an_upper_bound_falls_with_trials_and_grows_with_failures() -> None:
    """Where all failed, nothing is excluded; a long series underflows nowhere."""
    assert upper_bound(3, 3) == 1.0
    assert [upper_bound(n, 50) for n in range(50)] == sorted(upper_bound(n, 50) for n in range(50))
    assert upper_bound(2, 1000) < upper_bound(2, 100)
    assert 1000 / 1e6 < upper_bound(1000, 1_000_000) < 1060 / 1e6


# ---------------------------------------------------------------------------------------------------- verdict
def replies(count: int, failures: int = 0, seconds: float = 0.01) -> list[Reply]:
    """So many replies, the first of them failures, each after the same time; every second one says "refused"."""
    return [Reply(number >= failures, number % 2 == 0, {}, seconds) for number in range(count)]


@pytest.mark.parametrize(
    ("objective", "count", "failures", "seconds", "verdict"),
    [
        (0.99, 299, 0, 0.01, "pass"),
        (0.99, 298, 0, 0.01, "inconclusive"),
        (0.99, 298, 0, 0.1001, "fail"),
        (0.99, 299, 0, 0.1, "pass"),
        (0.99, 299, 2, 0.01, "inconclusive"),
        (0.99, 299, 3, 0.01, "fail"),
        (None, 299, 0, 0.01, "pass"),
        (None, 298, 0, 0.01, "inconclusive"),
        (None, 2000, 2, 0.01, "pass"),
        (None, 2000, 3, 0.01, "fail"),
        (None, 298, 1, 0.01, "fail"),
    ],
)
def test_a_measurement_shows_misses_or_is_too_short(
    objective: float | None, count: int, failures: int, seconds: float, verdict: str
) -> None:
    """99 % of requests within 100 ms; without an objective at most one in a thousand may fail, and all are asked."""
    target = Target(requests=299, per_second=None, workers=1, p95_ms=100, objective=objective)

    assert judged(replies(count, failures, seconds), target)["verdict"] == verdict


def test_what_was_measured_is_told_beside_what_was_planned() -> None:
    """A refusal is no success: it is counted as a failure of the sample."""
    target = Target(requests=20, per_second=2.5, workers=3, p95_ms=100, objective=0.9, planned_per_second=0.5)
    found = judged([Reply(n > 0, n == 0, {}, n / 1000) for n in range(20, -1, -1)], target)

    assert (found["p50_ms"], found["p95_ms"], found["p99_ms"]) == (10, 19, 20)
    assert (found["requests"], found["failures"], found["error_rate"]) == (21, 1, 1 / 21)
    assert found["failure_bound"] == upper_bound(1, 21)
    planned = ("per_second", "workers", "needed", "limit_p95_ms", "objective", "planned_per_second")
    assert [found[key] for key in planned] == [2.5, 3, 20, 100, 0.9, 0.5]


# ---------------------------------------------------------------------------------------------------- target
@pytest.mark.parametrize(
    ("planned", "requests", "rate"),
    [
        (10, 299, 10),  # about half a minute at the plan's rate
        (100, 1000, 100),  # ten seconds at least
        (299 / 120, 299, 299 / 120),
        (2.4, 299, 299 / 30),  # more than two minutes: asked faster, in half a minute
    ],
)
def test_a_service_is_asked_as_often_as_the_plan_wants(planned: float, requests: int, rate: float, make: Make) -> None:
    desk = make("service")
    desk.plan(capacity__load_per_second=planned, capacity__workers=1.2)
    target = target_of(desk.repo)

    assert (target.requests, target.workers, target.p95_ms, target.objective) == (requests, 2, 300, 0.99)
    assert target.per_second == pytest.approx(rate)
    assert target.planned_per_second == planned


@pytest.mark.parametrize(
    ("delivered", "slo", "requests"),
    [("library", "", 100), ("cli", "", 59), ("batch", "99", 299), ("batch", "", 100), ("library", "99", 299)],
)
def test_a_product_for_one_caller_is_asked_one_after_the_other(
    delivered: str, slo: str, requests: int, make: Make
) -> None:
    """As many times as its speed takes to show, and its objective where one is promised."""
    target = target_of(make(delivered, slo_percent=slo).repo)

    assert (target.requests, target.per_second, target.workers) == (requests, None, 1)
    assert target.objective == (0.99 if slo else None)


# ---------------------------------------------------------------------------------------------------- load
def test_a_load_is_measured_and_written_down(make: Make) -> None:
    """With the hash of all that it rests on; the table says both figures, the exit code the verdict."""
    desk = make("library", slo_percent="", p95_ms="2000")
    shown = load.load(desk.repo)
    short = load.load(desk.repo, requests=20)
    evidence = desk.repo.fresh("load", "make load")
    desk.answer(p95_ms="0")
    slow = load.load(desk.repo, requests=20)

    assert [outcome.code for outcome in (shown, short, slow)] == [0, 2, 1]
    assert re.search(r"requests +100 in [\d.]+ s +100 or more", shown.text)
    assert re.search(r"errors +0 \(0\.000%\) +at most 0\.100%", shown.text)
    assert shown.text.endswith("verdict: pass")
    assert (evidence["requests"], evidence["failures"], evidence["verdict"]) == (20, 0, "inconclusive")
    desk.write(f"src/{PACKAGE}/more.py", "")
    with pytest.raises(Blocked, match="stale: src/"):
        desk.repo.fresh("load", "make load")


def test_a_product_that_breaks_under_load_is_counted_not_told_as_a_traceback(make: Make) -> None:
    """As an answer 500 of a service is; half of the requests go to the other capability."""
    desk = make("library", slo_percent="")
    desk.edit(f"{OFFERED}/__init__.py", "def show_file(request):\n", "def show_file(request):\n    1 / 0\n")
    outcome = load.load(desk.repo, requests=20)

    assert outcome.code == 1
    assert re.search(r"errors +10 \(50\.000%\)", outcome.text)


def test_a_product_that_does_not_start_is_told_in_a_sentence(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_IS_CLOSED", "yes")

    with pytest.raises(Trouble, match=r"(?s)did not start.*The desk is closed today"):
        load.load(make("service").repo, requests=1)


def test_no_requests_show_nothing(make: Make) -> None:
    with pytest.raises(Trouble, match="0 requests show nothing"):
        load.load(make("library").repo, requests=0)


class Slow:
    """A product that takes a tenth of a second for each request, and can be asked by one caller at a time."""

    PARALLEL = 1
    first, capabilities = "open_file", ("open_file",)

    def __init__(self) -> None:
        self.asked = list[int]()

    def before(self, capability: str) -> tuple[str, ...]:
        """Nothing has to be there."""
        return ()

    def sample(self, capability: str, number: int = 0) -> dict[str, int]:
        """A request that is told from others by its number."""
        return {"number": number}

    def product(self, folder: Path, workers: int) -> "Slow":
        """The product itself, which has no processes to start."""
        return self

    def __enter__(self) -> "Slow":
        return self

    def __exit__(self, *told: object) -> None:
        """It ends."""

    def perform(self, capability: str, request: dict[str, int]) -> Reply:
        """A good reply after 0.1 s, counted as asked."""
        self.asked.append(request["number"])
        time.sleep(0.1)
        return Reply(True, False, {}, 0.1)


def test_a_slow_product_cannot_hide_its_queue(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answer takes 100 ms, and requests are due every 20: the last of ten waits for all before it, and says so."""
    slow = Slow()
    monkeypatch.setattr(harness, "of", lambda repo: slow)
    monkeypatch.setattr(load, "target_of", lambda repo: Target(10, 50.0, 1, 500, 0.9, 50.0))
    outcome = load.load(desk.repo)
    found = desk.repo.evidence("load") or {}

    assert outcome.code == 1
    assert found["p99_ms"] > 800
    assert slow.asked[load.WARM_UP :] == list(range(10))
    assert all(number < 0 for number in slow.asked[: load.WARM_UP]), "nobody counts the first, nor mixes them up"


def test_requests_leave_on_their_timetable(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not due is not asked: ten at 25 a second take 360 ms at least."""
    slow = Slow()
    monkeypatch.setattr(slow, "perform", lambda capability, request: Reply(True, False, {}, 0.0))
    monkeypatch.setattr(harness, "of", lambda repo: slow)
    monkeypatch.setattr(load, "target_of", lambda repo: Target(10, 25.0, 1, 5000, 0.9, 25.0))
    started = time.perf_counter()
    load.load(desk.repo)

    assert time.perf_counter() - started >= 0.36


# ---------------------------------------------------------------------------------------------------- error budget
@pytest.mark.parametrize(
    ("percent", "total", "most"), [(99, 1000, 10), (99.9, 120_000, 120), (100, 1000, 0), (95, 1, 0.05)]
)
def test_an_objective_allows_so_many_failures(percent: float, total: int, most: float) -> None:
    assert allowed(percent, total) == pytest.approx(most)


@pytest.mark.parametrize(
    ("failed", "left", "code", "told"),
    [
        (0, 1.0, 0, "0 of 1000 failed, and 10 may: 100% of the error budget is left."),
        (9, 0.1, 0, "9 of 1000 failed, and 10 may: 10% of the error budget is left."),
        (10, 0.0, 1, "10 of 1000 failed, and 10 may: the error budget is spent, so merge repairs only."),
        (30, -2.0, 1, "30 of 1000 failed, and 10 may: the error budget is spent, so merge repairs only."),
    ],
)
def test_what_is_left_of_the_budget(failed: int, left: float, code: int, told: str, desk: Desk) -> None:
    """A spent budget is red, and written down as it is."""
    outcome = budget(desk.repo, total=1000, failed=failed)
    evidence = desk.repo.evidence("error_budget") or {}

    assert (outcome.code, outcome.text) == (code, told)
    assert (evidence["total"], evidence["failed"]) == (1000, failed)
    assert math.isclose(evidence["left"], left, abs_tol=1e-9)


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({}, "Both counts are needed"),
        ({"total": 10}, "Both counts are needed"),
        ({"failed": 0}, "Both counts are needed"),
        ({"total": 10, "failed": 11}, "11 failures among 10"),
        ({"total": 10, "failed": -1}, "-1 failures among 10"),
        ({"total": 0, "failed": 0}, "0 failures among 0"),
    ],
)
def test_counts_that_make_no_share(counts: dict[str, Any], told: str, desk: Desk) -> None:
    before = desk.root.joinpath("evidence/error_budget.json").read_bytes()
    with pytest.raises(Trouble, match=told):
        budget(desk.repo, **counts)

    assert desk.root.joinpath("evidence/error_budget.json").read_bytes() == before


def test_nothing_is_spent_where_nothing_is_promised(desk: Desk) -> None:
    desk.answer(slo_percent="")

    with pytest.raises(Blocked, match="no service level"):
        budget(desk.repo, total=10, failed=0)


PAGE = """# HELP requests_total what was asked
requests_total{path="/open-file",status="201"} 990
requests_total{status="404",path="/show-file"} 4.0
requests_total{path="/open-file",status="500"} 5
requests_total{path="/open-file",status="503"} 1e0
requests_total{path="/files/{name}",status="500"} 2.0
requests_total_created{status="500"} 70
# requests_total{status="500"} 70
"""


def test_a_page_of_metrics_is_counted(desk: Desk, serve: Serve) -> None:
    """Every request, and as failed what the server could not do."""
    address = serve(lambda request: (200, PAGE))

    assert counted(address) == (1002, 8)
    assert budget(desk.repo, metrics=address).text.startswith("8 of 1002 failed")


@pytest.mark.parametrize(
    ("status", "page", "told"),
    [
        (200, "", "holds no requests_total"),
        (500, PAGE, "does not answer: HTTP Error 500"),
    ],
)
def test_a_page_without_counts_is_no_full_budget(status: int, page: str, told: str, desk: Desk, serve: Serve) -> None:
    before = desk.root.joinpath("evidence/error_budget.json").read_bytes()
    with pytest.raises(Blocked, match=told):
        budget(desk.repo, metrics=serve(lambda request: (status, page)))

    assert desk.root.joinpath("evidence/error_budget.json").read_bytes() == before


@pytest.mark.parametrize("address", ["metrics", "file:///etc/hostname", "localhost:8000/metrics"])
def test_what_is_no_address_is_not_opened(address: str, desk: Desk) -> None:
    with pytest.raises(Trouble, match="is no URL"):
        budget(desk.repo, metrics=address)


def test_a_server_that_is_gone_is_told() -> None:
    with pytest.raises(Blocked, match="does not answer"):
        counted("http://127.0.0.1:9/metrics")
