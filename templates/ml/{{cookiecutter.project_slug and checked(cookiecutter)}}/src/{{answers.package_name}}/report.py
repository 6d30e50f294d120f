"""Evidence as people read it: the audit with its picture, and the model card. Every number is from evidence files."""

from typing import Any

from . import data, features
from .files import write_text
from .repo import Repo

CARD = "evidence/model-card.md"
HARNESS = {
    "constant": "a constant scores what arithmetic says",
    "shuffled": "models trained on shuffled answers do not beat the constant",
    "double_run": "the same seed trains the same model twice",
}


def write(repo: Repo, source: data.Source, found: Any) -> None:
    """Write evidence/audit.md and evidence/audit.svg."""
    write_text(repo.root / "evidence" / "audit.svg", _picture(found))
    write_text(repo.root / "evidence" / "audit.md", _page(repo, source, found))


def _page(repo: Repo, source: data.Source, found: Any) -> str:
    screen = found.split["leakage"]
    lines = [
        f"# Data audit{data.label(repo, source)}",
        "",
        "Written by `make audit`; edit nothing here, the next audit replaces it.",
        f"Hash of the data: `{data.manifest(repo)['sha256']}`.",
        "",
        f"{found.rows:,} rows, {found.labels['labelled']:,} of them labelled, "
        f"{found.quality['repeated_rows']:,} repeat another row.",
        *notes(repo, source, found),
        *_balance(source, found),
        "",
        "## Rules that do not hold",
        "",
        *([f"- {entry['sentence']}" for entry in found.quality["breaches"]] or ["None."]),
        "",
        "## Columns",
        "",
        f"Score: {screen['measure']}, each column alone; above {screen['bound']} somebody has to explain it.",
        "",
        "| Column | Type | Missing | Different values | Smallest | Largest | Score |",
        "|---|---|---|---|---|---|---|",
        *(_column(name, facts, screen["scores"].get(name)) for name, facts in found.quality["profile"].items()),
        "",
        "![Score of each column, and error by number of training rows](audit.svg)",
        "",
        "## Splits",
        "",
        f"Rule: {found.split['rule']['kind']}. "
        + ", ".join(f"{k} {v:,}" for k, v in found.split["sizes"].items() if v)
        + ".",
        "In two splits: "
        + ", ".join(f"{count} {what}" for what, count in found.split["across"].items())
        + "."
        + (f" Test rows newest: {'no' if found.split['time_inverted'] else 'yes'}." if source.time else ""),
        "",
        "## Suspects",
        "",
        *([f"- {entry['why']}" for entry in screen["suspects"]] or ["None."]),
        "",
        "## Harness",
        "",
        *(
            f"- {HARNESS[name]}: {'as it must be' if result['ok'] else 'NOT SOUND'}"
            for name, result in found.harness.items()
        ),
        "",
        "## More rows?",
        "",
        _more(found.curve),
    ]
    return "\n".join(lines) + "\n"


def notes(repo: Repo, source: data.Source, found: Any) -> list[str]:
    """What was decided on the team's behalf, and could surprise it."""
    said, empty = [], found.labels["rows"] - found.labels["labelled"]
    if repo.answers["task"] == "binary" and len(found.labels["balance"]) > 2:
        said.append(f"{source.target} holds {len(found.labels['balance'])} values: all but one count as negative.")
    if empty:
        said.append(f"{source.target} is empty in {empty:,} rows: they are kept, and not used.")
    free = [name for name in found.quality["profile"] if name not in (*source.special, *found.quality["inputs"])]
    if free:
        said.append(f"No inputs, being texts with more than {features.LEVELS} different values: {', '.join(free)}.")
    return said


def _balance(source: data.Source, found: Any) -> list[str]:
    """How often each right answer occurs, where it is a class."""
    counts, most = found.labels["balance"], list(found.labels["balance"].items())[:12]
    return [f"{source.target}: " + ", ".join(f"{name} {count:,}" for name, count in most) + "."] if counts else []


def _column(name: str, facts: dict[str, Any], score: float | None) -> str:
    cells = [name, facts["type"], f"{facts['missing']:.1%}", facts["distinct"], facts["min"], facts["max"]]
    cells.append("not an input" if score is None else f"{score:.3f}")
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ")[:60] for cell in cells) + " |"


def _more(curve: dict[str, Any]) -> str:
    fit = curve["fit"]
    if fit is None:
        return "Too few sizes were measured to fit a curve."
    measured = ", ".join(f"{size:,}: {error:.3f}" for size, error in zip(curve["sizes"], curve["errors"], strict=True))
    return (
        f"Error of a simple model on validation, by training rows: {measured}. "
        f"Through them: {fit['a']:.3f} + {fit['b']:.3f} · rows^-{fit['c']:.2f}; endless rows leave {fit['a']:.3f}."
    )


def _picture(found: Any) -> str:
    """Bars for the fifteen best columns, dots for the learning curve."""
    top = sorted(found.split["leakage"]["scores"].items(), key=lambda item: -item[1])[:15]
    bars = [
        f'<text x="150" y="{34 + 18 * n}" text-anchor="end">{_safe(name)}</text>'
        f'<rect x="158" y="{24 + 18 * n}" width="{max(1.0, 200 * value):.1f}" height="12" fill="#4878a8"/>'
        for n, (name, value) in enumerate(top)
    ]
    sizes, errors = found.curve["sizes"], found.curve["errors"]
    high = max([error for error in errors if error == error], default=1.0) or 1.0
    dots = [
        f'<circle cx="{450 + 300 * size / max(sizes):.1f}" cy="{280 - 230 * error / high:.1f}" r="4" fill="#a84848"/>'
        f'<text x="{450 + 300 * size / max(sizes):.1f}" y="296" text-anchor="middle">{size}</text>'
        for size, error in zip(sizes, errors, strict=True)
        if error == error
    ]
    body = "\n".join([*bars, *dots])
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="800" height="310" font-family="sans-serif" font-size="10">\n'
        '<rect width="800" height="310" fill="white"/>\n'
        '<text x="158" y="14">score of one column alone</text><text x="450" y="14">error by training rows</text>\n'
        f"{body}\n</svg>\n"
    )


def _safe(text: str) -> str:
    return text[:24].replace("&", "&amp;").replace("<", "&lt;")


# ---------------------------------------------------------------------------------------------------- model card
def write_card(repo: Repo) -> None:
    """The card of the accepted or rejected model, with the hash of the evidence it tells of."""
    write_text(repo.root / CARD, card(repo))


def card(repo: Repo) -> str:
    """The card's text; gate G3.10 compares it with the file."""
    facts = repo.evidence("acceptance") or {}
    audited = data.manifest(repo)
    metric, result, base = facts["metric"], facts["result"], facts["baseline"]
    lines = [
        f"# Model card{data.label(repo, data.source_of(repo))}",
        "",
        f"Written by `make accept` from evidence `{repo.sha256('evidence/acceptance.json')[:16]}`; edit nothing here.",
        "",
        "| | |",
        "|---|---|",
        f"| Task | {repo.answers['task']}, serving {repo.answers['serving']} |",
        f"| Model | {facts['config']['model']} {facts['config']['params']}, file `{facts['model'][:16]}` |",
        f"| Data | {audited['rows']:,} rows, file hash `{audited['sha256'][:16]}` |",
        f"| {metric} on test rows | {_bounds(result)} |",
        f"| {metric} of the baseline rule | {_bounds(base)} |",
        f"| Gain | {_bounds(facts['gain'])}, needed {facts['minimum']:.4g} |",
        f"| Verdict | {facts['verdict']['state']}: {facts['verdict']['sentence']} |",
        *(f"| Segment {name} | {found['state']}: {found['sentence']} |" for name, found in facts["segments"].items()),
        "",
        "Limits: shown only for rows like those of the audit, for this metric and this decision threshold "
        f"({facts['decision_threshold']:.3g}). What is not promised stands in docs/03-acceptance.md, section 1.",
    ]
    return "\n".join(lines) + "\n"


def _bounds(found: dict[str, Any]) -> str:
    return f"{found['value']} ({found['low']} to {found['high']}; {found['n']} units, {found['method']})"
