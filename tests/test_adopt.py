"""A repository of plain cookiecutter is adopted once; then replan and update work in it with every answer kept."""

import json
import shutil
from pathlib import Path

import pytest
from material import sample_answers
from mlscaffold import answers, cli, render, update, vcs
from mlscaffold.errors import AlreadyAdopted, NoRecord, OtherVersion


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """What plain cookiecutter leaves: no record, and the team's first commit."""
    folder = render.render(sample_answers("sw-rates"), tmp_path)
    shutil.rmtree(folder / render.RECORD)
    vcs.create(folder, "Start")
    return folder


def test_an_adopted_repository_is_as_one_that_new_made(plain: Path, tmp_path: Path) -> None:
    """The same record, byte for byte, so that answers nobody was prompted for are kept as well."""
    born = render.render(sample_answers("sw-rates"), tmp_path / "new")
    done = update.adopt(plain)

    assert done.edited == ()
    for name in ("base.tar.gz", "state.json"):
        assert (plain / render.RECORD / name).read_bytes() == (born / render.RECORD / name).read_bytes()
    vcs.create(plain, "Record the base")
    # What these answers leave unasked is not written down; completed again it is what it was.
    assert answers.complete(update.recorded(plain)).raw == sample_answers("sw-rates").raw
    assert update.replan(plain, {}, dry_run=True).changed == ()


def test_what_the_team_wrote_before_stays_and_is_named(plain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A page edited before the adoption is merged afterwards like any other edit."""
    page = plain / "docs/00-charter.md"
    page.write_text(page.read_text("utf-8").replace("# Charter", "# Our charter", 1), "utf-8")
    plain.joinpath("docs/glossary.md").unlink()
    code = cli.run(["adopt", str(plain)])
    said = capsys.readouterr().out
    vcs.create(plain, "Record the base")
    update.replan(plain, {"currency": "CHF"})

    assert code == 0
    assert "  docs/00-charter.md\n  docs/glossary.md" in said
    assert 'git commit -m "Record the base"' in said
    assert page.read_text("utf-8").startswith("# Our charter")
    assert not plain.joinpath("docs/glossary.md").exists()


def test_what_cannot_be_adopted_is_left_alone(plain: Path, tmp_path: Path) -> None:
    """A record that is there, another version's engine, a folder without answers: a sentence, and nothing written."""
    manifest = plain / update.MANIFEST
    known = manifest.read_text("utf-8")
    manifest.write_text(json.dumps(json.loads(known) | {"version": "0.0.9"}), "utf-8")
    with pytest.raises(OtherVersion, match=r"made by mlscaffold 0\.0\.9"):
        update.adopt(plain)
    assert not plain.joinpath(render.RECORD).exists()

    manifest.write_text(known, "utf-8")
    update.adopt(plain)
    with pytest.raises(AlreadyAdopted):
        update.adopt(plain)
    with pytest.raises(NoRecord, match=r"plan/project\.yaml"):
        update.adopt(tmp_path)
