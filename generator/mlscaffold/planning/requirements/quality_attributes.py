"""Quality requirements: speed, availability, security and recovery, as far as the answers call for them."""

import math

from mlscaffold.answers import Answers
from mlscaffold.planning.number import Numbers, said, value_of
from mlscaffold.planning.requirements.draft import EVERY, MISSING, SYSTEMS, Draft, limit, units
from mlscaffold.planning.requirements.free_text import spoken
from mlscaffold.planning.requirements.verbs import approvals


def quality_requirements(answers: Answers, numbers: Numbers) -> list[Draft]:
    """Speed, availability, security and recovery, as far as the deliverable and its data call for them."""
    found = [_speed(answers, numbers)]
    if answers.is_asked("slo_percent"):
        found.append(_availability(answers, numbers))
    online, runs = answers.deliverable in ("service", "web-app"), answers.deliverable in ("service", "web-app", "batch")
    guarded = answers.data_class in ("personal", "regulated")
    if answers.data_class != "none":
        found.append(_access(answers) if online and guarded else _reach(answers) if online else _silence(answers))
    if approvals(answers):
        found.append(_approval(answers))
    if online and answers.data_class == "regulated":
        found.append(_reading(answers))
    if runs and guarded:
        found.append(_deletion(answers))
    if answers.ml_component:
        found.append(_person(answers))
    if runs:
        found.append(_rollback(answers))
    if runs and answers.data_class != "none":
        found.append(_restore(answers))
    if answers.deliverable == "library":
        found.append(_deprecation())
    return found


def _speed(answers: Answers, numbers: Numbers) -> Draft:
    system, within = SYSTEMS[answers.deliverable], limit(answers)
    samples = value_of(numbers, "slo.demo_samples")
    online = answers.deliverable in ("service", "web-app")
    rate = float(value_of(numbers, "capacity.load_per_second") or 0.0)
    given = "one row is given" if answers.deliverable == "batch" else "a typical input is given"
    load = f"{said(rate)} requests a second arrive" if online else given
    return Draft(
        "quality",
        EVERY,
        f"While {load}, {system} shall finish 95 % of the {units(answers)} within {within}.",
        f"95 % of at least {samples} timed {units(answers)} take at most {within}.",
        f"{load.replace(' arrive', ' are sent').replace(' is given', ' is ready')}",
        f"{samples} {units(answers)} are timed",
        f"95 % of them take at most {within}",
        verification="demonstration",
        owner="ops",
        about="speed",
    )


def _availability(answers: Answers, numbers: Numbers) -> Draft:
    system, counted, days = SYSTEMS[answers.deliverable], units(answers), answers.slo_window_days
    budget, enough = value_of(numbers, "slo.budget_requests"), value_of(numbers, "slo.demo_requests")
    whole = math.floor((budget or 0.0) + 1e-9)  # nothing is half a request
    allowed = "Before" if budget is None else f"At most {whole:,} failed {counted} in {days} days; before"
    if budget is not None and budget < 1:
        allowed = f"Not one failed {counted.removesuffix('s')} in {days} days; before"
    shown = f"{enough:,}" if enough is not None else "1,000,000,000"
    return Draft(
        "quality",
        EVERY,
        f"The {system.removeprefix('the ')} shall complete {answers.slo_percent:.12g} % of the {counted} of any "
        f"{days} days without an error of its own.",
        f"{allowed} release, {shown} {counted} without one failure.",
        f"{shown} complete {counted}",
        f"{system} handles them",
        "none fails",
        verification="demonstration",
        owner="ops",
        about="availability",
    )


def _silence(answers: Answers) -> Draft:
    """Security of what answers nobody over a network: nothing leaks through its log."""
    system, kind = SYSTEMS[answers.deliverable], answers.data_class
    return Draft(
        "quality",
        EVERY,
        f"The {system.removeprefix('the ')} shall write no {kind} data into logs and error messages.",
        f"Yes or no: a search of the logs of the acceptance runs finds no {kind} data.",
        f"{kind} data in every input, good and bad",
        f"{system} handles all of it with logging at its fullest",
        f"neither log nor error message holds any {kind} data",
        verification="test" if kind in ("personal", "regulated") else "inspection",
        about="security",
    )


def _reach(answers: Answers) -> Draft:
    """Internal data: who may ask is decided by the network, which no test of the program can see."""
    system = SYSTEMS[answers.deliverable]
    return Draft(
        "quality",
        EVERY,
        f"The {system.removeprefix('the ')} shall be reachable from the organisation's own network alone.",
        "Yes or no: from outside that network, no port of it answers.",
        "a machine outside the organisation's network",
        f"somebody there tries to reach {system}",
        "no connection is made",
        verification="inspection",
        owner="ops",
        about="security",
    )


def _access(answers: Answers) -> Draft:
    system = SYSTEMS[answers.deliverable]
    return Draft(
        "quality",
        EVERY,
        f"If a request comes from nobody whom {system} knows, then {system} shall refuse it and record the attempt.",
        f"Yes or no: an unknown caller sees no {answers.data_class} data, and the attempt is in the log.",
        "a caller without valid credentials",
        f"the caller asks for {answers.data_class} data",
        "nothing is shown, and the attempt is in the log",
        about="security",
    )


def _approval(answers: Answers) -> Draft:
    """Four eyes: a capability that approves is not for whoever submitted, nor for everybody."""
    system = SYSTEMS[answers.deliverable]
    asked = spoken(approvals(answers)[0], "approve it")
    return Draft(
        "quality",
        EVERY,
        f"If whoever submitted something, or somebody who is no approver, asks {system} to {asked}, then {system} "
        "shall refuse it with a sentence, and keep nothing.",
        "Yes or no: an approver who submitted it and a caller without that role are each refused, and nothing is kept.",
        "something that an approver has submitted",
        f"that approver, and a caller who is none, ask to {asked}",
        "both are refused with a sentence, and nothing is kept of it",
        owner="po",
        about="approval",
    )


def _person(answers: Answers) -> Draft:
    """The model judges; a person decides, and the decision is kept where the model's owners can learn from it."""
    system = SYSTEMS[answers.deliverable]
    return Draft(
        "quality",
        EVERY,
        f"When the model or its fallback rule warns, {system} shall let a person confirm or overrule the warning, and "
        "keep the decision under the judgement's id.",
        "Yes or no: each warning waits until a named person decides, and the decision comes back as a label.",
        "a warning that nobody has decided about",
        "a person overrules it",
        "it waits no longer, and its label says what the person said",
        about="a person decides",
    )


def _reading(answers: Answers) -> Draft:
    """Regulated data: afterwards it can be said who saw what."""
    system = SYSTEMS[answers.deliverable]
    return Draft(
        "quality",
        EVERY,
        f"When somebody reads {answers.data_class} data, {system} shall log who read which records, and when.",
        "Yes or no: for every record that was shown, the log names reader, record and time.",
        "a record, and a caller who may read it",
        "the caller reads it",
        "the log names the caller, the record and the time, and holds nothing of the record's content",
        about="reading",
    )


def _deletion(answers: Answers) -> Draft:
    system = SYSTEMS[answers.deliverable]
    return Draft(
        "quality",
        EVERY,
        f"When a person asks for deletion, {system} shall delete that person's data from its store and its backups, "
        f"and within {MISSING} days from every other copy.",
        f"Nothing about the person is found, at once where {system} keeps it, after {MISSING} days anywhere.",
        "a person whose data is stored and backed up",
        "that person asks for deletion",
        "a search for the person finds nothing, in the store and in restored backups",
        owner="po",
        about="deletion",
    )


def _rollback(answers: Answers) -> Draft:
    system, minutes = SYSTEMS[answers.deliverable], f"{answers.rollback_minutes:g} minutes"
    return Draft(
        "quality",
        EVERY,
        f"If a release fails, then {system} shall run its previous version again within {minutes}.",
        f"At most {minutes}, timed in a drill that is at most {answers.drill_age_days} days old.",
        "a release that fails its checks",
        "somebody starts the rollback",
        f"the previous version answers within {minutes}",
        verification="demonstration",
        owner="ops",
        about="rollback",
    )


def _restore(answers: Answers) -> Draft:
    system = SYSTEMS[answers.deliverable]
    return Draft(
        "quality",
        EVERY,
        f"If the store is lost, then {system} shall bring back every record of the last backup.",
        "Yes or no: after the drill the restored records equal the backed-up ones, in number and content.",
        "a backup and an empty store",
        "somebody runs the restore drill",
        "every record of the backup is there again, unchanged",
        verification="demonstration",
        owner="ops",
        about="restore",
    )


def _deprecation() -> Draft:
    """What others build on does not vanish from one version to the next; before the first goes, none can show it."""
    return Draft(
        "quality",
        EVERY,
        "When a public name is to go or to change its meaning, the library shall keep it for at least one more minor "
        "version and warn at each use with the name that takes its place.",
        "Yes or no: every name of the last version is there, or was warned about in that version and is in the "
        "changelog.",
        "a program that uses each public name of the last version",
        "it runs with the new version",
        "it runs as before, and each use of a name that will go raises a DeprecationWarning that names the next",
        verification="inspection",
        priority="should",
        about="deprecation",
    )
