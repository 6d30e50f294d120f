"""An acceptance held against what it is about: the record of its model, and what model and baseline say again.

The verdict follows from prediction files; that these are the model's is shown here, by predicting with it once more.
Predicting is no look: nothing is compared with a right answer.
"""

from typing import Any

from planrun.remembered import recall, remember
from planrun.repository import Repo
from planrun.signing.people import decides
from planrun.trouble import Blocked, Trouble

from planrun_ml.acceptance.predicting import predicted, rule_again
from planrun_ml.acceptance.verdicts import accepted
from planrun_ml.data import frames, manifest
from planrun_ml.experiments import records, retracing
from planrun_ml.experiments.retracing import OTHER, SAME, Traced

WHOSE = {"model": "the model", "baseline": "the baseline", "simpler": "the simplest model"}
ACCEPT = "make accept"


def refuse_other_model(repo: Repo, record: dict[str, Any]) -> str:
    """Before a look: raises `Trouble` where a model is not its record's, or the baseline not that of the training rows.

    Returns a sentence where two trainings differ, so that nobody can tell; "" else.
    """
    found = retracing.of_record(repo, record, patient=True)
    if found.state == OTHER:
        raise _other(repo, record, found)
    if why := weaker_baseline(repo):
        raise Trouble(why, "make baseline")
    return "" if found.state == SAME else f"{record['id']}: {found.why}."


def _other(repo: Repo, record: dict[str, Any], found: Traced) -> Trouble:
    told, step = f"The model of {record['id']} is not what its record gives: {found.why}.", retracing.again(record)
    if not found.packages:
        return Trouble(told, step)
    back = "install those versions again (git log -p requirements-dev.lock, then make setup)"
    choices = decides(repo, "ds", f"{back}; or measure it anew: {step}", step)
    return Trouble(f"{told} It was made with {found.packages}.", choices)


def weaker_baseline(repo: Repo) -> str:
    """A sentence where the recorded baseline is not the rule that the training rows give; "" where it is."""
    held = repo.fresh("baseline", "make baseline")["rule"]
    about = ("rule", retracing.world(repo))
    rule = recall(repo.root, *about)
    if rule is None:
        rule = rule_again(repo)
        remember(repo.root, rule, *about)
    return "" if rule == held else "The baseline in evidence/baseline.json is not the rule that the training rows give."


def retraced(repo: Repo) -> Traced:
    """Whether the accepted model is its record's, and the predictions that the verdict follows from are the models'.

    Raises `Trouble`, with what to type, where one is not; `Blocked` where something is missing, or takes too long.
    """
    facts = accepted(repo)
    if not manifest.at_hand(repo):
        told = "The rows are not on this machine, so the model could not be asked again."
        raise Blocked(told, "Fetch the file that data/manifest.json names")
    record = records.of_name(records.all_records(repo), facts["experiment"])
    found = retracing.of_record(repo, record)
    if found.state == OTHER:
        raise _other(repo, record, found)
    if why := weaker_baseline(repo):
        raise Trouble(why, "make baseline")
    about = ("predicted", facts["predictions"], record["model_file"], record["config"], retracing.world(repo))
    why = recall(repo.root, *about)
    if why is None:
        why = _forged(repo, record, facts["predictions"])
        remember(repo.root, why, *about)
    if why:
        raise Trouble(why, ACCEPT)
    return found


def _forged(repo: Repo, record: dict[str, Any], files: dict[str, str]) -> str:
    """Whose predictions on the test rows are not theirs, as a sentence; "" where all are."""
    frame = frames.held_back(repo)
    said, _ = predicted(repo, frame, record)
    if missing := said.keys() - files.keys():
        return f"The predictions of {WHOSE[min(missing)]} are not in evidence/acceptance.json."
    for name, (scores, classes) in said.items():
        if off := retracing.differing(scores, retracing.kept_scores(repo, files[name], frame, classes)):
            whose = WHOSE[name]
            return f"{off} of {len(frame.y)} predictions on the test rows are not those of {whose}, asked again."
    return ""
