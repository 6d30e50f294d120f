"""What people read: what the judged model is, what its data is, which decisions change. All of it is from evidence.
And what programs read of a version: its card.

`make accept` writes both pages; gate G3.10 works them out again and turns red where a page tells of other evidence.
"""

from typing import Any

from planrun.repository import Repo
from planrun.rooms import KEPT

from planrun_ml.data import manifest, source
from planrun_ml.measuring.telling import UNKNOWN
from planrun_ml.pages.datasheet import DATASHEET
from planrun_ml.pages.tables import listed, table


def model_card(repo: Repo) -> str:
    """The accepted or rejected model, with the hash of the evidence it tells of."""
    facts, audited = repo.fresh("acceptance", "make accept"), manifest.manifest(repo)
    result, rule, gain = (_figure(facts[key]) for key in ("result", "baseline", "gain"))
    limits = {name: f"{value:.4g}" for name, value in facts["limits"].items() if value is not None}
    costs = {name: f"{value:.4g}" for name, value in facts["cost"].items() if value is not None}
    rows = {
        "Task": f"{repo.answers['task']}, serving {repo.answers['serving']}",
        "Model": f"{facts['config']['model']} {facts['config']['params']}, file `{facts['model'][:16]}`",
        **_own(facts["config"]),
        "Data": f"{audited['rows']:,} rows, file hash `{audited['sha256'][:16]}`: {DATASHEET}",
        f"{facts['metric']} on test rows": result,
        f"{facts['metric']} of the baseline rule": rule,
        "Gain": f"{gain}, needed {facts['minimum']:.4g}",
        "Verdict": f"{facts['verdict']['state']}: {facts['verdict']['sentence']}",
        **{f"Segment {name}": f"{it['state']}: {it['sentence']}" for name, it in facts["segments"].items()},
        "Cost of one decision": listed(costs) or "the result is no decision",
        "Measured limits": listed(limits),
    }
    return f"""\
# Model card{source.label(repo, source.source_of(repo))}

Written by `make accept` from evidence `{repo.sha256("evidence/acceptance.json")[:16]}`; edit nothing here.

{table(rows)}

Limits: shown only for rows like those of the audit, for this metric and this decision threshold
({facts["decision_threshold"]:.3g}). What is not promised stands in docs/03-acceptance.md, section 1.
"""


def _figure(found: dict[str, Any]) -> str:
    """A value as evidence holds it, with its bounds and what they rest on."""
    low, high = (UNKNOWN if found[key] is None else found[key] for key in ("low", "high"))
    ends = f"{low} to {high}" if (low, high) != (UNKNOWN, UNKNOWN) else "without bounds"
    value = UNKNOWN if found["value"] is None else found["value"]
    return f"{value} ({ends}; {found['n']} units, {found['method']})"


def _own(settings: dict[str, Any]) -> dict[str, str]:
    """Where the code stands that the team brought to this model; nothing where it brought none."""
    brought = (("Features", "features", "features"), ("Family", "family", "models"))
    return {
        title: f"`{KEPT}/{settings[key]}/{room}.py`, kept as it was"
        for title, key, room in brought
        if settings.get(key)
    }
