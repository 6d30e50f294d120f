"""Every answer with its type. Written by generator/sync.py from questions.yaml: edit that, not this."""

import datetime
from collections.abc import Mapping

from mlscaffold.person import Person


class Fields:
    """An answer that belongs to the other kind of repository is not there."""

    project_name: str
    project_slug: str
    kind: str
    kind_reason: str
    decision: str
    rules_expressible: str
    current_practice: str
    past_cases: int
    labelled_cases: int
    task: str
    metric: str
    metric_direction: str
    metric_form: str
    metric_counted_on: str
    metric_unit: str
    metric_spread: float | None
    current_value: float | None
    target_value: float | None
    positive_share: float
    class_count: int
    rarest_share: float | None
    false_alarm_cost: float
    miss_cost: float
    unit_error_cost: float
    deliverable: str
    capabilities: tuple[str, ...]
    dependencies: Mapping[str, float]
    slo_percent: float
    consequence: str
    human_confirms: str
    daily_volume: int
    rows_a_run: int
    peak_factor: float
    label_source: str
    label_delay_days: float
    label_minutes: float
    label_agreement: float | None
    missed_labels: float | None
    false_labels: float | None
    data_source: str
    target_column: str
    time_column: str
    group_column: str
    id_column: str
    known_after: tuple[str, ...]
    positive_value: str
    time_format: str
    data_query: str
    input_columns: int
    upstream_sources: int
    segments: tuple[str, ...]
    personal_data: str
    serving: str
    latency_ms: int
    change_rate: str
    compute: str
    tracking: str
    slo_window_days: int
    p95_ms: int
    data_class: str
    ml_component: str
    team: tuple[Person, ...]
    start_date: datetime.date
    appetite_weeks: int
    cycle_days: int
    iteration_days: int
    day_rate: float
    monthly_run_budget: float
    currency: str
    rigor: str
    ci: str
    license: str
    author: str
    email: str
    code_owners: Mapping[str, str]
    folder: str
    confirmed: tuple[str, ...]
    measured: Mapping[str, str]
    requirement_ids: Mapping[str, int]
    review_rate: float | None
    current_precision: float | None
    error_spread: float | None
    error_correlation: float
    discordance: float | None
    metric_worth: float | None
    build_cost: float | None
    retrain_cost: float | None
    decay_per_month: float | None
    annotators: int
    double_label_share: float
    label_return_share: float
    group_size: float
    icc: float
    test_cases: int | None
    test_looks: int
    slice_margin: float
    min_gain: float | None
    min_gain_share: float
    promotion_margin: float
    promotion_discordance: float
    payback_limit_months: float
    success_rate: float
    false_alerts_per_month: float
    drift_bins: int
    drift_floor: float
    audit_margin: float
    canary_share: float
    service_ms: float
    cache_hit_share: float
    load_factor: float
    busy_share: float
    deploy: str
    worker_limit: int | None
    regime: str
    repository_url: str
    catalog_owner: str
    focus_factor: float
    efforts: Mapping[str, tuple[float, float, float]]
    rollback_minutes: float
    drill_age_days: int
