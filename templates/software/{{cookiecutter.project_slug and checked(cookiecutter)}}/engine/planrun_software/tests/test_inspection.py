"""What is seen by reading: secrets in files, weak or unpinned packages; and all that has to be green before a merge."""

import json
from typing import Any

import pytest
from planrun import environment
from planrun.trouble import Blocked

from planrun_software.build import check
from planrun_software.inspection import secrets_and_packages as inspection
from planrun_software.tests.toy import Desk
from planrun_software.traceability import runs

LOCK, DEVELOPMENT = inspection.LOCKS
SAID = "correct horse battery"
KEYS = {
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "cloud": "id = AKIA" + "Q3EXAMPLE7EXAMPL",
    "code host": "ghp_" + "a1B2" * 9,
    "other host": "glpat-" + "a1B2-" * 4,
    "other host, a longer one": "glpat-" + "a1B2_" * 5 + "c.01.0a1b2c3d4",
    "chat": "xoxb-" + "1234567890ab",
    "password": f"password = '{'s3cr3t' * 3}'",
    "in JSON": f'"api_key": "{"s3cr3t" * 3}"',
    "in capitals": f'SECRET="{"s3cr3t" * 3}"',
}


# ---------------------------------------------------------------------------------------------------- secrets
@pytest.mark.parametrize("name", KEYS)
def test_what_looks_like_a_secret_is_named_by_its_place(name: str, desk: Desk) -> None:
    desk.write("src/x.py", f"# first\n\n  value: {KEYS[name]}\n")

    assert inspection.secrets_in(desk.root, "src/x.py") == ["src/x.py:3"]


@pytest.mark.parametrize(
    "line",
    [
        "password = os.environ['DESK_PASSWORD']",
        "password = '${DESK_PASSWORD_OF_TODAY}'",
        "password = '{{ the_password_of_today }}'",
        "password = 'short'",
        f"password = '{SAID}'",  # a sentence has spaces
        "AKIA, and then nothing",
        "-----BEGIN CERTIFICATE-----",
        "token_count = 123456789012345",
    ],
)
def test_what_only_speaks_of_a_secret_is_none(line: str, desk: Desk) -> None:
    desk.write("src/x.py", f"{line}\n")

    assert inspection.secrets_in(desk.root, "src/x.py") == []


def test_a_file_without_text_holds_no_line(desk: Desk) -> None:
    """A picture, and a file that git keeps and somebody removed."""
    desk.root.joinpath("x.bin").write_bytes(b"\xff\xfe" + KEYS["code host"].encode())

    assert inspection.secrets_in(desk.root, "x.bin") == inspection.secrets_in(desk.root, "gone.py") == []


# ---------------------------------------------------------------------------------------------------- audit
def advisories(desk: Desk, *rows: dict[str, Any], said: str = "") -> None:
    """A program that stands for the one which asks for advisories: it prints these, or something else."""
    printed = said or json.dumps({"dependencies": rows})
    desk.write("pip_audit.py", f"import sys\nassert {DEVELOPMENT!r} in sys.argv\nprint({printed!r})\n")
    desk.write(DEVELOPMENT, "sound==1\n")


SOUND, WEAK = {"name": "sound", "version": "1", "vulns": []}, {"name": "weak", "version": "2", "vulns": [{"id": "X-7"}]}
UNKNOWN = {"name": "own", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("rows", "code", "found"),
    [
        ([SOUND], 0, {"packages": 1, "advisories": [], "unknown": []}),
        ([SOUND, WEAK], 1, {"packages": 2, "advisories": ["weak 2: X-7"], "unknown": []}),
        ([SOUND, UNKNOWN], 2, {"packages": 1, "advisories": [], "unknown": ["own"]}),
        ([WEAK, UNKNOWN], 1, {"packages": 1, "advisories": ["weak 2: X-7"], "unknown": ["own"]}),
    ],
)
def test_an_audit_says_which_packages_are_weak(
    rows: list[dict[str, Any]], code: int, found: dict[str, Any], desk: Desk
) -> None:
    """And which nobody could say anything of, which is no pass; all of it is written down for today's locks."""
    advisories(desk, *rows)
    outcome = inspection.audit(desk.repo)
    evidence = desk.repo.fresh("audit", "make audit")

    assert outcome.code == code, outcome.text
    assert {key: evidence[key] for key in found} == found
    desk.write(DEVELOPMENT, "sound==2\n")
    with pytest.raises(Blocked, match="stale"):
        desk.repo.fresh("audit", "make audit")


def test_an_audit_reads_every_file_that_git_keeps(desk: Desk) -> None:
    """None that it does not keep, and not the engine's, which is the same in every repository."""
    advisories(desk, SOUND)
    desk.write(".gitignore", "kept.out\n")
    for path in ("ops/settings.yaml", "engine/planrun/x.py", "kept.out", "new.py"):
        desk.write(path, f"{KEYS['password']}\n")
    desk.git("add", "ops", "engine")
    outcome = inspection.audit(desk.repo)

    assert (desk.repo.evidence("audit") or {})["secrets"] == ["ops/settings.yaml:1"]
    assert outcome.code == 1
    assert outcome.text.splitlines()[0] == "ops/settings.yaml:1"


@pytest.mark.parametrize("said", ["no network", "[]", '{"rows": []}'])
def test_advisories_that_cannot_be_read_are_no_pass(said: str, desk: Desk) -> None:
    before = desk.root.joinpath("evidence/audit.json").read_bytes()
    advisories(desk, said=said)
    with pytest.raises(Blocked, match="advisories could not be read"):
        inspection.audit(desk.repo)

    assert desk.root.joinpath("evidence/audit.json").read_bytes() == before


def test_an_audit_needs_a_history_a_lock_and_its_program(desk: Desk) -> None:
    """Each that lacks is said, with what brings it."""

    def told() -> tuple[str, str]:
        with pytest.raises(Blocked) as blocked:
            inspection.audit(desk.repo)
        return blocked.value.sentence, blocked.value.remedy

    assert told() == ("pyproject.toml is not there.", "Write it, then: make setup")
    project(desk, "[]")
    assert told() == (f"{DEVELOPMENT} is missing.", "make setup")
    advisories(desk)
    desk.write("pip_audit.py", "import a_part_that_is_not_there\n")
    lacking = told()
    assert "No module named 'a_part_that_is_not_there'" in lacking[0]
    assert lacking[1] == "make setup"
    desk.root.joinpath(".git").rename(desk.root / "history")
    assert told() == ("There is no history that says which files are kept.", "git init")
    desk.answer(rigor="light")
    assert told() == (
        "What the audit needs is not installed at rigor light.",
        "mlscaffold replan --set rigor=standard",
    )


# ---------------------------------------------------------------------------------------------------- locks
def project(desk: Desk, dependencies: str, tools: str = "[]") -> None:
    """What the product needs, and what its tools are, as TOML lists."""
    desk.write("pyproject.toml", f"[project]\ndependencies = {dependencies}\n[dependency-groups]\ndev = {tools}\n")


def locked(desk: Desk, product: str, tools: str) -> None:
    """Both locks, with these lines, as if they had been compiled from the project as it stands."""
    for (name, asked), lines in zip(environment.asked(desk.root).items(), (product, tools), strict=True):
        head = "".join(f"{environment.SOURCE}{one}\n" for one in asked.requirements)
        desk.write(name, head + lines)


@pytest.mark.parametrize(
    ("product", "tools", "loose"),
    [
        ("foo-bar==1\nbaz==2\n", "tool==3\n", []),
        ("Foo.Bar==1\nbaz @ https://example.org/baz.whl\n", "tool==3 \\\n", []),
        ("foo-bar>=1\nbaz==2\n", "tool==3\n", ["foo-bar"]),
        ("foo-barbell==1\nbaz==2\n", "tool==3\n", ["foo-bar"]),
        ("# foo-bar==1\nbaz==2\n", "tool==3\n", ["foo-bar"]),
        ("foo-bar==1\nbaz==2\n", "foo-bar==1\nbaz==2\n", ["tool"]),
        ("", "", ["foo-bar", "baz", "tool"]),
    ],
)
def test_every_direct_dependency_is_at_one_version(product: str, tools: str, loose: list[str], desk: Desk) -> None:
    """In its own lock, however its name is written; one that only some machines need is not asked for."""
    project(desk, '["Foo_Bar[more]>=1", "baz", "old; python_version < \'3\'"]', '["tool", {include-group = "x"}]')
    desk.append("pyproject.toml", "x = []\n")
    locked(desk, product, tools)

    assert inspection.unpinned(desk.root) == loose
    assert inspection.loose(desk.root).startswith(f"The locks do not pin {', '.join(loose)}," if loose else "")
    assert bool(inspection.loose(desk.root)) == bool(loose)


def test_a_lock_that_is_missing_or_behind_is_said(desk: Desk) -> None:
    project(desk, '["baz"]')
    locked(desk, "baz==2\n", "baz==2\n")
    project(desk, '["baz>=2"]')
    behind = inspection.loose(desk.root)
    desk.remove(LOCK)

    assert behind.startswith(f"{LOCK} is behind pyproject.toml: baz, baz>=2; {DEVELOPMENT} is behind")
    assert inspection.loose(desk.root) == f"{LOCK} is missing. Run: make setup"

    desk.remove("pyproject.toml")
    assert inspection.loose(desk.root).startswith("pyproject.toml is not there.")  # first: no lock is made without it


def test_settings_that_cannot_be_kept_are_said_of_the_locks(desk: Desk) -> None:
    """An extra that the engine has not: no lock can be in step."""
    project(desk, '["baz"]')
    locked(desk, "baz==2\n", "baz==2\n")
    desk.append("pyproject.toml", '[tool.planrun]\nextras = ["moon"]\n')

    assert "the extra 'moon'" in inspection.loose(desk.root)


# ---------------------------------------------------------------------------------------------------- check
def tools(desk: Desk, **broken: str) -> None:
    """Programs that stand for the checks: each is content, but for those that complain."""
    for name in ("ruff", "mypy", "hatchling"):
        desk.write(f"{name}.py", "import sys\n")
    for name, complaint in broken.items():
        program, _, word = name.partition("_")
        desk.append(f"{program}.py", f"if {word!r} in sys.argv[1:2] or not {word!r}: sys.exit({complaint!r} or 3)\n")


@pytest.mark.parametrize(
    ("broken", "red", "told"),
    [
        ({}, "", ""),
        ({"ruff_format": "would reformat src"}, "format", "red    format: would reformat src"),
        ({"ruff_check": "unused import"}, "lint", "red    lint: unused import"),
        ({"mypy": ""}, "types", "red    types: exit code 3"),
        ({"hatchling": "no wheel"}, "wheel", "red    wheel: no wheel"),
    ],
)
def test_a_merge_waits_for_every_check(
    broken: dict[str, str], red: str, told: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is red is named with what its program says, and the others are run all the same."""
    tools(desk, **broken)
    monkeypatch.setattr(runs, "run_tests", lambda repo, tests, name: {"exit_code": 0})
    monkeypatch.setattr(inspection, "loose", lambda root: "")
    outcome = check.check(desk.repo)
    results = desk.repo.fresh("build", "make check")["results"]

    assert outcome.code == bool(red), outcome.text
    assert list(results) == ["format", "lint", "types", "lock", "tests", "wheel"]
    assert [name for name, end in results.items() if end != "green"] == [red] * bool(red)
    assert told in outcome.text


def test_a_test_that_fails_and_a_loose_lock_are_red(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    tools(desk)
    monkeypatch.setattr(runs, "run_tests", lambda repo, tests, name: {"exit_code": 1})
    monkeypatch.setattr(inspection, "loose", lambda root: "The locks do not pin baz.")
    outcome = check.check(desk.repo)

    assert outcome.code == 1
    assert "red    lock: The locks do not pin baz.\nred    tests: a test fails" in outcome.text
    desk.write("pyproject.toml", "# edited\n")
    with pytest.raises(Blocked, match="stale"):
        desk.repo.fresh("build", "make check")
