"""Expected trouble: facts go in, one sentence and one remedy come out. Only `cli` prints them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mlscaffold.invocation import command, quoted

COMMAND_LINE = "the command line"


class MlscaffoldError(Exception):
    """Trouble a person can mend. `str(error)` is the sentence, `error.hint` the next thing to try."""

    exit_code = 1

    def __init__(self, sentence: str, hint: str) -> None:
        super().__init__(sentence)
        self.hint = hint


class UsageError(MlscaffoldError):
    """The command line itself is wrong."""

    exit_code = 2


class AnswerError(MlscaffoldError):
    """An answer that cannot be used. The sentence names the key and the value."""

    def __init__(self, key: str, sentence: str, hint: str) -> None:
        super().__init__(sentence, hint)
        self.key = key


class InvalidAnswer(AnswerError):
    """A known key with a value outside its type, range or choices."""

    def __init__(self, key: str, value: str, complaint: str, source: str = "") -> None:
        where = f" {'on' if source == COMMAND_LINE else 'in'} {source}" if source else ""
        super().__init__(
            key,
            f"{key} is {shown(value)}{where}, but {complaint}{'' if complaint.endswith('?') else '.'}",
            f"Correct it, for example with --set {key}=…; `{command()} questions` explains every key.",
        )


class UnknownAnswer(AnswerError):
    """A key that no question has."""

    def __init__(self, key: str, near: Sequence[str], source: str = "") -> None:
        where = f" in {source}" if source else ""
        hint = f"Did you mean {' or '.join(near)}? " if near else ""
        super().__init__(
            key,
            f"There is no question called {shown(key)}{where}.",
            f"{hint}`{command()} questions` lists every key.",
        )


class UnknownName(MlscaffoldError):
    """A word that names no number, formula, gate, metric or question."""

    def __init__(self, name: str, near: Sequence[str]) -> None:
        hint = f"Did you mean {' or '.join(near)}? " if near else ""
        super().__init__(
            f"There is no number, formula, gate, metric or question called {shown(name)}.",
            f"{hint}`{command()} plan` names every number with its formula, `{command()} questions` every question.",
        )


class SecretGiven(AnswerError):
    """A password, key or signature inside an answer: answers go into files and git. It is never echoed."""

    def __init__(self, key: str, source: str = "") -> None:
        where = f" in {source}" if source else ""
        super().__init__(
            key,
            f"{key}{where} holds a secret (a password, key or signature), and answers are written into files and git.",
            "Put the secret into an environment variable and give its name in its place: "
            "postgresql://me:$PASSWORD@host/sales, https://host/cases.csv?token=$TOKEN (in single quotes in a shell).",
        )


class Contradiction(AnswerError):
    """Two answers that are each fine and cannot both be true."""


class UnreadableAnswers(MlscaffoldError):
    """An answers file that is missing, not YAML, or not a flat list of keys."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"The answers file {path} cannot be used: {why}.",
            f"An answers file holds one `key: value` a line; `{command()} questions` lists the keys.",
        )


class UnreadableData(MlscaffoldError):
    """A data file that cannot be looked at. `what` is the rest of the sentence: "is a folder"."""

    def __init__(self, name: str, what: str, hint: str) -> None:
        super().__init__(_steady(f"{name} {what}."), _steady(hint))


class DataNotCopied(MlscaffoldError):
    """The repository stands, and the data did not come along."""

    def __init__(self, path: Path, target: Path, why: str) -> None:
        super().__init__(
            f"The repository is written, but {path.name} could not be copied into it: {why}.",
            f"Copy it to {target} yourself; everything else is done.",
        )


class OpenQuestion(MlscaffoldError):
    """What a data file leaves open and only a person can say, where nobody is there to be asked."""

    def __init__(self, sentence: str, hint: str) -> None:
        super().__init__(_steady(sentence), _steady(hint))


class TargetExists(MlscaffoldError):
    """The folder to be written is there already and not empty."""

    def __init__(self, target: Path, in_the_way: Sequence[str]) -> None:
        names = ", ".join(in_the_way[:8]) + (f" and {len(in_the_way) - 8} more" if len(in_the_way) > 8 else "")
        super().__init__(
            f"{target} already exists and is not empty (in the way: {names}).",
            f"Choose another name or --output folder; or add to what is there: --into {quoted([str(target)])}",
        )


class AlreadyPlanned(MlscaffoldError):
    """A folder that holds a plan already, to which no second one is added."""

    def __init__(self, folder: Path, found: str) -> None:
        super().__init__(
            f"{folder} holds a planned repository already ({found}).",
            f"Change its plan with `{command()} replan {quoted([str(folder)])}`, or name another folder.",
        )


class PlannedWithoutRecord(MlscaffoldError):
    """A folder with a plan of ours that nothing remembers: plain cookiecutter made it, or its record is gone."""

    def __init__(self, folder: Path, found: str) -> None:
        super().__init__(
            f"{folder} holds a plan already ({found}), and no record of what made it.",
            f"Record it with `{command()} adopt {quoted([str(folder)])}`, and replan works there; "
            "or name another folder.",
        )


class ForeignPlan(MlscaffoldError):
    """A folder where a file that mlscaffold did not write stands where the plan would be."""

    def __init__(self, folder: Path, found: str) -> None:
        super().__init__(
            f"{folder} holds {found}, which mlscaffold did not write and which its plan would need the place of.",
            "Give that file another name or folder and run this again; or name another folder with --into.",
        )


class OtherFolder(MlscaffoldError):
    """The answer `folder` says otherwise than the place that the repository would get."""

    def __init__(self, said: str, real: str, top: Path) -> None:
        super().__init__(
            f'folder is "{said}", but the repository would lie at "{real}" of {top}.',
            "Leave folder out, since it follows from the place; or choose the place with --output or --into.",
        )


class TargetIsLink(TargetExists):
    """The folder to be written is a link, which leads out of where the person wanted it."""

    def __init__(self, target: Path) -> None:
        MlscaffoldError.__init__(
            self,
            f"{target} is a link, and nothing is written through one.",
            "Choose another name, or name the folder that the link leads to.",
        )


class BadPlace(MlscaffoldError):
    """A folder in which no repository can be, or could be worked in."""

    def __init__(self, folder: str, why: str, hint: str = "Choose another folder with --output.") -> None:
        super().__init__(f"{folder!a} cannot hold a repository: {why}.", hint)


class InsideCheckout(MlscaffoldError):
    """The program's own repository is no place for somebody's project."""

    def __init__(self, folder: Path, checkout: Path) -> None:
        super().__init__(
            f"{folder} lies inside {checkout}, which is a checkout of mlscaffold itself, not a place for projects.",
            f"Name a folder outside of it, for example beside it: --output {quoted([str(checkout.parent)])}",
        )


class CannotWrite(MlscaffoldError):
    """The file system refused; nothing was left behind."""

    def __init__(self, target: Path, why: str) -> None:
        super().__init__(
            f"{target} could not be written: {why}; nothing was left behind.",
            "Check the folder, its permissions and the free space, or choose another one with --output.",
        )


class Unprintable(MlscaffoldError):
    """Standard output refused what was to be printed."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The result could not be printed: {why}.", "Look where standard output goes: a full disk, a closed file."
        )


class CannotChange(CannotWrite):
    """The file system refused to change a repository, which is as it was."""

    def __init__(self, folder: Path, why: str) -> None:
        MlscaffoldError.__init__(
            self,
            f"{folder} could not be changed: {why}; everything in it is as it was.",
            "Check its permissions and the free space on its disk, then run the same command again.",
        )


class BrokenTemplate(MlscaffoldError):
    """The template itself failed to render."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The template could not be rendered: {why}; nothing was written.",
            "This is a fault of the template, not of your answers: report it with this sentence.",
        )


class UnreadablePlan(MlscaffoldError):
    """A folder without the plan of a rendered repository, or with one that cannot be read."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path} cannot be used: {why}.",
            "Name the folder of a repository that mlscaffold made, or restore the file from git.",
        )


class NoTerminal(MlscaffoldError):
    """Questions cannot be asked because nobody is at a keyboard."""

    def __init__(self) -> None:
        super().__init__(
            "There is no terminal to ask questions on.",
            "Use --defaults to take every default, or --answers FILE to read the answers from a file.",
        )


class NothingToBuild(MlscaffoldError):
    """The advisor says that neither a model nor software is called for."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(
            f"The advice is to build nothing yet: {' '.join(reasons)}",
            "Overrule it with --kind ml or --kind software; the reason is asked for in decision record 0001.",
        )


class GitMissing(MlscaffoldError):
    """git is not installed."""

    def __init__(self, *, to_merge: bool = False) -> None:
        if to_merge:
            told = (
                "git was not found, and pages are merged with it.",
                "Install git 2.38 or newer.",
            )
        else:
            told = (
                "git was not found, and a new repository is committed with it.",
                "Install git, or use --no-git to write the files only.",
            )
        super().__init__(*told)


class UnreachableTemplate(MlscaffoldError):
    """No template of cookiecutter is where the command line says."""

    def __init__(self, source: str, why: str) -> None:
        super().__init__(
            f"--template {shown(source)} cannot be taken: {why}.",
            "Name a folder, a zip file or a git address that holds a cookiecutter.json.",
        )


class UnreadableTemplate(MlscaffoldError):
    """A template is there, and something in it is broken."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, "Whoever keeps the template has to mend it; nothing was written.")


class UnknownVariable(AnswerError):
    """An answer to a question that the template does not ask."""

    def __init__(self, name: str, near: Sequence[str]) -> None:
        hint = f"Did you mean {' or '.join(near)}? " if near else ""
        super().__init__(
            name,
            f"The template has no variable called {shown(name)}.",
            f"{hint}Its cookiecutter.json lists them, and --dry-run shows what they come to.",
        )


class UnusableVariable(AnswerError):
    """A text that is no value of a template's variable."""

    def __init__(self, name: str, text: str, complaint: str) -> None:
        ends = "" if complaint.endswith("?") else "."
        super().__init__(name, f"{name} is {shown(text)}, but {complaint}{ends}", f"Correct it: --set {name}=…")


class CodeInTemplate(MlscaffoldError):
    """A template brings code that would run here, and nobody has agreed to it."""

    exit_code = 2

    def __init__(self, listed: Sequence[str]) -> None:
        super().__init__(
            f"The template brings code that would run on this machine: {', '.join(listed)}.",
            "Read it, and add --accept-hooks if it may run; nothing was written.",
        )


class HookFailed(MlscaffoldError):
    """A hook of the template ended with an error."""

    def __init__(self, said: str) -> None:
        super().__init__(
            f"A hook of the template failed, and nothing is left of the tree: {said}.",
            "Mend the hook or the answer that it refuses, then run the command again.",
        )


class OutsideTarget(MlscaffoldError):
    """A path of a template that would lead out of the project's folder."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{shown(path)} leads out of the project's folder, so nothing was written.",
            "Correct the answer that names it, or the template.",
        )


class GitFailed(MlscaffoldError):
    """git ran and refused."""

    def __init__(
        self, command: str, why: str, hint: str = "The files are written; run the command in the folder yourself."
    ) -> None:
        super().__init__(f"`{command}` failed: {why}.", hint)


class CommitRefused(GitFailed):
    """Every file is written and staged, and git refused the commit: a hook, or a setting that cannot be met."""

    def __init__(self, why: str, by_hand: str) -> None:
        super().__init__("git commit", why, f"Every file is written and staged. Settle that, then: {by_hand}")
        self.why = why


class NoRecord(MlscaffoldError):
    """A folder that was not made by `mlscaffold new`, or has lost what it keeps for replanning."""

    def __init__(self, folder: Path, missing: str) -> None:
        super().__init__(
            f"{folder} cannot be planned again: it has no {missing}.",
            f"Only a repository made by `{command()} new` can; name its folder, or restore the file from git.",
        )


class NoFolder(MlscaffoldError):
    """A folder was named that is not there."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"There is no folder {folder}.",
            "Name the folder of a repository that mlscaffold made, or leave it out where you stand inside one.",
        )


class DamagedRecord(MlscaffoldError):
    """A part of the record that mlscaffold cannot have written like this."""

    def __init__(self, path: Path, why: str) -> None:
        record = path if path.name == ".mlscaffold" else path.parent
        super().__init__(
            f"{path} cannot be used: {why}. Nothing was changed.",
            f"Bring the record back: {in_folder(record.parent)} checkout HEAD -- {record.name} (older ones: git log). "
            f"Without git: render plan/project.yaml into another folder with {command()} new --answers, and copy "
            f"{record.name} from there.",
        )


class TwoRecords(MlscaffoldError):
    """Two branches that were each updated or replanned, and are being merged.

    The older record is taken: what the newer one had brought is in the merged pages and comes to nothing new, and what
    was lost while somebody resolved them comes again.
    """

    def __init__(self, folder: Path, ours: str, theirs: str, older: str, plan: str) -> None:
        named = f"mlscaffold {ours or 'unknown'} and {theirs or 'unknown'}"
        git, again = in_folder(folder), f"{command()} {'replan' if ours == theirs else 'update'}"
        super().__init__(
            f"{folder} is being merged, and both branches have a record of their own, by {named}. Nothing was changed.",
            "Take the older one with its engine, resolve the other conflicts, commit, and bring in what is newer:\n"
            f"  {git} restore --source={older} --staged --worktree -- .mlscaffold engine {plan}\n"
            f'  {git} commit --all --message "Both branches"\n'
            f"  {again}{'' if git == 'git' else f' {quoted([str(folder)])}'}",
        )


class NewerRecord(MlscaffoldError):
    """A repository that a newer mlscaffold has written."""

    def __init__(self, path: Path, theirs: str, ours: str) -> None:
        super().__init__(
            f"{path} was written by mlscaffold {theirs}, and this is {ours}. Nothing was changed.",
            f"Install mlscaffold {theirs} or newer, then run the same command again.",
        )


class NoSuchCapability(MlscaffoldError):
    """A new name for a capability that the repository does not have."""

    def __init__(self, name: str, there: Sequence[str]) -> None:
        known = "; ".join(there) or "none"
        super().__init__(
            f"There is no capability {shown(name)} to rename. Nothing was changed.",
            f"Its capabilities are: {known}. Write --rename 'A=B' with one of them for A.",
        )


class AnotherKind(MlscaffoldError):
    """New names by which a capability would approve what others submit, or would no longer."""

    def __init__(self, name: str, verbs: Sequence[str], *, approves: bool) -> None:
        super().__init__(
            f"By these names {shown(name)} would {'' if approves else 'no longer '}approve what others submit, so its "
            "role and who may do it would change. Nothing was changed.",
            f"An approval's name begins with one of {', '.join(verbs)}, and no other's does. To have another kind of "
            "capability, replace it with --set 'capabilities=…': its files come anew.",
        )


class OlderRecord(MlscaffoldError):
    """A repository of an older version: its pages and its engine belong together, and both come before new facts."""

    def __init__(self, root: Path, theirs: str, ours: str) -> None:
        super().__init__(
            f"{root} was written by mlscaffold {theirs}, and this is {ours}. Nothing was changed.",
            f"Bring it to {ours} first: {command()} update {quoted([str(root)])}, then run the same command again.",
        )


class AlreadyAdopted(MlscaffoldError):
    """A repository that has a record has nothing to adopt."""

    def __init__(self, root: Path) -> None:
        super().__init__(
            f"{root} has its record already, in .mlscaffold.",
            f"Bring it up to date: {command()} update {quoted([str(root)])}",
        )


class OtherVersion(MlscaffoldError):
    """A base that another version would render is none: every page would seem edited."""

    def __init__(self, root: Path, theirs: str, ours: str) -> None:
        super().__init__(
            f"{root} was made by mlscaffold {theirs}, and this is {ours}. Nothing was written.",
            f"Install mlscaffold {theirs}, adopt with it, then update with {ours}.",
        )


class UpdateDue(MlscaffoldError):
    """`update --check` has found other templates than those of the repository."""

    def __init__(self, root: Path, theirs: str, ours: str, *, presets: bool = False) -> None:
        between = f"mlscaffold {theirs}, and this is {ours}" if theirs != ours else f"other templates of {ours}"
        between = "presets that say something else by now" if presets else between
        super().__init__(
            f"{root} was written by {between}.",
            f"See what would change: {command()} update --dry-run {quoted([str(root)])}",
        )


class UnfinishedRun(MlscaffoldError):
    """What a killed run left cannot be finished."""

    def __init__(self, work: Path, why: str) -> None:
        super().__init__(
            f"A run was interrupted, and what it left in {work} cannot be finished: {why}.",
            f"Mend that and run the command again. Or go back to what git has: rm -r {quoted([str(work)])}, then "
            "git status shows what the run had changed.",
        )


class Busy(MlscaffoldError):
    """Another process writes into this repository."""

    def __init__(self, folder: Path, holder: str) -> None:
        super().__init__(
            f"Another mlscaffold is at work in {folder}{f' ({holder})' if holder else ''}. Nothing was changed.",
            "Run the same command again when it has ended; if it hangs, end that process: the lock ends with it.",
        )


class ChangedMeanwhile(MlscaffoldError):
    """Somebody wrote into the repository while it was planned again."""

    def __init__(self, folder: Path, paths: Sequence[str]) -> None:
        super().__init__(
            f"{listed(paths)} changed in {folder} while the plan was computed. Everything is as it was written.",
            "Close what writes there, then run the same command again.",
        )


class InTheWay(MlscaffoldError):
    """Something that is no file stands where the new plan has a file."""

    def __init__(self, folder: Path, path: str, why: str) -> None:
        super().__init__(
            f"The new plan has a file {path}, and in {folder} {why}. Nothing was changed.",
            "Nothing is written through a link or over a folder: move it or give it another name, then run this again.",
        )


class NotCommitted(MlscaffoldError):
    """Uncommitted work that a merge would be mixed with."""

    def __init__(self, folder: Path, paths: Sequence[str], *, first: bool) -> None:
        git = in_folder(folder)
        away = "" if first else f", put them aside with {git} stash,"
        super().__init__(
            f"{folder} has changes that are not committed, and they could not be told from what comes: "
            f"{listed(paths)}.",
            f'Commit them ({git} commit --all --message "…"){away} or look only, with --dry-run.',
        )


class SparseCheckout(MlscaffoldError):
    """Files of the repository that are kept out of the work tree."""

    def __init__(self, folder: Path, paths: Sequence[str]) -> None:
        super().__init__(
            f"{folder} is a sparse checkout without {listed(paths)}, and a file that is not there reads as deleted.",
            f"Check all of it out first: {in_folder(folder)} sparse-checkout disable",
        )


class AnotherMetric(MlscaffoldError):
    """A replan that changes the metric, where answers stay that are counted in the old one's unit."""

    def __init__(self, old: str, new: str, values: Mapping[str, str]) -> None:
        one = len(values) == 1
        kept = listed([f"{key} ({text})" for key, text in values.items()])
        anew = " ".join(f"--set {key}=…" for key in values)
        super().__init__(
            f"{kept} {'is' if one else 'are'} said of {old}, and {new} is to decide. Nothing was changed.",
            f"Give {'it' if one else 'each of them'} anew beside metric={new}, or empty where nobody knows: {anew}",
        )


class Unresolved(MlscaffoldError):
    """Conflicts of an earlier merge that nobody has resolved yet."""

    def __init__(self, folder: Path, paths: Sequence[str], *, in_git: bool) -> None:
        super().__init__(
            f"{folder} has conflicts that are not resolved, in {listed(paths)}. Nothing was changed.",
            resolving(folder, paths, in_git=in_git),
        )


class ConflictsLeft(MlscaffoldError):
    """A merge that a person must finish, or would have to, where nothing was written (`dry_run`)."""

    def __init__(
        self, folder: Path, paths: Sequence[str], *, in_git: bool, dry_run: bool = False, by: str = "the new plan"
    ) -> None:
        looked = "Nothing was written. Without --dry-run both versions are marked there, for you to choose between."
        super().__init__(
            f"The team's text and {by} change{'' if dry_run else 'd'} the same lines of {', '.join(paths)}.",
            looked if dry_run else resolving(folder, paths, in_git=in_git),
        )


class DemoFailed(MlscaffoldError):
    """The example did not go as its story tells."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The demo stopped: {why.rstrip('.')}.",
            "Nothing was left behind. Run it again; if it stops there again, report this sentence.",
        )


class DemoWithoutGit(MlscaffoldError):
    """git is not installed, and the example is committed with it."""

    def __init__(self) -> None:
        super().__init__("git was not found, and the example's history is kept with it.", "Install git.")


class DemoNotKept(MlscaffoldError):
    """The folder that the example should be kept in cannot be used."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(
            f"The example cannot be kept in {folder}: {why}.",
            "Name a folder that is new or empty, in one that you may write to: --keep DIR.",
        )


class DemoEnvironment(MlscaffoldError):
    """What the example runs in could not be installed."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(
            f"The demo's environment could not be installed in {folder}: {why.rstrip('.')}.",
            "It needs the package index, and room in the cache folder (XDG_CACHE_HOME names another one); "
            "or name a Python that has the packages, with --python.",
        )


class DemoPython(MlscaffoldError):
    """The interpreter that was named for the demo cannot run it."""

    def __init__(self, python: Path, why: str) -> None:
        super().__init__(
            f"{python} cannot run the demo: {why}.",
            "Name a Python whose environment has these packages, or leave --python away: then one is made.",
        )


def _steady(text: str) -> str:
    """Words from a file, without what would steer a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def resolving(folder: Path, paths: Sequence[str], *, in_git: bool) -> str:
    """How a person finishes a merge, with the commands to type where they stand."""
    choose = "Choose between the marked versions (each from <<<<<<< to >>>>>>>)"
    if not in_git:
        return f"{choose} and take the marks out."
    git = in_folder(folder)
    names = quoted(paths)
    return f'{choose}, then:\n  {git} add -- {names}\n  {git} commit --all --message "Both versions"'


def in_folder(folder: Path) -> str:
    """How git is called for a folder from where the person stands."""
    return "git" if folder.resolve() == Path.cwd() else f"git -C {quoted([str(folder)])}"


def listed(paths: Sequence[str]) -> str:
    """Some names for a sentence, and how many more there are."""
    more = f" and {len(paths) - 8} more" if len(paths) > 8 else ""
    return ", ".join(list(paths)[:8]) + more


def shown(value: str) -> str:
    """Quote a value for a sentence, shortened so that the sentence stays readable.

    What a terminal would obey (an escape, a change of direction) is spelt out, as Python spells it.
    """
    short = value if len(value) <= 60 else value[:57] + "…"
    short = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in short)
    return f'"{short}"'


class NoBoardSource(MlscaffoldError):
    """A name on the board's command line that leads to no repository and no status."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f'"{name}" holds no planned repository, is none, and is no status file.',
            "Name working copies, folders of them, git addresses (bare ones with #BRANCH), or files that "
            "`planrun status --json` wrote.",
        )


class NotAStatus(MlscaffoldError):
    """A file that should be what `status --json` wrote."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path} is no status of a repository: {why}.", "Write it anew there: planrun status --json > status.json"
        )


class NotABoard(MlscaffoldError):
    """The output of a board is a file that no board wrote."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is there already and is no board, so it is not overwritten.", "Name another file with --output."
        )


class UnreadablePreset(MlscaffoldError):
    """A preset that is not there, or has a part of another form."""

    def __init__(self, source: str, why: str) -> None:
        super().__init__(f"The preset {source} cannot be used: {why}.", "docs/presets.md shows each part of one.")


class PresetsDisagree(MlscaffoldError):
    """A preset breaks what one below it locks."""

    def __init__(self, above: str, says: str, below: str, said: str) -> None:
        super().__init__(
            f"The presets disagree: {above} {says}, and {below} {said}.",
            "Give them in another order, leave one out, or settle it in the presets.",
        )


class NotAnAgents(AnswerError):
    """An answer that is a person's word, given by a coding agent."""

    def __init__(self, key: str, variable: str, name: str, words: Sequence[str]) -> None:
        super().__init__(
            key,
            f"{key} says what a person vouches for, and {variable}={name} says that an agent types here.",
            f"Say what you found, and ask a person to type, in a terminal of their own: {command()} {quoted(words)}",
        )


class LockedAnswer(AnswerError):
    """An answer that an organisation has locked at another value."""

    def __init__(self, key: str, value: str, locked: str, by: str, reason: str) -> None:
        super().__init__(
            key,
            f"{key} is {shown(value)}, and {by} locks it at {shown(locked)}: {reason}.".replace("..", "."),
            f"Leave it so, or say why this project differs: --set 'lock_exceptions={key}=WHY'. "
            "The reason is written into decision record 0001.",
        )
