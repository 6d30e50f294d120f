"""What was answered and what turned out to be right, as one table for whoever counts, draws or joins it elsewhere."""

import re
from datetime import datetime
from pathlib import Path

from planrun.repository import Repo
from planrun.trouble import Blocked, Outcome, Trouble, counted

from planrun_ml.release import prediction_log
from planrun_ml.release.champion_model import load
from planrun_ml.tables.sql import literal, quoted

FORMS = {".csv": "format csv, header", ".parquet": "format parquet"}
FIRST = datetime(1970, 1, 1)  # before any answer
# Of an id with two different labels nobody has said which is right, so it has none here, as in every figure.
ROWS = """
with truth as (select id, any_value(label) as label from labels group by id having count(distinct label) = 1)
select log.* exclude (inputs, outcome), truth.label as outcome{inputs}
from log left join truth using (id) order by made_at, id
"""


def run(repo: Repo, file: str, inputs: bool = False, at: str = "") -> Outcome:
    """Write every answer of every version to `file`, a row each, with the label that came back.

    `inputs` adds what the answer was made from, a column `given_NAME` each; without it no column describes a case, but
    for its id. The file appears whole or not at all. Raises `Trouble` for an ending that is none of `FORMS` or a folder
    that is not there, `Blocked` where nothing was answered.
    """
    path = Path(file)
    if path.suffix.lower() not in FORMS:
        raise Trouble(f"{file} ends neither in .csv nor in .parquet.", "Give the table one of the two endings.")
    if not path.parent.is_dir():
        raise Trouble(f"There is no folder {path.parent}.", f"mkdir -p {path.parent}")
    champion, moment = load(repo.root), prediction_log.moment_of(at)
    con = prediction_log.open_log(repo.root, champion.card, champion.log_types, FIRST, moment)
    answers, versions = con.execute("select count(*), count(distinct model) from log").fetchall()[0]
    if not answers:
        raise Blocked("Nothing has been answered yet.", "Score a file or ask the service, then write the table.")
    more = "".join(f", log.inputs.{quoted(name)} as {quoted(f'given_{name}')}" for name in champion.log_types)
    partial = path.with_name(f"{path.name}.partial")
    rows = re.sub(r"\s+", " ", ROWS).format(inputs=more if inputs else "").strip()
    con.execute(f"copy ({rows}) to {literal(str(partial))} ({FORMS[path.suffix.lower()]})")
    known = con.execute(f"select count(outcome) from ({rows})").fetchall()[0][0]
    partial.replace(path)
    told = f"{prediction_log.many(answers, 'answer')} of {counted(versions, 'version')}, {known:,} with what was right"
    return Outcome(f"{told}: {file}. {_beside(repo, inputs)}")


def _beside(repo: Repo, inputs: bool) -> str:
    """What the table holds of people, or where its inputs are."""
    if not inputs:
        return "The inputs stay in the log; --inputs adds them."
    if repo.answers["personal_data"] != "none":
        return "It describes people: it is kept and deleted as the log is (docs/01-data-audit.md, section 10)."
    return "Columns given_… hold what each answer was made from."
