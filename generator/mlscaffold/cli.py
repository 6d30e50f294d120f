"""The commands: the only place that prints or exits. Each one tells its story in one screen."""

import contextlib
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlscaffold import __version__, answers, house, invocation, questions, report
from mlscaffold.answers import Answers
from mlscaffold.errors import (
    CannotWrite,
    CommitRefused,
    ConflictsLeft,
    MlscaffoldError,
    NotAnAgents,
    NoTerminal,
    NothingToBuild,
    SecretGiven,
    Unprintable,
    UnreadableData,
    UpdateDue,
    UsageError,
)

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from mlscaffold.demo.telling import Telling
    from mlscaffold.looking import Sight
    from mlscaffold.placing import Place

WIDTH = 100  # columns that a line takes at most, however wide the terminal is
COMPLETE = "_MLSCAFFOLD_COMPLETE"  # set by the scripts of `completion` when a shell asks


class Commands(click.Group):
    """The group of commands; a mistyped one is met with those that it may have meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one is near. Raises `UsageError` for a name that no command has."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            near = [f"--{name}"] if name in ("help", "version") else questions.alike(name, self.commands)
            raise click.UsageError(f"No such command `{name}`{_meant(near)}", ctx)
        return super().resolve_command(ctx, args)


class OneOf(click.Choice):  # type: ignore[type-arg]  # click before 8.2 knows no parameter for it
    """One of a few words; a mistyped one is met with those that it may have meant."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word itself, if it is one of them exactly."""
        if value not in self.choices:
            self.fail(f'"{value}" is given, but {questions.one_of(value, self.choices)}', param, ctx)
        return value


class Assignment(click.ParamType):  # type: ignore[type-arg]  # as above
    """KEY=VALUE. Read by `answers`, completed here."""

    name = "KEY=VALUE"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        """Keys first, then the values that the key takes under the answers given so far."""
        from click.shell_completion import CompletionItem

        from mlscaffold import completion

        offered = completion.assignments(incomplete, _known_so_far(ctx.params))
        return [CompletionItem(text, help=meaning) for text, meaning in offered]


KIND = click.option("--kind", type=OneOf(questions.KINDS), help="Kind of repository; the advisor decides otherwise.")
ANSWERS = click.option("--answers", "file", type=click.Path(path_type=Path), help="YAML or JSON file with answers.")
SET = click.option(
    "--set", "assignments", type=Assignment(), metavar="KEY=VALUE", multiple=True, help="One answer; may be repeated."
)


class _DataFile(click.Path):
    """The path of a data file; an address is refused here, before a secret in it can be shown anywhere."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        text = str(value)
        if questions.holds_secret(text):
            raise SecretGiven("--data")
        if "://" in text and not text.startswith("sqlite:///"):
            raise UnreadableData(
                text, "is an address, and nothing is fetched here", "Fetch it first, or --set data_source=…"
            )
        return super().convert(text.removeprefix("sqlite:///"), param, ctx)


PRESET = click.option(
    "--preset", "presets", metavar="FILE|DIR|GIT", multiple=True, help="An organisation's layer; may be repeated."
)
DATA = click.option(
    "--data", metavar="FILE", type=_DataFile(path_type=Path), help="A data file to look at first: CSV, SQLite, Parquet."
)


AGENT = "PLANRUN_AGENT"  # by which a coding agent says that it is one; the engine reads it, too


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mlscaffold")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Turn what a team knows into a repository whose plan runs."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@cli.command()
@click.argument("name", required=False)
@KIND
@ANSWERS
@SET
@PRESET
@DATA
@click.option("--defaults", is_flag=True, help="Ask nothing; missing answers take their defaults.")
@click.option("--full", is_flag=True, help="Ask every question, the expert ones included.")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Parent folder.")
@click.option("--into", type=click.Path(path_type=Path), help="The folder itself: what is in it stays.")
@click.option("--host-files/--no-host-files", default=None, help="Inside a repository: pipelines go to its top.")
@click.option("--dry-run", is_flag=True, help="Show the files and their sizes; write nothing.")
@click.option("--no-git", is_flag=True, help="Write the files only; no repository, no commit.")
@click.option("--template", metavar="SRC", help="An organisation's own cookiecutter template in place of ours.")
@click.option("--checkout", metavar="REF", help="A branch, tag or commit of that template.")
@click.option("--accept-hooks", is_flag=True, help="The code which that template brings may run here.")
def new(
    name: str | None,
    kind: str | None,
    file: Path | None,
    assignments: Sequence[str],
    presets: Sequence[str],
    data: Path | None,
    defaults: bool,
    full: bool,
    output: Path,
    into: Path | None,
    host_files: bool | None,
    dry_run: bool,
    no_git: bool,
    template: str | None,
    checkout: str | None,
    accept_hooks: bool,
) -> None:
    """Ask, plan, render and commit a new repository."""
    from mlscaffold import context, placing, render, vcs

    if template is not None:
        ours = {"--kind": kind, "--preset": presets, "--data": data, "--full": full, "--into": into}
        _refuse_beside_template(ours | {"--host-files": host_files is not None})
        silent = defaults or dry_run or (file is not None and not sys.stdin.isatty())
        _new_from(template, checkout, name, file, assignments, output, silent, accept_hooks, dry_run, no_git)
        return
    if checkout is not None or accept_hooks:
        raise UsageError("--checkout and --accept-hooks are for a template of your own.", "Name it: --template SRC.")
    if into is not None and output != Path():
        raise UsageError("--into names the folder itself and --output its parent.", "Give one of them.")
    spot = _Spot(into, output, no_git) if dry_run else _Spot(into, output, no_git).checked()
    silent = defaults or (file is not None and not sys.stdin.isatty())
    if not silent:
        _refuse_without_terminal()
    _lay_over(presets)
    layers = _layers(name, kind, file, assignments, _around(spot.into, kind))
    sight = _sight(data, layers)
    given = _told(sight) if silent and sight else answers.merge(*layers)
    if not no_git and not dry_run:
        vcs.require_git()
    resume = _Resume(spot, full, host_files, data)
    texts = given if silent else _ask(given, full, None if dry_run else spot, resume, sight)
    complete = _complete(_decide_kind(texts, kind), sight)
    if dry_run:
        files = render.preview(complete)
        _tell(report.preview(complete.project_slug, files, context.plan_of(complete)))
        return
    with _typed_answers_kept({} if silent else texts, resume):
        _refuse_changed(sight)
        place, complete = spot.found(complete)
        if place.host is not None:
            click.echo(report.hosted(place.host, place.at), err=True)
            if host_files is None and not silent:
                host_files = _agree_to_host_files(complete)
        committed: list[bool | CommitRefused] = []
        message = f"Start {complete.project_name} from a computed plan"

        def begin(folder: Path) -> None:
            if place.commits and not no_git:
                try:
                    committed.append(vcs.create(folder, message))
                except CommitRefused as error:  # the files are worth having all the same
                    committed.append(error)

        placed = placing.write(complete, place, host_files=bool(host_files), begin=begin)
    first = committed[0] if committed else None
    history = _history(place.folder, first) if isinstance(first, bool) else ""
    _tell(report.placed(placed, context.plan_of(complete), complete, history))
    if copy := _bring(sight, complete, place.folder):
        _tell(f"\n{copy}")
    if isinstance(first, CommitRefused):
        raise CommitRefused(first.why, vcs.by_hand(place.folder, message))
    if not silent:
        _offer_a_start(place.folder)


@cli.command()
@click.option("--kind", type=OneOf(questions.KINDS), default="ml", show_default=True, help="Which example.")
@click.option("--keep", metavar="DIR", type=click.Path(path_type=Path), help="Keep the example's repository there.")
@click.option(
    "--python",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="An interpreter that has what the example needs; nothing is installed then.",
)
def demo(kind: str, keep: Path | None, python: Path | None) -> None:
    """Show a project's life, from the first audit to a rollback.

    An example whose answers fit its data, in a scratch folder: every line comes from a command that ran. Nothing is
    left, but for an environment in your cache folder, which is named before anything is installed.
    """
    from mlscaffold import demo as example

    example.run(kind, _telling(), keep, python)


@cli.command()
@KIND
@ANSWERS
@SET
@PRESET
@DATA
def advise(
    kind: str | None, file: Path | None, assignments: Sequence[str], presets: Sequence[str], data: Path | None
) -> None:
    """Say whether to build nothing, rules or a model, and why.

    The recommendation, the answers it rests on, and what would change it. Nothing is written.
    """
    from mlscaffold import context
    from mlscaffold.advisor import unsaid

    _lay_over(presets)
    given, sight = _seen(data, _layers(None, kind, file, assignments))
    complete = _complete({"kind": "ml"} | given, sight)
    typed = {key: complete.text(key) for key in complete if key in answers.from_flags(assignments)}
    complete = complete.changed(typed)  # a default that is typed here is said, though a record would not tell it
    facts = context.plan_of(complete)["advice"]
    undecided = {} if questions.text_of(given, "kind") else {"overruled": False}
    _tell(report.advice(facts | undecided, unsaid(complete)))


@cli.command()
@KIND
@ANSWERS
@SET
@PRESET
@DATA
@click.option("--json", "as_json", is_flag=True, help="The whole plan as JSON.")
@click.option("--what-if", "what_if", metavar="KEY=A,B", help="Only the six lines, for each of these values.")
@click.option("--drivers", is_flag=True, help="Only the ten answers that move each of the six lines most.")
def plan(
    kind: str | None,
    file: Path | None,
    assignments: Sequence[str],
    presets: Sequence[str],
    data: Path | None,
    as_json: bool,
    what_if: str | None,
    drivers: bool,
) -> None:
    """Print the plan: six lines, then every computed number.

    What stands in its way, and each number with its unit, its meaning and its formula. A star marks what rests on an
    assumption.
    """
    from mlscaffold import context, sensitivity, wording
    from mlscaffold.planning import assumptions

    if sum((as_json, what_if is not None, drivers)) > 1:
        raise UsageError("--json, --what-if and --drivers each print something else.", "Give one of them.")
    _lay_over(presets)
    given, sight = _seen(data, _layers(None, kind, file, assignments))
    texts = _decide_kind(given, kind)
    complete = _complete(texts, sight)
    if what_if is not None:
        _tell(report.what_if(*sensitivity.what_if(texts, what_if)))
        return
    if drivers:
        _tell(report.drivers(sensitivity.drivers(texts)))
        return
    computed = context.plan_of(complete)
    _tell(wording.as_json(computed) if as_json else report.plan(computed, assumptions.marked(complete, computed)))


@cli.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=Path())
@SET
@click.option(
    "--rename", "renamed", metavar="'A=B'", multiple=True, help="Call the capability A B, with all its files."
)
@click.option("--dry-run", is_flag=True, help="Show what would change; write nothing.")
@click.option("--numbers", is_flag=True, help="List every number that changes, before and after.")
@click.option("--measured", is_flag=True, help="Take what the repository has measured since, after one yes.")
@click.option("--yes", is_flag=True, help="The yes that --measured asks for.")
def replan(
    folder: Path,
    assignments: Sequence[str],
    renamed: Sequence[str],
    dry_run: bool,
    numbers: bool,
    measured: bool,
    yes: bool,
) -> None:
    """Plan again with new facts, and keep what the team wrote.

    Prints the plan's six lines before and after, what stands in its way and a changed advice, and merges the new
    documents into the repository. --measured takes the facts from the repository's own evidence. --rename gives a
    capability another name: its files move with all that was written in them, and its requirement keeps its id.
    """
    from mlscaffold import update

    if yes and not measured:
        raise UsageError("--yes answers the question of --measured, which is not asked here.", "Leave --yes out.")
    if not dry_run:
        _refuse_agents("replan", assignments)
    _settle(folder)
    click.get_current_context().with_resource(house.using(update.house_of(folder)))
    facts = answers.from_flags(assignments)
    if measured:
        found = _measured(folder, facts, agreed=yes or dry_run)
        if found is None:
            return
        facts = found
    names = _names(renamed)
    replanned = update.replan(folder, facts, names=names, dry_run=dry_run, say=lambda told: click.echo(told, err=True))
    _tell(report.replanned(replanned, update.changed_numbers(replanned), dry_run, numbers))
    if replanned.conflicts:
        raise ConflictsLeft(replanned.root, replanned.conflicts, in_git=replanned.in_git, dry_run=dry_run)


def _settle(folder: Path) -> None:
    """What a killed run left comes first: until then record, pages and engine are of two versions."""
    from mlscaffold import update
    from mlscaffold.repository import find

    if told := update.settle(find.root_of(folder)):
        click.echo(told, err=True)


def _names(renamed: Sequence[str]) -> dict[str, str]:
    """The new names of capabilities by their old ones. Raises `UsageError`."""
    found: dict[str, str] = {}
    for text in renamed:
        old, equals, new = (part.strip() for part in text.partition("="))
        if not (old and equals and new) or ";" in new:
            raise UsageError(f"--rename {text!r} gives no new name.", "Write --rename 'Submit a form=Send a form'.")
        found[old] = new
    return found


def _measured(folder: Path, facts: dict[str, str], *, agreed: bool) -> dict[str, str] | None:
    """The facts with what the repository measured; None where there is nothing to take, or somebody says no."""
    from mlscaffold import measured, update
    from mlscaffold.repository import find

    root = find.root_of(folder)
    recorded = update.recorded(root)
    offer = measured.offered(root, answers.merge(recorded, facts))
    if not offer.taken:
        _tell(report.measured(offer, ()))
        return facts or None
    wanted = facts | measured.facts_of(offer.taken, recorded)
    preview = update.replan(folder, wanted, dry_run=True)
    pages = {*preview.changed}.difference(preview.still_signed)
    _tell(report.measured(offer, measured.made_stale(root, preview.before, preview.after, pages)))
    if agreed:
        return wanted
    _refuse_unasked()
    from mlscaffold import wizard

    if wizard.agree("Plan with what was measured?", "Yes, take it", "No, leave the answers as they are"):
        return wanted
    _tell("Nothing was changed.")
    return None


def _refuse_agents(name: str, assignments: Sequence[str]) -> None:
    """A coding agent vouches for nothing, in a repository as here. Raises `NotAnAgents`."""
    agent = os.environ.get(AGENT, "").strip()
    for given in assignments:
        key = given.partition("=")[0].strip()
        if agent and key in ("confirmed", house.EXCEPTIONS):
            raise NotAnAgents(key, AGENT, agent, [name, "--set", given])


def _refuse_unasked() -> None:
    """A question needs somebody to answer it. Raises `UsageError` where nobody can."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("Nobody can be asked here, because this is no terminal.", "Add --yes, or --dry-run to look.")


@cli.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--check", is_flag=True, help="Only say what is newer; exit code 1 if anything is.")
@click.option("--dry-run", is_flag=True, help="Show what would change, as a diff; write nothing.")
@SET
@PRESET
def update(folder: Path, check: bool, dry_run: bool, assignments: Sequence[str], presets: Sequence[str]) -> None:
    """Bring newer templates, engine and presets into a repository.

    Its pages are merged as replan merges them. The engine is replaced; what a team has edited in it is kept as a patch.
    """
    from mlscaffold import changes, origin
    from mlscaffold import update as updating
    from mlscaffold.repository import find

    def say(told: str) -> None:
        click.echo(told, err=True)

    if not dry_run:
        _refuse_agents("update", assignments)
    _settle(folder)
    due = updating.is_due(folder, presets, say)
    if not due.anything and not assignments:
        if not check:
            updating.refuse_unresolved(folder)
        wrote = f"{__version__}, which wrote the repository with templates of {origin.told(due.commit)}"
        _tell(f"Nothing is newer: this is mlscaffold {wrote}.")
        return
    told = report.releases(changes.between(changes.changelog(), due.version, __version__))
    if check:
        _tell("\n\n".join(part for part in (told, report.news(updating.news(folder, presets))) if part))
        _tell(f"Templates: from {origin.told(due.commit)} to {origin.told(origin.commit())}.")
        raise UpdateDue(find.root_of(folder), due.version, __version__, presets=due.presets and not due.templates)
    updated = updating.update(folder, assignments, presets, dry_run=dry_run, say=say)
    _tell("\n\n".join(part for part in (told, report.updated(updated, __version__, dry_run)) if part))
    if updated.merged.conflicts:
        merged = updated.merged
        raise ConflictsLeft(merged.root, merged.conflicts, in_git=merged.in_git, dry_run=dry_run, by=merged.by)


@cli.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=Path())
def adopt(folder: Path) -> None:
    """Let replan and update work in what plain cookiecutter made."""
    from mlscaffold import update as updating

    _tell(report.adopted(updating.adopt(folder)))


@cli.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--to", type=OneOf(["github", "gitlab", "jira", "csv", "mermaid"]), required=True, help="For what.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A file instead of standard output.")
def export(folder: Path, to: str, output: Path | None) -> None:
    """Write the backlog or the schedule for other planning tools.

    The backlog for GitHub, GitLab, Jira or a spreadsheet, or the schedule as a Mermaid chart. Nothing is sent.
    """
    from mlscaffold import export as exporting
    from mlscaffold.repository import find

    folder = find.root_of(folder)
    _settle(folder)
    text = exporting.export(folder, to)
    if advice := exporting.note(folder, to):
        click.echo(advice, err=True)
    if output is None:
        _tell(text, ends=False)
    else:
        _save(output, text)


@cli.command()
@click.argument("sources", nargs=-1, metavar="[DIR|GIT|FILE]...")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("board.html"),
    show_default=True,
    help="The page; an older board there is remembered.",
)
@click.option(
    "--facts",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Beside the page a JSON file with flat facts of each repository, for the scorecards of a platform.",
)
@click.option("--run/--no-run", default=True, help="Whether working copies may be asked for their gates (the default).")
def board(sources: Sequence[str], output: Path, facts: Path | None, run: bool) -> None:
    """Write one page over one or many repositories.

    Working copies, folders of them, git addresses (#BRANCH at the end names one), and files that `planrun status
    --json` wrote; without any, the repository here. The page needs no server and no network. Gates are judged by a
    repository's own engine: from its status.json, or by its own .venv, which --no-run leaves alone.
    """
    from mlscaffold import board as boards

    text, seen = boards.made(sources, output, run=run, say=lambda told: click.echo(told, err=True))
    _save(output, text)
    if facts is not None:
        _save(facts, boards.facts(seen))
    _tell(report.board(seen))


class _Explained(click.ParamType):  # type: ignore[type-arg]  # as above
    """A name that `explain` knows, completed here."""

    name = "NAME"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        """Every name that begins so."""
        from click.shell_completion import CompletionItem

        from mlscaffold import explanation

        return [CompletionItem(name) for name in explanation.names() if name.startswith(incomplete)]


@cli.command()
@click.argument("name", type=_Explained(), metavar="KEY|FORMULA|GATE")
def explain(name: str) -> None:
    """Say what a number, a formula, a gate or a metric means.

    By the name that pages and plans have for it (acceptance.threshold, F12, G3.3, roc_auc), or a question by its key.
    """
    from mlscaffold import explanation

    _tell(explanation.explained(name))


@cli.command(name="questions")
@KIND
@click.option("--json-schema", is_flag=True, help="A JSON Schema for answers files.")
@click.option("--markdown", is_flag=True, help="The table that the README shows.")
@click.option(
    "--backstage",
    "platform",
    metavar="OWNER/NAME",
    help="A template of Backstage's scaffolder for --kind, which dispatches the workflow in this repository.",
)
@PRESET
def questions_(
    kind: str | None, json_schema: bool, markdown: bool, platform: str | None, presets: Sequence[str]
) -> None:
    """List the questions, or print the JSON Schema of answers files.

    With presets: what they leave of the choices, what they ask, and what they set and lock.
    """
    from mlscaffold import backstage, schema, wording

    _lay_over(presets)
    if platform is not None:
        if kind is None or not re.fullmatch(r"[\w.-]+/[\w.-]+", platform):
            needed = f"--backstage {platform} needs --kind ml or --kind software, and a repository as OWNER/NAME."
            raise click.UsageError(needed)
        _tell(backstage.template(kind, platform), ends=False)
    elif json_schema:
        _tell(wording.as_json(schema.json_schema(kind)))
    else:
        asked = questions.of_kind(kind) if kind else questions.load()
        if told := report.house(house.in_force()):
            _tell(f"{told}\n")
        _tell(report.questions_markdown(asked.values()) if markdown else report.questions_text(asked.values()))


@cli.command()
@click.argument("shell", type=OneOf(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the shell's completion script.

    Commands, options, the keys of --set and their values. Switched on for good by one line in the shell's own settings:
    eval "$(mlscaffold completion bash)" in ~/.bashrc, the same with zsh in ~/.zshrc, and for fish, in
    ~/.config/fish/config.fish: mlscaffold completion fish | source
    """
    from mlscaffold.completion import SHELLS

    _tell(SHELLS[shell](cli, {}, "mlscaffold", COMPLETE).source())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and leave with its exit code: 0, 1 trouble, 2 usage, 3 a bug, 130 interrupted."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit code. A bug is the only thing that shows a traceback."""
    signal.signal(signal.SIGTERM, _terminate)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # `nohup` ignores it
        signal.signal(signal.SIGHUP, _terminate)  # the terminal was closed
    if COMPLETE in os.environ:
        from mlscaffold import completion as shells

        shells.register()
    try:
        # click itself turns an `Exit` into a returned code here, and a finished command into None
        return cli.main(args=arguments, prog_name="mlscaffold", standalone_mode=False) or 0
    except MlscaffoldError as error:
        return _complain(f"{error}\n{error.hint}", error.exit_code)
    except click.UsageError as error:
        return _complain(_misused(error, sys.argv[1:] if arguments is None else arguments), 2)
    except (click.Abort, KeyboardInterrupt):
        return _complain("Interrupted; nothing was written.", 130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; Python would complain about it while closing down
        return 1
    except Exception:  # a bug: everything a person can mend is an MlscaffoldError
        import traceback

        return _complain(
            traceback.format_exc() + "This is a bug in mlscaffold; please report it with the lines above.", 3
        )


# ------------------------------------------------------------------------------------------------------ wrong usage


def _misused(error: click.UsageError, arguments: Sequence[str]) -> str:
    """What is wrong with a command line in one sentence, and where it says what it takes."""
    named = next((word for word in arguments if word in cli.commands), "")
    where = error.ctx.command_path if error.ctx else f"mlscaffold {named}".strip()
    called = " ".join([invocation.command(), *where.split()[1:]])
    if isinstance(error, click.NoSuchOption):
        key = error.option_name.lstrip("-").replace("-", "_")
        near = [f"--set {key}=…"] if key in questions.load() else list(error.possibilities or ())
        sentence = f"No such option `{error.option_name}`{_meant(near)}"
    elif extra := re.fullmatch(r"Got unexpected extra arguments? \((.*)\)", error.format_message()):
        sentence = _one_too_many(extra[1], error.ctx)
    else:
        sentence = " ".join(error.format_message().split())
    return f"{sentence.replace('?.', '?')}\n`{called} --help` lists what it takes."


def _one_too_many(words: str, ctx: click.Context | None) -> str:
    """About words that no argument takes: the option they belong to, or the quotes around a name, may be missing."""
    takes = {option for parameter in ctx.command.params for option in parameter.opts} if ctx else set()
    if words in questions.KINDS and "--kind" in takes:
        return f"`{words}` stands alone; did you mean `--kind {words}`?"
    if "name" in takes:
        return f"`{words}` stands alone; a name of several words is put in quotes."
    return f"`{words}` stands alone, and nothing takes it."


def _meant(near: Sequence[str]) -> str:
    """The end of a sentence about something mistyped."""
    return f"; did you mean {' or '.join(f'`{name}`' for name in near[:2])}?" if near else "."


def _known_so_far(given: Mapping[str, Any]) -> dict[str, str]:
    """Answers on an unfinished command line, and those of the repository that it names, as far as they can be read."""
    known: dict[str, str] = {}
    for path in (Path(given["folder"] or "", "plan/project.yaml") if "folder" in given else None, given.get("file")):
        with contextlib.suppress(MlscaffoldError):  # a half-typed name is no file yet
            known |= answers.read(path) if path else {}
    known |= {"kind": given["kind"]} if given.get("kind") else {}
    return known | dict(text.split("=", 1) for text in given.get("assignments") or () if "=" in text)


# ---------------------------------------------------------------------------------------------------- steps of a story


def _refuse_beside_template(ours: Mapping[str, Any]) -> None:
    """Options that speak of our templates say nothing about somebody else's."""
    for flag, value in ours.items():
        if value:
            raise UsageError(
                f"{flag} is for mlscaffold's own templates, and --template names another.",
                "Leave one of them out; what that template asks is answered with --set or --answers.",
            )


def _new_from(
    source: str,
    checkout: str | None,
    name: str | None,
    file: Path | None,
    assignments: Sequence[str],
    output: Path,
    silent: bool,
    accepts_code: bool,
    dry_run: bool,
    no_git: bool,
) -> None:
    """A repository from an organisation's own template; what was typed outlives an interrupt."""
    from mlscaffold import from_template, vcs, wizard

    if not silent:
        _refuse_without_terminal()
    if not no_git and not dry_run:
        vcs.require_git()
    wish = from_template.Wish(source, checkout, name, file, assignments, output, silent, accepts_code, dry_run, no_git)
    try:
        _tell(from_template.start(wish, lambda told: click.echo(told, err=True)))
    except wizard.Interrupted as interrupt:
        click.echo(f"\n{interrupt}", err=True)
        if interrupt.answers:
            kept = answers.save(interrupt.answers)
            click.echo(
                f"The answers so far are in {kept};\ngo on with:\n  {invocation.command()} {wish.again(kept)}", err=True
            )
        if interrupt.__cause__:
            raise interrupt.__cause__ from None
        raise click.exceptions.Exit(interrupt.exit_code) from None


def _telling() -> "Telling":
    """Lines on standard output: with a moving clock on a terminal, painted unless NO_COLOR is set, plain elsewhere."""
    from mlscaffold.demo.telling import Telling

    seen = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    painted = seen and not os.environ.get("NO_COLOR")
    width = min(shutil.get_terminal_size((WIDTH, 24)).columns, WIDTH) - 1

    def write(text: str) -> None:
        click.echo(text, nl=False, color=painted)
        sys.stdout.flush()

    return Telling(write, live=seen, colour=painted, width=width)


def _layers(
    name: str | None,
    kind: str | None,
    file: Path | None,
    assignments: Sequence[str],
    around: Mapping[str, str] | None = None,
) -> tuple[dict[str, str], dict[str, str]]:
    """Answers from everywhere but a data file and the wizard: what a data file overrules, and what overrules it.

    By precedence: user file < the folder written into < presets < (data file) < answers file < command line.
    """
    named = {"project_name": name} if name is not None else {}
    flagged = {"kind": kind} if kind else {}
    answers.check_texts(named, "the command line")
    said = answers.merge(answers.read(file) if file else {}, named, flagged, answers.from_flags(assignments))
    return answers.merge(answers.user_defaults(), around or {}, house.in_force().given), said


def _around(folder: Path | None, kind: str | None) -> dict[str, str]:
    """The answers that a folder gives which has a project in it; what it says is told on standard error."""
    if folder is None:
        return {}
    from mlscaffold import looking

    found = looking.look_around(folder, kind or "")
    if told := report.around(folder, found):
        click.echo(told, err=True)
    return found.texts


def _lay_over(presets: Sequence[str]) -> None:
    """Put these presets, over those of the person's own file, in force until the command ends."""
    if named := [*answers.user_presets(), *presets]:
        from mlscaffold import presets as laying

        click.get_current_context().with_resource(house.using(laying.gathered(named)))


def _refuse_without_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise NoTerminal()


def _sight(data: Path | None, layers: tuple[dict[str, str], dict[str, str]]) -> "Sight | None":
    """The data file that `--data` names, with the answers around it."""
    if data is None:
        return None
    from mlscaffold import looking  # only where there is a file: `--help` never waits for it

    return looking.sight(data, *layers)


def _told(sight: "Sight") -> dict[str, str]:
    """All answers, with those that the file gives; what was seen is told on standard error.

    Raises `OpenQuestion` for what the file leaves open and only a person can say.
    """
    from mlscaffold import looking

    seen = sight.seen({})
    click.echo(report.seen(seen), err=True)
    looking.refuse_open(seen)
    answers.check_texts(seen.texts, sight.table.path.name)
    return sight.answers({})


def _seen(data: Path | None, layers: tuple[dict[str, str], dict[str, str]]) -> tuple[dict[str, str], "Sight | None"]:
    """All answers given, with what the data file shows between them."""
    sight = _sight(data, layers)
    return (_told(sight) if sight else answers.merge(*layers)), sight


def _refuse_changed(sight: "Sight | None") -> None:
    if sight:
        from mlscaffold import looking

        looking.refuse_changed(sight.table)


def _bring(sight: "Sight | None", complete: Answers, folder: Path) -> str:
    """Copy the data file to where the answers say it is; what to tell the person about it."""
    if sight is None or questions.text_of(complete.raw, "data_source") != sight.address:
        return ""
    from mlscaffold import looking

    place = looking.bring(sight.table, folder)
    return f"A copy of {sight.table.path.name} is in {place}, which git ignores." if place else ""


def _decide_kind(given: dict[str, str], flag: str | None) -> dict[str, str]:
    """Let the advisor choose the kind unless somebody did; record an overruling on the command line as its reason."""
    from mlscaffold import context

    # As long as the kind is open nobody has chosen a metric, so its default refuses no value of today's practice.
    filled = answers.complete({"kind": "ml"} | given, metric_is_open="metric" not in given)
    advice = context.advice_before_plan(filled)
    if not questions.text_of(given, "kind"):
        if advice.recommendation not in questions.KINDS:
            raise NothingToBuild(advice.reasons)
        click.echo(report.chosen(advice), err=True)
        return given | {"kind": advice.recommendation}
    if flag and advice.recommendation != flag and not questions.text_of(given, "kind_reason"):
        return given | {"kind_reason": "chosen on the command line"}
    return given


@dataclass(frozen=True)
class _Spot:
    """Where the command line wants the repository, before the answers name it."""

    into: Path | None
    output: Path
    no_git: bool

    def checked(self) -> "_Spot":
        """The same, once it is known that something can be written there."""
        from mlscaffold import placing

        if self.into is not None:
            return replace(self, into=placing.parent(self.into))
        return replace(self, output=placing.parent(self.output))

    def found(self, complete: Answers) -> "tuple[Place, Answers]":
        """The place of a repository with these answers, and the answers with the place in them."""
        from mlscaffold import placing

        target = self.output / complete.project_slug if self.into is None else self.into
        place = placing.find(target, into=self.into is not None, git=not self.no_git)
        return place, placing.located(complete, place)


def _agree_to_host_files(complete: Answers) -> bool:
    """Whether what the code host reads at the top of the repository around is to be put there."""
    from mlscaffold import hosting, render, wizard

    tops = hosting.moves((path for path, _ in render.preview(complete)), complete.project_slug)
    return bool(tops) and wizard.agree(report.host_files(tops), "Yes, where nothing is in the way", "No, I move them")


def _offer_a_start(folder: Path) -> None:
    """Whoever is at the keyboard may see the first two commands run; a failure is told, and ends with exit 1."""
    from mlscaffold import starting, wizard

    if not starting.is_possible(folder):
        return
    try:
        question = "Set up and run the tests now? (make setup, make test: some minutes, and the network)"
        if not wizard.agree(question, "Yes, now", "No, later"):
            return
        outcome = starting.run(folder)
    except (KeyboardInterrupt, EOFError):
        click.echo(report.stopped(folder), err=True)
        raise click.exceptions.Exit(130) from None
    click.echo(report.started(folder, outcome), err=True)
    if outcome.code:
        raise click.exceptions.Exit(1)


def _ask(
    given: dict[str, str], full: bool, spot: _Spot | None, resume: "_Resume", sight: "Sight | None"
) -> dict[str, str]:
    """Run the wizard, which asks for consent if there is an output; answers before an interrupt are kept in a file."""
    from mlscaffold import context, render, wizard

    def preview(complete: Answers) -> list[tuple[str, int]]:
        assert spot is not None, "only asked for where something will be written"
        _, located = spot.found(complete)  # refused while another name can still be chosen
        return render.preview(located)

    try:
        return wizard.ask(given, full=full, preview=preview if spot else None, plan=context.plan_of, sight=sight)
    except wizard.Interrupted as interrupt:
        click.echo(f"\n{interrupt}\n{resume.keep(interrupt.answers)}", err=True)
        if interrupt.__cause__:
            raise interrupt.__cause__ from None
        raise click.exceptions.Exit(interrupt.exit_code) from None


@contextlib.contextmanager
def _typed_answers_kept(texts: Mapping[str, str], resume: "_Resume") -> Iterator[None]:
    """What a person has typed outlives whatever goes wrong afterwards."""
    try:
        yield
    except BaseException:
        if texts:
            click.echo(resume.keep(texts), err=True)
        raise


@dataclass(frozen=True)
class _Resume:
    """What a person types to go on after an interrupt: the same place, the same wishes, and the answers so far."""

    spot: _Spot
    full: bool
    host_files: bool | None
    data: Path | None = None

    def keep(self, texts: Mapping[str, str]) -> str:
        """Save answers here, or where temporary files go when this folder cannot be written; what to type then."""
        try:
            path = answers.save(texts, self._folder())
        except OSError:
            path = answers.save(texts, Path(tempfile.gettempdir()))
        flag, folder = ("--output", self.spot.output) if self.spot.into is None else ("--into", self.spot.into)
        where = [] if folder == Path() else [flag, str(folder.absolute())]
        where += [] if self.data is None else ["--data", str(self.data.absolute())]
        wishes = {"--full": self.full, "--no-git": self.spot.no_git}
        wishes |= {"--host-files": self.host_files is True, "--no-host-files": self.host_files is False}
        chosen = [flag for flag, wanted in wishes.items() if wanted]
        words = invocation.quoted(["new", "--answers", str(path), *where, *chosen])
        return f"The answers so far are in {path};\ngo on with:\n  {invocation.command()} {words}"

    def _folder(self) -> Path:
        """Here; from inside mlscaffold's own checkout (`make new`), where the project was to be written."""
        from mlscaffold import placing

        here, output = Path(), self.spot.output
        return output.resolve() if placing.checkout_above(here) and output.is_dir() else here


def _complete(given: dict[str, str], sight: "Sight | None" = None) -> Answers:
    """Complete the answers, and say which of the given ones change nothing; what a file showed may stay unused."""
    complete = answers.complete(given)
    shown: Collection[str] = sight.seen({}).texts if sight else ()
    passed_over = {*shown, *house.in_force().given}
    for key in answers.unused({key: text for key, text in given.items() if key not in passed_over}, complete):
        click.echo(f"Note: {key} is not asked under these answers, so its value is not used.", err=True)
    return complete


def _history(folder: Path, committed: bool) -> str:
    """What to tell the person about the first commit."""
    from mlscaffold import vcs

    return report.committed(vcs.branch(folder)) if committed else report.UNNAMED


def _terminate(number: int, frame: object) -> None:
    """Unwind like an interrupt, so that nothing half-written stays behind; the exit code is the shell's."""
    raise SystemExit(128 + number)


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise CannotWrite(path, error.strerror or str(error)) from error
    click.echo(f"{path} written.", err=True)


def _tell(text: str, *, ends: bool = True) -> None:
    """Print a result. A full disk behind standard output is trouble; a reader that has gone is handled by `run`."""
    try:
        click.echo(text, nl=ends)
    except BrokenPipeError:
        raise
    except OSError as error:
        with contextlib.suppress(OSError):
            sys.stdout.close()  # Python would try to write the rest again, and complain, while closing down
        raise Unprintable(error.strerror or str(error)) from error


def _complain(text: str, code: int) -> int:
    click.echo(questions.without_secrets(text), err=True)  # whatever was mistyped, and wherever
    return code
