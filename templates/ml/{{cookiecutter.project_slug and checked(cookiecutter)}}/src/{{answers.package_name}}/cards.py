"""The pages that people read: what the judged model is, and what its data is. Every number is from evidence files.

`make accept` writes both; gate G3.10 works them out again and turns red where a page tells of other evidence.
"""

from typing import Any

from . import data, schema
from .files import write_text
from .repo import Repo

MODEL, DATASHEET = "evidence/model-card.md", "evidence/datasheet.md"
FIGURE = "{value} ({low} to {high}; {n} units, {method})"


def pages(repo: Repo) -> dict[str, str]:
    """Path → text of each page, from today's evidence. Raises `Blocked` where a piece of it is missing or stale."""
    return {MODEL: model_card(repo), DATASHEET: datasheet(repo)}


def write(repo: Repo) -> None:
    for path, text in pages(repo).items():
        write_text(repo.root / path, text)


def model_card(repo: Repo) -> str:
    """The accepted or rejected model, with the hash of the evidence it tells of."""
    facts, audited = repo.fresh("acceptance", "make accept"), data.manifest(repo)
    result, rule, gain = (FIGURE.format(**facts[key]) for key in ("result", "baseline", "gain"))
    limits = {name: f"{value:.4g}" for name, value in facts["limits"].items() if value is not None}
    costs = {name: f"{value:.4g}" for name, value in facts["cost"].items() if value is not None}
    rows = {
        "Task": f"{repo.answers['task']}, serving {repo.answers['serving']}",
        "Model": f"{facts['config']['model']} {facts['config']['params']}, file `{facts['model'][:16]}`",
        "Data": f"{audited['rows']:,} rows, file hash `{audited['sha256'][:16]}`: {DATASHEET}",
        f"{facts['metric']} on test rows": result,
        f"{facts['metric']} of the baseline rule": rule,
        "Gain": f"{gain}, needed {facts['minimum']:.4g}",
        "Verdict": f"{facts['verdict']['state']}: {facts['verdict']['sentence']}",
        **{f"Segment {name}": f"{it['state']}: {it['sentence']}" for name, it in facts["segments"].items()},
        "Cost of one decision": listed(costs) or "the result is no decision",
        "Measured limits": listed(limits),
    }
    return f"""\
# Model card{data.label(repo, data.source_of(repo))}

Written by `make accept` from evidence `{repo.sha256("evidence/acceptance.json")[:16]}`; edit nothing here.

{table(rows)}

Limits: shown only for rows like those of the audit, for this metric and this decision threshold
({facts["decision_threshold"]:.3g}). What is not promised stands in docs/03-acceptance.md, section 1.
"""


def datasheet(repo: Repo) -> str:
    """The data: why, what, from where, how it was cut and checked. Headings after Gebru et al., "Datasheets for
    Datasets" (2018)."""
    quality, labels, splits = (repo.fresh(name, "make audit") for name in ("quality", "labels", "splits"))
    audited, source, rules = data.manifest(repo), data.source_of(repo), schema.read(repo)["columns"]
    named = {name: rules.get(name, {}) for name in quality["profile"]}
    columns = {
        name: f"{facts['type']}, {facts['missing']:.1%} missing; {named[name].get('meaning') or 'no meaning written'}"
        for name, facts in quality["profile"].items()
    }
    origins = {
        one.get("name") or "unnamed": f"owner {one.get('owner') or '?'}, access {one.get('access') or '?'}, "
        f"lawful basis {one.get('lawful_basis') or '?'}"
        for one in source.sources
    }
    agreed = "not measured" if labels["agreement"] is None else labels["agreement"]
    return f"""\
# Datasheet{data.label(repo, source)}

Written by `make accept` for the file with hash `{audited["sha256"][:16]}`; edit nothing here.
What a column means is written in {schema.PATH}, what the data is from in {data.SOURCE}.

## Motivation

To predict {source.target}: docs/00-charter.md says for which decision.

## Composition

{audited["rows"]:,} rows, {labels["labelled"]:,} labelled, {quality["repeated_rows"]:,} repeat another.
Time: {" to ".join(map(str, audited["time_range"])) or "no column says when"}.
Personal data, by the answers: {repo.answers["personal_data"]}.
{listed(labels["balance"])}

{table(columns)}

## Collection

Labels: {repo.answers["label_source"]}; agreement of those who label: {agreed}.

{table(origins)}

## Preprocessing

Split by rule {splits["rule"]["kind"]}: {listed({name: count for name, count in splits["sizes"].items() if count})}.
{len(quality["breaches"])} rules of {schema.PATH} do not hold.
Columns suspected of knowing the answer: {len(splits["leakage"]["suspects"])}.

## Uses, distribution, maintenance

Who may use it and until when, docs/01-data-audit.md says in section 10, how it changes in section 12.
The test rows are for `make accept` alone.
"""


def listed(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def table(rows: dict[str, str]) -> str:
    """Two columns of Markdown."""
    cells = [
        (str(name).replace("|", "\\|"), text.replace("|", "\\|").replace("\n", " ")) for name, text in rows.items()
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {text} |" for name, text in cells)])
