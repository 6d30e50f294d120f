"""What the commands say, as text: each function takes values and returns the words, and prints nothing."""

import os
import re
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlscaffold import invocation, questions, wording
from mlscaffold.advice_rules import DECISIVE
from mlscaffold.advisor import Advice
from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.house import House
from mlscaffold.planning.number import entries
from mlscaffold.questions import Question

if TYPE_CHECKING:
    from mlscaffold.board.sources import Seen as SeenRepository
    from mlscaffold.changes import Release
    from mlscaffold.looking import Around, Proposal, Seen
    from mlscaffold.measured import Measured, Offer
    from mlscaffold.placing import Placed
    from mlscaffold.sensitivity import Case, Driver, Line
    from mlscaffold.starting import Outcome
    from mlscaffold.update import Adopted, News, Replanned, Updated

KIND_NAMES = {"ml": "a machine learning repository", "software": "a software repository"}
STATUS = "status.json"  # where a pipeline, or a person, leaves what `status --json` says
PROPOSALS = ".mlscaffold/proposals"  # where the template's versions of somebody's own files lie


def tree(name: str, files: Sequence[tuple[str, int]]) -> str:
    """A folder drawn as a tree, a line a file with its size, and the total."""
    lines = [f"{name}/"]
    folder: tuple[str, ...] = ()
    for path, size in files:
        *parents, leaf = path.split("/")
        for depth, parent in enumerate(parents):
            if folder[: depth + 1] != tuple(parents[: depth + 1]):
                lines.append(f"{'  ' * (depth + 1)}{parent}/")
        folder = tuple(parents)
        label = f"{'  ' * (len(parents) + 1)}{leaf}"
        lines.append(f"{label:<56}{_size(size):>10}")
    lines.append(f"{len(files)} files, {_size(sum(size for _, size in files))}")
    return "\n".join(lines)


def folded(name: str, files: Sequence[tuple[str, int]]) -> list[str]:
    """A folder at a glance: what lies at its top, each folder as one line with its number of files and their size."""
    tops: dict[str, list[int]] = {}
    for path, size in files:
        head, slash, _ = path.partition("/")
        tops.setdefault(head + slash, []).append(size)
    folders = sorted(top for top in tops if top.endswith("/"))
    column = max((len(top) for top in folders), default=0) + 2
    lines = [f"{name}/"]
    for top in folders:
        lines.append(f"  {top:<{column}}{_files(len(tops[top])):>9}  {_size(sum(tops[top])):>9}")
    here = [top for top in tops if not top.endswith("/")]
    lines += textwrap.wrap(
        "  ".join(sorted(here)), 56, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
    )
    return [*lines, f"{_files(len(files))}, {_size(sum(size for _, size in files))}"]


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def placed(result: "Placed", plan: Mapping[PlanKey, Any], answers: Answers, git: str) -> str:
    """The end of `new`: what was written, what was left to its owner, what is still assumed, and what to type next."""
    folder = result.place.folder
    sizes = [(path, folder.joinpath(path).stat().st_size) for path in result.written]
    parts = ["\n".join(folded(str(folder), sizes)), _left_alone(result), _at_the_top(result), git]
    parts += [headline(plan, IN_A_REPOSITORY), findings(plan)]
    if plan["assumptions"]:
        listed = ", ".join(
            f"{row['key']} = {row['value'] or questions.nothing(questions.load()[row['key']])}"
            for row in plan["assumptions"]
        )
        parts.append(paragraph(f"Still assumed, until a person confirms it ({len(plan['assumptions'])}): {listed}."))
    steps = [f"cd {_typed(folder)}", *_to_commit(result, answers), "make setup    (without make: see the README)"]
    parts.append("Next:\n" + "\n".join(f"  {step}" for step in steps))
    return "\n\n".join(part for part in parts if part)


UNNAMED = (
    "The files are staged but not committed, because git does not know your name. Tell it, then commit:\n"
    '  git config --global user.name "Your Name"\n'
    "  git config --global user.email you@example.org"
)


def committed(branch: str) -> str:
    """What to tell of the first commit."""
    return f"One first commit was made on the branch {branch}."


def made_from(folder: Path, files: Sequence[tuple[str, int]], git: str) -> str:
    """The end of `new --template`: what was written, what git holds of it, and where to go on."""
    parts = ["\n".join(folded(str(folder), files)), git, f"Next:\n  cd {_typed(folder)}"]
    return "\n\n".join(part for part in parts if part)


def hosted(top: Path, at: str) -> str:
    """What it means that a project lies inside a repository, said before anything is written."""
    return paragraph(
        f"It will lie inside the git repository {top}, at {at}. So it gets no repository and no commit of its own: its "
        "gates read the history around it, its pages are signed by commits there, and its tags begin with its name. "
        "Pipelines, owners and forms work only at the top of that repository."
    )


def host_files(tops: Iterable[tuple[str, str]]) -> str:
    """The files that a code host reads at the top only, with where each would go."""
    lines = [f"  {path} → {top}" for path, top in tops]
    return "\n".join(["Put what the code host reads at the top of the repository there?", *lines])


def _left_alone(result: "Placed") -> str:
    if not result.declined:
        return ""
    first = result.declined[0]
    look = invocation.quoted(["git", "diff", "--no-index", "--", first, f"{PROPOSALS}/{first}"])
    take = invocation.quoted(["cp", f"{PROPOSALS}/{first}", first])
    needed = [path for path in ("pyproject.toml", "Makefile") if path in result.declined]
    lines = [
        f"Yours, and left as they are ({len(result.declined)}); the template's versions lie in {PROPOSALS}/:",
        *(f"  {path}" for path in result.declined),
        f"Compare one: {look}",
        f"Take one:    {take}",
        "A later replan leaves yours alone and brings new numbers into the proposals; delete those you do not want.",
    ]
    if needed:
        names = " and ".join(needed)
        lines.append(paragraph(f"The commands run once the proposals for {names} are taken, or worked into yours."))
    return "\n".join(lines)


def _at_the_top(result: "Placed") -> str:
    lines = []
    if result.hosted:
        lines = ["Put at the top of the repository:", *(f"  {top}" for top in result.hosted.values())]
    if result.to_move:
        up = "/".join(".." for _ in result.place.at.split("/"))
        lines.append("The code host reads these at the top of the repository only; move them there, or merge them into")
        lines.append("what is there already:")
        lines += [f"  {path} → {up}/{top}" for path, top in result.to_move.items()]
    return "\n".join(lines)


def _to_commit(result: "Placed", answers: Answers) -> list[str]:
    """The lines that commit what was written, where that is the person's: what was there before is not in them."""
    place = result.place
    if place.commits or not place.asked_git:
        return []
    start = [] if place.kept or place.host else ["git init"]
    message = f"Start {answers.project_name} from a computed plan"
    add = ["git", "add", *(["--force"] if result.ignored else []), "--", *result.to_add]
    return [*start, invocation.quoted(add), invocation.quoted(["git", "commit", "-m", message])]


def paragraph(text: str) -> str:
    """A text in lines as wide as the terminal; no word is broken."""
    return textwrap.fill(text, _width(), break_long_words=False, break_on_hyphens=False)


def _filled(text: str, *, first: str = "", rest: str = "") -> str:
    """The same below indents; a name with hyphens stays whole, so that it can be copied."""
    return textwrap.fill(text, _width(), initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def started(folder: Path, outcome: "Outcome") -> str:
    """How the new repository's first commands ended, and what to type next."""
    if outcome.code:
        told = paragraph(
            f"{outcome.command} ended with exit code {outcome.code}, as its output above says. The repository is "
            "written; once that is mended, go on with:"
        )
        return f"\n{told}\n  cd {_typed(folder)} && make setup test"
    return f"\nSet up, and its tests pass. What comes next is said by:\n  cd {_typed(folder)} && make status"


def stopped(folder: Path) -> str:
    """What to type after Ctrl-C at the offer, or in the middle of the new repository's first commands."""
    return f"\nStopped; the repository is written. Go on with:\n  cd {_typed(folder)} && make setup test"


def _typed(folder: Path) -> str:
    """A folder as it is typed from here: its whole path where it is not below, since nobody sees where `make` ran."""
    whole, here = Path(os.path.abspath(folder)), Path.cwd()
    relative = str(whole.relative_to(here)) if whole.is_relative_to(here) else str(whole)
    return invocation.quoted([f".{os.sep}{relative}" if relative.startswith("-") else relative])


def chosen(advice: Advice) -> str:
    """One paragraph: which kind the advisor chose, and why."""
    return f"The advisor chose {advice.recommendation}: {' '.join(advice.reasons)} Overrule it with --kind."


def advice(facts: Mapping[str, Any], unsaid: Sequence[str] = ()) -> str:
    """The advisor's answer: recommendation, rung, reasons, blockers, what would change it, what it was not told.

    `unsaid` are the keys that the rules look at and that nobody has answered.
    """
    parts = [f"Recommendation: {facts['recommendation']} ({facts['rung']})"]
    if len(unsaid) == len(DECISIVE):
        parts[0] = f"Nothing is answered yet, so this is where one starts: {facts['recommendation']} ({facts['rung']})"
    for title, key in (("Why", "reasons"), ("What blocks it now", "blockers"), ("What would change it", "flips")):
        if facts[key]:
            parts.append(f"{title}:\n" + "\n".join(_bullet(line) for line in facts[key]))
    if unsaid:
        asked = questions.load()
        rows = [_bullet(f"{key} ({answerable(asked[key])}): {asked[key].text}") for key in unsaid]
        parts.append("\n".join(["It would need to know, with --set KEY=VALUE:", *rows]))
    if facts["overruled"]:
        parts.append(f"Overruled: {facts['override_reason'] or 'no reason is written down yet'}")
    return "\n\n".join(parts)


BY_FLAG = "--set KEY=VALUE gives the fact, --set confirmed=KEY takes the default as true."
VOID = "a signature is void where what it covers changed."
IN_A_REPOSITORY = "`replan --set KEY=VALUE` gives the fact, `confirm KEY` in the repository takes the default as true."


def headline(computed: Mapping[PlanKey, Any], confirm: str = BY_FLAG) -> str:
    """The six lines of a plan, aligned, with a mark where one rests on an assumption, and what the mark means.

    `confirm` says how, where the reader stands, a fact is given and an assumption confirmed.
    """
    lines = computed["headline"]
    column = max(len(line["label"]) for line in lines) + 2
    rows = [_row(line["label"], _marked(line), column) for line in lines]
    return "\n".join([*rows, *_meaning_of_the_mark(lines, confirm)])


def _marked(line: Mapping[str, Any]) -> str:
    return f"{line['text']} *" if line["assumed"] else str(line["text"])


def _meaning_of_the_mark(lines: Iterable[Mapping[str, Any]], confirm: str) -> list[str]:
    keys = list(dict.fromkeys(key for line in lines for key in line["rests_on"]))
    if not keys:
        return []
    mark = f"* rests on defaults that nobody has confirmed ({', '.join(keys)}). {confirm}"
    return [_filled(mark, rest="  ")]


def _row(label: str, text: str, column: int) -> str:
    """A label and a text beside it, wrapped in a column of its own."""
    indent = " " * column
    # The mark stays with the last word: a line that begins with a star reads as something else.
    glued = re.sub(" ([*%])", "\N{NO-BREAK SPACE}\\1", text)
    filled = _filled(glued, first=indent, rest=indent)
    return (label.ljust(column) + filled[column:]).replace("\N{NO-BREAK SPACE}", " ")


def what_if(key: str, cases: Sequence["Case"]) -> str:
    """The six lines under each value of an answer; a line that is the same for all stands once."""
    named = [(f"{key} = {case.value}" if case.value else "as answered", _lines(case)) for case in cases]
    column = max(len(name) for name, _ in named) + 4
    parts = []
    for at, label in enumerate(line["label"] for line in cases[0].plan["headline"]):
        texts = [lines[at] for _, lines in named]
        if len(set(texts)) == 1:
            parts.append("\n".join([f"{label}, the same for each:", _row("", texts[0], 2)]))
            continue
        parts.append("\n".join([f"{label}:", *(_row(f"  {name}", lines[at], column) for name, lines in named)]))
    meaning = _meaning_of_the_mark([line for case in cases for line in case.plan["headline"]], BY_FLAG)
    return "\n\n".join([*parts, *meaning])


def _lines(case: "Case") -> list[str]:
    return [_marked(line) for line in case.plan["headline"]]


def drivers(lines: Sequence["Line"]) -> str:
    """What moves each of the six lines, the most first: what was tried of an answer, and what the line then says."""
    parts = []
    for line in lines:
        column = max((len(driver.key) for driver in line.drivers), default=0) + 6
        rows = [
            _row(f"  {driver.key}{' *' if driver.assumed else ''}", _outcomes(driver), column)
            for driver in line.drivers
        ]
        parts.append("\n".join([_row(f"{line.label}:", line.now, len(line.label) + 2), *(rows or [NOTHING_MOVES_IT])]))
    return "\n\n".join([*parts, paragraph(HOW_TRIED)])


def _outcomes(driver: "Driver") -> str:
    return " · ".join(f"{tried.value}: {tried.text}" for tried in driver.tried)


NOTHING_MOVES_IT = "  No answer moves it within its plausible range."
HOW_TRIED = (
    "One answer at a time: half and twice an amount (of a share, its odds), every other choice, and a usual range "
    "where nothing is known. A star marks an answer that nobody has given."
)


# The groups of a plan's numbers in reading order, and what a reader calls them. A group that is not listed follows
# under its own name.
GROUPS = {
    "schedule": "Schedule",
    "acceptance": "What counts as success",
    "test": "Test set",
    "slices": "Segments",
    "labels": "Labels",
    "curve": "Learning curve",
    "iterations": "Iterations",
    "slo": "Objectives",
    "capacity": "Capacity",
    "rollout": "Release",
    "monitor": "Monitoring",
    "feedback": "Labels that come back",
    "retrain": "Retraining",
    "upkeep": "What a year in use takes",
    "promotion": "Promotion of a retrained model",
}


def plan(computed: Mapping[PlanKey, Any], marked: Iterable[str] = ()) -> str:
    """The plan: six lines, findings, then each group of numbers under its heading, with unit, meaning and formula.

    `marked` are the keys of the numbers that rest on an open assumption.
    """
    found, marks = dict(entries(computed)), frozenset(marked)
    present = dict.fromkeys([*GROUPS, *(key.partition(".")[0] for key in found)])
    parts = [headline(computed), findings(computed)]
    for group in present:
        numbers = [_number(key, entry, key in marks) for key, entry in found.items() if key.startswith(f"{group}.")]
        if numbers:
            parts.append("\n".join([GROUPS.get(group, group.capitalize()).upper(), *numbers]))
    return "\n\n".join(part for part in parts if part)


def _number(key: str, entry: Mapping[str, Any], assumed: bool) -> str:
    """A number on a line of its own with the formula's id, and under it what it means, or why it is not there."""
    where = entry["formula"] or entry["provenance"]
    value = wording.measure(entry) + (" *" if assumed and entry["value"] is not None else "")
    first = f"{key}  {value}  ({where})"
    if len(first) <= _width():
        first = f"{key:<34} {value:<{max(1, _width() - 37 - len(where))}}({where})"
    else:
        first = _filled(first, rest=" " * 4)
    note = f" {entry['note']}" if entry["value"] is None and entry["note"] else ""
    indent = "    "
    filled = _filled(f"{_stopped(entry['meaning'])}{note}", first=indent, rest=indent)
    return f"{first.rstrip()}\n{filled}"


def findings(computed: Mapping[PlanKey, Any]) -> str:
    """What stands in the way of a plan, all of it, under a heading; nothing where nothing does."""
    lines = _findings(computed)
    return "\n".join([f"In the way of this plan ({len(lines)}):", *lines]) if lines else ""


def preview(name: str, files: Sequence[tuple[str, int]], computed: Mapping[PlanKey, Any]) -> str:
    """The end of `new --dry-run`: the files that would be written, the six lines and every finding."""
    return "\n\n".join(part for part in (tree(name, files), headline(computed), findings(computed)) if part)


def house(found: House) -> str:
    """What presets set, lock, limit and add, before a list of questions; empty where none is in force."""
    if not found.names:
        return ""
    lines = [f"Presets: {', '.join(found.names)}."]
    lines += [f"  {key} = {text}" for key, text in found.answers.items() if key not in found.locks]
    lines += [f"  {key} = {lock.value}, locked by {lock.by}: {lock.reason}" for key, lock in found.locks.items()]
    lines += [
        f"  {key}: {', '.join(limit.choices)} are left by {limit.by}: {limit.reason}"
        for key, limit in found.limits.items()
    ]
    lines += [f"  page {path} of {page.by}" for path, page in found.documents.items()]
    lines += [f"  gate {gate['id']} of {gate['by']}" for gate in found.gates]
    lines += [f"  “{word}” is called “{other}”" for word, other in found.words.items()]
    return "\n".join(lines)


def board(seen: "Sequence[SeenRepository]") -> str:
    """The end of `board`: how many repositories, which could not be read, and whose gates nothing has judged."""
    many = f"{len(seen)} {'repository' if len(seen) == 1 else 'repositories'} on the board."
    notes = [f"{one.where}: {note}" for one in seen for note in (*one.notes, *one.facts.get("unreadable", ()))]
    unjudged = [one.where for one in seen if one.facts and "gates" not in one.facts]
    if unjudged:
        which = f"{', '.join(unjudged[:3])}{f' and {len(unjudged) - 3} more' if len(unjudged) > 3 else ''}"
        notes.append(f"Gates are not judged in {which}: set up .venv there, or `planrun status --json > {STATUS}`.")
    return "\n".join([many, *notes])


def replanned(result: "Replanned", moved: Sequence[tuple[str, Any, Any]], dry_run: bool, numbers: bool = False) -> str:
    """What a replan changed: the six lines before and after, the advice, findings, other numbers on request, files."""
    parts = [_lines_before_and_after(result), _advice_before_and_after(result), findings(result.after)]
    if numbers and moved:
        parts.append("\n".join(["Numbers that change:", *(_moved(*change) for change in moved)]))
    elif moved:
        many = f"{len(moved)} numbers change" if len(moved) > 1 else "One number changes"
        parts.append(f"{many}; --numbers lists {'them' if len(moved) > 1 else 'it'}.")
    else:
        parts.append("No number changes.")
    parts += _by_fate(result, dry_run)
    if (result.changed or result.removed) and not dry_run and not result.conflicts:
        parts.append(f"Read the changes with git diff, then commit them; {VOID}")
    return "\n\n".join(part for part in parts if part)


def measured(offer: "Offer", stale: Sequence[str]) -> str:
    """What was measured beside the answer it replaces, what was left out and why, and what rests on a moving number."""
    parts = []
    if offer.taken:
        column = max(len(one.key) for one in offer.taken) + 2
        rows = [f"  {one.key:<{column}}{_before(one)} → {one.text}  ({one.evidence})" for one in offer.taken]
        parts.append("\n".join(["Measured here, and not what the plan was computed from:", *rows]))
    else:
        parts.append("Nothing that was measured here differs from the answers.")
    if offer.left_out:
        parts.append("\n".join(["Left out:", *(f"  {line}" for line in offer.left_out)]))
    if stale:
        rows = [f"  {line}" for line in stale]
        parts.append("\n".join(["Taking it makes these stale, to be measured or signed again:", *rows]))
    return "\n\n".join(parts)


def _before(one: "Measured") -> str:
    """The answer as it stands, and how sure that is."""
    said = {"default": "assumed", "measured": "measured before", "answered": "answered"}[one.origin]
    return f"{one.before} ({said})" if one.before else "unknown"


def updated(result: "Updated", version: str, dry_run: bool) -> str:
    """What an update changed: versions, the engine, the team's edits of it, and the merged pages."""
    merged = result.merged
    from_to = f"from mlscaffold {result.version} to {version}" if result.version != version else f"within {version}"
    parts = [f"{'Would be updated' if dry_run else 'Updated'} {from_to}.", _engine(result, dry_run)]
    parts += _by_fate(merged, dry_run)
    if merged.diff:
        parts.append(merged.diff.rstrip("\n"))
    if not dry_run and not merged.conflicts:
        parts.append(
            f"Read the changes with git diff, then commit them; {VOID}\n"
            "Then make setup, and: planrun self-test, planrun status."
        )
    return "\n\n".join(part for part in parts if part)


def releases(found: "Sequence[Release]") -> str:
    """What an update brings by the changelog: first what a team has to do, then what changed, newest version first."""
    do = [f"To do since {one.version}:\n{one.to_do}" for one in reversed(found) if one.to_do]
    return "\n\n".join([*do, *(f"Changed in {one.version}:\n{one.changes}" for one in found if one.changes)])


def adopted(result: "Adopted") -> str:
    """What `adopt` has recorded, which pages count as the team's edits, and what to type."""
    edited = ["Not as it was rendered, which counts as your edit:"]
    edited += [f"  {path}" for path in result.edited]
    parts = [f"The base of {result.root.name} is recorded in .mlscaffold."]
    parts += ["\n".join(edited)] if result.edited else []
    update = f"{invocation.command()} update"
    parts.append(f'Keep it: git add .mlscaffold && git commit -m "Record the base". From now on: {update}')
    return "\n\n".join(parts)


def news(found: "News") -> str:
    """What `update --check` has found: pages by what became of them, and how much of the engine is another."""
    parts = [f"{fate}:\n" + "\n".join(f"  {path}" for path in paths) for fate, paths in found.pages.items()]
    if found.engine:
        parts.append(f"The engine: {found.engine} {'file is' if found.engine == 1 else 'files are'} different.")
    return "\n\n".join(parts) or "The pages and the engine come out the same; the record alone is older."


def _engine(result: "Updated", dry_run: bool) -> str:
    """What became of the engine, in a few sentences."""
    found, would = result.engine, "would be" if dry_run else "was"
    if not found.here:
        return "There is no engine/ here: install this version of mlscaffold-planrun from where you publish it."
    told = f"The engine {would} replaced." if found.changes else "The engine is the same."
    if found.measuring:
        told += " Modules that measure changed: planrun baseline recomputes every record, and carries what is equal."
    if not found.edited:
        return paragraph(told)
    more = f" and {len(found.edited) - 8} more" if len(found.edited) > 8 else ""
    told += f" You had edited {len(found.edited)} of its files ({', '.join(found.edited[:8])}{more}); what you changed "
    told += f"{would} kept in {found.patch}, and is no longer at work."
    if not found.on_release:
        told += " No commit holds the engine as it was released: the patch is against the new one."
    return f"{paragraph(f'{told} To put it into the new engine:')}\n  git apply --3way {found.patch}"


def _by_fate(result: "Replanned", dry_run: bool) -> list[str]:
    """The files of a merge, by what became of them."""
    return [
        f"{title}:\n" + "\n".join(f"  {path}" for path in paths)
        for title, paths in (
            ("Would change" if dry_run else "Changed", result.changed),
            ("Removed", result.removed),
            (f"Changed by {result.by}, and left as you left them: deleted or replaced", result.deleted),
            (f"No longer part of {result.by}, and kept because you changed them", result.kept),
            (f"From {result.by}, put beside yours because two versions of it cannot be marked", result.beside),
        )
        if paths
    ]


def _lines_before_and_after(result: "Replanned") -> str:
    """The six lines; one that changes is shown as it was and as it is now."""
    before = {line["key"]: line for line in result.before.get("headline", ())}
    after = result.after["headline"]
    if not before:
        return headline(result.after)
    column = max(len(line["label"]) for line in after) + 2
    rows, changed = [], False
    for line in after:
        was, now = (_marked(state) for state in (before.get(line["key"], line), line))
        if was == now:
            rows.append(_row(line["label"], now, column))
            continue
        changed = True
        rows += [_row(line["label"], f"was: {was}", column), _row("", f"now: {now}", column)]
    title = "The plan in six lines:" if changed else "The plan in six lines, as before:"
    return "\n".join([title, *rows, *_meaning_of_the_mark(after, IN_A_REPOSITORY)])


def _advice_before_and_after(result: "Replanned") -> str:
    before, after = result.before.get("advice"), result.after["advice"]
    if not before or (before["recommendation"], before["rung"]) == (after["recommendation"], after["rung"]):
        return ""
    was, now = (f"{state['recommendation']} ({state['rung']})" for state in (before, after))
    why = "\n".join(_bullet(line) for line in after["reasons"])
    return f"{paragraph(f'The advice changes: it was {was}, and is now {now}.')}\n{why}"


def _moved(key: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    was, now = (wording.measure(entry) if entry else "not in the plan" for entry in (before, after))
    meaning = (after or before or {})["meaning"]
    filled = _filled(_stopped(str(meaning)), first="    ", rest="    ")
    return f"  {key}: {was} → {now}\n{filled}"


def _stopped(sentence: str) -> str:
    return f"{sentence.rstrip('.')}."


def seen(look: "Seen", flags: bool = True) -> str:
    """What a data file shows, a line an answer; then what is good to know, and with `flags` what it leaves open."""
    table = look.table
    lines = [f"{table.path.name} shows ({table.rows:,} rows, {len(table.names):,} columns; {table.form.said}):"]
    if not look.proposals:
        lines = [f"{lines[0].removesuffix(':')}; everything that it could tell is answered."]
    wide = max((len(entry.key) for entry in look.proposals), default=0)
    for entry in look.proposals:
        lines.append(_filled(line(entry, wide), first="  ", rest=" " * (wide + 4)))
    lines += [_bullet(note) for note in look.notes]
    if flags:
        lines += [
            _bullet(f"{entry.sentence} {entry.in_flags}") for entry in look.open if not entry.needed and entry.assumable
        ]
    return "\n".join(wording.printable(text) for text in lines)


def around(folder: Path, look: "Around") -> str:
    """What a folder that is written into says of the answers, a line an answer; "" where it says nothing."""
    if not look.found and not look.notes:
        return ""
    wide = max((len(entry.key) for entry in look.found), default=0)
    lines = [f"{folder} says (--set KEY=VALUE says otherwise):" if look.found else f"{folder}:"]
    lines += [f"  {entry.key:<{wide}}  {entry.value} · {entry.where}" for entry in look.found]
    lines += [_bullet(note) for note in look.notes]
    return "\n".join(wording.printable(text) for text in lines)


def line(entry: "Proposal", wide: int = 0) -> str:
    """One answer that a file gives: its value, the figure it rests on and why."""
    return wording.printable(f"{entry.key:<{wide}}  {entry.value} · {entry.figure} · {entry.why}")


def questions_text(asked: Iterable[Question]) -> str:
    """The questions for a terminal: key, what may be answered, text and why."""
    lines: list[str] = []
    section = ""
    for question in asked:
        if question.section != section:
            section = question.section
            lines += ["", section.upper()]
        lines.append(f"{question.key}  ({answerable(question)}; default {default(question)}{_condition(question)})")
        lines.append(_filled(question.text, first="    ", rest="    "))
        lines.append(_filled(question.why, first="    ", rest="    "))
        lines += _meanings(question)
        if question.example:
            lines.append(_bullet(f"such as: {question.example}").replace("  - ", "    ", 1))
    return "\n".join(lines).lstrip("\n")


def _meanings(question: Question) -> list[str]:
    """What each choice means, a line a choice, aligned."""
    meanings = dict(question.meanings) | ({questions.OWN_NAME: question.own} if question.own else {})
    column = max((len(choice) for choice in meanings), default=0)
    return [f"      {choice:<{column}}  {meaning}" for choice, meaning in meanings.items()]


def questions_markdown(asked: Iterable[Question]) -> str:
    """The questions as the README's table."""
    rows = ["| key | question | answers | default |", "|---|---|---|---|"]
    for question in asked:
        cells = [f"`{question.key}`", question.text + _condition(question), answerable(question), default(question)]
        rows.append("| " + " | ".join(wording.cell(cell) for cell in cells) + " |")
    return "\n".join(rows)


def answerable(question: Question) -> str:
    """Which answers a question takes, in a few words."""
    if question.type == "choice":
        return ", ".join([*question.choices, *([questions.OWN_NAME] if question.own else [])])
    if question.type not in ("integer", "number") or question.min is None or question.max is None:
        return question.type
    first, then = ("between", "and") if question.exclusive else ("from", "to")
    return f"{question.type} {first} {question.min:,.15g} {then} {question.max:,.15g}"


def default(question: Question) -> str:
    """The default in a few words."""
    if questions.depends(question):
        return f"by {question.default['by']}"
    if isinstance(question.default, Mapping):
        return " / ".join(f"{kind}: {value}" for kind, value in question.default.items())
    return str(question.default) or "empty"


def _condition(question: Question) -> str:
    return "".join(f"; asked when {key} is {' or '.join(wanted)}" for key, wanted in question.when.items())


def _findings(computed: Mapping[PlanKey, Any]) -> list[str]:
    return [_bullet(f"{finding['sentence']} {finding['remedy']}") for finding in computed.get("findings", ())]


def _bullet(line: str) -> str:
    return _filled(line, first="  - ", rest="    ")


def _width() -> int:
    return min(shutil.get_terminal_size((100, 24)).columns, 110)


def _size(count: int) -> str:
    return f"{count:,} B" if count < 1024 else f"{count / 1024:,.1f} KiB"
