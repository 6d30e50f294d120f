"""Why a number of the plan is not there: four different things, each with a word of its own and what it follows from.

- not yet measured: something will measure it, and that is named.
- never: it is known that it will not be: it does not pay back, or cannot be kept above the floor.
- cannot be shown: no sample at hand shows it.
- does not apply: the answers do not call for it.
"""

import re

NOT_YET = "not yet measured"
NEVER = "never"
CANNOT = "cannot be shown"
DOES_NOT = "does not apply"

# Where the labels that an amount is counted from are a default: nobody has said that there are none.
UNCOUNTED = "Nobody has said how many cases are labelled."
COUNTED_BY = "the data audit (gate G1.5)"

# The plan's own notes, each with what it means; a note that fits none waits for a measurement.
MEANT = (
    (NEVER, r"never pays|never earns|do(es)? not pay|cannot be kept|costs more than|no retraining"),
    (
        CANNOT,
        r"(not )?even a perfect model|too short to tell|which no project can use|cannot be told apart|no sample"
        r"|cannot be shown|cannot be reached|too small for any sample|no number of rows shows|nothing to compare with"
        r"|more than ten years|longer than ten years|longer than the .* it may take|workers busy|is far from real"
        r"|already meets|is not more than",
    ),
    (
        DOES_NOT,
        r"^Only |Nothing is lost by waiting|^No segments|is no share|no right and wrong|so nobody labels|Nothing waits"
        r"|promises no|^None\.$|no error to count|^Known for shares|no worst size|^Needs a metric|on single rows needs"
        r"|no retraining is forced|Today's value is 0|^No closed form",
    ),
)
# What measures it, by the beginning of the number's key.
MEASURED_BY = {
    "curve.": "the data audit (gate G1.10)",
    "retrain.new_rows_trigger": "the data audit (gate G1.10)",
    "labels.": "cases that two people label",
    "iterations.": "the first labelled cases",
    "monitor.early_warning": "the served scores",
}
BASELINE = "the baseline (gate G1.9)"


def kind(note: str | None) -> str:
    """Which of the four a note tells of; of several, the one that stands first in `MEANT`."""
    return next((word for word, pattern in MEANT if re.search(pattern, note or "")), NOT_YET)


def absent(key: str, note: str | None) -> dict[str, str]:
    """The entry `absent` of a number without a value: its kind, and why or by what."""
    if note == UNCOUNTED:
        return {"kind": NOT_YET, "why": COUNTED_BY}
    word = kind(note)
    if word != NOT_YET:
        return {"kind": word, "why": (note or "").rstrip(".")}
    by = next((what for start, what in MEASURED_BY.items() if key.startswith(start)), BASELINE)
    return {"kind": word, "why": by}
