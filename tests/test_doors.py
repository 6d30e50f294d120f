"""Two doors, one room: `mlscaffold new` and plain cookiecutter give the same bytes for the same answers."""

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest
from cookiecutter.exceptions import FailedHookException
from cookiecutter.main import cookiecutter
from material import ROOT, sample_answers
from mlscaffold import questions, templates, update, vcs
from test_render import contents


def through_the_door(name: str) -> dict[str, str]:
    """A sample's complete answers the way plain cookiecutter takes them: prompted keys bare, the others with `_`.

    Plain cookiecutter renders prompted answers as Jinja (the README says so), so texts with braces are quoted for it.
    """
    return as_typed(sample_answers(name).raw)


def as_typed(texts: Mapping[str, str]) -> dict[str, str]:
    """Complete answers as plain cookiecutter's keys."""
    bare = {key for key, question in questions.load().items() if question.plain}
    return {
        key if key in bare else f"_{key}": jinja_literal(text) if key in bare else text for key, text in texts.items()
    }


def jinja_literal(text: str) -> str:
    """A text that Jinja renders to itself."""
    return f"{{{{ {json.dumps(text)} }}}}" if "{" in text else text


def same(plain: Path, ours: Path, besides: tuple[str, ...] = ()) -> None:
    """Both trees are the same bytes, apart from the record that only our own command keeps."""
    expected = {path: content for path, content in contents(ours).items() if not path.startswith(".mlscaffold/")}
    actual = {path: content for path, content in contents(plain).items() if path not in besides}
    assert sorted(actual) == sorted(expected)
    assert [path for path in actual if actual[path] != expected[path]] == []


def test_both_doors_give_the_same_bytes(sample: str, rendered: Callable[[str], Path], tmp_path: Path) -> None:
    """Every sample, computed numbers included."""
    plain = cookiecutter(
        str(ROOT),
        directory=f"templates/{sample_answers(sample).kind}",
        no_input=True,
        extra_context=through_the_door(sample),
        output_dir=str(tmp_path),
    )

    same(Path(plain), rendered(sample))


def command(*arguments: str, cwd: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """A command as a person types it, without our package on its path."""
    surroundings = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-I", *arguments],
        cwd=cwd,
        input=stdin,
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_line_with_a_folder(rendered: Callable[[str], Path], tmp_path: Path) -> None:
    """`cookiecutter <repo> --directory templates/ml key=value …`, in a process of its own."""
    pairs = [f"{key}={value}" for key, value in through_the_door("ml-alert").items()]
    done = command("-m", "cookiecutter", str(ROOT), "--directory", "templates/ml", "--no-input", *pairs, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    same(tmp_path / "card-watch", rendered("ml-alert"))


def test_the_menu_leads_to_both_templates(rendered: Callable[[str], Path], tmp_path: Path) -> None:
    """`cookiecutter <repo>` offers the two templates; the second is software, and its prompts take their defaults."""
    done = command("-m", "cookiecutter", str(ROOT), "_start_date=2026-03-02", cwd=tmp_path, stdin="2\n" + "\n" * 20)

    assert done.returncode == 0, done.stderr + done.stdout
    assert "Machine learning" in done.stdout
    same(tmp_path / "my-project", rendered("sw-default"))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("project_slug=../../x", "project_slug"),
        ("project_slug=/abs/x", "project_slug"),
        ("positive_share=1.5", "it must be less than 1"),
        ("_rigor=rigid", "it must be one of standard, light, strict"),
        ("_kind=software", "this template is for the other kind"),
        ("metric=mae", "with task binary"),
        ("past_cases=many", "whole number"),
        ("target_value=1.2", 'target_value is "1.2", but with metric recall it is always between 0 and 1.'),
        ("current_value=-3", 'current_value is "-3", but it must be at least 0.'),
    ],
)
def test_a_bad_answer_is_refused_before_anything_is_written(tmp_path: Path, answer: str, told: str) -> None:
    """Cookiecutter's own one-line error with exit 1, the key named, no traceback, an empty folder."""
    done = command("-m", "cookiecutter", str(ROOT), "--directory", "templates/ml", "--no-input", answer, cwd=tmp_path)

    assert done.returncode == 1
    assert told in done.stdout  # where cookiecutter prints its errors
    assert "Traceback" not in done.stdout + done.stderr
    assert not list(tmp_path.iterdir())


def test_the_room_is_checked_where_it_is_called(tmp_path: Path) -> None:
    """The same refusal inside a process: the exception cookiecutter turns into its one line."""
    with pytest.raises(FailedHookException, match="latency_ms"):
        cookiecutter(
            str(ROOT),
            directory="templates/ml",
            no_input=True,
            extra_context={"_serving": "api", "_latency_ms": "soon"},
            output_dir=str(tmp_path),
        )


# --------------------------------------------------------------------------------------------------- over the network


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """This repository as `org/template.git`, served by git's plain HTTP protocol on loopback; the host's address."""
    folder = tmp_path_factory.mktemp("host")
    work = folder / "work"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            work.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, work / name)
    identity = ["-c", "user.name=Ana", "-c", "user.email=ana@example.org", "-c", "commit.gpgsign=false"]
    bare = folder / "org" / "template.git"
    for step in (
        ["git", "init", "-q", "-b", "main", str(work)],
        ["git", "-C", str(work), "add", "--all", "--force"],
        ["git", *identity, "-C", str(work), "commit", "-q", "-m", "template"],
        ["git", "clone", "-q", "--bare", str(work), str(bare)],
        ["git", "-C", str(bare), "update-server-info"],
    ):
        subprocess.run(step, check=True, capture_output=True)
    handler = partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A file server that does not talk."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_cookiecutter_gh_org_template(host: str, home: Path, rendered: Callable[[str], Path], tmp_path: Path) -> None:
    """`cookiecutter gh:org/template`: the abbreviation leads to a git URL, the clone carries the planning engine."""
    home.joinpath(".cookiecutterrc").write_text(f'abbreviations:\n  gh: "{host}/{{0}}.git"\n')
    pairs = [f"{key}={value}" for key, value in through_the_door("ml-forecast").items()]
    done = command(
        "-m", "cookiecutter", "gh:org/template", "--directory", "templates/ml", "--no-input", *pairs, cwd=tmp_path
    )

    assert done.returncode == 0, done.stderr
    same(tmp_path / "bakery-demand", rendered("ml-forecast"))


@pytest.mark.slow
def test_a_git_address(host: str, rendered: Callable[[str], Path], tmp_path: Path) -> None:
    """`cookiecutter https://…/template.git`, which takes the menu's first entry without input."""
    done = command(
        "-m", "cookiecutter", f"{host}/org/template.git", "--no-input", "_start_date=2026-03-02", cwd=tmp_path
    )

    assert done.returncode == 0, done.stderr
    plain = {
        path: content for path, content in contents(tmp_path / "my-project").items() if path != "plan/project.yaml"
    }
    assert set(plain) <= set(contents(rendered("ml-default")))


@pytest.mark.slow
def test_cruft_create(host: str, rendered: Callable[[str], Path], tmp_path: Path) -> None:
    """`cruft create --directory` writes the same tree; adopted, it keeps the answers that `cruft update` would lose."""
    context = json.dumps(through_the_door("sw-web-app"))
    done = command(
        "-m", "cruft", "create", f"{host}/org/template.git", "--directory", "templates/software", "--no-input",
        "--extra-context", context, "--output-dir", str(tmp_path), cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr + done.stdout
    folder = tmp_path / "leave-requests"
    same(folder, rendered("sw-web-app"), besides=(".cruft.json",))
    remembered = json.loads(folder.joinpath(".cruft.json").read_text("utf-8"))["context"]["cookiecutter"]
    folder.joinpath(".cruft.json").unlink()
    vcs.create(folder, "Start")
    adopted = update.adopt(folder)
    vcs.create(folder, "Record the base")

    assert adopted.edited == ()
    assert update.replan(folder, {}, dry_run=True).changed == ()
    assert update.recorded(folder) == sample_answers("sw-web-app").raw
    assert remembered["project_name"] == sample_answers("sw-web-app").project_name


def test_an_installed_wheel_is_a_template_too(
    wheel_root: Path, rendered: Callable[[str], Path], tmp_path: Path
) -> None:
    """The archive inside the installed package is itself a valid cookiecutter template."""
    pairs = [f"{key}={value}" for key, value in through_the_door("sw-library").items()]
    template = wheel_root / "mlscaffold" / templates.ARCHIVE
    code = f"import sys; sys.path.insert(0, {str(wheel_root)!r}); from cookiecutter.__main__ import main; main()"
    done = command("-c", code, str(template), "--directory", "templates/software", "--no-input", *pairs, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    same(tmp_path / "postal-codes", rendered("sw-library"))
