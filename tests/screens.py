"""What five persons see in the wizard, at 60, 80 and 120 columns: played in a real terminal, kept in tests/screens/.

    python tests/screens.py [PERSON …]     renew the kept screens; read the difference before you commit it

A person is a list of conversations; a conversation is the words after `mlscaffold new` and the replies to its prompts.
"""

import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from terminal import Terminal

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "tests" / "screens"
WIDTHS = (60, 80, 120)
ENTER, SPACE, DOWN, UP, TAB = "\r", " ", "\x1b[B", "\x1b[A", "\t"
CTRL_C, KILL, BACKSPACE = "\x03", "\x15", "\x7f"
PASTED = "\x1b[200~{}\x1b[201~"

DECISION = "A clerk decides which invoices are checked by hand; today ten rules do."
Conversation = tuple[Sequence[str], Sequence[str]]

KNOWS_EVERYTHING = [
    f"Invoice triage{ENTER}",
    f"{DECISION}{ENTER}",
    f"{DOWN}{DOWN}{ENTER}",  # rules: no
    f"{DOWN}{DOWN}{ENTER}",  # today: rules
    f"48,000{ENTER}",
    f"12 000{ENTER}",
    SPACE,  # money
    SPACE,  # nobody confirms
    ENTER,  # as advised
    SPACE,  # binary
    SPACE,  # recall
    f"55%{ENTER}",
    f".7{ENTER}",
    f"4%{ENTER}",
    f"5{ENTER}",
    f"100{ENTER}",
    f"{DOWN}{ENTER}",  # the rest that matters
    f"2,500{ENTER}",
    SPACE,
    SPACE,
    SPACE,
    f"po=Ana:20%, ds=Bo:1, swe=Cy:0,5{ENTER}",
    f"40{ENTER}",
    f"650{ENTER}",
    f"800{ENTER}",
    ENTER,  # go on
    ENTER,  # the plan and the files
    ENTER,  # write
    f"{DOWN}{ENTER}",  # set up later
]
KNOWS_NOTHING = [
    *[f"?{ENTER}"] * 2,
    *["?"] * 2,
    *[f"?{ENTER}"] * 2,
    *["?"] * 2,
    ENTER,  # as advised
    f"?{ENTER}",
    "?",
    *[f"?{ENTER}"] * 3,
    *[ENTER] * 3,
    f"{DOWN}{ENTER}",
]
OVERRULES = [
    f"Leave requests{ENTER}",
    f"Staff ask for leave and a lead approves it; today both happen by e-mail.{ENTER}",
    f"{DOWN}{ENTER}",  # every case can be written down
    f"{DOWN}{ENTER}",  # people
    f"1e3{ENTER}",
    f"600{ENTER}",
    f"{DOWN}{DOWN}{ENTER}",  # rights
    f"{DOWN}{ENTER}",  # a person confirms
    f"{DOWN}{ENTER}",  # ml all the same
    ENTER,  # without a reason
    f"The lead wants proposals that learn from past decisions.{ENTER}",
    SPACE,
    f"{DOWN}{ENTER}",  # precision
    f"0,6{ENTER}",
    f"0,8{ENTER}",
    f"30 %{ENTER}",
    f"1{ENTER}",
    f"2{ENTER}",
    ENTER,
    ENTER,
    ENTER,
    f"{DOWN}{ENTER}",
]
EDITS = [
    ("project_name", f"{KILL}Invoice desk{ENTER}"),
    ("project_slug", f"desk{ENTER}"),
    ("decision", f" They are paid on Fridays.{ENTER}"),
    ("rules_expressible", f"{UP}{UP}{ENTER}"),
    ("current_practice", f"{UP}{ENTER}"),
    ("past_cases", f"{KILL}60,000{ENTER}"),
    ("labelled_cases", f"{KILL}15,000{ENTER}"),
    ("metric", f"{DOWN}{ENTER}"),
]
AFTER_METRIC = [f"{KILL}0.5{ENTER}", f"{KILL}0.66{ENTER}"]  # today's value and the target are asked again
MORE_EDITS = [
    ("positive_share", f"{KILL}5%{ENTER}"),
    ("miss_cost", f"{KILL}1.200,50{ENTER}"),
    ("false_alarm_cost", f"{KILL}?{ENTER}"),
    ("consequence", f"{DOWN}{ENTER}"),
    ("human_confirms", f"{DOWN}{ENTER}"),
    ("daily_volume", f"800{ENTER}"),
    ("label_source", f"{DOWN}{ENTER}"),
    ("label_minutes", f"0,5{ENTER}"),
    ("segments", f"region, channel{ENTER}"),
    ("serving", f"{DOWN}{ENTER}"),
    ("latency_ms", f"250{ENTER}"),
    ("team", f"{TAB}; ops=Di:10%{ENTER}"),
    ("appetite_weeks", f"20{ENTER}"),
    ("rigor", f"{DOWN}{ENTER}"),
    ("license", f"{DOWN}{ENTER}"),
    ("email", f"team@example.org{ENTER}"),
]
CHANGE = f"{DOWN}{ENTER}"
BACK_AND_FORTH = [
    f"<{ENTER}",  # nothing before it
    f"Wrong{ENTER}",
    f"<{ENTER}",
    f"<{BACKSPACE}{KILL}Invoice triage{ENTER}",
    f"{DECISION}{ENTER}",
    "<",
    f"<{ENTER}",
    ENTER,
    ENTER,
    f"{DOWN}{DOWN}{ENTER}",
    f"{DOWN}{DOWN}{ENTER}",
    f"5000{ENTER}",
    f"15<{ENTER}",  # half a number, and back
    ENTER,
    f"1500{ENTER}",
    SPACE,
    SPACE,
    "<",  # from the advice
    ENTER,
    ENTER,
    SPACE,
    SPACE,
    f"0.55{ENTER}",
    f"0.7{ENTER}",
    f"0.04{ENTER}",
    f"5{ENTER}",
    f"100{ENTER}",
    "<",  # from the table
    ENTER,
    ENTER,  # go on
    *[reply for key, edit in EDITS for reply in (CHANGE, f"{key} ={ENTER}", edit)],
    *AFTER_METRIC,
    *[reply for key, edit in MORE_EDITS for reply in (CHANGE, f"{key} ={ENTER}", edit)],
    CHANGE,
    "<",  # nothing after all
    ENTER,
    f"{DOWN}{ENTER}",  # no, back to the answers
    ENTER,
    ENTER,
    f"{DOWN}{ENTER}",
]
MISTYPES = [
    f"Invoice triage{ENTER}",
    PASTED.format(DECISION.replace("; ", ";\n  ") + "\n") + ENTER,
    f"{UP}{ENTER}",
    f"{DOWN}{DOWN}{ENTER}",
    f"many{ENTER}",
    f"{KILL}48,00{ENTER}",
    f"{KILL}48,000{ENTER}",
    f"50000{ENTER}",  # more than there are cases
    f"{KILL}12.000{ENTER}",
    SPACE,
    SPACE,
    ENTER,
    SPACE,
    SPACE,
    f"55{ENTER}",
    f"{KILL}55%{ENTER}",
    f"70 %{ENTER}",
    f"4{ENTER}",
    f"%{ENTER}",
    f"1,234{ENTER}",
    "<",
    f"{KILL}5{ENTER}",
    CTRL_C,
]
GOES_ON = [f"1.200,50{ENTER}", ENTER, ENTER, ENTER, f"{DOWN}{ENTER}"]
PASTES_A_LIST = [
    f"Leave requests{ENTER}",
    f"Staff ask for leave and a lead approves it;{ENTER}today both happen by e-mail.{ENTER}",
    f"{DOWN}{ENTER}",
    f"{DOWN}{ENTER}",
    f"0{ENTER}",
    f"0{ENTER}",
    SPACE,
    SPACE,
    ENTER,
    ENTER,
    SPACE,
    PASTED.format("Request leave\nApprove leave\n") + ENTER,
    f"directory=99,9, mail=99.5%{ENTER}",
    f"99,5{ENTER}",
    ENTER,  # go on
    f"{DOWN}{ENTER}",  # change
    f"capab{ENTER}",
    f"{KILL}Request leave, approve leave{ENTER}",
    ENTER,  # two of them
    ENTER,  # the plan and the files
    f"{DOWN}{DOWN}{ENTER}",  # stop
]
PERSONS: dict[str, Sequence[Conversation]] = {
    "knows-everything": [([], KNOWS_EVERYTHING)],
    "knows-nothing": [([], KNOWS_NOTHING)],
    "overrules-the-advice": [([], OVERRULES)],
    "goes-back-and-forth": [([], BACK_AND_FORTH)],
    "pastes-and-mistypes": [
        ([], MISTYPES),
        (["--answers", "mlscaffold-answers.yaml"], GOES_ON),
        ([], PASTES_A_LIST),
    ],
}


def play(person: str, columns: int, home: Path) -> str:
    """Every conversation of a person in a new home, in a terminal of that width; what was shown, and the keys."""
    home.joinpath(".config", "mlscaffold").mkdir(parents=True)
    home.joinpath(".config", "mlscaffold", "config.yaml").write_text("start_date: 2026-03-02\n", "utf-8")
    environment = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "generator"),
        "TERM": "xterm-256color",
        "NO_COLOR": "1",
        "LC_ALL": "C.UTF-8",
    }
    shown: list[str] = []
    for words, replies in PERSONS[person]:
        program = [sys.executable, "-m", "mlscaffold", "new", "--no-git", *words]
        terminal = Terminal(program, columns, home, environment)
        try:
            for reply in replies:
                terminal.type(reply)
            code = terminal.end()
        finally:
            terminal.close()
        shown += [f"$ mlscaffold new {' '.join(words)}".rstrip(), *terminal.transcript, f"(exit code {code})", ""]
    return _on_one_line("\n".join(_steady(line, home) for line in shown))


def _on_one_line(text: str) -> str:
    """The command to go on with, which the terminal breaks wherever this machine's Python has its path."""

    def whole(found: re.Match[str]) -> str:
        words = found[1].replace("\n", "").rpartition("mlscaffold new")[2]
        return f"go on with:\n  mlscaffold new{words}\n(exit"

    return re.sub(r"go on with:\n(.*?)\n\(exit", whole, text, flags=re.DOTALL)


def _steady(line: str, home: Path) -> str:
    """A line without what follows the templates and the machine, and not the wizard: sizes, and where home is."""
    line = re.sub(r" +[0-9]+ files? +[0-9.,]+ (?:B|KiB)$", " … files, … KiB", line)
    line = re.sub(r"^[0-9]+ files, [0-9.,]+ KiB", "… files, … KiB", line)
    return line.replace(str(home), "~").replace(f"{sys.executable} -m mlscaffold", "mlscaffold")


def main() -> None:
    """Play and keep."""
    KEPT.mkdir(exist_ok=True)
    for person in sys.argv[1:] or PERSONS:
        for columns in WIDTHS:
            with tempfile.TemporaryDirectory() as home:
                text = play(person, columns, Path(home))
            KEPT.joinpath(f"{person}-{columns}.txt").write_text(text, "utf-8")
            print(f"{person} at {columns} columns")


if __name__ == "__main__":
    main()
