"""`label collect` and `label settle`: what the sheets say, how far people agree, and who decides where they do not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from planrun.command import COMMAND
from planrun.files import now
from planrun.repository import Repo
from planrun.signing import people
from planrun.trouble import Outcome, Trouble

from planrun_ml.data import columns as columns_module
from planrun_ml.data import people_labels, snapshot
from planrun_ml.data.lock import GUIDE
from planrun_ml.data.people_labels import DISPUTES, FIELDS, FOLDER, LABELS, SETTLED
from planrun_ml.labelling.draw import SHEET, guide_of
from planrun_ml.measuring.catalogue import CLASSES
from planrun_ml.measuring.intervals import wilson
from planrun_ml.release import prediction_log

ALPHA = 0.05
EVIDENCE = "labelling"


@dataclass(frozen=True)
class Given:
    """One label by one person, and the sheet it is from."""

    id: str
    label: str
    by: str
    guide: str
    drawn: str
    sheet: str


def collect(repo: Repo) -> Outcome:
    """Read every sheet, write labels and disputes, and tell the agreement of those who labelled the same rows.

    Raises `Trouble` where no sheet holds a label.
    """
    found = _filled(repo)
    if not found:
        raise Trouble(
            f"No sheet in {FOLDER}/ holds a label.", f"Fill the column label, or draw rows: {COMMAND} label draw"
        )
    amounts = repo.answers["task"] not in (*CLASSES, "ranking")
    settled = {row["id"]: row for row in people_labels.read(repo.root / SETTLED)}
    rows = _by_row(found)
    labels = [_one(given, settled.get(key), amounts) for key, given in rows.items()]
    disputes = [rows[one["id"]] for one in labels if not one["label"]]
    people_labels.write(repo.root / LABELS, FIELDS, [one for one in labels if one["label"]])
    people_labels.write(repo.root / DISPUTES, ("id", "labels"), [_dispute(given) for given in disputes])
    agreed = agreement([given for given in rows.values() if len(given) > 1], amounts)
    guides = sorted({one.guide for one in found})
    repo.write_evidence(
        EVIDENCE,
        {
            "labels": sum(bool(one["label"]) for one in labels), "disputes": len(disputes), "guides": guides,
            "settled": sum(one["how"] == "settled" for one in labels), "by": sorted({one.by for one in found}),
            "agreement": agreed,
        },
        (LABELS, DISPUTES),
    )  # fmt: skip
    return Outcome("\n".join(_told(repo, labels, disputes, agreed, guides)), 1 if disputes else 0)


def _filled(repo: Repo) -> list[Given]:
    """Every label of every sheet. Raises `Trouble` for one that is none, with the sheet and the id."""
    known, words, found = _known(repo), _words(repo), list[Given]()
    for path in sorted((repo.root / FOLDER).glob("*/sheet-*.csv")):
        sheet = f"{FOLDER}/{path.parent.name}/{path.name}"
        for row in people_labels.read(path):
            if missing := [name for name in SHEET if name not in row]:
                raise Trouble(f"{sheet} has no column {missing[0]}.", "Fill the sheet as it was drawn, or draw again.")
            if not row["label"]:
                continue
            if row["id"] not in known:
                raise Trouble(f'{sheet} labels "{row["id"]}", which no row of the data is called.', "Correct its id.")
            label = words.get(row["label"].lower(), row["label"]) if words else row["label"]
            if words and label not in words.values():
                said = ", ".join(f'"{word}"' for word in words.values())
                raise Trouble(
                    f'{sheet}: {row["id"]} is labelled "{label}"; the labels are {said}.', f"Correct {sheet}."
                )
            if not words and not _is_number(label):
                raise Trouble(f'{sheet}: {row["id"]} is labelled "{label}", which is no number.', f"Correct {sheet}.")
            found.append(Given(row["id"], label, row["by"], row["guide"], row["drawn"], sheet))
    return found


def _known(repo: Repo) -> set[str]:
    table, source = snapshot.open_table(repo)
    people_labels.need_id(source)
    return {row[0] for row in table.rows(f"select {columns_module.key_sql(source)} from source")}


def _words(repo: Repo) -> dict[str, str]:
    """Small letters → the label as the data has it; none where labels are numbers."""
    if repo.answers["task"] not in CLASSES:
        return {}
    balance = repo.fresh("labels", "make audit")["balance"]
    return {name.lower(): name for name in balance}


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def _by_row(found: Sequence[Given]) -> dict[str, list[Given]]:
    """Row → its labels, the last of each person. Raises `Trouble` where one person says two things."""
    rows: dict[str, dict[str, Given]] = {}
    for one in found:
        before = rows.setdefault(one.id, {}).get(one.by)
        if before and before.label != one.label:
            told = f'{one.by} labels {one.id} "{before.label}" in {before.sheet} and "{one.label}" in {one.sheet}.'
            raise Trouble(told, "Keep one of the two.")
        rows[one.id][one.by] = one
    return {key: list(given.values()) for key, given in rows.items()}


def _one(given: Sequence[Given], settled: Mapping[str, str] | None, amounts: bool) -> dict[str, str]:
    """A row's label with who gave it; an empty one where people differ and nobody has settled it."""
    said = {one.label for one in given}
    row = {
        "id": given[0].id, "by": "; ".join(one.by for one in given), "drawn": given[0].drawn,
        "guide": "; ".join(sorted({one.guide for one in given})), "settled_by": "",
    }  # fmt: skip
    if settled and len(said) > 1 and not amounts:
        return row | {
            "label": settled["label"], "how": "settled", "settled_by": settled["by"], "guide": settled["guide"],
        }  # fmt: skip
    if len(said) == 1:
        return row | {"label": given[0].label, "how": "agreed" if len(given) > 1 else "single"}
    if amounts:
        return row | {"label": f"{np.median([float(one.label) for one in given]):.10g}", "how": "median"}
    return row | {"label": "", "how": "disputed"}


def _dispute(given: Sequence[Given]) -> dict[str, str]:
    return {"id": given[0].id, "labels": "; ".join(f"{one.by}: {one.label}" for one in given)}


def agreement(twice: Sequence[Sequence[Given]], amounts: bool) -> dict[str, Any]:
    """How far the first two labels of each row agree: the share with its Wilson interval and Cohen's kappa (1960).

    Of amounts the mean absolute difference between two people.
    """
    if not twice:
        return {"rows": 0}
    first, second = ([given[place].label for given in twice] for place in (0, 1))
    if amounts:
        apart = np.abs(np.array(first, float) - np.array(second, float))
        return {"rows": len(twice), "difference": round(float(apart.mean()), 6)}
    same = sum(a == b for a, b in zip(first, second, strict=True))
    share = same / len(twice)
    names = sorted({*first, *second})
    chance = sum((first.count(name) + second.count(name)) ** 2 for name in names) / (2 * len(twice)) ** 2
    low, high = wilson(same, len(twice), ALPHA)
    kappa = (share - chance) / (1 - chance) if chance < 1 else 1.0
    return {
        "rows": len(twice), "share": round(share, 6), "low": round(low, 6),
        "high": round(high, 6), "kappa": round(kappa, 6),
    }  # fmt: skip


def _told(
    repo: Repo, labels: Sequence[Mapping[str, str]], disputes: Sequence[Sequence[Given]], agreed: Mapping[str, Any],
    guides: Sequence[str],
) -> list[str]:  # fmt: skip
    whole = sum(bool(one["label"]) for one in labels)
    lines = [f"{whole:,} labels in {LABELS}; they fill the target where the data has none: make audit"]
    if agreed.get("share") is not None:
        lines.append(
            f"Two people agree on {agreed['share']:.1%} of {agreed['rows']:,} rows (bounds {agreed['low']:.1%} to "
            f"{agreed['high']:.1%}), kappa {agreed['kappa']:.2f}: {_next(agreed['share'])}"
        )
    elif agreed["rows"]:
        lines.append(f"Two people differ by {agreed['difference']:.4g} on average over {agreed['rows']:,} rows.")
    else:
        lines.append("No row was labelled by two people, so agreement is not known.")
    for given in disputes[:5]:
        lines.append(
            f"Disputed: {given[0].id} ({_dispute(given)['labels']}). {COMMAND} label settle {given[0].id} LABEL"
        )
    if len(disputes) > 5:
        lines.append(f"{len(disputes) - 5} more disputes stand in {DISPUTES}.")
    if disputes:
        lines.append("A disputed row counts nowhere until a person has settled it.")
    if old := [guide for guide in guides if guide != guide_of(repo)]:
        lines.append(f"Labels by an earlier guide ({', '.join(old)}): read whether they still hold.")
    return lines


def _next(share: float) -> str:
    """What to do with an agreement: take it into the plan, or mend the guide where it is no better than a coin."""
    if share < 0.5:
        return f"sharpen {GUIDE}, for so far a coin would agree as often"
    return f"mlscaffold replan --set label_agreement={share:.4g}"


def settle(repo: Repo, key: str, label: str) -> Outcome:
    """Somebody says what is right where two people differ, under a name: for sheets, and for labels that came late.

    Raises `Trouble` for a row that nobody disputes, or a label that is none.
    """
    if not key or not label:
        raise Trouble("A dispute is settled by an id and a label.", f"{COMMAND} label settle ID LABEL")
    if key in (live := _disputed_live(repo)):
        return _settle_live(repo, key, label, live[key])
    rows = _by_row(_filled(repo)) if (repo.root / FOLDER).is_dir() else {}
    if key not in rows:
        raise Trouble(f'Nobody has labelled "{key}".', f"{DISPUTES} lists the rows that people differ on.")
    if len({one.label for one in rows[key]}) < 2:
        raise Trouble(f"{key} is not disputed: {_dispute(rows[key])['labels']}.", f"{DISPUTES} lists those that are.")
    words = _words(repo)
    said = words.get(label.lower(), label)
    if words and said not in words.values():
        raise Trouble(f'"{label}" is no label.', f"The labels are {', '.join(words.values())}.")
    before = [row for row in people_labels.read(repo.root / SETTLED) if row["id"] != key]
    mine = {"id": key, "label": said, "by": people.person(repo), "at": now(), "guide": guide_of(repo)}
    people_labels.write(repo.root / SETTLED, ("id", "label", "by", "at", "guide"), [*before, mine])
    done = collect(repo)
    return Outcome(f"{key} is {said}, by {mine['by']}.\n{done.text}", done.code)


def _disputed_live(repo: Repo) -> dict[str, str]:
    """Answers whose late labels differ: id → the labels. None where nothing is in service."""
    from planrun_ml.release import registry
    from planrun_ml.release.champion_model import load

    if not (repo.root / registry.PATH).is_file() or not (repo.root / prediction_log.LABELS).is_dir():
        return {}
    return prediction_log.disputed(prediction_log.labels_alone(repo.root, load(repo.root).card))


def _settle_live(repo: Repo, key: str, label: str, said: str) -> Outcome:
    path = repo.root / prediction_log.LABELS / prediction_log.SETTLED
    before = [row for row in people_labels.read(path) if row["id"] != key]
    mine = {"id": key, "label": label, "by": people.person(repo), "at": now()}
    people_labels.write(path, ("id", "label", "by", "at"), [*before, mine])
    if key in _disputed_live(repo):
        people_labels.write(path, ("id", "label", "by", "at"), before)
        raise Trouble(f'"{label}" is no label that the version knows; {key} is disputed ({said}).', "Use one of these.")
    return Outcome(f"{key} is {label}, by {mine['by']}; it was disputed ({said}).")
