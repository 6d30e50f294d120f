"""The data audit: one command from raw data to evidence with its hash. It ends in go, re-scope or stop.

Everything is worked out before the first file is written, so bad data leaves nothing half-done.
"""

from dataclasses import dataclass, field
from typing import Any

from . import data, dataset, features, harness, report, schema, splits
from .checks_data import sources
from .engine import ROW, Engine, quoted
from .files import Outcome, Trouble, write_text
from .gates import OPEN
from .repo import Repo
from .splits import cut, span

MOST = 50_000  # rows of a split that screen, harness and curve work on
LEAST = 50  # rows with a right answer
MEASURED = ("data/manifest.json", "data/schema.yaml")


@dataclass
class Findings:
    """What the audit found, before it is written down."""

    rows: int
    columns: dict[str, str]
    span: list[Any]
    proposed: str | None
    quality: dict[str, Any]
    labels: dict[str, Any]
    split: dict[str, Any]
    harness: dict[str, Any]
    curve: dict[str, Any]
    runs: dict[str, Any] = field(default_factory=dict)


def run(repo: Repo, resplit: bool = False) -> Outcome:
    """Audit the data that data/source.yaml names, and write manifest, schema (the first time), evidence and report."""
    path = data.snapshot(repo, data.source_of(repo))
    table, source = data.open_table(repo, path)
    found = examine(repo, table, source, resplit)
    manifest = data.manifest_of(repo, source, path, found.columns, found.rows, found.span)
    first = features.hashes(manifest, found.quality["inputs"], found.split)
    found.runs = {"data": manifest["sha256"], "first": first, "second": features.again(repo, resplit)}
    data.write_manifest(repo, manifest)
    if found.proposed:
        write_text(repo.root / schema.PATH, found.proposed)
    repo.write_evidence("quality", found.quality, MEASURED)
    repo.write_evidence("splits", found.split, MEASURED)
    repo.write_evidence(features.EVIDENCE, found.runs, MEASURED[:1])
    repo.write_evidence("labels", found.labels, MEASURED)
    repo.write_evidence("harness", found.harness, (*MEASURED, "evidence/splits.json#rule,sizes,keys,answers"))
    repo.write_evidence("learning_curve", found.curve, (*MEASURED, "evidence/splits.json#rule,sizes,keys,answers"))
    report.write(repo, source, found)
    verdict, reasons = recommend(found)
    lines = [f"Audited {found.rows:,} rows × {len(found.columns) - 1} columns{data.label(repo, source)}."]
    lines += [f"{schema.PATH} was proposed from the data: read it, it is yours now."] if found.proposed else []
    lines += [f"Splits ({found.split['rule']['kind']}): " + _counts(found.split["sizes"]) + "."]
    lines += report.notes(repo, source, found)
    lines += [f"Recommendation: {verdict}. {reason}" for reason in reasons]
    origin = sources(Repo(repo.root))
    if "G1.2" in repo.blocking() and origin.state not in OPEN:
        lines.append(f"Before the data can be locked: {origin.reason} {origin.next_step}.")
    return Outcome("\n".join([*lines, "Report: evidence/audit.md"]), 0 if verdict == "go" else 1)


def examine(repo: Repo, table: Engine, source: data.Source, resplit: bool) -> Findings:
    """Every step of the audit, in memory. Raises `Trouble` for data that no model could be trained on."""
    task = repo.answers["task"]
    columns = table.columns("source")
    rows = table.rows("select count(*) from source")[0][0]
    target = data.target_sql(repo, source, table)
    labelled = _target_facts(repo, table, source, target)
    inputs = features.inputs(table, source)
    repeats = splits.repeats(table, [name for name in columns if name not in (ROW, source.id)])
    facts = schema.profile(table, {name: kind for name, kind in columns.items() if name != ROW})
    rules, proposed = schema.read(repo), None
    if not rules["columns"]:
        proposed = schema.propose(source, facts, rows, repeats)
        rules = schema.parse(proposed)
    breaches = schema.breaches(table, rules, columns, rows, repeats)
    quality = {"rows": rows, "repeated_rows": repeats, "breaches": breaches, "profile": _shown(facts), "inputs": inputs}
    split = cut(repo, table, source, inputs, target, resplit)
    parts = {
        name: dataset.rows(repo, table, source, inputs, splits.some(name, split["sizes"][name], MOST), name)
        for name in splits.PARTS[:2]
    }
    split["leakage"] = features.screen(parts["train"].x, parts["train"].y, task, source.explained)
    threshold = repo.number("acceptance.threshold") or 0.5
    sane = harness.check(parts["train"], parts["validation"], task, repo.answers["metric"], threshold)
    curve = harness.curve(parts["train"], parts["validation"], task, repo.answers["metric"], threshold)
    labels = labelled | {"test": _test_labels(repo, table, source, target)}
    moments = span(table, source)
    return Findings(rows, columns, moments, proposed, quality, labels, split, sane, curve)


def recommend(found: Findings) -> tuple[str, list[str]]:
    """go, re-scope or stop, with the reasons; the team writes its own into docs/01-data-audit.md."""
    broken = [f"{name} is not sound." for name, result in found.harness.items() if not result["ok"]]
    if found.runs:
        parts = features.differing(found.runs["first"], found.runs["second"])
        broken += [f"A second run from the raw file gave another {part}." for part in parts]
    rules = [f"{entry['sentence']}." for entry in found.quality["breaches"][:5]]
    leaks = [f"It looks like the answer: {entry['why']}." for entry in found.split["leakage"]["suspects"]]
    overlap = [f"{count} {what} lie in two splits." for what, count in found.split["across"].items() if count]
    if found.split["time_inverted"]:
        overlap.append("Test rows are not the newest.")
    if broken:
        return "stop", broken
    if found.labels["labelled"] < LEAST:
        rules.append(f"Only {found.labels['labelled']} rows have a right answer: below {LEAST} nothing can be shown.")
    return ("re-scope", rules + overlap + leaks) if rules or overlap or leaks else ("go", ["Every rule holds."])


def _target_facts(repo: Repo, table: Engine, source: data.Source, target: str) -> dict[str, Any]:
    """Counts of the target. Raises `Trouble` for one class, a constant, or no number where one is needed."""
    column, name = quoted(source.target), source.target
    total, filled, distinct = table.rows(f"select count(*), count({target}), count(distinct {target}) from source")[0]
    if repo.answers["task"] not in ("binary", "multiclass"):
        odd = table.rows(
            f"select cast({column} as varchar) from source where {column} is not null and {target} is null"
        )
        if odd:
            raise Trouble(
                f'{name} holds "{odd[0][0]}", which is no number ({len(odd)} rows).', "Correct or empty them."
            )
    if not filled:
        raise Trouble(f"{name} is empty in every row.", f"Name the column with the right answers in {data.SOURCE}.")
    if distinct < 2:
        value = table.rows(f"select min(cast({column} as varchar)) from source where {column} is not null")[0][0]
        kind = "one class" if repo.answers["task"] in ("binary", "multiclass") else "one value"
        raise Trouble(
            f'{name} holds {kind} only: "{value}".', "There is nothing to tell apart: add rows, or change target."
        )
    balance = {}
    if repo.answers["task"] in ("binary", "multiclass"):
        text = f"cast({column} as varchar)"
        counted = table.rows(f"select {text} c, count(*) from source where c is not null group by c order by 2 desc, 1")
        balance = dict(counted)
    return {
        "rows": total,
        "labelled": filled,
        "balance": balance,
        "agreement": repo.answers.get("label_agreement") or None,
    }


def _test_labels(repo: Repo, table: Engine, source: data.Source, target: str) -> dict[str, int]:
    """How many labelled test rows there are, and how many units of the metric; no value of any row is read."""
    where = f"from split_rows where _split = 'test' and {target} is not null"
    rows = table.rows(f"select count(*) {where}")[0][0]
    units = rows
    if repo.answers["metric"] in ("recall", "f1", "average_precision") and repo.answers["task"] == "binary":
        units = table.rows(f"select count(*) {where} and {target} = 1")[0][0]
    if repo.answers["task"] == "ranking":
        units = table.rows(f"select count(distinct {quoted(source.group)}) {where}")[0][0]
    return {"rows": rows, "units": units}


def _shown(facts: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    def plain(value: Any) -> Any:
        if isinstance(value, float):
            return float(f"{value:.6g}")
        return value if isinstance(value, (int, str, dict)) or value is None else str(value)

    return {name: {key: plain(value) for key, value in entry.items()} for name, entry in facts.items()}


def _counts(sizes: dict[str, int]) -> str:
    return ", ".join(f"{part} {count:,}" for part, count in sizes.items() if count)
