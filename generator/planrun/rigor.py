"""Which gates block at which rigor."""

from planrun.answers import Given
from planrun.catalogue import GATES, RIGORS, Listed

ENGINES = {"ml": "planrun_ml", "software": "planrun_software"}  # the package that holds each kind's gates and commands
STAGES = {kind: tuple(dict.fromkeys(id.partition(".")[0] for id in rows)) for kind, rows in GATES.items()}


def called_for(row: Listed, answers: Given) -> bool:
    """Whether these answers call for a gate at all; a command-line tool has no alerts to rehearse."""
    one = not row.either or any(answers.get(key) in allowed for key, allowed in row.either.items())
    return one and all(answers.get(key) in allowed for key, allowed in row.when.items())


def due(answers: Given) -> list[str]:
    """The gates that block under these answers, whatever plan/gates.yaml says; at a rigor that is none, all of them.

    plan/gates.yaml may add some. What is taken out of it blocks all the same: `waive` walks past a gate under a name.
    """
    rigor = answers["rigor"]
    counted = RIGORS[: RIGORS.index(rigor) + 1] if rigor in RIGORS else RIGORS
    return [id for id, row in GATES[answers["kind"]].items() if row.blocks in counted and called_for(row, answers)]
