"""`label draw`: which rows people label next, and a sheet and a page for each of them."""

import json
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from planrun.command import COMMAND
from planrun.files import write_text
from planrun.repository import Repo
from planrun.signing import people
from planrun.trouble import Outcome, Trouble

from planrun_ml.data import columns as columns_module
from planrun_ml.data import people_labels, prediction_files, snapshot
from planrun_ml.data import source as source_module
from planrun_ml.data.lock import GUIDE
from planrun_ml.data.people_labels import FOLDER
from planrun_ml.experiments import records
from planrun_ml.measuring.catalogue import CLASSES
from planrun_ml.models import model_files, training
from planrun_ml.tables.query import Engine
from planrun_ml.tables.sql import quoted

WAYS = ("random", "stratified", "differ")
MOST = 50_000  # unlabelled rows that two models are asked about
SHEET = ("id", "label", "note", "by", "guide", "drawn")


def guide_of(repo: Repo) -> str:
    """The labelling guide's version: twelve digits of the hash of its text. Raises `Trouble` without a guide."""
    if not (repo.root / GUIDE).is_file():
        raise Trouble("There is no labelling guide, so two people would label two things.", f"Write {GUIDE}")
    return repo.sha256(GUIDE)[:12]


def draw(repo: Repo, rows: int, way: str, by: Sequence[str], double: float | None, column: str) -> Outcome:
    """Draw unlabelled rows and write a sheet for each labeller; a share of the rows is on two sheets.

    Raises `Trouble` for fewer than one row, a way that is none, or data without an unlabelled row.
    """
    if rows < 1:
        raise Trouble(f"{rows} rows cannot be drawn.", "Say how many: --rows 200")
    if way not in WAYS:
        raise Trouble(f'"{way}" is no way to draw rows.', f"Use one of {', '.join(WAYS)}: --how random")
    share = float(repo.answers.get("double_label_share") or 0.1) if double is None else double
    if not 0 <= share <= 1:
        raise Trouble(f"{share:g} is no share of rows to be labelled twice.", "Say one between 0 and 1: --double 0.1")
    names, guide = _labellers(repo, by), guide_of(repo)
    table, source = snapshot.open_table(repo)
    people_labels.need_id(source)
    waiting = _unlabelled(repo, table, source)
    if waiting.empty:
        told = f"Every row has its {source.target}, or is on a sheet already: there is nothing to draw."
        raise Trouble(told, f"Add rows whose {source.target} is empty, or collect the sheets: {COMMAND} label collect")
    chosen, stratum = _chosen(repo, source, waiting, rows, way, column)
    folder = _new_folder(repo, way)
    sheets = _dealt(len(chosen), names, share)
    for name, places in sheets.items():
        _write_sheet(folder, name, chosen.iloc[places], guide, folder.name, repo, source)
    drawn = {"how": way, "rows": len(chosen), "guide": guide, "by": names, "twice": share, "strata": stratum}
    write_text(folder / "draw.json", json.dumps(drawn, indent=2, ensure_ascii=False) + "\n")
    twice = sum(map(len, sheets.values())) - len(chosen)
    lines = [f"{len(chosen):,} of {len(waiting):,} unlabelled rows drawn ({way}), {twice:,} of them for two people."]
    lines += [f"{name}: {len(places):,} rows, {FOLDER}/{folder.name}/{_file(name)}.csv, or .html in a browser."
              for name, places in sheets.items()]  # fmt: skip
    if way != "random":
        lines.append(
            "These rows are for training: drawn on purpose, they would make a test look harder than the world."
        )
    if len(names) < 2 and share:
        lines.append(
            "One person labels, so nobody can disagree: name two or more with --by, or agreement stays unknown."
        )
    return Outcome("\n".join([*lines, f"When the sheets are filled: {COMMAND} label collect"]))


def _labellers(repo: Repo, by: Sequence[str]) -> list[str]:
    names = [name.strip() for text in by for name in text.split(",") if name.strip()] or [people.person(repo)]
    files = [_file(name) for name in names]
    if len(set(files)) < len(files):
        raise Trouble(f"Two of {', '.join(names)} would share a sheet.", "Name each person once.")
    return names


def _file(name: str) -> str:
    """The name of somebody's sheet."""
    return "sheet-" + (re.sub(r"\W+", "-", name.lower()).strip("-") or "somebody")


def _unlabelled(repo: Repo, table: Engine, source: source_module.Source) -> pd.DataFrame:
    """Rows without a right answer that are on no sheet yet, in an order that chance made once: `_key`, inputs."""
    known = columns_module.inputs(table, source)
    others = [name for name in (*repo.names("segments"), source.group, *source.text) if name and name not in known]
    shown = ", ".join(quoted(name) for name in dict.fromkeys((*known, *others)) if name in table.columns("source"))
    found = table.frame(
        f"select {columns_module.key_sql(source)} as _key, {shown} from source where {quoted(source.target)} is null "
        f"order by md5('draw-1' || {columns_module.key_sql(source)})"
    )
    out = {row["id"] for sheet in (repo.root / FOLDER).glob("*/sheet-*.csv") for row in people_labels.read(sheet)}
    return found[~found["_key"].isin(out)].reset_index(drop=True)


def _chosen(
    repo: Repo, source: source_module.Source, waiting: pd.DataFrame, rows: int, way: str, column: str
) -> tuple[pd.DataFrame, dict[str, float]]:
    """The rows, and of a stratified draw each stratum's share of all unlabelled rows, to weigh estimates by."""
    if way == "random":
        return waiting.head(rows), {}
    if way == "differ":
        return _where_models_differ(repo, waiting.head(MOST), rows), {}
    column = column or next(iter(repo.names("segments")), "")
    if column not in waiting:
        asked = f'"{column}" is no column of the unlabelled rows' if column else "No column says what the strata are"
        raise Trouble(f"{asked}.", f"Name one: --column {next(iter(waiting.columns[1:]), 'NAME')}")
    level = waiting[column].astype(str)
    if pd.api.types.is_numeric_dtype(waiting[column]) and waiting[column].nunique() > columns_module.LEVELS:
        level = pd.qcut(waiting[column], 4, duplicates="drop").astype(str)
    place = waiting.groupby(level).cumcount()
    chosen = waiting.assign(_level=level, _place=place).sort_values(["_place", "_level"], kind="stable").head(rows)
    shares = {str(name): round(float(share), 6) for name, share in level.value_counts(normalize=True).items()}
    return chosen.drop(columns=["_level", "_place"]), shares


def _where_models_differ(repo: Repo, waiting: pd.DataFrame, rows: int) -> pd.DataFrame:
    """The rows on which the two best experiments of different families say the most different things."""
    known = [record for record in records.all_records(repo) if record.get("model_file") and record.get("config")]
    newest = {str(record["config"].get("model", record["id"])): record for record in known}
    if len(newest) < 2:
        told = f"Two models of different families are needed to differ, and {len(newest)} is there."
        raise Trouble(told, f"make experiment, or draw at random: {COMMAND} label draw --how random")
    one, other = (_scores(repo, record, waiting) for record in list(newest.values())[-2:])
    apart = np.abs(one - other)
    apart = apart if apart.ndim == 1 else apart.sum(axis=1)
    return waiting.iloc[np.argsort(-apart, kind="stable")[:rows]]


def _scores(repo: Repo, record: dict[str, Any], waiting: pd.DataFrame) -> np.ndarray:
    path = prediction_files.store(repo) / f"{record['model_file']}.skops"
    model = model_files.load(path, record["model_file"], record["config"], repo.rooms)
    table, source = snapshot.open_table(repo)
    inputs = columns_module.inputs(table, source)
    clean = columns_module.of_rows(waiting[list(inputs)], inputs)
    said: np.ndarray = np.asarray(training.predict(model, clean, repo.answers["task"]), dtype=float)
    return said


def _dealt(count: int, names: Sequence[str], share: float) -> dict[str, list[int]]:
    """Places of rows for each labeller: in turn, and of the first rows a share for the next person as well."""
    dealt: dict[str, list[int]] = {name: [] for name in names}
    twice = round(share * count) if len(names) > 1 else 0
    for place in range(count):
        dealt[names[place % len(names)]].append(place)
        if place < twice:
            dealt[names[(place + 1) % len(names)]].append(place)
    return dealt


def _new_folder(repo: Repo, way: str) -> Path:
    numbers = [int(path.name[:4]) for path in (repo.root / FOLDER).glob("[0-9][0-9][0-9][0-9]-*")]
    folder = repo.root / FOLDER / f"{max(numbers, default=0) + 1:04d}-{way}"
    folder.mkdir(parents=True)
    return folder


def _write_sheet(
    folder: Path, name: str, rows: pd.DataFrame, guide: str, drawn: str, repo: Repo, source: source_module.Source
) -> None:
    """The CSV to fill, and a page that fills it in a browser and saves it under the same name."""
    shown = [column for column in rows if column != "_key"]
    held = [
        {"id": str(key), "label": "", "note": "", "by": name, "guide": guide, "drawn": drawn}
        | {f"row: {column}": "" if pd.isna(value) else str(value) for column, value in zip(shown, values, strict=True)}
        for key, *values in rows[["_key", *shown]].itertuples(index=False)
    ]
    fields = [*SHEET, *(f"row: {column}" for column in shown)]
    people_labels.write(folder / f"{_file(name)}.csv", fields, held)
    write_text(folder / f"{_file(name)}.html", _page(_file(name), source.target, fields, held, _words(repo, source)))


def _words(repo: Repo, source: source_module.Source) -> list[str]:
    """The labels to choose from; none where any number may be typed."""
    if repo.answers["task"] not in CLASSES:
        return []
    return list((repo.evidence("labels") or {}).get("balance", {}))


def _page(file: str, target: str, fields: Sequence[str], rows: Sequence[dict[str, str]], words: Sequence[str]) -> str:
    """One page without anything from elsewhere: a row at a time, a button or a field to label it, then the sheet."""
    data = json.dumps({"file": f"{file}.csv", "fields": list(fields), "rows": list(rows), "words": list(words)})
    return f"""\
<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{escape(target)}</title>
<style>
body {{ font: 16px sans-serif; max-width: 46em; margin: 2em auto; padding: 0 1em }}
th {{ text-align: left; padding-right: 1em; vertical-align: top }}
button {{ font: inherit; margin: .3em .3em 0 0; padding: .4em .8em }}
</style>
<h1>{escape(target)}</h1>
<p id="where"></p><table id="row"></table>
<p id="ways"></p><p><label>Note <input id="note" size="40"></label></p>
<p><button id="back">Back</button><button id="skip">Skip</button><button id="save">Save the sheet</button></p>
<script id="data" type="application/json">{data.replace("<", chr(92) + "u003c")}</script>
<script>
const held = JSON.parse(document.getElementById("data").textContent), get = id => document.getElementById(id);
let at = 0;
function show() {{
  const row = held.rows[at], done = held.rows.filter(one => one.label).length;
  const here = `${{at + 1}} of ${{held.rows.length}}, ${{done}} labelled`;
  get("where").textContent = `${{here}}; this one: ${{row.label || "open"}}`;
  get("row").replaceChildren(...held.fields.filter(name => name.startsWith("row: ")).map(name => {{
    const line = document.createElement("tr"), head = document.createElement("th"), cell = document.createElement("td");
    head.textContent = name.slice(5); cell.textContent = row[name]; line.append(head, cell); return line;
  }}));
  get("note").value = row.note;
}}
function give(label) {{
  held.rows[at].label = label; held.rows[at].note = get("note").value;
  at = Math.min(at + 1, held.rows.length - 1); show();
}}
if (held.words.length) get("ways").append(...held.words.map(word => {{
  const button = document.createElement("button"); button.textContent = word;
  button.onclick = () => give(word); return button;
}}));
else {{
  const field = document.createElement("input"); field.placeholder = "label, then Enter";
  field.onkeydown = event => {{ if (event.key === "Enter" && field.value) {{ give(field.value); field.value = ""; }} }};
  get("ways").append(field);
}}
get("back").onclick = () => {{ at = Math.max(0, at - 1); show(); }};
get("skip").onclick = () => {{ at = Math.min(at + 1, held.rows.length - 1); show(); }};
get("save").onclick = () => {{
  const quote = text => `"${{String(text).replaceAll('"', '""')}}"`;
  const lines = [held.fields, ...held.rows.map(row => held.fields.map(name => row[name] ?? ""))];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines.map(line => line.map(quote).join(",")).join("\\n") + "\\n"]));
  link.download = held.file; link.click();
}};
show();
</script>
</html>
"""
