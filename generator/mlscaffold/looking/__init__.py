"""Looking at a data file before anything is asked: a bounded sample goes in, proposals with their figures come out.

`reading` knows the forms of files and brings names, a sample and counts; `columns` says what one column looks like;
`proposals` turns columns into answers, and into the questions that no file can tell; `bringing` puts the file where
the repository looks for it. `folder` reads what a project that is there already says of the answers.
Standard library only, but for Parquet.
"""

from collections.abc import Mapping
from pathlib import Path

from mlscaffold.looking import proposals, reading
from mlscaffold.looking.bringing import bring, refuse_changed
from mlscaffold.looking.folder import Around, look_around
from mlscaffold.looking.proposals import Open, Proposal, Seen, refuse_open
from mlscaffold.looking.sight import Sight

__all__ = [
    "Around",
    "Open",
    "Proposal",
    "Seen",
    "Sight",
    "bring",
    "look",
    "look_around",
    "refuse_changed",
    "refuse_open",
    "sight",
]


def look(path: Path, chosen: Mapping[str, str]) -> Seen:
    """Look at a data file. `chosen` are the answers already given, which decide where the file leaves a choice.

    Raises `UnreadableData` for what is no table, or does not hold what was chosen.
    """
    return proposals.propose(reading.read(path, chosen.get("data_query", "")), chosen)


def sight(path: Path, own: Mapping[str, str], said: Mapping[str, str]) -> Sight:
    """A file to be looked at while answers come in: what it shows overrules `own`, and `said` overrules it."""
    return Sight(reading.read(path, said.get("data_query", "")), own, said)
