"""Ways round the gates, each played on a released repository: stopped by a gate, named in `status`, or on the page.

The table is at the end. What stands on the page of limits is played as far as a test can, and the page has to say it.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import yaml
from planrun import gates
from planrun.files import canonical
from planrun.remembered import CACHE, KEY, recall, remember
from planrun.repository import Repo
from planrun_ml.acceptance import verdicts
from planrun_ml.data import frames, looks, prediction_files
from planrun_ml.data.source import source_of
from planrun_ml.models import configuration, model_files, training
from planrun_ml.release import registry
from planrun_ml.self_test.conftest import SAMPLE, TASK, ask, commit, edit, evidence, forge, git, record_of

PAGE = "docs/limits.md"
MONTH = str(date.today() + timedelta(days=30))
WAIVERS, SIGNED, RECORDED = "gates/waivers.yaml", "gates/signoff-G3a.yaml", "registry/models.json"


def told(root: Path, id: str) -> gates.Result:
    """What a gate's check says, whatever the sample had to waive."""
    repo = Repo(root)
    gates.load(repo)
    return gates.checked(repo, id)


# ------------------------------------------------------------------------------------------------ an attacker's tools
def seal_plan(root: Path) -> None:
    """A plan whose seal fits the answers and the numbers that are there now, as anybody can compute it."""
    edit(root / "plan/plan.json", lambda plan: plan.update(answers_sha256=Repo(root).answers_sha256))


def answer(root: Path, key: str, value: str) -> None:
    path = root / "plan/project.yaml"
    path.write_text(re.sub(rf"(?m)^{key}:.*$", f'{key}: "{value}"', path.read_text("utf-8")), "utf-8")
    seal_plan(root)


def staff(root: Path, ds: str = "Ana") -> None:
    """A team with names: one person for all roles, but for the data scientist's."""
    team = Repo(root).answers["team"].replace("=?:", "=Test Person:").replace("ds=Test Person:", f"ds={ds}:")
    answer(root, "team", team)
    commit(root)


def as_somebody(root: Path, name: str, *words: str) -> None:
    """A git command under another name."""
    git(root, "-c", f"user.name={name}", "-c", "user.email=somebody@example.org", *words)


def trained_on_the_test_rows(root: Path) -> str:
    """A forest that has seen the rows it will be measured on, in the store; its hash."""
    repo, rows = Repo(root), frames.held_back(Repo(root))
    model = training.fit(rows, TASK, configuration.config("forest", {"n_estimators": 20, "min_samples_leaf": 1}))
    return model_files.save(model, prediction_files.store(repo))[1]


def said_of(root: Path, part: str, model: str) -> str:
    """A prediction file of a model in the store about a split; its hash."""
    repo = Repo(root)
    rows = frames.held_back(repo) if part == "test" else frames.load(repo, part)
    loaded = model_files.load(prediction_files.store(repo) / f"{model}.skops", model)
    scores = training.predict(loaded, rows.x, TASK)
    return prediction_files.keep_predictions(repo, rows, scores, training.classes(loaded, TASK))


def accept_by_hand(root: Path, **changes: Any) -> None:
    """Evidence of an acceptance with other facts, every verdict worked out from its predictions, and sealed."""
    facts = evidence(root, "acceptance")
    files = facts["predictions"] | changes.pop("predictions", {})
    forge(root, "acceptance", lambda found: found.update({**changes, **verdicts.judge(Repo(root), files)}))


def other_model(root: Path, config: dict[str, Any] | None = None) -> str:
    """The record and the acceptance of a model that has seen the test rows, as if it had been the one."""
    model = trained_on_the_test_rows(root)
    settings = config or evidence(root, "acceptance")["config"]
    told_before = said_of(root, "validation", model)
    edit(
        record_of(root),
        lambda found: found.update(model_file=model, predictions_file=told_before, config=settings),
    )
    log = root / looks.TEST_LOG
    log.write_text(log.read_text("utf-8"), "utf-8")
    looks.log_look(Repo(root), {"command": "accept", "model": model, "experiment": "another"})
    accept_by_hand(root, predictions={"model": said_of(root, "test", model)}, model=model, config=settings)
    return model


def book(root: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """The registry, edited as text and committed."""
    path = root / RECORDED
    found = json.loads(path.read_text("utf-8"))
    change(found)
    path.write_text(json.dumps(found, indent=2), "utf-8")
    commit(root)


def switched(found: dict[str, Any], version: str) -> None:
    """An alias with the event that goes with it."""
    found["aliases"]["champion"] = version
    found["events"].append({"at": "2026-01-01T00:00:00+00:00", "what": "promoted", "version": version, "by": "Mallory"})


def waiver(root: Path, who: str, **changes: str) -> None:
    """A row in the file of waivers, under a name."""
    rows = list(yaml.safe_load((root / WAIVERS).read_text("utf-8")) or [])
    rows.append({"gate": "G2.7", "approver": who, "reason": "it is urgent", "until": MONTH} | changes)
    (root / WAIVERS).write_text(yaml.safe_dump(rows), "utf-8")


def signature(root: Path, who: str, **changes: str) -> None:
    """The data scientist's row in the file of signatures, under a name."""

    def sign(rows: list[dict[str, str]]) -> None:
        for row in rows:
            if row["role"] == "ds":
                row.update({"name": who, "at": "2026-01-01T00:00:00+00:00"} | changes)

    edit(root / SIGNED, sign)


def without_the_look(root: Path) -> None:
    """The log and the acceptance that tells of it, gone from the folder."""
    (root / looks.TEST_LOG).unlink()
    (root / looks.ACCEPTANCE).unlink()


# ------------------------------------------------------------------------------------------------ models
def a_model_under_the_recorded_name(root: Path) -> None:
    model, store = trained_on_the_test_rows(root), prediction_files.store(Repo(root))
    shutil.copy(store / f"{model}.skops", store / f"{evidence(root, 'acceptance')['model']}.skops")


def a_model_with_its_record(root: Path) -> None:
    other_model(root)


def a_model_with_a_record_of_its_kind(root: Path) -> None:
    other_model(root, configuration.config("forest", {"n_estimators": 20, "min_samples_leaf": 1}))


def forged_predictions(root: Path) -> None:
    repo, rows = Repo(root), frames.held_back(Repo(root))
    right = np.clip(rows.y.astype(float), 0.01, 0.99)
    digest = prediction_files.keep_predictions(repo, rows, right, ())
    accept_by_hand(root, predictions={"model": digest})


def forged_validation_predictions(root: Path) -> None:
    repo, rows = Repo(root), frames.load(Repo(root), "validation")
    digest = prediction_files.keep_predictions(repo, rows, np.clip(rows.y.astype(float), 0.01, 0.99), ())
    edit(record_of(root), lambda found: found.update(predictions_file=digest))


def a_weaker_baseline(root: Path) -> None:
    weak = {"kind": "constant", "column": "", "sql": {"score": "0.5"}}
    forge(root, "baseline", lambda found: found.update(rule=weak))
    rows = frames.held_back(Repo(root))
    digest = prediction_files.keep_predictions(Repo(root), rows, np.full(len(rows.y), 0.5), ())
    accept_by_hand(root, rule=weak, predictions={"baseline": digest})


def settings_changed_after_the_record(root: Path) -> None:
    edit(record_of(root), lambda found: found["config"].update(seed=8))


def a_typed_decision_threshold(root: Path) -> None:
    forge(root, "acceptance", lambda found: found.update(decision_threshold=0.99))


def a_record_that_is_gone(root: Path) -> None:
    shutil.rmtree(record_of(root).parent)
    commit(root)


def a_cache_brought_from_elsewhere(root: Path) -> None:
    """Every answer that could be remembered says that all is well, with the key of another copy."""
    forged_predictions(root)
    known = json.loads((root / CACHE).read_text("utf-8"))
    for entry in known.values():
        entry["said"] = ""
    (root / CACHE).write_text(json.dumps(known), "utf-8")


# ------------------------------------------------------------------------------------------------ names
def a_signature_under_anothers_name(root: Path) -> None:
    staff(root)
    signature(root, "Ana")
    commit(root)


def a_signature_in_no_commit(root: Path) -> None:
    staff(root)
    signature(root, "Ana")


def a_signature_that_git_is_told_not_to_see(root: Path) -> None:
    staff(root)
    git(root, "update-index", "--assume-unchanged", SIGNED)
    signature(root, "Ana")


def a_waiver_under_anothers_name(root: Path) -> None:
    staff(root)
    waiver(root, "Ana", gate="G2.7")
    commit(root)
    a_record_that_is_gone(root)


def a_waiver_without_a_role(root: Path) -> None:
    staff(root)
    waiver(root, "Mallory", gate="G2.7")
    as_somebody(root, "Mallory", "commit", "--quiet", "-am", "later")
    a_record_that_is_gone(root)


def a_waiver_in_no_commit(root: Path) -> None:
    a_record_that_is_gone(root)
    waiver(root, "Test Person", gate="G2.7")


def a_waiver_that_somebody_else_prolonged(root: Path) -> None:
    staff(root)
    waiver(root, "Ana", gate="G2.7", until=str(date.today()))
    as_somebody(root, "Ana", "commit", "--quiet", "-am", "for a day")
    text = (root / WAIVERS).read_text("utf-8")
    (root / WAIVERS).write_text(text.replace(str(date.today()), MONTH), "utf-8")
    a_record_that_is_gone(root)


def waivers_behind_a_link(root: Path) -> None:
    a_record_that_is_gone(root)
    waiver(root, "Test Person", gate="G2.7")
    elsewhere = root.parent / "waivers.yaml"
    shutil.move(root / WAIVERS, elsewhere)
    (root / WAIVERS).symlink_to(elsewhere)
    commit(root)


def an_author_that_was_put_on(root: Path) -> None:
    staff(root)
    waiver(root, "Ana", gate="G2.7")
    git(root, "commit", "--quiet", "-am", "later", "--author", "Ana <ana@example.org>")
    a_record_that_is_gone(root)


def a_name_told_to_git(root: Path) -> None:
    staff(root)
    waiver(root, "Ana", gate="G2.7")
    as_somebody(root, "Ana", "commit", "--quiet", "-am", "later")
    a_record_that_is_gone(root)


def listed_keys(root: Path, *names: str) -> dict[str, Path]:
    """A key for each of these people, listed in the repository."""
    found = {}
    for name in names:
        found[name] = root.parent / f"key-{name}"
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(found[name])]
        subprocess.run(words, check=True)
    lines = [
        f"{name.lower()}@example.org {path.with_suffix('.pub').read_text('utf-8')}" for name, path in found.items()
    ]
    (root / "gates/allowed_signers").write_text("".join(lines), "utf-8")
    return found


def a_name_told_to_git_where_keys_are_listed(root: Path) -> None:
    staff(root)
    listed_keys(root, "Ana")
    a_name_told_to_git(root)


def a_commit_signed_with_another_key(root: Path) -> None:
    staff(root)
    keys = listed_keys(root, "Ana", "Mallory")
    waiver(root, "Ana", gate="G2.7")
    git(root, "add", "--all")
    key = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={keys['Mallory']}")
    as_somebody(root, "Ana", *key, "commit", "--quiet", "-S", "-m", "later")
    a_record_that_is_gone(root)


def a_key_that_somebody_listed_for_themselves(root: Path) -> None:
    staff(root)
    listed_keys(root, "Ana")
    commit(root)
    mallory = listed_keys(root, "Mallory")["Mallory"]
    text = (root / "gates/allowed_signers").read_text("utf-8").replace(" Mallory", " Ana")
    (root / "gates/allowed_signers").write_text(text, "utf-8")
    waiver(root, "Ana", gate="G2.7")
    git(root, "add", "--all")
    key = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={mallory}")
    as_somebody(root, "Ana", *key, "commit", "--quiet", "-S", "-m", "later")
    a_record_that_is_gone(root)


def a_list_of_keys_that_is_gone(root: Path) -> None:
    staff(root)
    listed_keys(root, "Ana")
    commit(root)
    (root / "gates/allowed_signers").unlink()
    a_name_told_to_git(root)


def an_assumption_under_anothers_name(root: Path) -> None:
    staff(root)
    path = root / "plan/assumptions.yaml"
    path.write_text(path.read_text("utf-8").replace("Test Person", "Ana"), "utf-8")
    commit(root)


# ------------------------------------------------------------------------------------------------ what is asked for
def rigor_lowered_after_the_look(root: Path) -> None:
    answer(root, "rigor", "light")
    edit(root / "plan/gates.yaml", lambda found: found.update(blocking=[]))
    commit(root)
    ask(root, "sign", "G3a")


def rigor_lowered_unsigned(root: Path) -> None:
    answer(root, "rigor", "light")
    commit(root)


def gates_taken_off_the_list(root: Path) -> None:
    edit(root / "plan/gates.yaml", lambda found: found.update(blocking=[]))
    commit(root)


def a_gate_of_the_teams_taken_away_after_a_look(root: Path) -> None:
    checks = root / "src" / Repo(root).rooms.package / "checks.py"
    text = 'from planrun.gates import gate, passed\n\n\n@gate("X.1", "Ours", blocks=True)\ndef ours(repo):\n'
    checks.write_text(f'{text}    return passed("It is so.")\n', "utf-8")
    looks.log_look(Repo(root), {"command": "accept", "model": evidence(root, "acceptance")["model"]})
    checks.unlink()


def a_lower_bar(root: Path) -> None:
    edit(root / "plan/plan.json", lambda plan: plan["acceptance"]["min_gain"].update(value=-1.0))


def a_lower_bar_signed_with_the_clock_put_back(root: Path) -> None:
    a_lower_bar(root)
    moment = "2001-01-01T00:00:00+00:00"
    with pytest.MonkeyPatch.context() as clock:
        clock.setenv("GIT_COMMITTER_DATE", moment)
        clock.setenv("GIT_AUTHOR_DATE", moment)
        commit(root)
        ask(root, "sign", "G3a")


def evidence_from_the_future(root: Path) -> None:
    forge(root, "rollback_drill", lambda found: found.update(at="2099-01-01T00:00:00.000+00:00"))


# ------------------------------------------------------------------------------------------------ looks
def a_look_erased_with_the_history(root: Path) -> None:
    before = git(root, "log", "--format=%H", "--diff-filter=A", "--", looks.TEST_LOG).split()[-1]
    git(root, "reset", "--quiet", "--hard", f"{before}~1")


def a_look_that_only_the_remote_remembers(root: Path) -> None:
    elsewhere = root.parent / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(elsewhere)], check=True)
    git(root, "remote", "add", "origin", str(elsewhere))
    git(root, "push", "--quiet", "origin", "main")
    a_look_erased_with_the_history(root)
    git(root, "reflog", "expire", "--expire=now", "refs/heads/main", "HEAD")


def a_look_forced_away_at_the_remote(root: Path) -> None:
    a_look_that_only_the_remote_remembers(root)
    git(root, "push", "--quiet", "--force", "origin", "main")
    git(root, "reflog", "expire", "--expire=now", "refs/heads/main", "HEAD")


def a_look_taken_out_of_the_log(root: Path) -> None:
    without_the_look(root)
    commit(root)


def a_log_that_git_is_told_to_call_binary(root: Path) -> None:
    (root / ".gitattributes").write_text("evidence/* binary\n", "utf-8")
    a_look_taken_out_of_the_log(root)


def a_history_put_in_the_place_of_another(root: Path) -> None:
    a_look_taken_out_of_the_log(root)
    git(root, "reflog", "expire", "--expire=now", "--all")
    git(root, "replace", "--graft", "HEAD")


def a_history_cut_off(root: Path) -> None:
    a_look_taken_out_of_the_log(root)
    whole = root.with_name("whole")
    shutil.move(root, whole)
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", whole.as_uri(), str(root)], check=True)


# ------------------------------------------------------------------------------------------------ the registry
def an_entry_written_by_hand(root: Path) -> None:
    model = trained_on_the_test_rows(root)

    def enter(found: dict[str, Any]) -> None:
        entry = json.loads(json.dumps(found["models"]["1.0.0"])) | {"version": "1.1.0"}
        entry["files"]["model"] = {"path": f"store/{model}.skops", "sha256": model}
        found["models"]["1.1.0"] = entry
        switched(found, "1.1.0")

    book(root, enter)


def an_entry_that_claims_a_retraining(root: Path) -> None:
    model = trained_on_the_test_rows(root)

    def enter(found: dict[str, Any]) -> None:
        entry = json.loads(json.dumps(found["models"]["1.0.0"])) | {"version": "1.0.1"}
        entry["files"]["model"] = {"path": f"store/{model}.skops", "sha256": model}
        entry["hashes"]["acceptance"] = canonical({"retrained": model})
        found["models"]["1.0.1"] = entry
        switched(found, "1.0.1")

    book(root, enter)


def an_entry_that_was_rewritten(root: Path) -> None:
    model = trained_on_the_test_rows(root)
    changed = {"path": f"store/{model}.skops", "sha256": model}
    book(root, lambda found: found["models"]["1.0.0"]["files"].update(model=changed))


def an_alias_without_a_promotion(root: Path) -> None:
    book(root, lambda found: found["aliases"].update(champion="0.0.0", previous=None))


def a_rule_that_nobody_measured(root: Path) -> None:
    def enter(found: dict[str, Any]) -> None:
        found["models"]["2.0.0"] = found["models"]["0.0.0"] | {"version": "2.0.0"}
        switched(found, "2.0.0")

    book(root, enter)


def another_threshold_in_the_card(root: Path) -> None:
    entry = registry.read(root)["models"]["1.0.0"]
    card = root / entry["files"]["card"]["path"]
    card.write_text(json.dumps(json.loads(card.read_text("utf-8")) | {"threshold": 0.99}), "utf-8")
    digest = Repo(root).sha256(card)
    book(root, lambda found: found["models"]["1.0.0"]["files"]["card"].update(sha256=digest))


def a_promotion_under_another_name(root: Path) -> None:
    book(root, lambda found: switched(found, "1.0.0"))


# ------------------------------------------------------------------------------------------------ data and audit
def typed_quality(root: Path) -> None:
    forge(root, "quality", lambda found: found.update(rows=found["rows"] + 1))


def typed_leakage(root: Path) -> None:
    """A column that is the answer, added to rows and to the audit, with its finding taken out again."""
    rows = root / "data/raw/rows.csv"
    head, *body = rows.read_text("utf-8").splitlines()
    place = head.split(",").index(source_of(Repo(root)).target)
    copied = [f"{line},{int(line.split(',')[place] == 'malignant')}" for line in body]
    rows.write_text("\n".join([f"{head},copy", *copied]) + "\n", "utf-8")
    (root / "data/schema.yaml").unlink()
    ask(root, "audit")
    forge(root, "splits", lambda found: found["leakage"].update(suspects=[]))


def typed_split(root: Path) -> None:
    forge(root, "splits", lambda found: found["sizes"].update(test=found["sizes"]["test"] + 1))


def other_cuts(root: Path) -> None:
    """Other test rows, chosen by hand, with every figure that goes with them."""

    def cut(found: dict[str, Any]) -> None:
        for name, (low, high) in found["rule"]["cuts"].items():
            found["rule"]["cuts"][name] = [low, f"{high[:-1]}{'0' if high[-1] != '0' else '1'}"]

    forge(root, "splits", cut)
    ask(root, "audit")


def data_changed_with_the_times_put_back(root: Path) -> None:
    rows = root / "data/raw/rows.csv"
    stat, content = rows.stat(), rows.read_bytes()
    rows.write_bytes(content.replace(b"1", b"2", 1))
    os.utime(rows, ns=(stat.st_atime_ns, stat.st_mtime_ns))


# ------------------------------------------------------------------------------------------------ beyond the gates
def every_copy_of_the_history_rewritten(root: Path) -> None:
    a_look_forced_away_at_the_remote(root)
    git(root, "remote", "remove", "origin")


class Try(NamedTuple):
    what: str
    play: Callable[[Path], None]
    gate: str  # that stops it, or says it
    words: str  # in what the gate says
    seen: bool = False  # the gate stays open, and says it under a name


TRIES = [
    Try(
        "a model trained on the test rows, under the recorded name",
        a_model_under_the_recorded_name,
        "G3.3",
        "hash",
    ),
    Try("the same, and what answers", a_model_under_the_recorded_name, "G4.6", "another hash"),
    Try("such a model, with record and acceptance rewritten", a_model_with_its_record, "G3.3", "not what its record"),
    Try("such a model under settings of its own kind", a_model_with_a_record_of_its_kind, "G3.3", "trained again"),
    Try("forged predictions on the test rows, sealed again", forged_predictions, "G3.3", "asked again"),
    Try("forged predictions in the record", forged_validation_predictions, "G3.3", "its file says something else"),
    Try("a weaker baseline", a_weaker_baseline, "G3.3", "not the rule that the training rows give"),
    Try("settings edited after the record", settings_changed_after_the_record, "G3.3", "config in evidence"),
    Try("another decision threshold in the evidence", a_typed_decision_threshold, "G3.3", "decision_threshold in evid"),
    Try("the accepted model's record deleted", a_record_that_is_gone, "G3.3", "is missing"),
    Try("a record deleted to hide a try", a_record_that_is_gone, "G2.7", "deleted after it was committed"),
    Try("answers typed into the cache", a_cache_brought_from_elsewhere, "G3.3", "asked again"),
    Try("a signature typed under another's name", a_signature_under_anothers_name, "G3.1", "Test Person committed it"),
    Try("a signature in no commit", a_signature_in_no_commit, "G3.1", "is not committed"),
    Try("a signature hidden from git", a_signature_that_git_is_told_not_to_see, "G3.1", "is not committed"),
    Try("a waiver in another's name", a_waiver_under_anothers_name, "G2.7", "Test Person committed it"),
    Try("a waiver by somebody without a role", a_waiver_without_a_role, "G2.7", "Mallory holds no role"),
    Try("a waiver in no commit", a_waiver_in_no_commit, "G2.7", "it is in no commit"),
    Try("a waiver prolonged by somebody else", a_waiver_that_somebody_else_prolonged, "G2.7", "not Ana"),
    Try("waivers behind a link", waivers_behind_a_link, "G2.7", "it is in no commit"),
    Try("an author put on a commit", an_author_that_was_put_on, "G2.7", "a commit that Test Person made", True),
    Try("a name told to git, where keys are listed", a_name_told_to_git_where_keys_are_listed, "G2.7", "is not signed"),
    Try("a commit signed with another's key", a_commit_signed_with_another_key, "G2.7", "the key of Mallory"),
    Try("a key listed for oneself", a_key_that_somebody_listed_for_themselves, "G2.7", "is not signed with a key"),
    Try("a list of keys that is gone", a_list_of_keys_that_is_gone, "G2.7", "is not signed with a key"),
    Try("an assumption confirmed in another's name", an_assumption_under_anothers_name, "G1.11", "not Ana"),
    Try("rigor lowered after the look, and signed", rigor_lowered_after_the_look, "G3.1", "Rigor was standard"),
    Try("rigor lowered, unsigned", rigor_lowered_unsigned, "G3.1", "changed after G3a was signed"),
    Try("gates taken off the list", gates_taken_off_the_list, "G3.1", "changed after G3a was signed"),
    Try("a gate of the team's taken away", a_gate_of_the_teams_taken_away_after_a_look, "G3.1", "X.1 had to be open"),
    Try("a lower bar", a_lower_bar, "G3.1", "changed after G3a was signed"),
    Try(
        "a lower bar, signed, the clock put back", a_lower_bar_signed_with_the_clock_put_back, "G3.1", "after the first"
    ),
    Try("evidence from the future", evidence_from_the_future, "G4.4", "has not come yet"),
    Try("a look erased with the history", a_look_erased_with_the_history, "G2.4", "this branch once had"),
    Try("a look that only the remote has", a_look_that_only_the_remote_remembers, "G2.4", "origin/main"),
    Try("a look forced away at the remote", a_look_forced_away_at_the_remote, "G2.4", "origin/main"),
    Try("a look taken out of the log", a_look_taken_out_of_the_log, "G2.4", "lost"),
    Try("a log that git calls binary", a_log_that_git_is_told_to_call_binary, "G2.4", "lost"),
    Try("a history in the place of another", a_history_put_in_the_place_of_another, "G2.4", "lost"),
    Try("a history cut off", a_history_cut_off, "G2.4", "cut off"),
    Try("a registry entry written by hand", an_entry_written_by_hand, "G4.6", "was never accepted"),
    Try("an entry that claims a retraining", an_entry_that_claims_a_retraining, "G4.6", "no retraining compared it"),
    Try("an entry rewritten", an_entry_that_was_rewritten, "G4.6", "was rewritten"),
    Try("an alias without a promotion", an_alias_without_a_promotion, "G4.6", "by its events"),
    Try("a rule that nobody measured", a_rule_that_nobody_measured, "G4.6", "not the measured baseline"),
    Try("another threshold in the card", another_threshold_in_the_card, "G4.6", "another threshold"),
    Try("a promotion typed under a name", a_promotion_under_another_name, "G4.6", "promoted by Mallory", True),
    Try("quality typed into the audit", typed_quality, "G1.3", "not what the rows give: rows"),
    Try("a leak taken out of the audit", typed_leakage, "G1.4", "not what the rows give: suspects"),
    Try("sizes typed into the split", typed_split, "G1.4", "not what the rows give: sizes"),
    Try("other cuts, chosen by hand", other_cuts, "G1.4", "an earlier audit's", True),
    Try("data changed, its times put back", data_changed_with_the_times_put_back, "G1.3", "though no code did"),
]


class Limit(NamedTuple):
    what: str
    words: str  # on the page
    play: Callable[[Path], None] | None = None
    gate: str = ""  # that stays open, where it can be played here


LIMITS = [
    Limit("a name told to git, where no keys are listed", "git believes any name", a_name_told_to_git, "G2.7"),
    Limit("every copy of the history rewritten", "protected branch", every_copy_of_the_history_rewritten, "G2.4"),
    Limit("the engine edited, its manifest with it", "An edited engine can print anything"),
    Limit("a family of the team's that reads the test rows while it is trained", "reads the test rows"),
    Limit("reports of operation typed", "reports of a moment"),
    Limit("answers about today's practice that are not true", "Answers are taken as they are given"),
    Limit("labels that were typed to fit", "Labels are taken as they are delivered"),
    Limit("the key of one's own copy used to fill its memory", "whoever can write git's own folder"),
]


@pytest.mark.parametrize("one", TRIES, ids=lambda one: one.what)
def test_a_try_is_stopped_or_named(one: Try, released: Path) -> None:
    """By the gate that the table names, and in these words."""
    before = told(released, one.gate)
    one.play(released)

    row = gates.state_of(Repo(released), one.gate) if one.gate == "G2.7" else told(released, one.gate)

    assert one.words not in before.reason, before.reason
    assert one.words in row.reason, f"{row.state}: {row.reason}"
    assert (row.state in gates.OPEN) == one.seen, f"{row.state}: {row.reason}"
    assert one.seen or row.next_step, "whoever is stopped is told how to go on"


@pytest.mark.parametrize("one", LIMITS, ids=lambda one: one.what)
def test_what_no_gate_can_stop_is_on_the_page(one: Limit, released: Path) -> None:
    """In plain words, in every rendered repository; where it can be played, it really is not stopped."""
    assert one.words in (SAMPLE / PAGE).read_text("utf-8")
    if one.play:
        one.play(released)
        assert gates.state_of(Repo(released), one.gate).state in gates.OPEN


def test_what_another_copy_remembers_is_not_believed(released: Path, tmp_path: Path) -> None:
    """The code of an entry is made with a key that no clone has, and that lies in no commit."""
    other = Path(shutil.copytree(released, tmp_path / "other"))
    (other / ".git" / KEY).unlink(missing_ok=True)
    remember(other, "all is well", "a question")
    (released / CACHE).parent.mkdir(exist_ok=True)
    shutil.copy(other / CACHE, released / CACHE)

    assert recall(other, "a question") == "all is well"
    assert recall(released, "a question") is None
    remember(released, "it is so", "a question")
    assert recall(released, "a question") == "it is so"
    assert KEY not in git(released, "ls-files")


def test_no_try_stands_twice() -> None:
    """And there are as many as the table says."""
    assert len({(one.play, one.gate) for one in TRIES}) == len(TRIES)
    assert len(TRIES) + len(LIMITS) >= 50
