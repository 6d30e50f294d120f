"""`alert`: scores become bands, and what a person must confirm waits in a queue until that person has answered.

The queue is one SQLite file with a transaction a step. It also knows how far a version got in each file, so the same
file again is no second set of answers. An answer is a label: it goes into labels/ first and then closes the alert, so
a crash between the two costs no more than a repeated line.
"""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from planrun.files import now, read_yaml
from planrun.repository import Repo
from planrun.signing.people import person
from planrun.trouble import Outcome, Trouble

from planrun_ml.data import source as source_module
from planrun_ml.release.champion_model import Champion, load, open_rows
from planrun_ml.release.prediction_log import LABELS, PREDICTIONS, Log, record
from planrun_ml.tables.query import Engine
from planrun_ml.tables.sql import ROW, listed, quoted

QUEUE = Path("queue/alerts.sqlite")
SHOWN = 20
VECTORS = 4  # of 2,048 rows
TABLE = """create table if not exists alerts (id text primary key, raised_at text, band text, score real, decision text,
model text, inputs text, answer text, answered_by text, answered_at text)"""
FILES = """create table if not exists files (file text, model text, rows integer, whole integer,
primary key (file, model))"""


def alert(repo: Repo, rows: str | None = None, waiting: bool = False, answer: Sequence[str] = ()) -> Outcome:
    """Raise alerts for the rows of a file; or list those that wait for a person; or answer one of them."""
    if answer:
        return close(repo, answer[0], answer[1])
    return show(repo) if waiting else raise_alerts(repo, rows)


def bands(repo: Repo, champion: Champion) -> dict[str, float]:
    """From which score on an answer is acted on, and from which on a person looks at it.

    Raises `Trouble` for a band that is no number.
    """
    settings = read_yaml(repo.root / "ops/rollout.yaml").get("bands") or {}
    found = {
        name: _number(name, settings[name])
        for name in ("act", "review")
        if settings.get(name) not in (None, "", "null")
    }
    cuts = champion.card["scores"]["columns"]["score"]["cuts"]
    if champion.card["task"] == "binary":
        defaults = {"act": champion.card["threshold"], "review": champion.card["threshold"] / 2}
    else:  # the edges of the score's profile stand at every twentieth of the accepted scores, from the smallest up
        defaults = {"act": cuts[round(0.95 * (len(cuts) - 2)) + 1], "review": cuts[round(0.9 * (len(cuts) - 2)) + 1]}
    return defaults | found


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Trouble(f'ops/rollout.yaml: bands.{name} is "{text}", which is no number.', "Write a score.") from None


def raise_alerts(repo: Repo, rows: str | None) -> Outcome:
    """Score and log every row, then queue or hand over those in a band; no row is queued twice.

    A file that a version has answered is not answered again, and a run that was killed goes on where it stopped.
    """
    champion = load(repo.root)
    path, table, source = open_rows(repo, champion, rows)
    limits, confirms = bands(repo, champion), repo.answers["human_confirms"] == "yes"
    digest, mark = repo.sha256(path.resolve()), source_module.label(repo, source)
    file = f"{digest} by {source.id}"  # its rows under another name are other cases
    done, whole = answered_before(repo, file, champion.version)
    if whole:
        return Outcome(f"{path.name} was already answered by {champion.version}{mark}; nothing was answered again.")
    log, counts, lines, place = Log(repo.root / PREDICTIONS), Counter[str](), [], 0
    for chunk in chunks(champion, table, source):
        place += len(chunk)
        frame = chunk.tail(place - max(done, place - len(chunk))).reset_index(drop=True)
        if frame.empty:
            continue
        named = frame[source.id].astype(str) if source.id in frame else [f"{digest[:8]}-{n}" for n in frame[ROW]]
        frame["_key"] = named  # a name that no file may use
        found = answered(champion, source, frame, log)
        found["band"] = [
            "act" if s >= limits["act"] else "review" if s >= limits["review"] else "none" for s in found.score
        ]
        counts.update(found["band"])
        chosen = found[found["band"] != "none"] if confirms else found[found["band"] == "act"]
        put(repo, champion, chosen if confirms else chosen.head(0), (file, place))
        lines += [f"  {row.id}: score {row.score:.4g}, {row.decision}" for row in chosen.itertuples()]
    log.close()
    with queue(repo) as connection:
        connection.execute("update files set whole = 1 where file = ? and model = ?", (file, champion.version))
    where = "wait for a person: make alert ARGS=--waiting" if confirms else "take effect at once"
    said = f"{counts['act']} to act on, {counts['review']} to review, {counts['none']} below{mark}"
    return Outcome("\n".join([f"{said}; {len(lines)} {where}.", *lines[:SHOWN]]))


def chunks(champion: Champion, table: Engine, source: source_module.Source) -> Iterator[pd.DataFrame]:
    """The rows, some thousands at a time; of a ranking, whole queries, because places are given within a query."""
    held = table.columns("source")
    names = [ROW, *(name for name in dict.fromkeys([*champion.columns, source.id, source.group]) if name in held)]
    whole = champion.card["task"] == "ranking" and source.group in held
    order, kept = f" order by {quoted(source.group)}, {ROW}" if whole else "", pd.DataFrame()
    for frame in table.stream(f"select {listed(names)} from source{order}", VECTORS):
        if whole:  # the last query may go on in the next chunk
            frame = pd.concat([kept, frame], ignore_index=True)
            last = frame[source.group].astype(str) == str(frame[source.group].iloc[-1])
            kept, frame = frame[last], frame[~last].reset_index(drop=True)
        if len(frame):
            yield frame
    if len(kept):
        yield kept.reset_index(drop=True)


def answered(champion: Champion, source: source_module.Source, frame: pd.DataFrame, log: Log) -> pd.DataFrame:
    """id, inputs, score and decision of each row, once the log holds them."""
    clock = time.perf_counter()
    groups = frame[source.group].astype(str).tolist() if source.group in frame else None
    keys = frame["_key"].tolist()
    rows = frame[list(champion.columns)].astype(object)
    given = rows.where(rows.notna(), None).to_dict("records")
    answers = champion.answers(given, groups)
    ms = (time.perf_counter() - clock) * 1000 / len(frame)
    shared = groups or [""] * len(keys)
    log.append(record(k, r, a.as_json(), ms, g) for k, r, a, g in zip(keys, given, answers, shared, strict=True))
    inputs = [json.dumps(row, ensure_ascii=False, default=str) for row in given]
    scores, decisions = [answer.score for answer in answers], [answer.decision for answer in answers]
    return pd.DataFrame({"id": keys, "inputs": inputs, "score": scores, "decision": decisions})


# ------------------------------------------------------------------------------------------------ the queue
@contextmanager
def queue(repo: Repo) -> Iterator[sqlite3.Connection]:
    """The queue's file, in one transaction."""
    (repo.root / QUEUE).parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(repo.root / QUEUE, timeout=30)
    connection.row_factory = sqlite3.Row
    try:
        with connection:
            connection.execute(TABLE)
            connection.execute(FILES)
            yield connection
    finally:
        connection.close()


def answered_before(repo: Repo, file: str, version: str) -> tuple[int, bool]:
    """How many rows of a file a version has answered, and whether these are all."""
    with queue(repo) as connection:
        asked = "select rows, whole from files where file = ? and model = ?"
        row = connection.execute(asked, (file, version)).fetchone()
    return (row["rows"], bool(row["whole"])) if row else (0, False)


def put(repo: Repo, champion: Champion, chosen: pd.DataFrame, reached: tuple[str, int]) -> None:
    """Queue rows, and write down how many rows of which file are answered; an alert that is there stays as it is."""
    rows = [(r.id, now(), r.band, r.score, r.decision, champion.version, r.inputs) for r in chosen.itertuples()]
    with queue(repo) as connection:
        columns = "id, raised_at, band, score, decision, model, inputs"
        connection.executemany(f"insert or ignore into alerts ({columns}) values (?, ?, ?, ?, ?, ?, ?)", rows)
        told = (reached[0], champion.version, reached[1])
        connection.execute("insert or replace into files (file, model, rows, whole) values (?, ?, ?, 0)", told)


def show(repo: Repo) -> Outcome:
    """What waits for a person: first what would be acted on, then by score."""
    with queue(repo) as connection:
        rows = connection.execute("select * from alerts where answer is null order by band, score desc, id").fetchall()
    lines = [
        f"  {row['band']:<6} {row['id']}: score {row['score']:.4g}, raised {row['raised_at'][:16]}" for row in rows
    ]
    return Outcome("\n".join([f"{len(rows)} alerts wait. Answer: make alert ARGS='--answer ID LABEL'", *lines[:SHOWN]]))


def close(repo: Repo, key: str, label: str) -> Outcome:
    """A person's answer: written as a label, then the alert is closed.

    Raises `Trouble` for an unknown alert or label, and for one that was answered otherwise.
    """
    with queue(repo) as connection:
        row = connection.execute("select answer from alerts where id = ?", (key,)).fetchone()
        if row is None:
            raise Trouble(f'No alert has the id "{key}".', "make alert ARGS=--waiting")
        known = load(repo.root).card["labels"]
        if known and label not in known:
            raise Trouble(f'"{label}" is no label of this task.', f"One of: {', '.join(known)}.")
        if row["answer"] not in (None, label):
            raise Trouble(f'{key} was answered "{row["answer"]}".', "Correct it in labels/people.jsonl")
        line = {"id": key, "label": label, "by": person(repo), "at": now()}
        (repo.root / LABELS).mkdir(exist_ok=True)
        with (repo.root / LABELS / "people.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        connection.execute(
            "update alerts set answer = ?, answered_by = ?, answered_at = ? where id = ?",
            (label, line["by"], line["at"], key),
        )
    return Outcome(f"{line['by']} answered {key}: {label}. It is a label now.")
