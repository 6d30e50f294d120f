"""The data audit: one command from raw data to evidence with its hash. It ends in go, re-scope or stop.

Everything is worked out before the first file is written, so bad data leaves nothing half-done.
"""

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd
from planrun.files import as_text, canonical, write_text
from planrun.gates import OPEN
from planrun.repository import Repo
from planrun.trouble import Outcome, Trouble

from planrun_ml.audit import again as again_module
from planrun_ml.audit import harness, proposals
from planrun_ml.audit.page import PICTURE, Findings, _counts, _notes, _page, _picture, _shown, recommend
from planrun_ml.audit.two_runs import PIPELINE
from planrun_ml.data import columns as columns_module
from planrun_ml.data import frames, leakage, profile, schema, snapshot, splits, watch_list
from planrun_ml.data import manifest as manifest_module
from planrun_ml.data import source as source_module
from planrun_ml.data.origins import sources
from planrun_ml.measuring import measures
from planrun_ml.measuring.deciding import deciding, measured_by
from planrun_ml.measuring.measures import MEASURES
from planrun_ml.models import learning_curve
from planrun_ml.tables.query import Engine
from planrun_ml.tables.sql import ROW

MOST = 50_000  # rows of a split that screen, harness and curve work on
MEASURED = ("data/manifest.json", schema.PATH)
ON_SPLITS = (*MEASURED, "evidence/splits.json#rule,sizes,keys,answers")


def run(repo: Repo, resplit: bool = False) -> Outcome:
    """Audit the data that data/source.yaml names, and write manifest, schema (the first time), evidence and report."""
    snapshot.refresh(repo, source_module.source_of(repo))
    found, source = examine(repo, resplit)
    write_text(repo.root / manifest_module.MANIFEST, json.dumps(found.manifest, indent=2, ensure_ascii=False) + "\n")
    if found.proposed:
        write_text(repo.root / schema.PATH, found.proposed)
    repo.write_evidence("quality", found.quality, MEASURED)
    repo.write_evidence("splits", found.split, MEASURED)
    repo.write_evidence(PIPELINE, found.runs, MEASURED[:1])
    by = measured_by(repo)
    repo.write_evidence("labels", found.labels, (*MEASURED, *by))
    repo.write_evidence("harness", found.harness, (*ON_SPLITS, *by))
    repo.write_evidence("learning_curve", found.curve, (*ON_SPLITS, *by))
    again_module.vouch(Repo(repo.root))
    write_text(repo.root / "evidence" / "audit.svg", _picture(found))
    write_text(repo.root / "evidence" / "audit.md", as_text(_page(repo, source, found), PICTURE))
    verdict, reasons = recommend(found)
    mark, rows, columns = source_module.label(repo, source), found.manifest["rows"], len(found.manifest["columns"])
    lines = [f"Audited {rows:,} rows × {columns} columns{mark}."]
    lines += [f"{schema.PATH} was proposed from the data: read it, it is yours now."] if found.proposed else []
    lines += [f"Splits ({found.split['rule']['kind']}): {_counts(found.split['sizes'])}.", *_notes(repo, source, found)]
    lines += [line for line in (watch_list.strongest(found.split["leakage"]),) if line]
    lines += [f"Recommendation: {verdict}. {reason}" for reason in reasons]
    lines += [line for line in watch_list.told(found.split["leakage"]) if line.startswith("Watch list")]
    origin = sources(Repo(repo.root))
    if "G1.2" in repo.blocking() and origin.state not in OPEN:
        lines.append(f"Before the data can be locked: {origin.reason} {origin.next_step}.")
    return Outcome("\n".join([*lines, "Report: evidence/audit.md"]), 0 if verdict == "go" else 1)


def examine(repo: Repo, resplit: bool) -> tuple[Findings, source_module.Source]:
    """Every step of the audit, in memory. Raises `Trouble` for data that no model could be trained on.

    What looks like a leak is told with it, so that nobody mends the one and never hears of the other.
    """
    table, source = snapshot.open_unchecked(repo)
    try:
        snapshot.complete(repo, table, source)
        return _examined(repo, table, source, resplit), source
    except Trouble as stop:
        stop.also = _leaks_beside(repo, table, source)
        raise


def _leaks_beside(repo: Repo, table: Engine, source: source_module.Source) -> tuple[str, ...]:
    """Suspects and watch list over all labelled rows, whatever else is wrong; none where these cannot be read."""
    try:
        held = table.columns("source")
        time, group = (name if name in held else "" for name in (source.time, source.group))
        source = replace(source, time=time, group=group)
        if source.target not in held:
            return ()
        target = columns_module.target_sql(repo, source, table)
        inputs = columns_module.inputs(table, source)
        rows = max(1, table.rows("select count(*) from source")[0][0])
        where = f"{profile.PLACE} < {min(1.0, MOST / rows)}"
        found = table.frame(
            f"select {target} as _target, {columns_module.select(inputs)} from source "
            f"where {where} and {target} is not null order by _row"
        )
    except Trouble:  # the sentence that stopped the audit says it
        return ()
    y = found["_target"].to_numpy(dtype=object if repo.answers["task"] == "multiclass" else float)
    if len(np.unique(y.astype(str))) < 2:
        return ()
    seen = frames.Frame(np.arange(len(y)), found[list(inputs)], y, None, None, pd.DataFrame(), inputs)
    return tuple(watch_list.told(_screened(repo, table, source, seen, where, "source")))


def _screened(
    repo: Repo, table: Engine, source: source_module.Source, rows: frames.Frame, where: str, view: str
) -> dict[str, Any]:
    """The leakage screen and the watch list of rows that a condition picks from a view."""
    task, target = repo.answers["task"], columns_module.target_sql(repo, source, table)
    seen = watch_list.beside(table, source, target, where, view, task)
    found = leakage.screen(rows.x, rows.y, task, source.explained, seen.past)
    return found | watch_list.watch(rows.x, rows.y, task, rows.kinds, found, source.explained, seen)


def _examined(repo: Repo, table: Engine, source: source_module.Source, resplit: bool) -> Findings:
    task, metric = repo.answers["task"], deciding(repo)
    target, columns = columns_module.target_sql(repo, source, table), table.columns("source")
    labels = profile.labelled(repo, table, source, target)
    rows, inputs = labels["rows"], columns_module.inputs(table, source)
    facts = profile.profile(table, {name: kind for name, kind in columns.items() if name != ROW}, rows)
    whole = [name for name in columns if name not in (ROW, source.id)]
    repeats = profile.copied(table, list(inputs), facts) and profile.repeats(table, whole)
    rules, proposed = schema.read(repo), None
    if not rules["columns"]:
        proposed = schema.propose(source, facts, rows, repeats)
        rules = schema.parse(proposed)
    breaches = schema.breaches(table, rules, facts, rows, repeats)
    dates = {name: asdict(written) for name, written in table.written.items()}
    quality = {
        "rows": rows,
        "dates": dates,
        "proposed": proposals.proposed(table, source, facts, rows),
        "calendar": proposals.calendar(table, source, inputs, facts),
        "repeated_rows": repeats,
        "breaches": breaches,
        "profile": _shown(facts),
        "inputs": inputs,
    }
    split = splits.cut(repo, table, source, list(inputs), target, resplit)
    manifest, first = _arrived(repo, table, source, inputs, split)
    shares = {name: min(1.0, MOST / split["sizes"][name]) for name in splits.PARTS[:2]}
    drawn = splits.some_rows(table, source, split["rule"], list(inputs), shares)
    fitted, held = (frames.rows(repo, table, source, inputs, drawn[name], name, "drawn_rows") for name in shares)
    split["leakage"] = _screened(repo, table, source, fitted, drawn["train"], "drawn_rows")
    threshold = repo.number("acceptance.threshold") or 0.5
    sane = harness.check(fitted, held, task, metric, threshold)
    curve = learning_curve.curve(fitted, held, task, metric, threshold)
    labels["test"] = split.pop("test")
    positive = columns_module.positive_value(source, table) if task == "binary" else None
    labels[MEASURES] = {} if source.is_sample else measures.of_labels(labels, inputs, positive, bool(source.split))
    second = again(repo, resplit, facts) if rows <= columns_module.MANY or "G1.7" in repo.blocking() else {}
    runs = {"data": manifest["sha256"], "first": first, "second": second}
    return Findings(manifest, proposed, quality, labels, split, sane, curve, runs)


def again(repo: Repo, resplit: bool, facts: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The same hashes from a run that shares nothing with the first one but the raw file and the code.

    The `facts` of the first only say which columns are compared first: rows that differ there are not compared in all.
    """
    table, source = snapshot.open_table(repo)
    inputs = columns_module.inputs(table, source)
    profile.copied(table, list(inputs), facts)
    split = splits.cut(repo, table, source, list(inputs), columns_module.target_sql(repo, source, table), resplit)
    return _arrived(repo, table, source, inputs, split)[1]


def _arrived(
    repo: Repo, table: Engine, source: source_module.Source, inputs: dict[str, str], split: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The manifest, and one hash for each part of what a run arrived at."""
    path, span = snapshot.snapshot(repo, source), columns_module.span(table, source)
    rows = table.rows("select count(*) from source")[0][0]
    manifest = manifest_module.manifest_of(repo, source, path, table.columns("source"), rows, span)
    kept = {key: split[key] for key in ("rule", "sizes", "keys", "answers")}
    return manifest, {"manifest": canonical(manifest), "inputs": canonical(inputs), "splits": canonical(kept)}
