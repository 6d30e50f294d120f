"""`--data FILE` from the command line to the first audit, and secrets that are refused at every door."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import data_files
import pytest
from data_files import complaints, text, write
from material import ROOT
from mlscaffold import answers, cli, interview, looking, questions, yamltext
from mlscaffold.errors import SecretGiven
from mlscaffold.planning.number import entries


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """A command's exit code, standard output and standard error."""
    code = cli.run(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def audit(folder: Path) -> tuple[int, str]:
    """`make audit` of a rendered repository, by the command behind it."""
    surroundings = os.environ | {"PYTHONPATH": f"src{os.pathsep}engine", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "planrun", "audit"]
    done = subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def german() -> bytes:
    """As a spreadsheet of another country writes it: semicolons, decimal commas, days first, ja and nein."""
    table = complaints(1200, "%d.%m.%Y %H:%M", "ja", "nein")
    for row in table:
        row[3] = row[3].replace(".", ",")
    return text(table, ";").encode("utf-16")


# ------------------------------------------------------------------------------------------- from a file to the audit


def test_a_file_alone_is_enough_for_the_first_audit(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`new --data` renders, brings the file along in a form the repository reads, and `make audit` says go."""
    write(in_folder / "cases.csv", german())
    code, out, err = run("new", "shop", "--kind", "ml", "--data", "cases.csv", "--defaults", capsys=capsys)

    assert code == 0, err
    assert "cases.csv shows (1,200 rows, 6 columns; CSV with semicolons, decimal commas, UTF-16):" in err
    assert "A copy of cases.csv is in shop/data/raw/cases.csv, which git ignores." in out
    folder = in_folder / "shop"
    status = subprocess.run(["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True, check=True)
    assert status.stdout == ""
    code, told = audit(folder)
    assert code == 0, told
    assert "Audited 1,200 rows × 6 columns." in told
    assert "Splits (time)" in told
    assert "Recommendation: go." in told


@pytest.mark.slow
def test_a_database_alone_is_enough_as_well(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """SQLite: the query is part of the answers."""
    data_files.database(in_folder / "shop.db", cases=complaints(1200), notes=[["a"], ["1"]])
    query = "SELECT * FROM cases WHERE region <> 'north'"
    flags = ("--set", f"data_query={query}", "--set", "project_name=Shop rows")
    code, _, err = run("new", "--kind", "ml", "--data", "shop.db", "--defaults", *flags, capsys=capsys)

    assert code == 0, err
    code, told = audit(in_folder / "shop-rows")
    assert code == 0, told
    assert "Recommendation: go." in told


def test_an_open_question_ends_in_the_flag_that_answers_it(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal nothing is guessed and nothing is written; the flag named works."""
    write(in_folder / "cases.csv", text(complaints(yes="malignant", no="benign")))
    flags = ("new", "shop", "--kind", "ml", "--data", "cases.csv", "--defaults", "--no-git")
    code, out, err = run(*flags, capsys=capsys)

    assert (code, out) == (1, "")
    assert "cases.csv: which churned is positive (benign, malignant)?" in err
    assert "--set positive_value=malignant" in err
    assert [path.name for path in in_folder.iterdir()] == ["cases.csv"]
    assert run(*flags, "--set", "positive_value=malignant", capsys=capsys)[0] == 0


def test_what_was_measured_is_no_assumption_and_says_so_in_the_plan(
    in_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`plan --data` and `advise --data` look as well; what the file gives is measured, and no number rests on it."""
    path = str(write(in_folder / "cases.csv", text(complaints())))
    code, out, _ = run("plan", "--kind", "ml", "--data", path, "--json", capsys=capsys)
    plan = yamltext.load(out)
    assumed = {row["key"] for row in plan["assumptions"]}

    assert code == 0
    assert assumed.isdisjoint({"positive_share", "past_cases", "labelled_cases", "task"})
    assert "metric" in assumed
    rests = {key for _, entry in entries(plan) for key in entry.get("rests_on", ())}
    assert "daily_volume" in rests
    assert rests.isdisjoint({"positive_share", "past_cases", "labelled_cases", "task"})
    texts = looking.look(Path(path), {}).texts | {"kind": "ml", "kind_reason": "a test"}
    assert answers.complete(texts).provenance("positive_share") == "measured"
    code, out, _ = run("advise", "--data", path, capsys=capsys)
    assert code == 0
    assert "540" in out or "Recommendation: " in out


def test_a_file_that_has_nothing_left_to_tell_is_no_bug(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As after an interrupt: the answers so far hold everything that the file would propose."""
    path = write(in_folder / "cases.csv", text(complaints()))
    told = looking.look(path, {}).texts
    answers.save(told | {"known_after": "", "metric": "recall", "kind": "ml", "kind_reason": "a test"})
    code, out, err = run(
        "plan", "--answers", "mlscaffold-answers.yaml", "--data", "cases.csv", *given(told), capsys=capsys
    )

    assert code == 0, err
    assert "columns; CSV with commas); everything that it could tell is answered.\n" in err
    assert "Rows needed, rows held" in out


def given(texts: dict[str, str]) -> list[str]:
    """These answers as flags; what was measured is no longer said to be."""
    return [f"--set={key}={value}" for key, value in texts.items() if key != "measured"]


def test_precedence(in_folder: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """User file < data file < answers file < --set; what a person says instead is no longer measured."""
    path = str(write(in_folder / "cases.csv", text(complaints())))
    (home / ".config/mlscaffold").mkdir(parents=True)
    write(home / ".config/mlscaffold/config.yaml", "past_cases: 9999\nday_rate: 700\ninput_columns: 3\n")
    write(in_folder / "given.yaml", "positive_share: 0.2\nlabelled_cases: 100\n")
    flags = ("--answers", "given.yaml", "--set", "labelled_cases=200")
    layers = cli._layers(None, None, Path("given.yaml"), ["labelled_cases=200"])
    given, _ = cli._seen(Path(path), layers)
    capsys.readouterr()
    filled = answers.complete(given)

    assert run("plan", "--kind", "ml", "--data", path, *flags, capsys=capsys)[0] == 0
    assert (filled.past_cases, filled.provenance("past_cases")) == (600, "measured")
    assert (filled.positive_share, filled.provenance("positive_share")) == (0.2, "answered")
    assert (filled.labelled_cases, filled.provenance("labelled_cases")) == (200, "answered")
    assert (filled.day_rate, filled.provenance("day_rate")) == (700, "answered")
    assert filled.input_columns == 2


def test_a_file_that_changes_before_it_is_copied_stops_everything(
    in_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is rendered from figures of another file."""
    path = write(in_folder / "cases.csv", text(complaints()))
    real = cli._complete

    def complete(*arguments: object) -> object:
        path.write_text(path.read_text() + "C9,K1,2025-01-01,5,north,no\n")
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(cli, "_complete", complete)
    code, _, err = run("new", "shop", "--kind", "ml", "--data", "cases.csv", "--defaults", capsys=capsys)

    assert code == 1
    assert "cases.csv changed after it was looked at." in err
    assert not (in_folder / "shop").exists()


def test_data_that_cannot_be_copied_leave_a_repository_and_a_sentence(
    in_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk: what is done is said, and what to do."""
    write(in_folder / "cases.csv", text(complaints()))

    plain = shutil.copyfile

    def full(source: Path, target: Path, **how: bool) -> object:
        if Path(source).name == "cases.csv":  # the rendering copies files of its own
            raise OSError(28, "No space left on device")
        return plain(source, target, **how)

    monkeypatch.setattr("shutil.copyfile", full)
    flags = ("new", "shop", "--kind", "ml", "--data", "cases.csv", "--defaults", "--no-git")
    code, _, err = run(*flags, capsys=capsys)

    assert code == 1
    assert "could not be copied into it: No space left on device." in err
    assert "shop/data/raw/cases.csv yourself" in err
    assert list((in_folder / "shop/data/raw").iterdir()) == []


def test_software_needs_no_data(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The look is told, and nothing of it is used."""
    write(in_folder / "cases.csv", text(complaints()))
    flags = ("new", "shop", "--kind", "software", "--data", "cases.csv", "--defaults", "--no-git")
    code, out, err = run(*flags, capsys=capsys)

    assert code == 0, err
    assert "A copy" not in out
    assert "Note:" not in err


# ------------------------------------------------------------------------------------------------------------ measured


def test_measured_is_read_back_and_forgotten_with_its_value() -> None:
    """A merge that gives another value drops its origin, one that repeats the value keeps it."""
    low = {"positive_share": "0.5", "past_cases": "600", "measured": "positive_share=data file; past_cases=data file"}
    filled = answers.complete(low)

    assert filled.provenance("positive_share") == "measured"  # though it equals the default
    assert answers.merge(low, {"past_cases": "700"})["measured"] == "positive_share=data file"
    assert answers.merge(low, {"past_cases": "600"})["measured"] == low["measured"]
    assert (
        answers.merge(low, {"past_cases": "700", "measured": "past_cases=a query"})["measured"] == "past_cases=a query"
    )


@pytest.mark.parametrize("text_", ["positive_share", "posit=data file", "positive_share=", "=x", "task=a=b"])
def test_a_bad_origin_is_refused(text_: str) -> None:
    """Each part names a key and where it was measured."""
    with pytest.raises(answers.InvalidAnswer):
        answers.check_texts({"measured": text_})


# ------------------------------------------------------------------------------------------------------------- secrets

SECRETS = {
    "a password": "postgresql://me:hunter2hunter2@host/sales",
    "a password with a slash": "postgresql://me:hunter2/hunter2@host/sales",
    "a password without a user": "redis://:hunter2hunter2@host:6379",
    "digits for a password": "https://me:12hunter2@host/x.csv",
    "a token": "https://host/cases.csv?region=1&token=hunter2hunter2",
    "an access token": "https://host/cases.csv#access_token=hunter2hunter2",
    "a signature": "https://host/cases.csv?sv=2025&sig=hunter2hunter2%3D",
    "a signed address": "https://host/cases.csv?X-Amz-Signature=hunter2hunter2",
    "capitals": "https://host/cases.csv?API_KEY=hunter2hunter2",
    "a long key": "https://host/cases.csv?key=hunter2hunter2hunter2",
    "a user that is a token": "https://hunter2hunter2hunter2hunter2@host/x.csv",
    "a key of a cloud": "s3://AKIAHUNTER2HUNTER2HU/cases.csv",
    "a connection string": "Server=host;Password=hunter2hunter2;",
}
PLAIN = [
    "postgresql://me:$PASSWORD@host/sales", "postgresql://me:${PASSWORD}@host/sales", "https://host/x.csv?token=$TOKEN",
    "https://host:8080/cases.csv", "https://me@host/cases.csv", "https://host/x.csv?key=region", "data/raw/key=1/x.csv",
    "sqlite:///data/raw/shop.db", "s3://bucket/cases.csv", "https://host:8080/a@2.csv", "C:/data/token.csv",
]  # fmt: skip


@pytest.mark.parametrize("place", PLAIN)
def test_addresses_without_a_secret_are_answers(place: str) -> None:
    """An environment variable in the place of a secret is the way to pass one."""
    answers.check_texts({"data_source": place})


def leaked(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and b"unter2" in path.read_bytes().lower()]


@pytest.mark.parametrize("name", SECRETS)
def test_no_flag_or_file_takes_a_secret(
    name: str, in_folder: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--set, --data, the project's name, an answers file, the user's file: refused without an echo, nothing written."""
    secret = SECRETS[name]
    config = home / ".config/mlscaffold/config.yaml"
    config.parent.mkdir(parents=True)
    new = ("new", "shop", "--kind", "ml", "--defaults")
    for arguments in (
        (*new, "--set", f"data_source={secret}"),
        (*new, "--set", f"metric={secret}"),
        (*new, "--set", f"decision=We decide with {secret} who is called"),
        (*new, "--set", secret),
        (*new, "--data", secret),
        ("new", secret, "--kind", "ml", "--defaults"),
        ("plan", "--set", f"ml_component={secret}", "--kind", "software"),
        (*new, secret),
    ):
        code, out, err = run(*arguments, capsys=capsys)
        assert code in (1, 2), arguments
        assert "unter2" not in (out + err).lower(), arguments
        assert leaked(in_folder) == leaked(home) == []
    assert "environment variable" in run(*new, "--set", f"data_source={secret}", capsys=capsys)[2]

    for path, arguments in ((in_folder / "a.yaml", (*new, "--answers", "a.yaml")), (config, new)):
        path.write_text(f"data_source: {yamltext.dump({'x': secret}).partition(': ')[2]}")
        code, out, err = run(*arguments, capsys=capsys)
        assert code == 1
        assert "holds a secret" in err
        assert "unter2" not in (out + err).lower()
        assert not (in_folder / "shop").exists()
        path.unlink()


@pytest.mark.parametrize("name", SECRETS)
def test_the_wizard_takes_no_secret_and_keeps_none(name: str) -> None:
    """What is kept after Ctrl-C holds the answers before it only."""
    state = interview.start({"kind": "ml", "project_name": "Shop"}, full=True)

    with pytest.raises(SecretGiven) as refusal:
        interview.answer(state, "data_source", SECRETS[name])
    assert "unter2" not in f"{refusal.value} {refusal.value.hint}".lower()
    assert "data_source" not in interview.kept(state)


def test_plain_cookiecutter_takes_no_secret(tmp_path: Path, home: Path) -> None:
    """Neither a tree nor cookiecutter's own replay file holds it."""
    secret = "_data_source=" + SECRETS["a password"]
    template = ROOT / "templates/ml"
    words = ["decision=Decide whom to call about a late order", secret]
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "-o", str(tmp_path), str(template), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "data_source holds a secret" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr
    assert leaked(tmp_path) == leaked(home) == []


def test_messages_hide_what_looks_like_a_secret() -> None:
    """Whatever was mistyped, and wherever."""
    for secret in SECRETS.values():
        assert "unter2" not in questions.without_secrets(f"There is no {secret}.").lower()
