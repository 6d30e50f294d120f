"""Capabilities come, get another name and go: `replan` on a software repository in which a team has written."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from material import newborn
from mlscaffold import render, update, vcs
from mlscaffold.errors import AnotherKind, Contradiction, InTheWay, InvalidAnswer, NoSuchCapability
from rendered_repository import states

RULE = "src/order_desk/capabilities/{}.py"
OWN = (RULE, "src/order_desk/routers/{}.py", "tests/samples/{}.py", "tests/acceptance/test_{}.py")
ORDERS = "Place an order; Change an order; Cancel an order; Show the state of an order"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """The order desk, in which the team has written into every file of one capability, and named it in a test."""
    folder = render.render(newborn("sw-orders"), tmp_path)
    for number, path in enumerate(OWN):
        with folder.joinpath(path.format("change_an_order")).open("a", encoding="utf-8") as file:
            file.write(f"\n\nTEAM = {number}\n")
    named = 'NAME, PATH = "change_an_order", "/change-an-order"\nOTHER = "change_an_order_twice"\n'
    folder.joinpath("tests/test_own.py").write_text(named, "utf-8")
    vcs.create(folder, "Start")
    return folder


def texts(folder: Path) -> dict[str, str]:
    """Every file below src and tests, by its path."""
    found = [path for part in ("src", "tests") for path in sorted((folder / part).rglob("*.py"))]
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in found}


def ids(folder: Path) -> dict[str, str]:
    """The id of each capability's requirement, by its function."""
    rows = yaml.safe_load(folder.joinpath("plan/requirements.yaml").read_text("utf-8"))
    return {row["function"]: row["id"] for row in rows if row["kind"] == "capability"}


def test_a_further_capability_is_four_files_and_nothing_else_of_the_code(desk: Path) -> None:
    """Its rule, its router, its sample and its scenario; no file that is there changes by a byte."""
    before = texts(desk)
    done = update.replan(desk, {"capabilities": f"{ORDERS}; Return an order"})
    after = texts(desk)

    assert done.conflicts == ()
    assert sorted(after.keys() - before.keys()) == sorted(path.format("return_an_order") for path in OWN)
    assert {path: after[path] for path in before} == before
    assert ids(desk)["return_an_order"] not in {ids(desk)[name] for name in ids(desk) if name != "return_an_order"}


def test_a_capability_written_by_hand_stays_as_it_is_when_the_plan_learns_of_it(desk: Path) -> None:
    """The team wrote its files first: the plan brings the requirement, and those files that are missing."""
    hand = desk / RULE.format("return_an_order")
    hand.write_text(
        '"""By hand."""\n\n\ndef return_an_order(request: object) -> object:\n    return request\n', "utf-8"
    )
    commit(desk)
    before = texts(desk)
    done = update.replan(desk, {"capabilities": f"{ORDERS}; Return an order"})

    assert (done.conflicts, done.beside) == ((), ())
    assert {path: texts(desk)[path] for path in before} == before
    assert desk.joinpath("tests/samples/return_an_order.py").is_file()
    assert "return_an_order" in ids(desk)


def test_two_clones_that_plan_a_capability_each_have_two_numbers_after_one_replan(desk: Path, tmp_path: Path) -> None:
    """Both gave the next number; merged with one side's plan, a replan with both gives each its own, in every file."""
    other = tmp_path / "other"
    git(tmp_path, "clone", "--quiet", str(desk), str(other))
    for who in ("name", "email"):
        git(other, "config", f"user.{who}", "bo@example.org")
    for folder, name in ((desk, "Return an order"), (other, "Archive an order")):
        update.replan(folder, {"capabilities": f"{ORDERS}; {name}"})
        commit(folder)
    same = ids(desk)["return_an_order"]
    assert same == ids(other)["archive_an_order"]
    git(desk, "pull", "--quiet", "--no-rebase", "--no-edit", str(other), "HEAD", ends=(1,))
    git(desk, "checkout", "--ours", "--", *git(desk, "diff", "--name-only", "--diff-filter=U").split())
    commit(desk)
    before = texts(desk)
    done = update.replan(desk, {"capabilities": f"{ORDERS}; Return an order; Archive an order"})
    after, new = texts(desk), ids(desk)["archive_an_order"]
    commit(desk)

    assert (done.conflicts, done.beside) == ((), ())
    assert ids(desk)["return_an_order"] == same != new
    assert len(set(ids(desk).values())) == len(ids(desk)) == 6
    for path in OWN:
        mine, yours = (path.format(name) for name in ("return_an_order", "archive_an_order"))
        assert after[mine] == before[mine]
        assert after[yours] == before[yours].replace(same, new)
    assert f'MEETS = "{new}"' in after[RULE.format("archive_an_order")]
    assert f'req("{new}")' in after["tests/acceptance/test_archive_an_order.py"]
    assert states(desk)["T1.1"] == states(desk)["T2.6"] == "pass"
    assert update.replan(desk, {}).changed == ()


def test_more_capabilities_than_a_product_is_planned_with_are_refused_in_a_sentence(desk: Path) -> None:
    """By the command too, and nothing changes; there is a place for every one that may be named."""
    names = [f"Check the form number {number}" for number in range(1, 22)]
    before = texts(desk)
    with pytest.raises(InvalidAnswer, match="it must name 1 to 12 of them, separated by semicolons") as refused:
        update.replan(desk, {"capabilities": "; ".join(names)})
    told = subprocess.run(
        [sys.executable, "-m", "mlscaffold", "replan", str(desk), "--set", f"capabilities={'; '.join(names)}"],
        capture_output=True,
        text=True,
        check=False,
    )
    most = update.replan(desk, {"capabilities": "; ".join(names[:12])}, dry_run=True)

    assert "it must name 1 to 12 of them" in str(refused.value)
    assert "it must name 1 to 12 of them" in " ".join(told.stderr.split())
    assert (told.returncode == 0, "Traceback" in told.stderr) == (False, False)
    assert texts(desk) == before
    assert RULE.format("check_the_form_number_12") in most.changed


def test_a_rename_keeps_what_the_team_wrote(desk: Path) -> None:
    """Four files move with it, its requirement keeps its id, and whoever named it names it anew."""
    before, known = texts(desk), ids(desk)
    done = update.replan(desk, {}, names={"Change an order": "Amend an order"})
    after = texts(desk)

    assert done.conflicts == done.kept == done.deleted == ()
    for number, path in enumerate(OWN):
        old, new = path.format("change_an_order"), path.format("amend_an_order")
        assert old not in after
        assert f"TEAM = {number}" in after[new]
        assert after[new] == before[old].replace("change_an_order", "amend_an_order").replace(
            "Change an order", "Amend an order"
        ).replace("change-an-order", "amend-an-order").replace("change an order", "amend an order")
    assert '"amend_an_order", "/amend-an-order"' in after["tests/test_own.py"]
    assert '"change_an_order_twice"' in after["tests/test_own.py"]
    assert ids(desk) == {name.replace("change", "amend"): id for name, id in known.items()}
    assert "Amend an order" in update.recorded(desk)["capabilities"]
    subprocess.run(["git", "add", "--all"], cwd=desk, check=True)
    told = subprocess.run(
        ["git", "diff", "--cached", "-M", "--name-status", "src", "tests"],
        cwd=desk,
        check=True,
        capture_output=True,
        text=True,
    )
    assert len(re.findall(r"^R\d+\t", told.stdout, re.MULTILINE)) == len(OWN)


def test_a_renamed_capability_is_merged_as_any_other_afterwards(desk: Path) -> None:
    """Nothing is left over: a replan with the same facts changes nothing, and a new one touches none of its files."""
    update.replan(desk, {}, names={"Change an order": "Amend an order"})
    commit(desk)
    again = update.replan(desk, {})
    before = texts(desk)
    update.replan(desk, {"capabilities": f"{ORDERS.replace('Change', 'Amend')}; Return an order"})

    assert (again.changed, again.removed) == ((), ())
    assert {path: text for path, text in texts(desk).items() if path in before} == before


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("Approve leave", "Clear leave", '"Clear leave" would no longer approve'),
        ("Request leave", "Review leave", '"Approve leave" would no longer approve'),  # nobody would submit anything
        ("List open requests", "Release open requests", '"Release open requests" would approve'),
    ],
)
def test_a_name_that_would_change_who_may_do_it_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    """Its files would ask for a role that is gone, or for none where the plan has one; nothing changes."""
    folder = render.render(newborn("sw-web-app"), tmp_path)
    vcs.create(folder, "Start")
    before = texts(folder)
    with pytest.raises(AnotherKind, match=told) as refused:
        update.replan(folder, {}, names={old: new})

    assert "approve, authorise" in str(refused.value.hint)
    assert texts(folder) == before
    update.replan(folder, {}, names={"Approve leave": "Authorise leave"})
    assert folder.joinpath("src/leave_requests/access.py").is_file()


def test_a_name_that_is_none_or_taken_is_refused(desk: Path) -> None:
    """By a sentence that names what is there, and nothing changes."""
    before = texts(desk)
    desk.joinpath(RULE.format("amend_an_order")).write_text("", "utf-8")
    subprocess.run(["git", "add", "--all"], cwd=desk, check=True)
    with pytest.raises(NoSuchCapability, match=r"no capability \"Fly\" to rename"):
        update.replan(desk, {}, names={"Fly": "Run"})
    with pytest.raises(Contradiction, match="twice"):
        update.replan(desk, {}, names={"Change an order": "Cancel an order"})
    with pytest.raises(InTheWay, match=r"amend_an_order\.py is there already"):
        update.replan(desk, {}, names={"Change an order": "Amend an order"})

    desk.joinpath(RULE.format("amend_an_order")).unlink()
    assert texts(desk) == before


def test_a_capability_that_goes_takes_what_nobody_wrote(desk: Path) -> None:
    """Files as they were born go; what the team wrote stays theirs, and is named."""
    done = update.replan(desk, {"capabilities": "Place an order; Show the state of an order"})

    assert {path.format("cancel_an_order") for path in OWN} <= set(done.removed)
    assert set(done.kept) == {path.format("change_an_order") for path in OWN}
    assert all(desk.joinpath(path).is_file() for path in done.kept)


def test_a_verb_that_code_is_full_of_is_replaced_where_it_names_the_capability(tmp_path: Path) -> None:
    """`close` is a method of every connection: a capability called Close takes none of them with it."""
    given = newborn("sw-batch").raw | {"capabilities": "Close; Report differences"}
    folder = render.render(type(newborn("sw-batch"))(given), tmp_path)
    vcs.create(folder, "Start")
    before = {path: text for path, text in texts(folder).items() if path.endswith("ledger.py")}
    update.replan(folder, {}, names={"Close": "Finish"})

    assert before == {path: text for path, text in texts(folder).items() if path in before}
    assert "def finish(" in folder.joinpath("src/nightly_ledger/capabilities/finish.py").read_text("utf-8")


def git(folder: Path, *words: str, ends: tuple[int, ...] = (0,)) -> str:
    """What git says."""
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in ends, done.stdout + done.stderr
    return done.stdout


def commit(folder: Path) -> None:
    """Everything, as the team would."""
    subprocess.run(["git", "add", "--all"], cwd=folder, check=True)
    subprocess.run(["git", "commit", "--quiet", "-m", "Work"], cwd=folder, check=True)
