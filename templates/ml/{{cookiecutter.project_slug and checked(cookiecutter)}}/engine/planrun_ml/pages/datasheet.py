"""The datasheet: where the data come from and what they hold."""

from planrun.repository import Repo

from planrun_ml.data import manifest, schema
from planrun_ml.data import source as source_module
from planrun_ml.pages.tables import listed, table

DATASHEET = "evidence/datasheet.md"


def datasheet(repo: Repo) -> str:
    """The data: why, what, from where, how it was cut and checked. Headings after Gebru et al., "Datasheets for
    Datasets" (2018)."""
    quality, labels, splits = (repo.fresh(name, "make audit") for name in ("quality", "labels", "splits"))
    audited, source, rules = manifest.manifest(repo), source_module.source_of(repo), schema.read(repo)["columns"]
    named = {name: rules.get(name, {}) for name in quality["profile"]}
    columns = {
        name: f"{facts['type']}, {facts['missing']:.1%} missing; {named[name].get('meaning') or 'no meaning written'}"
        for name, facts in quality["profile"].items()
    }
    origins = {
        one.get("name") or "unnamed": f"owner {one.get('owner') or '?'}, access {one.get('access') or '?'}, "
        f"lawful basis {one.get('lawful_basis') or '?'}"
        for one in source.sources
    }
    listed_ones = len(splits["leakage"].get("watch", []))
    agreed = "not measured" if labels["agreement"] is None else labels["agreement"]
    return f"""\
# Datasheet{source_module.label(repo, source)}

Written by `make accept` for the file with hash `{audited["sha256"][:16]}`; edit nothing here.
What a column means is written in {schema.PATH}, what the data is from in {source_module.SOURCE}.

## Motivation

To predict {source.target}: docs/00-charter.md says for which decision.

## Composition

{audited["rows"]:,} rows, {labels["labelled"]:,} labelled, {quality["repeated_rows"]:,} repeat another.
Time: {" to ".join(map(str, audited["time_range"])) or "no column says when"}.
Personal data, by the answers: {repo.answers["personal_data"]}.
{listed(labels["balance"])}

{table(columns)}

## Collection

Labels: {repo.answers["label_source"]}; agreement of those who label: {agreed}.

{table(origins)}

## Preprocessing

Split by rule {splits["rule"]["kind"]}: {listed({name: count for name, count in splits["sizes"].items() if count})}.
{len(quality["breaches"])} rules of {schema.PATH} do not hold.
Columns suspected of knowing the answer: {len(splits["leakage"]["suspects"])}; on the watch list: {listed_ones}.

## Uses, distribution, maintenance

Who may use it and until when, docs/01-data-audit.md says in section 10, how it changes in section 12.
The test rows are for `make accept` alone.
"""
