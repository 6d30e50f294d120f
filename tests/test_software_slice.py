"""A team's own capability in the rendered software repository: fields, samples, tables, work done once."""

import re
from pathlib import Path

import pytest
from rendered_repository import run, told

OWN = '''
@dataclass(frozen=True, kw_only=True)
class Own(Request):
    """What the team's own capability takes."""

    amount: float
    on_account: bool = False
    currency: str


'''
OWN_SAMPLE = 'return {"subject": f"A-{number}", "note": "", "amount": 12.5 + number, "currency": "EUR"}'


def gate(folder: Path, name: str) -> tuple[str, str]:
    """A gate's state and its reason."""
    return next((row["state"], row["reason"]) for row in told(folder)["gates"] if row["id"] == name)


def capabilities(folder: Path) -> Path:
    """The module a team writes its rules in."""
    return next(folder.glob("src/*/capabilities.py"))


def give_fields(folder: Path) -> None:
    """The first capability takes two fields more that are required: in its class, and in its sample."""
    path, samples = capabilities(folder), folder / "tests/samples.py"
    text = path.read_text("utf-8")
    at = text.index("Capability = Callable")
    text = text[:at] + OWN.lstrip("\n") + re.sub(r"\(request: Request\)", "(request: Own)", text[at:], count=1)
    path.write_text(text, "utf-8")
    samples.write_text(re.sub(r"return \{.*\}", OWN_SAMPLE, samples.read_text("utf-8"), count=1), "utf-8")


QUICK = ("sw-library", "sw-cli")
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("sw-default", "sw-model", "sw-web-app", "sw-batch")]


@pytest.mark.parametrize("repository", [*QUICK, *SLOW], indirect=True)
def test_own_fields_are_added_in_one_class_and_one_sample(repository: Path) -> None:
    """Two required fields: every test, the scenarios and the load ask with the sample, and none of them is edited."""
    give_fields(repository)
    tested = run(repository, "-q", "-p", "no:cacheprovider", module="pytest")
    accepted = run(repository, "accept")
    loaded = run(repository, "load", "--requests", "20")

    assert tested.returncode == 0, tested.stdout[-3000:]
    assert accepted.returncode == 0, accepted.stdout[-3000:]
    assert re.search(r"^errors +0 \(", loaded.stdout, re.MULTILINE), loaded.stdout + loaded.stderr


@pytest.mark.parametrize("repository", ["sw-cli"], indirect=True)
def test_a_field_of_the_wrong_kind_is_a_sentence(repository: Path) -> None:
    """By its name, with what it has to be; a missing one likewise, and nothing is a traceback."""
    give_fields(repository)
    name = next(
        iter(re.findall(r"^def (\w+)\(request: Own\)", capabilities(repository).read_text("utf-8"), re.MULTILINE))
    )
    typed = (name.replace("_", "-"), "A-17", "--currency", "EUR")
    wrong, missing = (
        run(repository, "run", "--", *typed, *more, module="log_trim") for more in (["--amount", "many"], [])
    )

    assert (wrong.returncode, missing.returncode) == (1, 1)
    assert "The amount is not a number." in wrong.stderr
    assert "The amount is missing." in missing.stderr


@pytest.mark.parametrize("repository", ["sw-library"], indirect=True)
def test_a_capability_without_a_sample_shuts_its_gate(repository: Path) -> None:
    """T2.6 is red, and load says what to add instead of asking nothing."""
    text = capabilities(repository).read_text("utf-8")
    capabilities(repository).write_text(
        text.replace(
            "CAPABILITIES: dict[str, Capability] = {", 'CAPABILITIES: dict[str, Capability] = {\n    "fly": len,'
        ),
        "utf-8",
    )
    before_samples = gate(repository, "T2.6")
    loaded = run(repository, "load", "--requests", "20")

    assert before_samples == ("fail", "Nothing stands for fly.")
    assert loaded.returncode == 2
    assert "fly has no sample" in loaded.stderr + loaded.stdout
    assert "Traceback" not in loaded.stderr


@pytest.mark.parametrize("repository", ["sw-default"], indirect=True)
def test_a_sample_that_is_refused_is_named_by_the_drill(repository: Path) -> None:
    """A drill over requests that are all refused would restore nothing and call it whole."""
    samples = repository / "tests/samples.py"
    samples.write_text(samples.read_text("utf-8").replace('f"A-{number}"', '""'), "utf-8")
    done = run(repository, "restore-drill")

    assert done.returncode == 2
    assert "The sample of report_status was not carried out: The subject is empty." in done.stdout + done.stderr
