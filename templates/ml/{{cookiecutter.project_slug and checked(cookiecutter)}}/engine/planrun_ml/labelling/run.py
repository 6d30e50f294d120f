"""`label`: draw rows for people, collect what they say, settle what they differ on."""

from planrun.command import COMMAND
from planrun.repository import Repo
from planrun.trouble import Outcome, Trouble

from planrun_ml.labelling.collect import collect, settle
from planrun_ml.labelling.draw import draw


def run(
    repo: Repo,
    what: str,
    given: list[str],
    rows: int = 100,
    how: str = "random",
    by: list[str] | None = None,
    double: float | None = None,
    column: str = "",
) -> Outcome:
    """One of the three. Raises `Trouble` for words that it cannot take."""
    if what == "settle":
        if len(given) != 2:
            raise Trouble("A dispute is settled by an id and a label.", f"{COMMAND} label settle ID LABEL")
        return settle(repo, *given)
    if given:
        raise Trouble(f'label {what} takes no "{given[0]}".', f"{COMMAND} label {what}")
    return draw(repo, rows, how, by or [], double, column) if what == "draw" else collect(repo)
