"""The dashboard of a served product, for Grafana: the plan's objective, its burn rates and its limit on time."""

import json
from collections.abc import Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey

FAILED, ALL = 'requests_total{status=~"5.."}', "requests_total"
WIDTH, HEIGHT = 12, 8  # two panels side by side


def dashboard(answers: Answers, plan: Mapping[PlanKey, Any]) -> str:
    """The file's text; its queries name only what the product's page of metrics holds."""
    objective, limit = float(answers.slo_percent) / 100, float(answers.p95_ms) / 1000
    window = f"{answers.slo_window_days}d"
    panels = [
        _panel("Requests that succeeded", f"1 - ({_failing(window)})", "percentunit", objective, low_is_bad=True),
        _panel("95th percentile of seconds", _quantile(0.95), "s", limit),
        *(_burning(alert, objective) for alert in plan["slo"]["burn"]),
        _panel("Requests a second, by route and status", f"sum by (path, status) (rate({ALL}[5m]))", "reqps"),
    ]
    placed = [
        panel | {"id": at + 1, "gridPos": {"x": at % 2 * WIDTH, "y": at // 2 * HEIGHT, "w": WIDTH, "h": HEIGHT}}
        for at, panel in enumerate(panels)
    ]
    whole = {
        "title": answers.project_slug,
        "uid": answers.project_slug[:40],
        "schemaVersion": 39,
        "time": {"from": "now-24h", "to": "now"},
        "refresh": "1m",
        "templating": {
            "list": [{"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]
        },
        "panels": placed,
    }
    return json.dumps(whole, indent=2)


def _failing(window: str) -> str:
    """The share of requests that failed within a window; none where nothing has failed yet."""
    return f"(sum(increase({FAILED}[{window}])) or vector(0)) / sum(increase({ALL}[{window}]))"


def _quantile(share: float) -> str:
    return f"histogram_quantile({share}, sum by (le) (rate(request_seconds_bucket[5m])))"


def _burning(alert: Mapping[str, Any], objective: float) -> dict[str, Any]:
    """How fast the error budget burns, in both windows of one alert (F34), with the rate at which it fires."""
    long, short = f"{round(60 * alert['window_hours'])}m", f"{round(alert['short_minutes'])}m"
    allowed = f"(1 - {objective:.6g})"
    panel = _panel(
        f"Burn rate in {long} and {short}, {alert['severity']}",
        f"{_failing(long)} / {allowed}",
        "none",
        float(alert["multiplier"]),
    )
    panel["targets"].append({"refId": "B", "expr": f"{_failing(short)} / {allowed}", "legendFormat": short})
    panel["targets"][0]["legendFormat"] = long
    return panel


def _panel(title: str, query: str, unit: str, limit: float | None = None, low_is_bad: bool = False) -> dict[str, Any]:
    """One picture over time, red beyond its limit, where it has one."""
    good, bad = ("red", "green") if low_is_bad else ("green", "red")
    steps = [{"color": good, "value": None}, *([{"color": bad, "value": limit}] if limit is not None else [])]
    return {
        "title": title,
        "type": "timeseries",
        "datasource": {"type": "prometheus", "uid": "${source}"},
        "fieldConfig": {
            "defaults": {
                "unit": unit,
                "custom": {"thresholdsStyle": {"mode": "line" if limit is not None else "off"}},
                "thresholds": {"mode": "absolute", "steps": steps},
            },
            "overrides": [],
        },
        "targets": [{"refId": "A", "expr": query}],
    }
