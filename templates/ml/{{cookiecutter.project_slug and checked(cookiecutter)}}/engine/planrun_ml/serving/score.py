"""`score`: a table of rows in, a table of predictions out, in chunks, so that memory does not grow with the rows.

Each chunk is a Parquet part, written under a temporary name and renamed; `run.json` comes last and makes the run
count. The same rows and the same version give the same folder, so a killed run is simply started again.
"""

import json
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from planrun.files import now, put_in_place, write_text
from planrun.repository import Repo
from planrun.trouble import Outcome, Trouble

from planrun_ml.data import source as source_module
from planrun_ml.release.champion_model import Champion, load, open_rows
from planrun_ml.release.prediction_log import PREDICTIONS
from planrun_ml.tables.forms import first
from planrun_ml.tables.query import Engine
from planrun_ml.tables.sql import ROW, listed, literal, quoted

VECTORS = 49  # of 2,048 rows: a chunk is about 100,000 rows
WORKERS = 2  # chunks that are scored and written at the same time, while the next one is read


def score(repo: Repo, rows: str | None = None) -> Outcome:
    """Score every row of a file with the champion; a run that is whole is not repeated.

    Raises `Trouble` where the file holds no rows.
    """
    champion, clock = load(repo.root), time.perf_counter()
    path, table, source = open_rows(repo, champion, rows)
    digest = repo.sha256(path.resolve())
    folder = repo.root / PREDICTIONS / f"{champion.version}-{digest[:16]}"
    done, mark = folder / "run.json", source_module.label(repo, source)
    if done.is_file():
        return Outcome(f"{path.name} was already scored by {champion.version}{mark}: {PREDICTIONS}/{folder.name}/")
    count, ruled = score_parts(champion, table, source, digest, folder)
    if not count:
        raise Trouble(f"{path.name} holds no rows.", "Give a file with rows to score.")
    facts = {"model": champion.version, "input_sha256": digest, "rows": count, "by_rule": ruled}
    facts |= {"at": now(), "seconds": round(time.perf_counter() - clock, 3)}
    write_text(done, json.dumps(facts, indent=2) + "\n")
    said = f"{count:,} rows of {path.name} scored in {facts['seconds']:.1f} s by {champion.version}{mark}"
    return Outcome(f"{said}: {PREDICTIONS}/{folder.name}/\n{ruled:,} of them answered by the rule.")


@dataclass(frozen=True)
class Run:
    """What every part of one run shares; `log` is the connection that writes."""

    champion: Champion
    source: source_module.Source
    digest: str
    made_at: datetime
    log: duckdb.DuckDBPyConnection


def score_parts(
    champion: Champion, table: Engine, source: source_module.Source, digest: str, folder: Path
) -> tuple[int, int]:
    """Write the parts, a few at a time; how many rows, and how many of them the rule answered."""
    rows, ruled, waiting = 0, 0, deque[Future[int]]()
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("part-*"):  # of a run that was killed
        left.unlink()
    with duckdb.connect(config={"threads": 1}) as log, ThreadPoolExecutor(WORKERS) as pool:
        run = Run(champion, source, digest, datetime.now(UTC).replace(tzinfo=None), log)
        for number, frame in enumerate(chunks(run, table)):
            waiting.append(pool.submit(write_part, run, frame, folder / f"part-{number:05}.parquet", rows))
            rows += len(frame)
            if len(waiting) > WORKERS:
                ruled += waiting.popleft().result()
        ruled += sum(future.result() for future in waiting)
    return rows, ruled


def chunks(run: Run, table: Engine) -> Iterator[pd.DataFrame]:
    """The rows in pieces of bounded size; of a ranking, whole queries, because places are given within a query.

    Raises `Trouble` where the file breaks off being readable.
    """
    held, source = table.columns("source"), run.source
    names = [name for name in dict.fromkeys([*run.champion.columns, source.id, source.group]) if name in held]
    whole = run.champion.card["task"] == "ranking" and source.group in held
    order, kept = f" order by {quoted(source.group)}, {ROW}" if whole else "", pd.DataFrame()
    try:
        for frame in table.stream(f"select {listed(names)} from source{order}", VECTORS):
            if whole:  # the last query may go on in the next chunk
                frame = pd.concat([kept, frame], ignore_index=True)
                last = frame[source.group].astype(str) == str(frame[source.group].iloc[-1])
                kept, frame = frame[last], frame[~last].reset_index(drop=True)
            if len(frame):
                yield frame
        if len(kept):
            yield kept.reset_index(drop=True)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        said = f"The rows cannot be read: {first(error)}"
        raise Trouble(said, "Correct the file; nothing of it counts yet.") from error


def write_part(run: Run, frame: pd.DataFrame, target: Path, before: int) -> int:
    """One part of the log, `before` rows after the first: inputs and answers side by side; how many the rule answered.

    Written beside its name, then renamed: a reader sees no part or a whole one.
    """
    clock, champion, source = time.perf_counter(), run.champion, run.source
    groups = frame[source.group].astype(str).to_numpy() if source.group in frame else None
    answers = champion.table(frame, groups) | {"place": np.arange(before, before + len(frame))}
    ms = (time.perf_counter() - clock) * 1000 / len(frame)
    key = f"'{run.digest[:8]}-' || a.place"  # the name of a row that has none
    if source.id in frame:
        named = f"g.{quoted(source.id)}::varchar"
        key = f"coalesce({named}, {key})" if frame[source.id].hasnans else named
    said = [  # a text that all rows share is cheaper said once
        f"{literal(str(texts[0])) if (texts == texts[0]).all() else 'a.' + name} as {name}"
        for name, texts in answers.items()
        if texts.dtype == object
    ]
    group = "''" if groups is None else f"g.{quoted(source.group)}::varchar"
    inputs = [f"{quoted(name)} := try_cast(g.{quoted(name)} as {kind})" for name, kind in champion.log_types.items()]
    hashed = f"hash({', '.join(f'g.{quoted(name)}' for name in champion.columns)})::varchar"
    temporary = target.with_suffix(".part")
    with run.log.cursor() as cursor:
        cursor.register("given", frame)
        cursor.register("answers", answers)
        cursor.execute(
            f"copy (select {key} as id, timestamp '{run.made_at}' as made_at, {literal(champion.version)} as model, "
            f"{', '.join(said)}, a.score, {group} as group_key, {ms}::double as ms, "
            f"struct_pack({', '.join(inputs)}) as inputs, {hashed} as input_hash, null::varchar as outcome "
            f"from given g positional join answers a) to {literal(str(temporary))} (format parquet)"
        )
    put_in_place(temporary, target)
    return int((answers["source"] == "rule").sum())
