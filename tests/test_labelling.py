"""Labels from people: rows are drawn, sheets filled and collected, disputes settled under a name; then they count."""

import csv
import json
import subprocess
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from mlscaffold import answers, render
from planrun.trouble import Trouble
from planrun_ml.labelling import collect
from planrun_ml.labelling.collect import Given
from planrun_ml.labelling.draw import _dealt, _page
from planrun_ml.release import prediction_log
from rendered_repository import run, told

OWN = "data/raw/own.csv"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hundred labelled rows and a hundred without, a guide, and somebody at work."""
    given = {
        "kind": "ml", "project_name": "Own data", "task": "binary", "data_source": OWN, "target_column": "late",
        "id_column": "ref", "positive_value": "yes", "label_source": "people",
    }  # fmt: skip
    folder = render.render(answers.complete(given), tmp_path_factory.mktemp("labelled"))
    draw = np.random.default_rng(1)
    frame = pd.DataFrame({"ref": [f"K{n}" for n in range(400)], "amount": draw.gamma(2, 100, 400).round(2)})
    frame["days"] = draw.integers(0, 60, 400)
    frame["kind"] = draw.choice(["new", "old", "vip"], 400, p=[0.9, 0.08, 0.02])
    frame["late"] = np.where(frame.amount / 200 + draw.normal(0, 0.5, 400) > 1, "yes", "no")
    frame.loc[300:, "late"] = None
    folder.joinpath(OWN).parent.mkdir()
    frame.to_csv(folder / OWN, index=False)
    for words in (
        ["init", "--quiet"],
        ["config", "user.name", "Ana Example"],
        ["config", "user.email", "a@example.org"],
    ):
        subprocess.run(["git", *words], cwd=folder, check=True)
    assert run(folder, "audit").returncode == 0
    return folder


def sheet(folder: Path, name: str) -> tuple[Path, list[dict[str, str]]]:
    (path,) = folder.glob(f"labelling/*/sheet-{name}.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return path, list(csv.DictReader(file))


def fill(folder: Path, name: str, label: str) -> list[str]:
    """Write one label into every row of somebody's sheet; the ids."""
    path, rows = sheet(folder, name)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "label": label} for row in rows)
    return [row["id"] for row in rows]


@pytest.mark.slow
def test_from_the_draw_to_labels_that_count(project: Path) -> None:
    """Twenty rows, half of them for two people who differ: nobody's word counts until a named person has decided."""
    drawn = run(project, "label", "draw", "--rows", "20", "--by", "Ana", "--by", "Bo", "--double", "0.5")
    _, rows = sheet(project, "ana")
    guide = rows[0]["guide"]

    assert "20 of 100 unlabelled rows drawn (random), 10 of them for two people." in drawn.stdout
    assert len(guide) == 12
    assert {row["id"] for row in rows} <= {f"K{n}" for n in range(300, 400)}
    assert float(rows[0]["row: amount"]) > 0
    assert project.joinpath("labelling/0001-random/sheet-bo.html").is_file()

    ana, bo = fill(project, "ana", "Yes"), fill(project, "bo", "no")
    both = sorted(set(ana) & set(bo))
    collected = run(project, "label", "collect")

    assert len(both) == 10
    assert collected.returncode == 1
    assert "Two people agree on 0.0% of 10 rows" in collected.stdout
    assert f"Disputed: {both[0]} (Ana: yes; Bo: no)" in collected.stdout
    run(project, "audit")
    row = next(row for row in told(project)["gates"] if row["id"] == "G1.5")
    assert "People differ on 10 rows, and nobody has settled what is right." in row["reason"]

    refused = run(project, "label", "settle", both[0], "maybe")
    assert refused.stderr.startswith('"maybe" is no label.\nNext: The labels are ')
    for key in both:
        settled = run(project, "label", "settle", key, "yes")
    assert settled.returncode == 0, settled.stdout + settled.stderr
    assert f"{both[-1]} is yes, by Ana Example." in settled.stdout
    assert run(project, "label", "settle", both[0] + "0", "yes").returncode == 1

    with project.joinpath("labelling/labels.csv").open(encoding="utf-8") as file:
        labels = {row["id"]: row for row in csv.DictReader(file)}
    assert len(labels) == 20
    assert labels[both[0]]["how"] == "settled"
    assert labels[both[0]]["settled_by"] == "Ana Example"
    assert {label["guide"] for label in labels.values()} == {guide}

    before = json.loads(project.joinpath("data/manifest.json").read_text("utf-8"))["sha256"]
    assert "changed after the audit" in str(told(project))
    assert run(project, "audit").returncode == 0
    after = json.loads(project.joinpath("data/manifest.json").read_text("utf-8"))["sha256"]
    assert before != after
    assert json.loads(project.joinpath("evidence/labels.json").read_text("utf-8"))["labelled"] == 320
    assert run(project, "audit").returncode == 0  # the same labels, the same hash
    assert json.loads(project.joinpath("data/manifest.json").read_text("utf-8"))["sha256"] == after


def test_strata_give_rare_kinds_their_rows(project: Path) -> None:
    """As many of each kind as there are, and the share of each beside them; a bad word is one sentence."""
    done = run(project, "label", "draw", "--rows", "12", "--how", "stratified", "--column", "kind", "--by", "Cy")
    _, rows = sheet(project, "cy")
    folder = next(project.glob("labelling/*-stratified"))
    kinds = [row["row: kind"] for row in rows]

    assert done.returncode == 0, done.stderr
    assert "These rows are for training" in done.stdout
    assert max(kinds.count(kind) for kind in kinds) <= 10
    assert abs(sum(json.loads(folder.joinpath("draw.json").read_text("utf-8"))["strata"].values()) - 1) < 1e-3
    for words, says in (
        (["draw", "--how", "clever"], '"clever" is no way to draw rows.'),
        (["draw", "--rows", "0"], "0 rows cannot be drawn."),
        (["draw", "--double", "2"], "2 is no share of rows"),
        (["draw", "--how", "stratified", "--column", "knd"], '"knd" is no column'),
        (["draw", "--how", "differ"], "Two models of different families are needed to differ, and 0 is there."),
        (["draw", "--by", "A b", "--by", "a-b"], "Two of A b, a-b would share a sheet."),
        (["settle", "K1"], "A dispute is settled by an id and a label."),
    ):
        refused = run(project, "label", *words)
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 2), refused.stderr
        assert refused.stderr.startswith(says), refused.stderr


def pairs(*labels: tuple[str, str]) -> list[list[Given]]:
    return [
        [Given(f"r{n}", said, by, "g", "d", "s") for by, said in zip("ab", two, strict=True)]
        for n, two in enumerate(labels)
    ]


def test_agreement_is_that_of_a_textbook() -> None:
    """Cohen 1960 on a table by hand: 20 and 15 agreed of 50, so .70 and a kappa of .4."""
    table = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    found = collect.agreement(pairs(*table), amounts=False)

    assert found["share"] == 0.7
    assert found["kappa"] == pytest.approx(0.4, abs=0.01)
    assert found["low"] < 0.7 < found["high"]
    assert collect.agreement(pairs(("1", "3"), ("2", "2")), amounts=True)["difference"] == 1
    assert collect.agreement([], amounts=False) == {"rows": 0}


def test_rows_are_dealt_in_turn_and_a_share_to_two() -> None:
    """Everybody has as many, and no row is twice on one sheet."""
    dealt = _dealt(30, ["a", "b", "c"], 0.2)

    assert sorted(len(set(places)) for places in dealt.values()) == [12, 12, 12]
    assert all(len(set(places)) == len(places) for places in dealt.values())
    assert _dealt(3, ["a"], 1.0) == {"a": [0, 1, 2]}


def test_one_person_with_two_words_is_asked(tmp_path: Path) -> None:
    """The same name, the same row, two labels in two sheets."""
    one = Given("r1", "yes", "Ana", "g", "0001-random", "first")
    with pytest.raises(Trouble, match='Ana labels r1 "yes" in first and "no" in second'):
        collect._by_row([one, Given("r1", "no", "Ana", "g", "0002-random", "second")])


def test_a_page_holds_the_rows_and_no_markup_of_theirs() -> None:
    """Text of a row cannot end the page's script."""
    page = _page(
        "sheet-ana", "late", ["id", "label", "note", "row: text"], [{"id": "1", "row: text": "</script><b>"}], []
    )

    assert "</script><b>" not in page
    assert "\\u003c/script>" in page


def test_late_labels_that_differ_are_told_until_somebody_settles_them(tmp_path: Path) -> None:
    """Two labellers of one answer: in no figure, and no longer without a word."""
    (tmp_path / "labels").mkdir()
    tmp_path.joinpath("labels/one.csv").write_text("id,label\na,yes\nb,yes\n")
    tmp_path.joinpath("labels/two.csv").write_text("id,label\na,no\nb,yes\n")
    card = {"task": "binary", "labels": ["no", "yes"], "positive": "yes"}

    assert prediction_log.disputed(prediction_log.labels_alone(tmp_path, card)) == {"a": "no, yes"}
    tmp_path.joinpath("labels/settled.csv").write_text("id,label,by,at\na,yes,Ana,now\n")
    con = prediction_log.labels_alone(tmp_path, card)
    assert prediction_log.disputed(con) == {}
    assert isinstance(con, duckdb.DuckDBPyConnection)
    assert con.execute("select label from labels where id = 'a'").fetchall() == [("yes",)]
