"""`mlscaffold demo`: the story is true, the screen says what it does, and nothing is left of it.

The story runs in this project's own environment, which has what the example needs (`--python`); one slow test makes
the real one, in an empty home.
"""

import html
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from cookiecutter.main import cookiecutter
from material import ROOT
from mlscaffold import answers, cli, demo, render
from mlscaffold.demo import environment, ml, parcels
from mlscaffold.demo.environment import Extent, Needs
from mlscaffold.demo.project import DRIVER
from mlscaffold.demo.telling import Telling
from mlscaffold.errors import DemoEnvironment, DemoPython
from rendered_repository import run
from test_doors import as_typed, same

PROGRAM = "import sys; from mlscaffold.cli import main; main(sys.argv[1:])"
HERE = ["--python", sys.executable]
CLOCK = re.compile(r"^ *\d+:\d\d ")  # a line of the story
TURNS = ["REFUSED", "KEPT", "DROPPED", "PASS", "DRIFT", "ALARM", "REFUSED"]  # of the model's story


@pytest.fixture
def places(home: Path, tmp_path: Path) -> dict[str, Path]:
    """Where a demo could leave something: an empty home, a folder for temporary files, and the current folder."""
    found = {"home": home, "tmp": tmp_path / "tmp", "cwd": tmp_path / "cwd"}
    for name in ("tmp", "cwd"):
        found[name].mkdir()
    return found


def everything_in(places: Mapping[str, Path]) -> list[str]:
    """All that lies there, by name."""
    return sorted(f"{name}/{path.relative_to(root)}" for name, root in places.items() for path in root.rglob("*"))


def surroundings(places: Mapping[str, Path], **more: str) -> dict[str, str]:
    """This process's own, with the places in them, as a coding agent has them: the story puts nobody's name to it."""
    return os.environ | {"TMPDIR": str(places["tmp"]), "NO_COLOR": "1", "PLANRUN_AGENT": "helper"} | more


def told(
    places: Mapping[str, Path], *words: str, program: str = PROGRAM, timeout: float = 900, **more: str
) -> subprocess.CompletedProcess[str]:
    """`mlscaffold demo`, to its end, where no terminal is."""
    return subprocess.run(
        [sys.executable, "-c", program, "demo", *words],
        cwd=places["cwd"], env=surroundings(places, **more), stdin=subprocess.DEVNULL, timeout=timeout,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout


def steps_of(screen: str) -> list[tuple[str, str]]:
    """Each command of the screen with what was said of it."""
    lines = screen.splitlines()
    found: list[tuple[str, str]] = []
    for line in lines:
        if step := re.match(r"^ *\d+:\d\d (.{14}) (.*)", line):
            found.append((step[1].strip(), step[2]))
        elif found and line.startswith(" " * 21):
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}")
    return found


# ------------------------------------------------------------------------------------------------------ the stories


@pytest.mark.slow
def test_a_model_lives_from_the_audit_to_the_rollback(places: dict[str, Path]) -> None:
    """Every turn of the story, in order; six lines at the end; kept where it was asked, and nothing anywhere else."""
    before = everything_in(places)
    done = told(places, *HERE, "--kind", "ml", "--keep", "kept")
    assert done.returncode == 0, done.stdout + done.stderr
    steps = steps_of(done.stdout)
    left = [path for path in everything_in(places) if not path.startswith("cwd/kept")]

    assert [name for name, _ in steps] == [
        "new", "audit", "experiment", "confirm --all", "baseline", "experiment", "experiment", "sign G3", "accept",
        "promote", "rollback", "serve", "monitor", "status", "monitor", "monitor", "retrain", "retrain", "promote",
        "rollback",
    ]  # fmt: skip
    assert [turn for _, text in steps if (turn := text.partition(" ")[0]).isupper()] == TURNS
    results = re.findall(r"^(rows|gain|threshold|drift|retraining|rollback) +\S", done.stdout, re.MULTILINE)
    assert results == ["rows", "gain", "threshold", "drift", "retraining", "rollback"]
    assert done.stderr == ""
    assert left == before
    the_kept_repository_agrees(places["cwd"] / "kept", dict(reversed(steps)))


def the_kept_repository_agrees(kept: Path, first: Mapping[str, str]) -> None:
    """Its own evidence holds what the screen said; nobody in particular signed; git has its history."""
    assert set(git(kept, "log", "--format=%an <%ae>").splitlines()) == {"nobody (demo) <nobody@example.org>"}
    assert git(kept, "status", "--porcelain") == ""
    gain = yaml.safe_load(kept.joinpath("evidence/acceptance.json").read_text("utf-8"))["gain"]
    assert f"{gain['value']:.2f} ({gain['low']:.2f} to {gain['high']:.2f})" in first["accept"]
    book = yaml.safe_load(kept.joinpath("registry/models.json").read_text("utf-8"))
    assert book["aliases"]["champion"] == "1.0.0"


def test_software_lives_from_its_requirements_to_a_drill(places: dict[str, Path]) -> None:
    """An echo is no capability; a requirement without a test turns a gate red and is mended; drills; nothing left."""
    before = everything_in(places)
    done = told(places, *HERE, "--kind", "software")
    assert done.returncode == 0, done.stdout + done.stderr
    steps = steps_of(done.stdout)

    assert [name for name, _ in steps] == [
        "new", "status", "confirm --all", "accept", "accept", "accept", "load", "run", "budget", "restore-drill",
        "rollback-drill", "status",
    ]  # fmt: skip
    accepted = [text for name, text in steps if name == "accept"]
    assert [text.partition(" ")[0] for text in accepted] == ["SHUT", "FAIL", "PASS"]
    assert "no test carries its id; gate T3.1 turns red" in accepted[1]
    results = re.findall(r"^(requirements|objective|load|restore|rollback|gates) +\S", done.stdout, re.MULTILINE)
    assert results == ["requirements", "objective", "load", "restore", "rollback", "gates"]
    assert done.stderr == ""
    assert everything_in(places) == before


# ------------------------------------------------------------------------------------------------ when it goes wrong


def test_a_step_that_fails_ends_the_story_in_one_sentence(places: dict[str, Path]) -> None:
    """Too few rows to decide on, planted: exit 1, the command and its reason, and no file or process is left."""
    before = everything_in(places)
    done = told(places, *HERE, program="from mlscaffold.demo import ml; ml.HELD = 40; " + PROGRAM)

    assert done.returncode == 1, done.stdout + done.stderr
    sentence, hint = done.stderr.splitlines()
    assert re.match(r"The demo stopped: `(audit|baseline|experiment.*)` ended with exit code [123]: .+", sentence)
    assert hint.startswith("Nothing was left behind.")
    assert everything_in(places) == before
    assert processes_in(places["tmp"]) == []


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="asks /proc which processes are left")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_an_interrupt_ends_everything(places: dict[str, Path], number: int, code: int) -> None:
    """Ctrl-C in the middle of a command, or a closed terminal: its processes end, its folder goes, exit 130 or 129."""
    before = everything_in(places)
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "demo", *HERE], cwd=places["cwd"], env=surroundings(places),
        start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        while "Before any experiment" not in process.stdout.readline():
            assert process.poll() is None
        until = time.monotonic() + 60
        while not processes_in(places["tmp"]) and time.monotonic() < until:
            time.sleep(0.05)
        assert processes_in(places["tmp"]), "the audit is on its way"
        os.kill(process.pid, number)
        _, said = process.communicate(timeout=60)

    assert process.returncode == code, said
    assert "Traceback" not in said
    assert everything_in(places) == before
    assert processes_in(places["tmp"]) == []


def processes_in(folder: Path) -> list[str]:
    """The processes that work below a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            where = process.joinpath("cwd").readlink()
        except OSError:
            continue  # it ended, or is not ours to ask
        if where.is_relative_to(folder):
            found.append(process.name)
    return found


@pytest.mark.parametrize(
    ("keep", "why"),
    [
        (".", "it is not empty (mine.txt)"),
        ("mine.txt", "it is there, and no folder"),
        ("not/there", "there is no folder"),
    ],
)
def test_where_it_cannot_be_kept_is_said_first(
    keep: str, why: str, in_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--keep` is looked at before anything runs, and what is there stays."""
    in_folder.joinpath("mine.txt").write_text("mine")
    code = cli.run(["demo", *HERE, "--keep", keep])
    printed = capsys.readouterr()

    assert code == 1
    assert printed.out == ""
    assert why in printed.err.splitlines()[0]
    assert printed.err.splitlines()[1].endswith("--keep DIR.")
    assert [path.name for path in in_folder.iterdir()] == ["mine.txt"]


def test_without_git_it_says_so(
    in_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The remedy is one that the demo has."""
    monkeypatch.setenv("PATH", str(in_folder))

    assert cli.run(["demo", *HERE]) == 1
    said = "git was not found, and the example's history is kept with it.\nInstall git.\n"
    assert capsys.readouterr() == ("", said)


# ------------------------------------------------------------------------------------------------------- its driver

EXAMPLE = """\
import os, sys, time
def main(words):
    if words[0] == "waits":
        print(os.getpid(), flush=True)
        time.sleep(60)
    if words[0] == "breaks":
        raise RuntimeError("a bug")
    print("on paper", words)
    print("and aloud", file=sys.stderr)
    if words[0] == "leaves":
        sys.exit(2)
    return 1
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("forks", [True, False], ids=["forks", "plain processes"])
def test_the_driver_runs_commands_as_a_shell_would(forks: bool, tmp_path: Path) -> None:
    """Exit codes, everything that was said, a traceback for a bug, and what was started is stopped."""
    package = tmp_path / "src" / "example"
    package.mkdir(parents=True)
    package.joinpath("__init__.py").write_text("")
    package.joinpath("__main__.py").write_text(EXAMPLE)
    program = (
        f"import sys; sys.path.insert(0, {str(DRIVER.parent)!r}); import driver; driver.FORKS &= {forks}\n"
        "driver.serve('example', ['example'])"
    )
    orders = [{"run": ["ends"]}, {"run": ["leaves"]}, {"run": ["breaks"]}, {"start": ["waits"]}]
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=tmp_path, env=os.environ | {"PYTHONPATH": "src"}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(order: Mapping[str, Any]) -> dict[str, Any]:
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            return dict(json.loads(process.stdout.readline()))

        assert json.loads(process.stdout.readline())["ready"]
        ended, left, broke, started = map(ask, orders)
        alive = ask({"alive": started["pid"]})["alive"]
        stopped = ask({"stop": started["pid"]})
        process.stdin.close()
        assert process.wait(30) == 0

    assert (ended["code"], left["code"], broke["code"]) == (1, 2, 1)
    assert ended["printed"] == "on paper ['ends']\n"  # what a program reads, JSON for one, is free of warnings
    assert ended["said"] == "on paper ['ends']\nand aloud\n"
    assert "RuntimeError: a bug" in broke["said"]
    assert alive
    assert stopped["code"] != 0


# ------------------------------------------------------------------------------------------------- its environment


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Needs:
    """An example that needs one tiny package, from a file; and an empty cache folder."""
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Needs((f"tiny @ {wheel.as_uri()}",), Extent((), 1, 2))


def lines() -> tuple[Telling, list[str]]:
    """A telling, and what it writes."""
    written: list[str] = []
    return Telling(written.append, live=False, colour=False, width=200), written


def test_the_environment_is_named_then_made_once(tiny: Needs, home: Path) -> None:
    """Where, how large and why stand on the screen first; the second time it is there, and nothing is said.

    What a killed installation has left is swept, and an interpreter that leads nowhere, as after an upgrade of the
    system's Python, is no environment. The installers leave nothing in the home: pip asks `rustc` for its version, and
    where that is rustup's, a folder would appear there.
    """
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    killed = tiny.folder.with_name(f".{tiny.folder.name}-{ended.pid}.part")
    killed.joinpath("bin").mkdir(parents=True)
    interpreter = environment._interpreter(tiny.folder)
    interpreter.parent.mkdir(parents=True)
    interpreter.symlink_to(tiny.folder / "gone")
    telling, written = lines()
    python = environment.python(tiny, telling, None)
    said = " ".join("".join(written).split())
    again, silent = lines()

    assert subprocess.run([python, "-c", "import tiny"], check=True).returncode == 0
    assert f"into {tiny.folder}, once" in said.partition("install ")[0]
    assert "1 packages (tiny …), about 2 MB on disk" in said.partition("install ")[0]
    assert "install done in" in said
    assert environment.python(tiny, again, None) == python
    assert silent == []
    assert [path.name for path in home.iterdir()] == [".gitconfig"]
    assert [path.name for path in tiny.folder.parent.iterdir()] == [tiny.folder.name]


def test_an_interrupted_installation_counts_for_nothing(tiny: Needs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while packages are installed leaves nothing, and the next demo starts anew."""

    def interrupted(command: Sequence[str], _: Mapping[str, str]) -> None:
        Path(command[-1]).joinpath("bin").mkdir(parents=True)
        Path(command[-1]).joinpath("bin/python").write_text("half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        environment.python(tiny, lines()[0], None)

    assert not tiny.folder.parent.exists()


def test_an_index_that_cannot_be_reached_is_one_sentence(tiny: Needs, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the folder and what the installer complained about; the cache is as it was."""
    for name, value in {"PIP_INDEX_URL": "http://127.0.0.1:9/", "UV_INDEX_URL": "http://127.0.0.1:9/"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PIP_RETRIES", "0")
    unreachable = Needs(("no-such-package-anywhere",), tiny.extent)
    with pytest.raises(DemoEnvironment) as refusal:
        environment.python(unreachable, lines()[0], None)

    assert "could not be installed" in str(refusal.value)
    assert "no-such-package-anywhere" in str(refusal.value)
    assert not tiny.folder.parent.exists()


def test_a_python_that_lacks_something_is_refused(tiny: Needs, tmp_path: Path) -> None:
    """The packages that it lacks are named; a file that is none is told as such."""
    with pytest.raises(DemoPython, match="it has no tiny"):
        environment.python(tiny, lines()[0], Path(sys.executable))
    with pytest.raises(DemoPython, match="it cannot be started"):
        environment.python(tiny, lines()[0], tmp_path / "python")


def test_a_python_is_named_from_here(tiny: Needs, in_folder: Path) -> None:
    """A relative path, or a name that the shell would find, is found again from the scratch folder."""
    nothing = Needs((), tiny.extent)
    relative = Path(os.path.relpath(sys.executable, in_folder))

    assert environment.python(nothing, lines()[0], relative).is_absolute()
    assert environment.python(nothing, lines()[0], Path("python3")).is_absolute()


@pytest.mark.slow
@pytest.mark.parametrize("kind", demo.STORIES)
def test_the_real_environment_in_an_empty_home(kind: str, places: dict[str, Path]) -> None:
    """Installed from the package index, as large as the screen says, and all that is left; the next run uses it."""
    for folder in list(places["home"].iterdir()):
        folder.unlink()
    first = told(places, "--kind", kind, PATH=path_without_uv())
    assert first.returncode == 0, first.stdout + first.stderr
    left = {"/".join(path.split("/")[:4]) for path in everything_in(places)}
    (folder,) = places["home"].glob(".cache/mlscaffold/demo-*")
    megabytes = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
    packages = len(list(folder.glob("lib/python*/site-packages/*.dist-info"))) - 1  # pip is not the example's
    extent = demo.STORIES[kind].NEEDS
    second = told(places, "--kind", kind, PATH=path_without_uv())

    assert str(folder) in " ".join(first.stdout.split())
    assert left == {"home/.cache", "home/.cache/mlscaffold", f"home/.cache/mlscaffold/{folder.name}"}
    assert megabytes == pytest.approx(extent.megabytes, rel=0.15)
    assert packages == pytest.approx(extent.packages, abs=3)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "install" not in dict(steps_of(second.stdout))


def path_without_uv() -> str:
    """The path without the folders that hold uv, so that Python's own tools install."""
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if not Path(folder, "uv").exists())


# ------------------------------------------------------------------------------------------------------ its screen


def test_lines_appear_with_a_moving_clock() -> None:
    """On a terminal the running line is rewritten while its command works, and replaced when it has ended."""
    written: list[str] = []
    telling = Telling(written.append, live=True, colour=True, width=60)
    with telling.step("audit") as step:
        time.sleep(0.5)
        step.says("PASS and a text that is too long for one line of sixty letters", "good")

    ticks = [text for text in written if text.startswith("\r") and "audit …" in re.sub(r"\x1b\[\d+m", "", text)]
    assert len(ticks) >= 2
    final = re.sub(r"\x1b\[\d+m", "", "".join(written).rpartition("\r")[2])
    assert final.splitlines() == [
        " 0:00 audit          PASS and a text that is too long for",
        "                     one line of sixty letters",
    ]


def test_a_path_is_never_cut() -> None:
    """Neither at its hyphens nor for its length: whoever is told a folder copies it from there."""
    written: list[str] = []
    telling = Telling(written.append, live=False, colour=False, width=80)
    folder = "/home/somebody/.cache/with-a-name/that-is-longer/than-any-line-of-a-terminal/of-eighty/columns/demo-f361"
    telling.note(f"It is kept in {folder} for the next time.")
    telling.closes([("Where", folder)])
    with telling.step("install") as step:
        step.says(f"into {folder}")

    assert "".join(written).count(folder) == 3


def test_without_a_terminal_the_same_lines_are_plain() -> None:
    """No escape, no carriage return."""
    telling, written = lines()
    telling.opens(["A title", "A sentence."])
    with telling.step("audit") as step:
        step.says("PASS it is", "good")

    assert "".join(written) == "A title\nA sentence.\n\n 0:00 audit          PASS it is\n"


def test_what_is_installed_is_not_the_storys_time() -> None:
    """The clock of the story starts after the installation."""
    telling, _ = lines()
    with telling.step("install", counted=False):
        time.sleep(0.3)

    assert telling.seconds() < 0.2


# ------------------------------------------------------------------------------------------------------ its answers


@pytest.mark.parametrize("kind", demo.STORIES)
def test_the_answers_are_whole(kind: str) -> None:
    """A file for any door: every key is a question's and is used, and the kind is the story's."""
    given = answers.read(Path(demo.__file__).with_name(f"{kind}.yaml"))
    complete = answers.complete(given)

    assert complete.raw["kind"] == kind
    assert answers.unused(given, complete) == []


@pytest.mark.parametrize("kind", demo.STORIES)
def test_the_answers_work_at_both_doors(kind: str, tmp_path: Path) -> None:
    """Plain cookiecutter gives the same tree for them."""
    complete = answers.complete(answers.read(Path(demo.__file__).with_name(f"{kind}.yaml")))
    for name in ("plain", "ours"):
        tmp_path.joinpath(name).mkdir()
    plain = cookiecutter(
        str(ROOT), directory=f"templates/{kind}", no_input=True, extra_context=as_typed(complete.raw),
        output_dir=str(tmp_path / "plain"),
    )  # fmt: skip

    same(Path(plain), render.render(complete, tmp_path / "ours"), ())


def test_the_answers_fit_the_data() -> None:
    """What the file claims of the parcels is so: rows, share, inputs, columns; and they come out the same each time."""
    given = answers.read(Path(demo.__file__).with_name("ml.yaml"))
    rows = parcels.made(ml.HELD, seed=1)
    late = sum(row[parcels.TARGET] == "yes" for row in rows) / len(rows)
    inputs = set(rows[0]) - {parcels.KEY, parcels.TARGET}

    assert len(rows) == int(given["past_cases"]) == int(given["labelled_cases"])
    assert late == pytest.approx(float(given["positive_share"]), abs=0.02)
    assert len(inputs) == int(given["input_columns"])
    assert (given["target_column"], given["id_column"]) == (parcels.TARGET, parcels.KEY)
    assert rows == parcels.made(ml.HELD, seed=1)


def test_the_command_says_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    """A kind that there is not is refused; the help names the three options."""
    assert cli.run(["demo", "--kind", "art"]) == 2
    assert cli.run(["demo", "--help"]) == 0
    helped: Any = capsys.readouterr()
    assert all(option in helped.out for option in ("--kind", "--keep", "--python"))


# ------------------------------------------------------------------------------------------------------ its picture


def test_the_picture_shows_the_story_and_fetches_nothing() -> None:
    """docs/demo.svg: the commands and turns of today's story, light, and without a remote address."""
    picture = ROOT.joinpath("docs/demo.svg").read_text("utf-8")
    words = html.unescape(re.sub(r"<[^>]+>", " ", picture)).replace("\N{NO-BREAK SPACE}", " ").split()

    assert len(picture) < 150_000
    assert set(re.findall(r"(?:https?:)?//[^\"'\s)]+", picture)) == {"http://www.w3.org/2000/svg"}
    assert [word for word in words if word in set(TURNS)] == TURNS
    assert [word for word in words if word in {"audit", "baseline", "accept", "promote", "serve"}] == [
        "audit", "audit", "baseline", "accept", "promote", "serve", "promote",
    ]  # fmt: skip  # the first stands in the title


@pytest.mark.slow
@pytest.mark.parametrize("repository", ["ml-default", "sw-default"], indirect=True)
def test_a_rendered_repository_shows_the_same_story(repository: Path, places: dict[str, Path]) -> None:
    """`planrun demo` tells it of the example that its engine carries, and leaves nothing: not here, not elsewhere."""
    everywhere = {"repository": repository, **places}
    before = everything_in(everywhere)
    kind = "ml" if (repository / "data").is_dir() else "software"
    done = run(repository, "demo", TMPDIR=str(places["tmp"]), NO_COLOR="1", HOME=str(places["home"]))
    shown = told(places, "--kind", kind, *HERE)

    assert done.returncode == 0, done.stdout + done.stderr
    assert [line[6:21] for line in done.stdout.splitlines() if CLOCK.match(line)] == [
        line[6:21] for line in shown.stdout.splitlines() if CLOCK.match(line)
    ]
    assert "Nothing is left of it" in done.stdout
    assert everything_in(everywhere) == before


@pytest.mark.parametrize("repository", ["sw-default"], indirect=True)
def test_a_rendered_repositorys_demo_says_where_it_cannot_keep_its_example(repository: Path, tmp_path: Path) -> None:
    """A folder that holds something is refused before anything runs."""
    tmp_path.joinpath("full").mkdir()
    tmp_path.joinpath("full", "thesis.txt").write_text("years of work")
    done = run(repository, "demo", "--keep", str(tmp_path / "full"))

    assert done.returncode == 1
    assert "is not empty (thesis.txt)" in done.stderr
    assert "Traceback" not in done.stderr
