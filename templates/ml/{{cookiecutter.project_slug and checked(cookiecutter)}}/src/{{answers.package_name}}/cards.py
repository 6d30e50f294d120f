"""What people read: what the judged model is, what its data is, which decisions change. All of it is from evidence.
And what programs read of a version: its card.

`make accept` writes both pages; gate G3.10 works them out again and turns red where a page tells of other evidence.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import yaml

from . import data, dataset, drift, features, registry, schema
from .engine import ROW, Engine, quoted
from .evaluate import FOLDER, Case, decide
from .files import as_text, write_text
from .repo import Repo

MODEL, DATASHEET = "evidence/model-card.md", "evidence/datasheet.md"
EXAMPLES = 20  # rows of each kind
REFERENCE_ROWS, LEVELS = 200_000, 50  # rows of a profile; levels of a category in it
TERMS = ("false_alarm_cost", "miss_cost", "unit_error_cost", "review_rate")
FIGURE = "{value} ({low} to {high}; {n} units, {method})"


def pages(repo: Repo) -> dict[str, str]:
    """Path → text of each page, from today's evidence. Raises `Blocked` where a piece of it is missing or stale."""
    return {MODEL: as_text(model_card(repo)), DATASHEET: as_text(datasheet(repo))}


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


# ------------------------------------------------------------------------------------------------ records
def write_record(repo: Repo, folder: str, content: dict[str, Any]) -> None:
    """experiments/FOLDER/record.yaml, with plain numbers, whatever numpy made of them."""
    plain = json.loads(json.dumps(content, ensure_ascii=False))
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110)
    write_text(repo.root / FOLDER / folder / "record.yaml", text)


# ------------------------------------------------------------------------------------------------ changed decisions
def behaviour(said: pd.DataFrame, one: Case, other: Case) -> dict[str, Any]:
    """Two models can score alike and answer different people differently: the share, and rows for a person to read."""
    after, before = (decide(one), decide(other)) if one.classes else (one.scores, other.scores)
    rows = pd.DataFrame({"id": said["_key"].astype(str), "right": one.y, "new": after, "old": before})
    changed, *moved = places(one, other)
    better, worse = (rows.iloc[chosen[:EXAMPLES]].map(_plain).to_dict("records") for chosen in moved)
    return {"changed": round(len(changed) / max(len(rows), 1), 6), "better": better, "worse": worse}


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else float(f"{float(value):.6g}")


def places(new: Case, old: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows whose decision changes, those that turn right, and those that turn wrong; a value's largest shifts first."""
    if new.classes or set(np.unique(new.y)) <= {0.0, 1.0}:
        after, before = decide(new), decide(old)
        changed = np.flatnonzero(after != before)
        right = np.flatnonzero((after == new.y) & (before != new.y))
        return changed, right, np.flatnonzero((after != new.y) & (before == new.y))
    gap = np.abs(new.scores - new.y) - np.abs(old.scores - new.y)
    changed = np.flatnonzero(np.abs(new.scores - old.scores) > 0.1 * (np.std(old.scores) or 1.0))
    order = np.argsort(gap)
    return changed, order[gap[order] < 0], order[::-1][gap[order[::-1]] > 0]


# ------------------------------------------------------------------------------------------------ a version's card
def write_card(
    repo: Repo, version: str, kind: str, rule: dict[str, Any], scores: np.ndarray, accepted: Case, **held: Any
) -> dict[str, str]:
    """Write everything about a version that its files do not say; where it is and its hash, as the registry keeps them.

    `scores` are its own on the validation rows, `accepted` is what it was accepted on, `held` what it is held to.
    """
    (table, source, columns), path = dataset.open_split(repo), registry.card_path(version)
    task, target = repo.answers["task"], f"cast({quoted(source.target)} as varchar)"
    counted = f"select {target}, count(*) from split_rows where _split = 'train' and {target} is not null group by 1"
    counts = dict(table.rows(f"{counted} order by 1")) if task in ("binary", "multiclass") else {}
    card = {
        "version": version, "kind": kind, "task": task, "metric": repo.answers["metric"], "columns": columns,
        "rules": {name: one for name, one in schema.read(repo)["columns"].items() if name in columns},
        "rule": rule, "threshold": accepted.threshold, "classes": list(accepted.classes),
        "target": source.target, "id": source.id, "group": source.group,
        "positive": features.positive_value(source, table) if task == "binary" else "",
        "labels": list(counts), "balance": {name: count / sum(counts.values()) for name, count in counts.items()},
        "terms": {key: repo.answers[key] for key in TERMS if key in repo.answers}, **held,
        **profiles(repo, table, columns, scores),
    }  # fmt: skip
    write_text(repo.root / path, json.dumps(card, ensure_ascii=False, separators=(",", ":")) + "\n")
    return {"path": path, "sha256": repo.sha256(path)}


def profiles(repo: Repo, table: Engine, columns: Mapping[str, str], scores: np.ndarray) -> dict[str, Any]:
    """What the training inputs and the version's own scores look like: about 10 kB, and all that drift needs."""
    bins, task = int(repo.answers["drift_bins"]), repo.answers["task"]
    chosen = f"where _split = 'train' order by md5(cast({ROW} as varchar)) limit {REFERENCE_ROWS}"
    names = ", ".join(quoted(name) for name in columns)
    table.run(f"create temp table inputs as select {names} from split_rows {chosen}")
    table.register("said", pd.DataFrame({"score": scores if scores.ndim == 1 else scores.max(axis=1)}))
    best = np.maximum(scores, 1 - scores) if task == "binary" else scores.max(axis=-1)  # the chance of what it decides
    return {
        "profile": profile(table.rows, "select * from inputs", columns, bins),
        "scores": profile(table.rows, "select * from said", {"score": "number"}, bins),
        "promised": float(best.mean()) if task in ("binary", "multiclass") else None,
    }


def profile(ask: drift.Ask, table: str, kinds: Mapping[str, str], bins: int) -> dict[str, Any]:
    """What the reference rows look like, in about 10 kB. `kinds` says number, date or category; `table` is SQL."""
    rows = ask(f"select count(*) from ({table})")[0][0]
    if not rows:
        raise ValueError("There are no rows to take a profile of.")
    columns = {name: {"kind": kind, "cuts": _cuts(ask, table, name, kind, bins)} for name, kind in kinds.items()}
    counts = drift.count(ask, table, columns)
    return {
        "rows": rows,
        "columns": {n: c | {"counts": counts[n][0], "nulls": counts[n][1]} for n, c in columns.items()},
    }


def _cuts(ask: drift.Ask, table: str, name: str, kind: str, bins: int) -> list[Any]:
    """Numbers: edges at 2 x bins quantiles and one below the smallest value. Categories: the most frequent levels."""
    values = f"select {drift.valued(quoted(name), kind)} as v from ({table})"
    if kind == "category":
        levels = f"select v, count(*) as n from ({values}) where v is not null group by v order by n desc, v"
        return [level for level, _ in ask(f"{levels} limit {LEVELS}")]
    points = [i / (2 * bins) for i in range(2 * bins + 1)]
    found = ask(f"select quantile_disc(v, {points}) from ({values}) where v is not null")[0][0]
    if not found:
        return []
    edges = sorted({float(f"{edge:.9g}") for edge in found})
    below = math.nextafter(edges[0], -math.inf) - max(abs(edges[0]), 1e-300) * 1e-8
    return [float(f"{below:.9g}"), *edges]
