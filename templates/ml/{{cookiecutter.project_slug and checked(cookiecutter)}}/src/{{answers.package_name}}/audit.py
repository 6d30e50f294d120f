"""The data audit: one command from raw data to evidence with its hash. It ends in go, re-scope or stop.

Everything is worked out before the first file is written, so bad data leaves nothing half-done.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

from . import baseline, data, dataset, features, schema, splits, train
from .checks_data import PIPELINE, differing, sources
from .engine import ROW, Engine
from .files import Outcome, as_text, canonical, write_text
from .gates import OPEN
from .repo import Repo

MOST = 50_000  # rows of a split that screen, harness and curve work on
LEAST = 50  # rows with a right answer
MEASURED = ("data/manifest.json", schema.PATH)
ON_SPLITS = (*MEASURED, "evidence/splits.json#rule,sizes,keys,answers")
PICTURE = "![Score of each column, and error by number of training rows](audit.svg)"
HARNESS = {
    "constant": "a constant scores what arithmetic says",
    "shuffled": "models trained on shuffled answers do not beat the constant",
    "double_run": "the same seed trains the same model twice",
}


@dataclass
class Findings:
    """What the audit found, before it is written down."""

    manifest: dict[str, Any]
    proposed: str | None
    quality: dict[str, Any]
    labels: dict[str, Any]
    split: dict[str, Any]
    harness: dict[str, Any]
    curve: dict[str, Any]
    runs: dict[str, Any]


def run(repo: Repo, resplit: bool = False) -> Outcome:
    """Audit the data that data/source.yaml names, and write manifest, schema (the first time), evidence and report."""
    found, source = examine(repo, resplit)
    write_text(repo.root / data.MANIFEST, json.dumps(found.manifest, indent=2, ensure_ascii=False) + "\n")
    if found.proposed:
        write_text(repo.root / schema.PATH, found.proposed)
    repo.write_evidence("quality", found.quality, MEASURED)
    repo.write_evidence("splits", found.split, MEASURED)
    repo.write_evidence(PIPELINE, found.runs, MEASURED[:1])
    repo.write_evidence("labels", found.labels, MEASURED)
    repo.write_evidence("harness", found.harness, ON_SPLITS)
    repo.write_evidence("learning_curve", found.curve, ON_SPLITS)
    write_text(repo.root / "evidence" / "audit.svg", _picture(found))
    write_text(repo.root / "evidence" / "audit.md", as_text(_page(repo, source, found), PICTURE))
    verdict, reasons = recommend(found)
    mark, rows, columns = data.label(repo, source), found.manifest["rows"], len(found.manifest["columns"])
    lines = [f"Audited {rows:,} rows × {columns} columns{mark}."]
    lines += [f"{schema.PATH} was proposed from the data: read it, it is yours now."] if found.proposed else []
    lines += [f"Splits ({found.split['rule']['kind']}): {_counts(found.split['sizes'])}.", *_notes(repo, source, found)]
    lines += [f"Recommendation: {verdict}. {reason}" for reason in reasons]
    origin = sources(Repo(repo.root))
    if "G1.2" in repo.blocking() and origin.state not in OPEN:
        lines.append(f"Before the data can be locked: {origin.reason} {origin.next_step}.")
    return Outcome("\n".join([*lines, "Report: evidence/audit.md"]), 0 if verdict == "go" else 1)


def examine(repo: Repo, resplit: bool) -> tuple[Findings, data.Source]:
    """Every step of the audit, in memory. Raises `Trouble` for data that no model could be trained on."""
    task, metric = repo.answers["task"], repo.answers["metric"]
    table, source = data.open_table(repo)
    target, columns = features.target_sql(repo, source, table), table.columns("source")
    labels = schema.labelled(repo, table, source, target)
    rows, inputs = labels["rows"], features.inputs(table, source)
    facts = schema.profile(table, {name: kind for name, kind in columns.items() if name != ROW}, rows)
    whole = [name for name in columns if name not in (ROW, source.id)]
    repeats = schema.copied(table, list(inputs), facts) and schema.repeats(table, whole)
    rules, proposed = schema.read(repo), None
    if not rules["columns"]:
        proposed = schema.propose(source, facts, rows, repeats)
        rules = schema.parse(proposed)
    breaches = schema.breaches(table, rules, facts, rows, repeats)
    quality = {"rows": rows, "repeated_rows": repeats, "breaches": breaches, "profile": _shown(facts), "inputs": inputs}
    split = splits.cut(repo, table, source, list(inputs), target, resplit)
    manifest, first = _arrived(repo, table, source, inputs, split)
    shares = {name: min(1.0, MOST / split["sizes"][name]) for name in splits.PARTS[:2]}
    drawn = splits.some_rows(table, source, split["rule"], list(inputs), shares)
    fitted, held = (dataset.rows(repo, table, source, inputs, drawn[name], name, "drawn_rows") for name in shares)
    split["leakage"] = features.screen(fitted.x, fitted.y, task, source.explained)
    threshold = repo.number("acceptance.threshold") or 0.5
    sane = baseline.check(fitted, held, task, metric, threshold)
    curve = train.curve(fitted, held, task, metric, threshold)
    labels["test"] = split.pop("test")
    second = again(repo, resplit) if rows <= features.MANY or "G1.7" in repo.blocking() else {}
    runs = {"data": manifest["sha256"], "first": first, "second": second}
    return Findings(manifest, proposed, quality, labels, split, sane, curve, runs), source


def again(repo: Repo, resplit: bool) -> dict[str, str]:
    """The same hashes from a run that shares nothing with the first one but the raw file and the code."""
    table, source = data.open_table(repo)
    inputs = features.inputs(table, source)
    split = splits.cut(repo, table, source, list(inputs), features.target_sql(repo, source, table), resplit)
    return _arrived(repo, table, source, inputs, split)[1]


def _arrived(
    repo: Repo, table: Engine, source: data.Source, inputs: dict[str, str], split: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The manifest, and one hash for each part of what a run arrived at."""
    path, span = data.snapshot(repo, source), features.span(table, source)
    rows = table.rows("select count(*) from source")[0][0]
    manifest = data.manifest_of(repo, source, path, table.columns("source"), rows, span)
    kept = {key: split[key] for key in ("rule", "sizes", "keys", "answers")}
    return manifest, {"manifest": canonical(manifest), "inputs": canonical(inputs), "splits": canonical(kept)}


def recommend(found: Findings) -> tuple[str, list[str]]:
    """go, re-scope or stop, with the reasons; the team writes its own into docs/01-data-audit.md."""
    broken = [f"{name} is not sound." for name, result in found.harness.items() if not result["ok"]]
    broken += [f"A second run from the raw file gave another {part}." for part in differing(found.runs)]
    if broken:
        return "stop", broken
    reasons = [f"{entry['sentence']}." for entry in found.quality["breaches"][:5]]
    if found.labels["labelled"] < LEAST:
        reasons.append(f"Only {found.labels['labelled']} rows have a right answer: below {LEAST} nothing can be shown.")
    reasons += [f"{count} {what} lie in two splits." for what, count in found.split["across"].items() if count]
    reasons += ["Test rows are not the newest."] if found.split["time_inverted"] else []
    reasons += [f"It looks like the answer: {entry['why']}." for entry in found.split["leakage"]["suspects"]]
    return ("re-scope", reasons) if reasons else ("go", ["Every rule holds."])


def _shown(facts: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    def plain(value: Any) -> Any:
        if isinstance(value, float):
            return float(f"{value:.6g}")
        return value if isinstance(value, (int, str, dict)) or value is None else str(value)

    return {name: {key: plain(value) for key, value in entry.items()} for name, entry in facts.items()}


def _counts(sizes: dict[str, int]) -> str:
    return ", ".join(f"{part} {count:,}" for part, count in sizes.items() if count)


# ---------------------------------------------------------------------------------------------------- for people
def _page(repo: Repo, source: data.Source, found: Findings) -> str:
    """evidence/audit.md: every number is from the evidence beside it."""
    screen, split, quality, labels = found.split["leakage"], found.split, found.quality, found.labels
    most = list(labels["balance"].items())[:12]
    balance = [f"{source.target}: " + ", ".join(f"{name} {count:,}" for name, count in most) + "."] if most else []
    part = f" Different numbers are those of {features.MANY:,} rows." if quality["rows"] > features.MANY else ""
    newest = f" Test rows newest: {'no' if split['time_inverted'] else 'yes'}." if source.time else ""
    sound = (f"{HARNESS[name]}: {'as it must be' if it['ok'] else 'NOT SOUND'}" for name, it in found.harness.items())
    columns = (_column(name, facts, screen["scores"].get(name)) for name, facts in quality["profile"].items())
    return f"""\
# Data audit{data.label(repo, source)}

Written by `make audit`; edit nothing here, the next audit replaces it.
Hash of the data: `{found.manifest["sha256"]}`.

{quality["rows"]:,} rows, {labels["labelled"]:,} of them labelled, {quality["repeated_rows"]:,} repeat another row.
{_lines([*_notes(repo, source, found), *balance])}
## Rules that do not hold

{_list(entry["sentence"] for entry in quality["breaches"])}

## Columns

Score: {screen["measure"]}, each column alone; above {screen["bound"]} somebody has to explain it.{part}

| Column | Type | Missing | Different values | Smallest | Largest | Score |
|---|---|---|---|---|---|---|
{_lines(columns)}
{PICTURE}

## Splits

Rule: {split["rule"]["kind"]}. {_counts(split["sizes"])}.
In two splits: {", ".join(f"{count} {what}" for what, count in split["across"].items())}.{newest}

## Suspects

{_list(entry["why"] for entry in screen["suspects"])}

## Harness

{_list(sound)}

## More rows?

{_more(found.curve)}
"""


def _notes(repo: Repo, source: data.Source, found: Findings) -> list[str]:
    """What was decided on the team's behalf, and could surprise it."""
    said, labels = [], found.labels
    if repo.answers["task"] == "binary" and len(labels["balance"]) > 2:
        said.append(f"{source.target} holds {len(labels['balance'])} values: all but one count as negative.")
    if empty := labels["rows"] - labels["labelled"]:
        said.append(f"{source.target} is empty in {empty:,} rows: they are kept, and not used.")
    free = [name for name in found.quality["profile"] if name not in (*source.special, *found.quality["inputs"])]
    if free:
        said.append(f"No inputs, being texts with more than {features.LEVELS} different values: {', '.join(free)}.")
    return said


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _list(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences) or "None."


def _column(name: str, facts: dict[str, Any], score: float | None) -> str:
    cells = [name, facts["type"], f"{facts['missing']:.1%}", facts["distinct"], facts["min"], facts["max"]]
    cells.append("not an input" if score is None else f"{score:.3f}")
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ")[:60] for cell in cells) + " |"


def _more(curve: dict[str, Any]) -> str:
    if (fit := curve["fit"]) is None:
        return "Too few sizes were measured to fit a curve."
    measured = ", ".join(f"{size:,}: {error:.3f}" for size, error in zip(curve["sizes"], curve["errors"], strict=True))
    return (
        f"Error of a simple model on validation, by training rows: {measured}. "
        f"Through them: {fit['a']:.3f} + {fit['b']:.3f} · rows^-{fit['c']:.2f}; endless rows leave {fit['a']:.3f}."
    )


def _picture(found: Findings) -> str:
    """Bars for the fifteen best columns, dots for the learning curve."""
    marks = ['<text x="158" y="14">score of one column alone</text><text x="450" y="14">error by training rows</text>']
    best = sorted(found.split["leakage"]["scores"].items(), key=lambda item: -item[1])[:15]
    for y, (name, value) in zip(range(24, 300, 18), best, strict=False):
        marks.append(f'<text x="150" y="{y + 10}" text-anchor="end">{escape(name[:24])}</text>')
        marks.append(f'<rect x="158" y="{y}" width="{max(1.0, 200 * value):.1f}" height="12" fill="#4878a8"/>')
    dots = [(n, e) for n, e in zip(found.curve["sizes"], found.curve["errors"], strict=True) if e == e]
    for size, error in dots:
        x, y = 450 + 300 * size / dots[-1][0], 280 - 230 * error / (max(e for _, e in dots) or 1.0)
        marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#a84848"/>')
        marks.append(f'<text x="{x:.1f}" y="296" text-anchor="middle">{size}</text>')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="800" height="310" font-family="sans-serif" font-size="10">\n'
        f'<rect width="800" height="310" fill="white"/>\n{_lines(marks)}</svg>\n'
    )
