"""`new --template`: an organisation's own cookiecutter template through the same door."""

import json
import re
import shlex
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cookiecutter.main import cookiecutter
from material import ROOT
from mlscaffold import cli, wizard
from mlscaffold.foreign import variables, writing
from mlscaffold.wizard import prompts
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input

CTRL_C, CTRL_U, DOWN, ENTER = "\x03", "\x15", "\x1b[B", "\r"
FORM: dict[str, Any] = {
    "project_name": "House service",
    "slug": "{{ cookiecutter.project_name | lower | replace(' ', '-') }}",
    "in_a_container": True,
    "ci": ["none", "github", "gitlab"],
    "owners": {"lead": "Ana", "of": "{{ cookiecutter.slug }}"},
    "_version": "{{ left as it is }}",
    "__module": "{{ cookiecutter.slug | replace('-', '_') }}",
    "__prompts__": {
        "project_name": "What is it called?",
        "ci": {"__prompt__": "Where do its tests run?", "github": "GitHub Actions"},
    },
}
PAGE = (
    "{{ cookiecutter.project_name }}|{{ cookiecutter.ci }}|{{ cookiecutter.in_a_container }}|"
    "{{ cookiecutter.owners }}|{{ cookiecutter.__module }}|{{ cookiecutter._version }}"
)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A template with every kind of variable, and no code."""
    return made(tmp_path / "theirs")


def made(folder: Path, form: dict[str, Any] | None = None, **files: str) -> Path:
    """A template of this form; `files` are further ones, by their paths."""
    top = folder / "{{cookiecutter.slug}}"
    top.joinpath("docs").mkdir(parents=True)
    top.joinpath("README.md").write_text(PAGE, "utf-8")
    top.joinpath("docs/{{ cookiecutter.__module }}.md").write_text("a page\n", "utf-8")
    folder.joinpath("cookiecutter.json").write_text(json.dumps(form or FORM), "utf-8")
    for path, text in files.items():
        folder.joinpath(path).parent.mkdir(parents=True, exist_ok=True)
        folder.joinpath(path).write_text(text, "utf-8")
    return folder


def with_hook(folder: Path, text: str, name: str = "post_gen_project") -> Path:
    """The same template with a hook."""
    return made(folder, None, **{f"hooks/{name}.py": text})


def new(template: Path | str, output: Path, *words: str) -> int:
    """`mlscaffold new --template …`, without questions."""
    return cli.run(["new", "--template", str(template), "--output", str(output), "--defaults", *words])


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a folder but git's own."""
    found = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


# ----------------------------------------------------------------------------------------------------- what is written


def test_the_tree_is_the_one_of_plain_cookiecutter(template: Path, tmp_path: Path) -> None:
    """Texts, booleans, choices, dictionaries, private and rendered names, and one first commit."""
    answers = {"project_name": "Leave desk", "ci": "gitlab", "in_a_container": "no", "owners": {"lead": "Bo"}}
    plain = cookiecutter(str(template), no_input=True, extra_context=dict(answers), output_dir=str(tmp_path / "plain"))
    words = [f"--set={key}={text if isinstance(text, str) else ''}" for key, text in answers.items() if key != "owners"]
    owners = json.dumps({"lead": "Bo", "of": "leave-desk"})

    assert new(template, tmp_path / "ours", *words, f"--set=owners={owners}") == 0

    ours = tmp_path / "ours/leave-desk"
    assert tree(ours) == tree(Path(plain))
    assert ours.joinpath("README.md").read_text("utf-8").startswith("Leave desk|gitlab|False|")
    log = subprocess.run(["git", "log", "--format=%s"], cwd=ours, capture_output=True, text=True, check=True).stdout
    assert log == f"Start leave-desk from {template}\n"


@pytest.mark.slow
def test_our_own_template_goes_through_it_as_well(tmp_path: Path) -> None:
    """The largest template at hand: its module, its nested menu, its folders that are copied as they are."""
    plain = cookiecutter(str(ROOT / "templates/ml"), no_input=True, output_dir=str(tmp_path / "plain"))

    assert new(ROOT, tmp_path / "ours", "--set=template=ml", "--accept-hooks", "--no-git") == 0
    assert tree(tmp_path / "ours" / Path(plain).name) == tree(Path(plain))


def test_an_answer_is_a_text_and_never_a_program(template: Path, tmp_path: Path) -> None:
    """What somebody types between braces stands there as typed; only the template's own defaults are rendered."""
    assert new(template, tmp_path / "out", "--set=project_name={{ 7 * 7 }}", "--set=slug=plain") == 0
    assert tmp_path.joinpath("out/plain/README.md").read_text("utf-8").startswith("{{ 7 * 7 }}|")


@pytest.mark.parametrize("folder", ["{{ 7 * 7 }}", "{% raw %}"])
def test_nothing_in_a_path_is_executed(folder: str, template: Path, tmp_path: Path) -> None:
    """A folder named like a template is a folder; where a hook would have to run in it, it is refused."""
    hooked = with_hook(tmp_path / "hooked", "")

    assert new(template, tmp_path / folder) == 0
    assert new(hooked, tmp_path / folder, "--accept-hooks", "--set=slug=other") == 1
    assert [path.name for path in tmp_path.joinpath(folder).iterdir()] == ["house-service"]


def test_a_dry_run_shows_the_files_and_writes_none(
    template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither the folder nor its parent appears."""
    assert new(template, tmp_path / "out", "--dry-run", "Leave desk") == 0

    said = capsys.readouterr().out
    assert "leave-desk/" in said
    assert "leave_desk.md" in said
    assert not tmp_path.joinpath("out").exists()


def test_answers_come_from_a_file_and_from_ones_own_defaults(
    template: Path, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answers file may hold an object; cookiecutter's own user file lies under it."""
    settings = tmp_path / "settings.yaml"
    settings.write_text("default_context:\n  project_name: From the user file\n  ci: github\n", "utf-8")
    monkeypatch.setenv("COOKIECUTTER_CONFIG", str(settings))
    given = tmp_path / "given.yaml"
    given.write_text("slug: given\nin_a_container: off\nowners:\n  lead: Cy\n", "utf-8")

    assert new(template, tmp_path / "out", "--answers", str(given)) == 0
    text = tmp_path.joinpath("out/given/README.md").read_text("utf-8")
    assert text.startswith("From the user file|github|False|{'lead': 'Cy'}")


# ----------------------------------------------------------------------------------------------------- where it lies


def test_a_branch_a_tag_a_zip_file_and_a_folder(tmp_path: Path) -> None:
    """The first version by its tag, the second from the working copy, and an archive of it."""
    template = made(tmp_path / "theirs")
    git = ["git", "-C", str(template)]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "one"], ["tag", "v1"]):
        subprocess.run([*git, *words], check=True)
    template.joinpath("{{cookiecutter.slug}}/README.md").write_text("two", "utf-8")
    archive = tmp_path / "theirs.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in ("", *(path.relative_to(template).as_posix() for path in sorted(template.rglob("*")))):
            if not path.startswith(".git"):
                file.write(template / path, f"theirs/{path}")

    assert new(template, tmp_path / "tag", "--checkout", "v1") == 0
    assert new(template.as_uri(), tmp_path / "address", "--checkout", "v1") == 0
    assert new(template, tmp_path / "folder") == 0
    assert new(archive, tmp_path / "zip") == 0
    texts = {
        name: (tmp_path / name / "house-service/README.md").read_text("utf-8")[:3]
        for name in ("tag", "address", "folder", "zip")
    }
    assert texts == {"tag": "Hou", "address": "Hou", "folder": "two", "zip": "two"}


@pytest.mark.parametrize(
    ("source", "words", "said"),
    [
        ("nowhere", (), r"\"nowhere\" cannot be taken: A valid repository"),
        ("https://me:hunter2@example.org/t.git", (), r"holds a secret"),
        ("theirs", ("--checkout", "v1"), r"is no git repository, so --checkout names nothing"),
    ],
)
def test_no_template_there(
    source: str, words: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """One sentence, without the secret, and nothing written."""
    monkeypatch.chdir(made(tmp_path / "theirs").parent)

    assert new(source, tmp_path / "out", *words) == 1
    err = capsys.readouterr().err
    assert re.search(said, err)
    assert "hunter2" not in err
    assert "Traceback" not in err
    assert not tmp_path.joinpath("out").exists()


NESTED = {"templates": {"a": {"path": "./a", "title": "The first"}, "b": {"path": "./b", "title": "The other"}}}
OLD_NESTED = {"template": ["The first (./a)", "The other (./b)"]}


@pytest.mark.parametrize(("menu", "key"), [(NESTED, "b"), (OLD_NESTED, "./b")], ids=["templates", "template"])
def test_several_templates_at_one_address(
    menu: dict, key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One is named; without a name nothing is chosen silently."""
    top = tmp_path / "several"
    made(top / "a")
    made(top / "b", FORM | {"project_name": "Of the other"})
    top.joinpath("cookiecutter.json").write_text(json.dumps(menu), "utf-8")

    assert new(top, tmp_path / "out") == 2
    assert "several templates" in capsys.readouterr().err
    assert new(top, tmp_path / "out", f"--set=template={key}") == 0
    assert tmp_path.joinpath("out/of-the-other").is_dir()
    assert new(top, tmp_path / "out", "--set=template=c") == 2


def test_a_nested_template_lies_inside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A path that leads out of what was fetched is refused."""
    made(tmp_path / "outside")
    top = tmp_path / "several"
    top.mkdir()
    menu = {"templates": {"a": {"path": "../outside", "title": "Elsewhere"}}}
    top.joinpath("cookiecutter.json").write_text(json.dumps(menu), "utf-8")

    assert new(top, tmp_path / "out", "--set=template=a") == 1
    assert "is no folder of the template" in capsys.readouterr().err


# ----------------------------------------------------------------------------------------------------- code it brings


HOOK = "from pathlib import Path\nPath('hooked.txt').write_text('yes')\n"
MODULE = (
    "from pathlib import Path\nfrom jinja2.ext import Extension\n"
    "Path({marker!r}).write_text('loaded')\n"
    "class Shout(Extension):\n    def __init__(self, environment):\n"
    "        super().__init__(environment)\n        environment.filters['shout'] = str.upper\n"
)


@pytest.mark.parametrize("name", ["pre_prompt", "pre_gen_project", "post_gen_project"])
def test_a_hook_runs_after_a_yes_only(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --accept-hooks it is named, nothing runs and nothing is written; with it, it runs."""
    marker = tmp_path / "ran"
    template = with_hook(tmp_path / "theirs", f"open({str(marker)!r}, 'w').write('x')\n", name)

    assert new(template, tmp_path / "out") == 2
    err = capsys.readouterr().err
    assert f"hooks/{name}.py (1 line)" in err
    assert "--accept-hooks" in err
    assert not marker.exists()
    assert not tmp_path.joinpath("out").exists()
    assert new(template, tmp_path / "out", "--accept-hooks") == 0
    assert marker.exists()


def test_a_module_is_loaded_after_a_yes_only_and_forgotten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not even a dry run loads it; two templates whose modules share a name get each their own."""
    for name, filter in (("one", "str.upper"), ("two", "str.title")):
        template = made(tmp_path / name, FORM | {"_extensions": ["local_words.Shout"]})
        module = MODULE.replace("str.upper", filter).format(marker=str(tmp_path / f"{name}.loaded"))
        template.joinpath("local_words.py").write_text(module, "utf-8")
        template.joinpath("{{cookiecutter.slug}}/README.md").write_text(
            "{{ cookiecutter.project_name | shout }}", "utf-8"
        )

        assert new(template, tmp_path / "dry", "--dry-run") == 2
        assert "module local_words.Shout (local_words.py of the template)" in capsys.readouterr().err
        assert not tmp_path.joinpath(f"{name}.loaded").exists()
        assert new(template, tmp_path / f"out-{name}", "--accept-hooks") == 0
        assert not template.joinpath("__pycache__").exists()

    texts = [tmp_path.joinpath(f"out-{name}/house-service/README.md").read_text("utf-8") for name in ("one", "two")]
    assert texts == ["HOUSE SERVICE", "House Service"]


@pytest.mark.parametrize("name", ["pre_gen_project", "post_gen_project", "pre_prompt"])
def test_a_hook_that_fails_leaves_nothing(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence, exit 1, and no half of a tree."""
    template = with_hook(tmp_path / "theirs", "raise SystemExit(3)\n", name)
    tmp_path.joinpath("out").mkdir()

    assert new(template, tmp_path / "out", "--accept-hooks") == 1
    assert "hook of the template failed" in capsys.readouterr().err
    assert list(tmp_path.joinpath("out").iterdir()) == []


def test_a_hook_that_makes_the_repository_keeps_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its commits are the template's own affair."""
    script = "import subprocess\nsubprocess.run(['git', 'init', '-q'], check=True)\n"

    assert new(with_hook(tmp_path / "theirs", script), tmp_path / "out", "--accept-hooks") == 0
    assert "A hook of the template made a git repository" in capsys.readouterr().out
    log = subprocess.run(["git", "log"], cwd=tmp_path / "out/house-service", capture_output=True, check=False)
    assert log.returncode != 0


# ----------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--set=ci=gitlb"], 1, 'ci is "gitlb", but it must be one of none, github, gitlab; did you mean `gitlab`'),
        (["--set=in_a_container=perhaps"], 1, 'in_a_container is "perhaps", but it is yes or no'),
        (["--set=owners=Ana"], 1, 'owners is "Ana", but it is an object of JSON'),
        (["--set=projct_name=x"], 1, 'no variable called "projct_name".\nDid you mean project_name?'),
        (["--set=slug=../x"], 1, '"../x" leads out of the project'),
        (["--set=slug="], 1, '"" leads out of the project'),
        (["--set=__module=../../x"], 1, "leads out of the project"),
        (["--kind=ml"], 2, "--kind is for mlscaffold's own templates"),
        (["--into=here"], 2, "--into is for mlscaffold's own templates"),
        (["--host-files"], 2, "--host-files is for mlscaffold's own templates"),
    ],
)
def test_what_is_refused(
    words: list[str], code: int, said: str, template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sentence that names the value and the remedy; nothing is written."""
    assert new(template, tmp_path / "out", *words) == code
    assert said in capsys.readouterr().err
    assert not list(tmp_path.rglob("README.md"))[1:]


def test_options_of_a_template_without_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--checkout and --accept-hooks mean nothing for our own."""
    assert cli.run(["new", "--checkout", "v1", "--defaults"]) == 2
    assert "Name it: --template SRC." in capsys.readouterr().err


def test_a_link_out_of_the_template_is_not_followed(
    template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would copy what lies outside."""
    secret = tmp_path / "secret.txt"
    secret.write_text("hunter2", "utf-8")
    template.joinpath("{{cookiecutter.slug}}/linked.txt").symlink_to(secret)

    assert new(template, tmp_path / "out") == 1
    assert '"linked.txt" leads out' in capsys.readouterr().err


@pytest.mark.parametrize("text", ["{% if %}", "{{ cookiecutter.nothing }}", "{{ 1 / 0 }}"])
def test_a_broken_template_leaves_nothing(
    text: str, template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half a tree is none, and the trouble is the template's."""
    template.joinpath("{{cookiecutter.slug}}/zzz.md").write_text(text, "utf-8")
    tmp_path.joinpath("out").mkdir()

    assert new(template, tmp_path / "out") == 1
    err = capsys.readouterr().err
    assert "The template cannot be rendered" in err
    assert "Traceback" not in err
    assert list(tmp_path.joinpath("out").iterdir()) == []


@pytest.mark.parametrize("text", ["{", "[]", '{"a": "{{ cookiecutter.b }}"}'])
def test_a_broken_form(text: str, template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """cookiecutter.json that is no object, or whose defaults cannot be rendered."""
    template.joinpath("cookiecutter.json").write_text(text, "utf-8")

    assert new(template, tmp_path / "out") == 1
    assert "emplate" in (err := capsys.readouterr().err)
    assert "Traceback" not in err


def test_a_folder_that_is_there_is_left_alone(
    template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever it holds."""
    there = tmp_path / "out/house-service"
    there.mkdir(parents=True)
    there.joinpath("mine.txt").write_text("mine", "utf-8")

    assert new(template, tmp_path / "out") == 1
    assert "house-service" in capsys.readouterr().err
    assert tree(there) == {"mine.txt": b"mine"}


# ----------------------------------------------------------------------------------------------------- the conversation


@pytest.fixture
def ask(template: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, str]]:
    """The conversation with these keys typed; a missing one ends it like Ctrl-C."""
    monkeypatch.setattr(prompts, "_more_was_pasted", lambda event: False)
    form = variables.read(template)
    env = writing.environment(form)

    def run(*keys: str, given: dict[str, str] | None = None) -> dict[str, str]:
        def preview(values: dict) -> tuple[str, list[tuple[str, int]]]:
            return writing.name_of(form, env, values), writing.preview(form, env, values)

        with create_pipe_input() as pipe, create_app_session(input=pipe):
            pipe.send_text("".join(keys) + CTRL_C)
            return wizard.ask_template(form, env, given or {}, preview)  # type: ignore[arg-type]

    return run


def test_each_kind_of_variable_is_asked(ask: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    """In the template's own words, with what follows from the answers before; Enter takes what stands there."""
    found = ask(CTRL_U + "Leave desk" + ENTER, ENTER, DOWN + ENTER, DOWN + ENTER, ENTER, ENTER)

    assert found == {
        "project_name": "Leave desk", "slug": "leave-desk", "in_a_container": "no", "ci": "github",
        "owners": '{"lead": "Ana", "of": "leave-desk"}',
    }  # fmt: skip
    said = capsys.readouterr().err
    for part in ("asks 5 questions", "1 of 5", "What is it called?", "GitHub Actions", "README.md", "owners = {"):
        assert part in said


def test_back_unknown_and_a_value_that_is_none(ask: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    """`<` goes back, also past the first; `?` takes the default; what is no value is said, and asked again."""
    found = ask("<" + ENTER, CTRL_U + "One" + ENTER, "<" + ENTER, CTRL_U + "Two" + ENTER, "?" + ENTER, "?", "?",
                CTRL_U + "no object" + ENTER, "?" + ENTER, ENTER)  # fmt: skip

    assert found["project_name"] == "Two"
    assert found["slug"] == "two"
    said = capsys.readouterr().err
    assert "nothing before it" in said
    assert "an object of JSON" in said


def test_an_answer_is_changed_at_the_end(ask: Callable) -> None:
    """From the table of all answers; a name that leads out is said there, and has to be another."""
    found = ask(ENTER, ENTER, ENTER, ENTER, ENTER, DOWN + ENTER, "slug" + ENTER, CTRL_U + "other" + ENTER, ENTER)
    escaped = ask(ENTER, CTRL_U + "../x" + ENTER, ENTER, ENTER, ENTER, "slug" + ENTER, CTRL_U + "x" + ENTER, ENTER)

    assert found["slug"] == "other"
    assert escaped["slug"] == "x"


def test_what_was_given_is_not_asked(ask: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    """Only the files are left to agree to."""
    given = {"project_name": "A", "slug": "a", "in_a_container": "yes", "ci": "none", "owners": "{}"}

    assert ask(ENTER, given=given) == given
    assert "asks 0 questions" in capsys.readouterr().err


def test_an_interrupt_keeps_the_answers_and_says_how_to_go_on(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The printed command, typed as it stands, finishes with them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "_refuse_without_terminal", lambda: None)

    def interrupted(*_: object) -> dict[str, str]:
        raise wizard.Interrupted({"project_name": "Leave desk"})

    monkeypatch.setattr(wizard, "ask_template", interrupted)
    assert cli.run(["new", "--template", str(template), "--output", str(tmp_path / "out")]) == 130
    words = shlex.split(capsys.readouterr().err.split("go on with:\n")[1])
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert cli.run([*words[words.index("new") :], "--defaults"]) == 0
    assert tmp_path.joinpath("out/leave-desk/README.md").read_text("utf-8").startswith("Leave desk|")


def test_a_template_that_is_gone_afterwards(template: Path, tmp_path: Path) -> None:
    """The repository needs nothing of where it came from."""
    assert new(template, tmp_path / "out") == 0
    shutil.rmtree(template)
    status = subprocess.run(
        ["git", "status", "--short"], cwd=tmp_path / "out/house-service", capture_output=True, check=True
    )
    assert status.stdout == b""
