"""evidence/audit.md: what the audit found, as a page."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

from planrun.repository import Repo

from planrun_ml.audit.two_runs import differing
from planrun_ml.data import columns as columns_module
from planrun_ml.data import source as source_module
from planrun_ml.data import splits, watch_list
from planrun_ml.pages import tables
from planrun_ml.tables.moments import in_words

LEAST = 50  # rows with a right answer
PICTURE = "![Score of each column, and error by number of training rows](audit.svg)"
HARNESS = {
    "constant": "a constant scores what arithmetic says",
    "shuffled": "models trained on shuffled answers do not beat a guess",
    "double_run": "the same seed trains the same model twice",
}

UNSOUND = {
    "constant": "a constant does not score what arithmetic says, so the metric or its settings are at fault",
    "shuffled": "models trained on shuffled answers predict, so training and validation share what they must not",
    "double_run": "the same seed gave two models, so something in the features or the model draws at random",
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


def recommend(found: Findings) -> tuple[str, list[str]]:
    """go, re-scope or stop, with the reasons; the team writes its own into docs/01-data-audit.md."""
    leaks = [f"It looks like the answer: {entry['why']}." for entry in found.split["leakage"]["suspects"]]
    broken = [f"The harness is not sound: {UNSOUND[name]}." for name, it in found.harness.items() if not it["ok"]]
    broken += [f"A second run from the raw file gave another {part}." for part in differing(found.runs)]
    if broken:
        return "stop", [*broken, *leaks]
    reasons = [f"{entry['sentence']}." for entry in found.quality["breaches"][:5]]
    if found.labels["labelled"] < LEAST:
        reasons.append(f"Only {found.labels['labelled']} rows have a right answer: below {LEAST} nothing can be shown.")
    reasons += [f"{count} {what} lie in two splits." for what, count in found.split["across"].items() if count]
    reasons += ["Test rows are not the newest."] if found.split["time_inverted"] else []
    reasons += leaks
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
def _page(repo: Repo, source: source_module.Source, found: Findings) -> str:
    """evidence/audit.md: every number is from the evidence beside it."""
    screen, split, quality, labels = found.split["leakage"], found.split, found.quality, found.labels
    most = list(labels["balance"].items())[:12]
    balance = [f"{source.target}: " + ", ".join(f"{name} {count:,}" for name, count in most) + "."] if most else []
    part = (
        f" Different numbers are those of {columns_module.MANY:,} rows."
        if quality["rows"] > columns_module.MANY
        else ""
    )
    newest = f" Test rows newest: {'no' if split['time_inverted'] else 'yes'}." if source.time else ""
    sound = (f"{HARNESS[name]}: {'as it must be' if it['ok'] else 'NOT SOUND'}" for name, it in found.harness.items())
    columns = (_column(name, facts, screen["scores"].get(name)) for name, facts in quality["profile"].items())
    return f"""\
# Data audit{source_module.label(repo, source)}

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

## Watch list

{watch_list.strongest(screen)}
The list shuts no gate; say of each column whether it is known when the prediction is made.

{_list(f"{entry['why']}. Settle it: {entry['settle']}." for entry in screen["watch"])}

## Harness

{_list(sound)}

## More rows?

{_more(found.curve)}
"""


def _notes(repo: Repo, source: source_module.Source, found: Findings) -> list[str]:
    """What was decided on the team's behalf, and could surprise it."""
    said, labels = [], found.labels
    if repo.answers["task"] == "binary" and len(labels["balance"]) > 2:
        said.append(f"{source.target} holds {len(labels['balance'])} values: all but one count as negative.")
    for name, written in found.quality["dates"].items():
        if len(written["forms"]) == 1:
            form = written["forms"][0]
            said.append(f'{name} is read as {in_words(form)} ({form}), such as "{written["example"]}".')
    if source.time and source.time not in found.quality["dates"]:
        said.append(
            f"{source.time} is read as 2026-03-31 is written, from {' to '.join(found.manifest['time_range'])}."
        )
    said += found.quality["proposed"]
    copies = [f"{name} ({what})" for name, what in found.quality["calendar"].items()]
    if copies:
        said.append(f"They move with the calendar whatever happens, so moving alone is no alarm: {', '.join(copies)}.")
    if empty := labels["rows"] - labels["labelled"]:
        said.append(f"{source.target} is empty in {empty:,} rows: they are kept, and not used.")
    said += _left_out(source, found)
    if apart := labels.get("test", {}).get("clusters"):
        told = splits.clusters_said(apart, labels["test"]["cluster"])
        said.append(f"The labelled test rows come from {told}, and vary together within each.")
    free = [name for name in found.quality["profile"] if name not in (*source.special, *found.quality["inputs"])]
    if free:
        said.append(
            f"No inputs, being texts with more than {columns_module.LEVELS} different values: {', '.join(free)}. "
            f"A text that features.py reads is named under text in {source_module.SOURCE}."
        )
    return said


def _left_out(source: source_module.Source, found: Findings) -> list[str]:
    """Rows that look like others: why they were left out, or why not."""
    split, alike = found.split, found.split["alike"]
    told = [
        f"Left out: {entry['rows']:,} rows ({entry['why']}), {entry['test']:,} of which would be test rows."
        for entry in split["left_out"]
        if entry["why"] != splits.UNANSWERED
    ]
    if alike.get("cases") and not split["rule"]["repeats"]:
        why = f"each has its own {source.id}"
        if alike["why"] == "chance":
            why = f"inputs as coarse as these make {alike['by_chance']:.0%} of such pairs by chance"
        return [
            *told,
            f"{alike['rows']:,} rows share all inputs with another, {alike['differ']:,} of them with one that is "
            f"answered otherwise, and {why}: they are cases, and none is left out.",
        ]
    if not split["rule"]["repeats"] or not any(entry["why"] == splits.COPY for entry in split["left_out"]):
        return told
    way = (
        f"Where they are different cases, name in {source_module.SOURCE} what tells them apart (`id`), or add a column."
    )
    if alike.get("cases"):
        by = f"By their {source.id} they are different cases" if alike["why"] == "ids" else "Chance explains them"
        way = f"{by}; new splits count them as such: make audit ARGS=--resplit"
    return [
        *told,
        f"Left out of a later split are rows that share all inputs with one of an earlier split: they count as copies. "
        f"{alike['rows']:,} rows share all inputs with another, {alike['differ']:,} of them with one that is answered "
        f"otherwise. Chance makes {alike.get('by_chance', 0):.0%} of such pairs. {way}",
    ]


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _list(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences) or "None."


def _column(name: str, facts: dict[str, Any], score: float | None) -> str:
    cells = [name, facts["type"], f"{facts['missing']:.1%}", facts["distinct"], facts["min"], facts["max"]]
    cells.append("not an input" if score is None else f"{score:.3f}")
    return tables.row(*(str(text)[:60] for text in cells))


def _more(curve: dict[str, Any]) -> str:
    if values := curve.get("values"):
        measured = ", ".join(f"{size:,}: {value:.4g}" for size, value in zip(curve["sizes"], values, strict=True))
        return (
            f"{curve['metric']} of a simple model on validation, by training rows: {measured}. "
            "It has no best value, so no error is forecast."
        )
    if (fit := curve["fit"]) is None:
        return "Too few sizes were measured to fit a curve."
    measured = ", ".join(f"{size:,}: {error:.3f}" for size, error in zip(curve["sizes"], curve["errors"], strict=True))
    return (
        f"Error of a simple model on validation, by training rows: {measured}. "
        f"Through them: {fit['a']:.3f} + {fit['b']:.3f} · rows^-{fit['c']:.2f}; endless rows leave {fit['a']:.3f}."
    )


def _picture(found: Findings) -> str:
    """Bars for the fifteen best columns, dots for the learning curve."""
    values = found.curve.get("values")  # of a metric without a best value, which leaves no errors
    what = "value" if values else "error"
    marks = [
        f'<text x="158" y="14">score of one column alone</text><text x="450" y="14">{what} by training rows</text>'
    ]
    best = sorted(found.split["leakage"]["scores"].items(), key=lambda item: -item[1])[:15]
    for y, (name, value) in zip(range(24, 300, 18), best, strict=False):
        marks.append(f'<text x="150" y="{y + 10}" text-anchor="end">{escape(name[:24])}</text>')
        marks.append(f'<rect x="158" y="{y}" width="{max(1.0, 200 * value):.1f}" height="12" fill="#4878a8"/>')
    dots = [(n, e) for n, e in zip(found.curve["sizes"], values or found.curve["errors"], strict=True) if e == e]
    floor = min((0.0, *(e for _, e in dots)))
    for size, error in dots:
        top = max(e for _, e in dots) - floor
        x, y = 450 + 300 * size / dots[-1][0], 280 - 230 * (error - floor) / (top or 1.0)
        marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#a84848"/>')
        marks.append(f'<text x="{x:.1f}" y="296" text-anchor="middle">{size}</text>')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="800" height="310" font-family="sans-serif" font-size="10">\n'
        f'<rect width="800" height="310" fill="white"/>\n{_lines(marks)}</svg>\n'
    )
