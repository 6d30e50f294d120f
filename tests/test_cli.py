"""The command line: what it prints, where, with which exit code, and that a refusal writes nothing."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from material import ROOT
from mlscaffold import cli, explanation
from mlscaffold.planning.number import entries

DEFAULTS = ["new", "--kind", "ml", "--defaults"]


def everything_in(folder: Path) -> list[str]:
    """All names below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """A command's exit code, standard output and standard error."""
    code = cli.run(arguments)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


# ------------------------------------------------------------------------------------------------------------- refusals

REFUSALS = [
    (["new", "--kind", "ml", "--defaults", "--set", "projct_name=x"], 1, 'There is no question called "projct_name"', "project_name"),
    (["new", "--kind", "ml", "--defaults", "--set", "rigor=rigid"], 1, 'rigor is "rigid"', "--set rigor"),
    (["new", "--kind", "ml", "--defaults", "--set", "positive_share=2"], 1, 'positive_share is "2"', "--set positive_share"),
    (["new", "--kind", "ml", "--defaults", "--set", "target_value=1.2"], 1, "between 0 and 1", "--set target_value"),
    (["plan", "--kind", "ml", "--set", "current_value=-1"], 1, "at least 0", "--set current_value"),
    (["new", "--kind", "ml", "--defaults", "--set", "project_slug=../x"], 1, 'project_slug is "../x"', "--set project_slug"),
    (["new", "--kind", "ml", "--defaults", "--set", "rigor"], 2, "--set rigor has no equals sign", "KEY=VALUE"),
    (["new", "--kind", "ml", "--defaults", "--set", "labelled_cases=5"], 1, "more than past_cases", "raise past_cases"),
    (["new", "--kind", "ml"], 1, "There is no terminal", "--defaults"),
    (["new", "--defaults", "--answers", "missing.yaml"], 1, "missing.yaml cannot be used", "key: value"),
    (["new", "--kind", "data"], 2, "Invalid value for '--kind'", "--help"),
    (["new", "--colour"], 2, "No such option", "--help"),
    (["build"], 2, "No such command", "--help"),
    (["plan", "--set", "task=perhaps"], 1, 'task is "perhaps"', "--set task"),
    (["advise", "--answers", "."], 1, "cannot be used", "key: value"),
    (["export", "--to", "csv"], 1, "plan/backlog.json", "Name the folder"),
    (["export"], 2, "Missing option '--to'", "--help"),
    (["replan"], 1, "cannot be planned again", "mlscaffold new"),
    (["completion", "tcsh"], 2, "Invalid value", "--help"),
    (["new", "--defaults", "--set", "current_value=0.9", "--set", "target_value=0.8", "--set", "rules_expressible=no",
      "--set", "past_cases=9", "--set", "labelled_cases=9"], 1, "build nothing yet", "--kind"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "code", "sentence", "hint"), REFUSALS)
def test_a_refusal_is_one_sentence_and_one_hint(
    arguments: list[str], code: int, sentence: str, hint: str, in_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error, with exit 1 or 2, and nothing is written."""
    left, out, err = run(*arguments, capsys=capsys)
    lines = err.strip().splitlines()

    assert left == code
    assert out == ""
    assert sentence in lines[0]
    assert hint in lines[-1]
    assert len(lines) == 2
    assert everything_in(in_folder) == []


def test_an_existing_folder_is_refused(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the names of the files in the way, and those files as they were."""
    in_folder.joinpath("demo").mkdir()
    in_folder.joinpath("demo/notes.txt").write_text("mine")
    code, _, err = run("new", "demo", "--kind", "ml", "--defaults", capsys=capsys)

    assert code == 1
    assert "in the way: notes.txt" in err
    assert everything_in(in_folder) == ["demo", "demo/notes.txt"]


def test_missing_git_is_said_before_anything_is_written(
    in_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And --no-git, which the hint names, works."""
    monkeypatch.setenv("PATH", str(in_folder / "nowhere"))
    code, _, err = run(*DEFAULTS, capsys=capsys)

    assert code == 1
    assert "git was not found" in err
    assert "--no-git" in err
    assert everything_in(in_folder) == []
    assert run(*DEFAULTS, "--no-git", capsys=capsys)[0] == 0


def test_a_bug_shows_a_traceback_and_exits_3(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is swallowed."""
    monkeypatch.setattr(cli, "_layers", lambda *_: 1 / 0)
    code, _, err = run("plan", capsys=capsys)

    assert code == 3
    assert "ZeroDivisionError" in err
    assert "bug" in err


# ------------------------------------------------------------------------------------------------------------- new


def test_new_writes_commits_and_says_what_next(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The tree, the open assumptions and the next two commands, on standard output; one commit, nothing left to add."""
    code, out, _ = run("new", "demo", "--kind", "ml", "--defaults", capsys=capsys)
    log = git("log", "--format=%s|%an", cwd=in_folder / "demo")

    assert code == 0
    assert "README.md" in out
    assert "positive_share = 0.5" in out
    assert "cd demo" in out
    assert "make setup" in out
    assert log == ["Start demo from a computed plan|Ana Example"]
    assert git("status", "--porcelain", cwd=in_folder / "demo") == []
    assert "plan/plan.json" in git("ls-files", cwd=in_folder / "demo")


def test_without_an_identity_the_files_are_staged(
    in_folder: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 0, the two configuration lines, and no traceback."""
    home.joinpath(".gitconfig").unlink()
    code, out, _ = run(*DEFAULTS, capsys=capsys)

    assert code == 0
    assert 'git config --global user.name "Your Name"' in out
    assert "git config --global user.email" in out
    assert "README.md" in git("diff", "--cached", "--name-only", cwd=in_folder / "my-project")


def test_inside_a_repository_no_second_one_is_made(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The outer repository is left for its owner to commit to."""
    git("init", "-q", cwd=in_folder)
    code, out, err = run(*DEFAULTS, capsys=capsys)

    assert code == 0
    assert f"inside the git repository {in_folder}, at my-project" in " ".join(err.split())
    assert "  git add -- .\n  git commit -m 'Start My project from a computed plan'\n" in out
    assert not in_folder.joinpath("my-project/.git").exists()
    assert git("diff", "--cached", "--name-only", cwd=in_folder) == []


def test_no_git_means_no_git(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files only."""
    assert run(*DEFAULTS, "--no-git", capsys=capsys)[0] == 0
    assert not in_folder.joinpath("my-project/.git").exists()


def test_a_dry_run_shows_sizes_and_writes_nothing(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same files that a real run writes, without the folder."""
    code, out, _ = run(*DEFAULTS, "--dry-run", capsys=capsys)

    assert code == 0
    assert everything_in(in_folder) == []
    run(*DEFAULTS, "--no-git", capsys=capsys)
    written = [path for path in in_folder.joinpath("my-project").rglob("*") if path.is_file()]
    assert all(path.name in out for path in written)
    assert f"{len(written)} files" in out
    readme = in_folder.joinpath("my-project/README.md").stat().st_size
    assert re.search(rf"(?m)^  README\.md +{readme / 1024:.1f} KiB$", out)


def test_output_is_the_parent_folder(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Made where it is missing."""
    run("new", "demo", "--kind", "software", "--defaults", "--no-git", "--output", "deep/er", capsys=capsys)

    assert in_folder.joinpath("deep/er/demo/README.md").is_file()


def test_the_advisor_chooses_the_kind(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --kind: no past cases means software, and standard error says why."""
    code, _, err = run("new", "--defaults", "--no-git", capsys=capsys)

    assert code == 0
    assert "The advisor chose software" in err
    assert in_folder.joinpath("my-project/docs/01-requirements.md").is_file()


def test_a_kind_on_the_command_line_is_recorded_as_the_reason(
    in_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that gate G0.2 can ask for a better one."""
    run(*DEFAULTS, "--no-git", capsys=capsys)

    assert "chosen on the command line" in in_folder.joinpath("my-project/plan/project.yaml").read_text("utf-8")


def test_an_answers_file_needs_no_terminal(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--answers alone runs without one; --set wins over the file, the file over the person's own defaults."""
    in_folder.joinpath("answers.yaml").write_text("kind: software\nproject_name: Desk\nrigor: light\nci: none\n")
    settings = Path(os.environ["HOME"], ".config", "mlscaffold")
    settings.mkdir(parents=True)
    settings.joinpath("config.yaml").write_text("rigor: strict\ncurrency: CHF\nci: gitlab\n")
    code, _, _ = run("new", "--answers", "answers.yaml", "--set", "ci=github", "--no-git", capsys=capsys)
    kept = in_folder.joinpath("desk/plan/project.yaml").read_text("utf-8")

    assert code == 0
    assert 'rigor: "light"' in kept
    assert 'currency: "CHF"' in kept
    assert 'ci: "github"' in kept


def test_an_answer_that_is_not_asked_is_said(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Never a silent default."""
    _, _, err = run(*DEFAULTS, "--no-git", "--set", "latency_ms=50", capsys=capsys)

    assert err.count("latency_ms is not asked under these answers") == 1


def test_what_the_chosen_kind_asks_is_not_called_unused(capsys: pytest.CaptureFixture[str]) -> None:
    """While the advisor still looks for the kind, an answer of either kind may turn out to be needed."""
    _, _, err = run("plan", "--set", "rules_expressible=full", "--set", "deliverable=cli", capsys=capsys)

    assert "The advisor chose software" in err
    assert "not asked" not in err


# ----------------------------------------------------------------------------------------------------------- the others


def test_plan_prints_numbers_with_meaning_and_formula(capsys: pytest.CaptureFixture[str]) -> None:
    """As a table, or as the JSON that the repository holds."""
    _, table, _ = run("plan", "--kind", "ml", capsys=capsys)
    _, text, _ = run("plan", "--kind", "ml", "--json", capsys=capsys)

    assert "test.rows" in table
    assert "F05" in table
    assert '"answers_sha256"' in text


def test_plan_begins_with_six_lines_and_groups_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    """Six lines, what the star means, every finding, then headings in reading order, with units; no line too wide."""
    _, out, _ = run("plan", "--kind", "ml", capsys=capsys)
    headings = [line for line in out.splitlines() if line.isupper()]

    assert [line.split("  ")[0] for line in out.splitlines() if re.match(r"[A-Z][a-z, ]+  \S", line)][:6] == [
        "Release",
        "Rows needed, rows held",
        "Smallest useful gain",
        "Decision threshold",
        "Payback",
        "Most in the way",
    ]
    assert out.index("* rests on defaults") < out.index("In the way of this plan") < out.index("SCHEDULE")
    assert headings[:3] == ["SCHEDULE", "WHAT COUNTS AS SUCCESS", "TEST SET"]
    assert re.search(r"(?m)^test\.rows +3,484 rows \* +\(F06\)$", out)
    assert re.search(r"(?m)^schedule\.days\.p50 +93 working days \*", out)
    assert max(len(line) for line in out.splitlines()) <= 110


@pytest.mark.parametrize("name", ["ml-regression", "sw-library"])
def test_plan_leaves_no_number_out(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every number of plan.json has its line, under whichever heading."""
    sample = str(ROOT / f"tests/samples/{name}.yaml")
    _, out, _ = run("plan", "--answers", sample, capsys=capsys)
    _, text, _ = run("plan", "--answers", sample, "--json", capsys=capsys)

    assert [key for key, _ in entries(json.loads(text)) if not re.search(rf"(?m)^{re.escape(key)} ", out)] == []


def test_every_finding_is_told_by_every_command_that_plans(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What `new` prints, `plan`, `new --dry-run` and `replan` print as well: each finding, and the six lines."""
    given = ["--kind", "ml", "--set", "label_source=none", "--set", "appetite_weeks=2", "--set", "miss_cost=0.01"]
    _, text, _ = run("plan", *given, "--json", capsys=capsys)
    plan = json.loads(text)
    told = [run("plan", *given, capsys=capsys)[1]]
    told.append(run("new", "demo", *given, "--defaults", "--dry-run", capsys=capsys)[1])
    told.append(run("new", "demo", *given, "--defaults", capsys=capsys)[1])
    told.append(run("replan", str(in_folder / "demo"), "--dry-run", capsys=capsys)[1])

    assert len(plan["findings"]) >= 3
    for out in told:
        lines = " ".join(out.split())
        for finding in plan["findings"]:
            assert " ".join(f"{finding['sentence']} {finding['remedy']}".split()) in lines
        for line in plan["headline"]:
            assert f"{line['label']} {line['text']}" in lines


def test_advise_without_an_answer_says_what_it_would_need(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is taken for known, and the questions that would decide are listed with their answers."""
    _, nothing, _ = run("advise", capsys=capsys)
    _, one, _ = run("advise", "--set", "rules_expressible=full", capsys=capsys)

    assert nothing.startswith("Nothing is answered yet, so this is where one starts: software (rules)")
    assert "there are 0" not in nothing
    for key in (
        "rules_expressible (partial, full, no)",
        "past_cases",
        "labelled_cases",
        "current_value",
        "consequence",
    ):
        assert f"  - {key}" in nothing
    assert "rules_expressible (" not in one


def test_advise_takes_a_default_that_is_typed_for_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever types --set past_cases=0 has said so, and is not asked for it again."""
    _, out, _ = run("advise", "--set", "past_cases=0", "--set", "rules_expressible=no", capsys=capsys)
    plain = " ".join(out.split())

    assert "there are 0 past cases" in plain
    assert "nobody has named" not in plain
    assert "- past_cases (" not in plain
    assert "- labelled_cases (" in plain


def test_advise_gives_reasons_and_flips(capsys: pytest.CaptureFixture[str]) -> None:
    """What it recommends, why, and what would change it."""
    code, out, _ = run("advise", "--set", "rules_expressible=full", capsys=capsys)

    assert code == 0
    assert out.startswith("Recommendation: software (rules)")
    assert "What would change it" in out


def test_questions_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Every key of one kind, none of the other's."""
    _, out, _ = run("questions", "--kind", "software", capsys=capsys)

    assert "capabilities" in out
    assert "positive_share" not in out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """For each shell, naming the command."""
    code, out, _ = run("completion", shell, capsys=capsys)

    assert code == 0
    assert "_MLSCAFFOLD_COMPLETE" in out


def offered(shell: str, line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The values that a shell is handed for this line, up to the cursor."""
    monkeypatch.setenv("_MLSCAFFOLD_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_LINE", line)
    with pytest.raises(SystemExit):
        cli.run([])
    monkeypatch.delenv("_MLSCAFFOLD_COMPLETE")
    return ["/".join(row.split("\t")[:2]) for row in capsys.readouterr().out.splitlines() if row]


COMPLETIONS = {
    "mlscaffold comp": ["plain/completion"],
    "mlscaffold plan --kind ": ["plain/ml", "plain/software"],
    "mlscaffold export --to gi": ["plain/github", "plain/gitlab"],
    "mlscaffold plan --set metric_co": ["open/metric_counted_on="],
    "mlscaffold plan --kind software --set slo": ["open/slo_percent=", "open/slo_window_days="],
    "mlscaffold plan --kind software --set metric_co": [],
    "mlscaffold plan --set ci=git": ["plain/ci=github", "plain/ci=gitlab"],
    "mlscaffold plan --set task=ranking --set metric=": ["plain/metric=ndcg_at_10", "plain/metric=mrr"],
    "mlscaffold plan --set 'metric=roc": ["plain/metric=roc_auc"],
    "mlscaffold plan --set test_looks=": ["plain/test_looks=3"],
    "mlscaffold plan --set 'confirmed=task;daily_v": ["plain/confirmed=task;daily_volume"],
    "mlscaffold plan --set nonsense=": [],
    "mlscaffold plan --answers ans": ["file/ans"],
}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_keys_and_their_values_are_completed(
    shell: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """--set offers the keys of the kind, then the values that fit the other answers; --kind, --to and files as well."""
    for line, expected in COMPLETIONS.items():
        assert offered(shell, line, capsys, monkeypatch) == expected, line


def test_replan_completes_the_keys_of_its_repository(
    in_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kind and the task are those that the repository has answered."""
    in_folder.joinpath("plan").mkdir()
    in_folder.joinpath("plan/project.yaml").write_text('kind: "ml"\ntask: "regression"\n')

    assert offered("bash", "mlscaffold replan --set metric=", capsys, monkeypatch) == [
        "plain/metric=mae",
        "plain/metric=rmse",
    ]
    assert offered("bash", "mlscaffold replan --set slo", capsys, monkeypatch) == []


def program(folder: Path) -> Path:
    """This program as a command called mlscaffold in a folder of its own, whose name holds a space."""
    path = folder / "a bin" / "mlscaffold"
    path.parent.mkdir()
    path.write_text(f"#!{sys.executable}\nfrom mlscaffold.cli import main\nmain()\n")
    path.chmod(0o755)
    return path


def test_bash_itself_completes(tmp_path: Path) -> None:
    """The script in a real bash, which takes words apart at the equals sign and gets back only what follows it."""
    command = program(tmp_path)
    script = """
        eval "$("$1" completion bash)"
        try() {
            COMP_LINE="$1"; COMP_POINT=${#1}; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
            _mlscaffold_completion "$program" "${COMP_WORDS[COMP_CWORD]}"
            printf '%s|' "${COMPREPLY[@]}"; echo
        }
        program=$1
        try "mlscaffold repl" mlscaffold repl
        try "mlscaffold plan --set daily_v" mlscaffold plan --set daily_v
        try "mlscaffold plan --set metric=" mlscaffold plan --set metric =
        try "mlscaffold plan --set ci=gitl" mlscaffold plan --set ci = gitl
        try "mlscaffold plan --set capabilities=" mlscaffold plan --set capabilities =
        try "mlscaffold plan --set 'capabilities=" mlscaffold plan --set "'capabilities="
        complete -p mlscaffold
    """
    surroundings = os.environ | {"PYTHONPATH": str(ROOT / "generator")}
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", str(command)],
        env=surroundings, capture_output=True, text=True, check=True,
    )  # fmt: skip
    replan, key, values, value, bare, quoted, registered = done.stdout.splitlines()

    assert replan == "replan |"
    assert key == "daily_volume=|"
    assert values.startswith("recall |precision |")
    assert value == "gitlab |"
    assert bare == "Report\\ status |"
    assert quoted == "capabilities=Report status |"
    assert "_mlscaffold_completion mlscaffold" in registered


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh_itself_completes(tmp_path: Path) -> None:
    """The script in a real zsh, whose menu is replaced by lines: the question beside the key, no space after it."""
    command = program(tmp_path)
    script = """
        compdef() { :; }
        _describe() { print -r -- "${(Pj:|:)3} ${*[4,-1]}"; }
        eval "$("$1" completion zsh)"
        words=(${(q)1} plan --set ci=gitl) CURRENT=4; _mlscaffold_completion
        words=(${(q)1} plan --set daily_v) CURRENT=4; _mlscaffold_completion
    """
    surroundings = os.environ | {"PYTHONPATH": str(ROOT / "generator")}
    done = subprocess.run(
        ["zsh", "-f", "-c", script, "zsh", str(command)], env=surroundings, capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines() == [
        "ci=gitlab: -U",
        "daily_volume=:How many results a day? (of a command its calls, of a batch job its runs) -U -S ",
    ]


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_itself_completes(tmp_path: Path) -> None:
    """The script in a real fish, with the question beside the key."""
    command = program(tmp_path)
    surroundings = os.environ | {"PYTHONPATH": str(ROOT / "generator"), "HOME": str(tmp_path)}
    surroundings["PATH"] = f"{command.parent}{os.pathsep}{surroundings['PATH']}"
    script = 'mlscaffold completion fish | source; complete -C "mlscaffold plan --set ci=gitl"; complete -C "mlscaffold plan --set daily_v"'
    done = subprocess.run(["fish", "-c", script], env=surroundings, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == [
        "ci=gitlab",
        "daily_volume=\tHow many results a day? (of a command its calls, of a batch job its runs)",
    ]


def test_bare_it_prints_its_help(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As lines of at most 80 columns, on standard output, exit 0: nobody has done anything wrong."""
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = run(capsys=capsys)

    assert (code, err) == (0, "")
    assert out == run("--help", capsys=capsys)[1]
    assert len(out.splitlines()) > 10
    assert max(len(line) for line in out.splitlines()) <= 80


NEAR_MISSES = [
    (["plam"], 2, "did you mean `plan`"),
    (["re-plan"], 2, "did you mean `replan`"),
    (["plan", "--jsn"], 2, "did you mean `--json`"),
    (["help"], 2, "did you mean `--help`?"),
    (["plan", "--appetite-weeks", "9"], 2, "did you mean `--set appetite_weeks=…`?"),
    (["advise", "ml"], 2, "did you mean `--kind ml`?"),
    (["new", "my", "project"], 2, "a name of several words is put in quotes"),
    (["plan", "--set", "=3"], 2, "--set =3 names no key."),
    (["plan", "--kind", "Software"], 2, "did you mean `software`?"),
    (["export", "--to", "git hub"], 2, "did you mean `github`?"),
    (["completion", "bsh"], 2, "did you mean `bash`"),
    (["plan", "--set", "metrc=recall"], 1, "Did you mean metric or metric_unit?"),
    (["plan", "--set", "metric=auc"], 1, "did you mean `roc_auc`?"),
    (["plan", "--set", "task=regresion"], 1, "did you mean `regression`?"),
    (["plan", "--set", "ci=git hub"], 1, "did you mean `github`?"),
    (["plan", "--set", "human_confirms=true"], 1, "did you mean `yes`?"),
    (["plan", "--set", "task=classification"], 1, "did you mean `binary` or `multiclass`?"),
    (["plan", "--set", "confirmed=metrc"], 1, "did you mean `metric` or `metric_unit`?"),
]


@pytest.mark.parametrize(("arguments", "code", "suggestion"), NEAR_MISSES)
def test_a_near_miss_is_met(
    arguments: list[str], code: int, suggestion: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a command, an option, a key or a value, what was meant is suggested, and nothing is done for it unasked."""
    left, out, err = run(*arguments, capsys=capsys)

    assert (left, out) == (code, "")
    assert suggestion in err
    assert "?." not in err


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A line in a real bash, with this program as `mlscaffold`; the exit code is the program's."""
    surroundings = os.environ | {"PYTHONPATH": str(ROOT / "generator")}
    surroundings["PATH"] = f"{program(folder).parent}{os.pathsep}{surroundings['PATH']}"
    return subprocess.run(
        ["bash", "--norc", "-c", f"{line}; exit ${{PIPESTATUS[0]}}"],
        env=surroundings, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_reader_that_stops_reading_gets_no_traceback(tmp_path: Path) -> None:
    """`mlscaffold plan | head -1` shows one line and nothing else."""
    done = shell("mlscaffold plan --kind ml --json | head -1", tmp_path)

    assert (done.stdout, done.stderr) == ("{\n", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_full_disk_behind_the_output_is_said_in_a_sentence(tmp_path: Path) -> None:
    """Exit 1, no traceback, and nothing more when Python closes."""
    done = shell("mlscaffold questions > /dev/full", tmp_path)

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "The result could not be printed: No space left on device.",
        "Look where standard output goes: a full disk, a closed file.",
    ]


def test_results_go_to_standard_output_and_remarks_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """So that `plan --json` can be read by a program whatever the advisor and the notes say; and no colour in a pipe."""
    code, out, err = run("plan", "--json", "--set", "deliverable=cli", "--set", "latency_ms=9", capsys=capsys)

    assert code == 0
    assert json.loads(out)["kind"] == "software"
    assert "The advisor chose software" in err
    assert "latency_ms is not asked" in err
    assert "\x1b" not in out + err


def test_a_folder_that_is_not_there_is_called_so(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And not a repository that has lost a file."""
    for arguments in (["replan", "nowhere"], ["export", "nowhere", "--to", "csv"]):
        assert run(*arguments, capsys=capsys)[2].startswith("There is no folder nowhere.\n")


def test_the_list_of_commands_cuts_no_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """On 80 columns each command is described in full."""
    _, out, _ = run("--help", capsys=capsys)

    assert set(cli.cli.commands) <= set(out.split())
    assert "..." not in out.partition("Commands:")[2]


def test_light_commands_import_nothing_heavy(tmp_path: Path) -> None:
    """--help and an unattended render need neither the prompts nor the network."""
    code = (
        "import sys; from mlscaffold import cli\n"
        "code = cli.run(sys.argv[1:])\n"
        "heavy = [name for name in ('questionary', 'requests', 'prompt_toolkit') if name in sys.modules]\n"
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    surroundings = os.environ | {"PYTHONPATH": str(ROOT / "generator")}
    for arguments in (["--help"], [*DEFAULTS, "--no-git", "--output", str(tmp_path)]):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], env=surroundings, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_the_installed_wheel_works_far_from_a_checkout(wheel_root: Path, in_folder: Path) -> None:
    """From an empty folder, with templates and cookiecutter.json out of the wheel."""
    code = f"import sys; sys.path.insert(0, {str(wheel_root)!r}); from mlscaffold.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, *DEFAULTS], cwd=in_folder, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert in_folder.joinpath("my-project/.gitignore").is_file()
    assert git("status", "--porcelain", cwd=in_folder / "my-project") == []


@pytest.mark.parametrize("to", ["github", "gitlab", "jira", "csv", "mermaid"])
def test_export_writes_what_tools_read(to: str, in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On standard output, or into a file; advice goes to standard error."""
    run("new", "demo", "--kind", "software", "--defaults", "--no-git", capsys=capsys)
    code, out, _ = run("export", "demo", "--to", to, capsys=capsys)
    run("export", "demo", "--to", to, "--output", "file", capsys=capsys)

    assert code == 0
    assert len(out.splitlines()) > 5
    assert in_folder.joinpath("file").read_text("utf-8") == out


def git(*arguments: str, cwd: Path) -> list[str]:
    """git's lines."""
    done = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


EXPLAINED = {
    "acceptance.threshold": (
        "acceptance.threshold (probability): Act when the calibrated",
        "p* = C_FP / (C_FP + C_FN)",
    ),
    "f12": ("F12: Decision threshold", "p* = C_FP / (C_FP + C_FN)", "acceptance.threshold", "Source: Elkan"),
    "monitor.quality_rows": ("F02: Rows to tell", "F08: Rows to show"),
    "test.units": ("test.units (<counted on>)", "at each of <looks> looks"),
    "G4.3": ("G4.3: Load.", "rigor strict and above", "where serving is api"),
    "roc_auc": ("roc_auc: ROC AUC", "higher is better, at most 1", "planned in positives"),
    "miss_cost": ("miss_cost  (number", "What does one miss"),
}


@pytest.mark.parametrize(("name", "words"), EXPLAINED.items(), ids=EXPLAINED)
def test_explain_says_what_a_name_means(name: str, words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers, formulas in any case, gates, metrics and questions, each from its one row."""
    assert cli.run(["explain", name]) == 0
    said = " ".join(capsys.readouterr().out.split())

    assert [word for word in words if " ".join(word.split()) not in said] == []


@pytest.mark.parametrize("name", explanation.names())
def test_everything_in_the_catalogue_can_be_explained(name: str) -> None:
    """No row lacks what its sentence needs."""
    assert name in explanation.explained(name)


def test_a_name_that_is_none_is_met_with_what_may_be_meant(capsys: pytest.CaptureFixture[str]) -> None:
    """A sentence and a remedy, and no result."""
    assert cli.run(["explain", "acceptance.targt"]) == 1
    printed = capsys.readouterr()

    assert printed.out == ""
    assert 'called "acceptance.targt"' in printed.err
    assert "Did you mean acceptance.target" in printed.err
