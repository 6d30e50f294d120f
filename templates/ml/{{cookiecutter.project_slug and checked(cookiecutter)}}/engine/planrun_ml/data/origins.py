"""Whether every source in the data audit has an owner, access and a history."""

from planrun.gates import Result, blocked, failed, passed
from planrun.repository import Repo
from planrun.signing.people import decides, waiving

from planrun_ml.data import manifest
from planrun_ml.data import source as source_module


def sources(repo: Repo) -> Result:
    """A pass where every entry under `sources` in data/source.yaml names owner and access, and a lawful basis with them
    where personal data are among the rows. Raises `Blocked` before the audit."""
    manifest.manifest(repo)
    source = source_module.source_of(repo)
    if not source.sources:
        return blocked("data/source.yaml names no source.", "Add an entry under `sources` in data/source.yaml")
    if not source.is_sample and any(entry.get("name", "").endswith(source_module.ORIGINS) for entry in source.sources):
        return blocked(
            "`sources` in data/source.yaml still describes the sample.",
            "Name under `sources` in data/source.yaml where your data comes from",
        )
    for entry in source.sources:
        if entry.get("access", "").lower() == "refused":
            return failed(
                f"Access to {entry.get('name')} was refused.",
                decides(
                    repo, "po", f"another source under `sources` in data/source.yaml, or stop; or {waiving('G1.2')}"
                ),
            )
        needed = ["name", "owner", "access"] + (["lawful_basis"] if repo.answers["personal_data"] != "none" else [])
        empty = [key for key in needed if not str(entry.get(key, "")).strip()]
        if empty:
            named = entry.get("name", "").strip() or "a source"
            return blocked(f"Nobody has written the {empty[0]} of {named}.", "Fill `sources` in data/source.yaml")
        if entry["access"].lower() != "granted":
            return blocked(
                f"Access to {entry['name']} is {entry['access']}.", "Set access: granted in data/source.yaml when it is"
            )
    return passed(f"Sources with access: {', '.join(entry['name'] for entry in source.sources)}.")
