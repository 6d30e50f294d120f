"""The evidence of an audit held against the rows: quality, split and leakage worked out once more.

A seal is no proof: whoever types other findings seals them again. What `audit` wrote in this copy of the repository is
remembered, and costs nothing to hold; findings that it did not write, or that were changed since, are worked out again
where the rows are on this machine, and what that gave is remembered.
"""

from typing import Any

from planrun.files import canonical
from planrun.remembered import recall, remember
from planrun.repository import Repo

from planrun_ml.data import columns as columns_module
from planrun_ml.data import frames, leakage, manifest, profile, schema, snapshot, splits
from planrun_ml.data.source import SOURCE
from planrun_ml.tables.sql import ROW

HELD = ("quality", "splits")  # evidence that is held against the rows
MOST = 50_000  # rows of a split that the screen works on


def vouch(repo: Repo) -> None:
    """Remember that the evidence that is there now was written by `audit`, here and now."""
    remember(repo.root, "", *_about(repo))


def untrue(repo: Repo) -> str:
    """A sentence where evidence of the audit is not what the rows give; "" where it is, or they are elsewhere."""
    about = _about(repo)
    said = recall(repo.root, *about)
    if said is None:
        if not manifest.at_hand(repo):
            return ""
        said = _compared(repo)
        remember(repo.root, said, *about)
    return str(said)


def _about(repo: Repo) -> tuple[Any, ...]:
    told = {name: repo.fresh(name, "make audit") for name in HELD}
    content = {name: {key: facts[key] for key in facts if key not in ("at", "seal")} for name, facts in told.items()}
    return ("audited", canonical(content), repo.sha256(SOURCE), repo.answers["task"], repo.digest("engine/"))


def _compared(repo: Repo) -> str:
    quality, split = _worked_out(repo)
    for name, again in (("quality", quality), ("splits", split)):
        held = repo.fresh(name, "make audit")
        if odd := [key for key, value in again.items() if canonical(_plain(held, key)) != canonical(value)]:
            return f"evidence/{name}.json is not what the rows give: {', '.join(odd)}."
    return ""


def _plain(held: dict[str, Any], key: str) -> Any:
    return [one["columns"] for one in held["leakage"]["suspects"]] if key == "suspects" else held.get(key)


def _worked_out(repo: Repo) -> tuple[dict[str, Any], dict[str, Any]]:
    """Quality, and split with leakage by the recorded rule, as `audit` works them out."""
    task, rule = repo.answers["task"], repo.fresh("splits", "make audit")["rule"]
    table, source = snapshot.open_table(repo)
    target, columns = columns_module.target_sql(repo, source, table), table.columns("source")
    rows, inputs = int(table.rows("select count(*) from source")[0][0]), columns_module.inputs(table, source)
    facts = profile.profile(table, {name: kind for name, kind in columns.items() if name != ROW}, rows)
    whole = [name for name in columns if name not in (ROW, source.id)]
    repeats = profile.copied(table, list(inputs), facts) and profile.repeats(table, whole)
    breaches = schema.breaches(table, schema.read(repo), facts, rows, repeats)
    quality = {"rows": rows, "repeated_rows": repeats, "breaches": breaches}

    splits.create_view(table, source, rule, list(inputs))
    found = splits.parts(table, source, task, target)
    three = {part: found[part] for part in splits.PARTS if part in found}
    sizes = {part: found[part]["rows"] if part in found else 0 for part in (*splits.PARTS, "left out")}
    split = {
        "sizes": sizes,
        "keys": {part: splits.number(it["rows"], it["keys"]) for part, it in three.items()},
        "answers": {part: splits.number(it["labelled"], it["answers"]) for part, it in three.items()},
        "time_inverted": splits.inverted(found),
    }
    shares = {name: min(1.0, MOST / sizes[name]) for name in splits.PARTS[:2]}
    drawn = splits.some_rows(table, source, rule, list(inputs), shares)
    fitted = frames.rows(repo, table, source, inputs, drawn["train"], "train", "drawn_rows")
    suspects = leakage.screen(fitted.x, fitted.y, task, source.explained)["suspects"]
    return quality, split | {"suspects": [one["columns"] for one in suspects]}
