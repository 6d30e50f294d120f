@pytest.mark.req("{{ requirement.id }}")
def {{ requirement.test }}(tmp_path: Path) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    with drive.product(tmp_path) as product:
        for subject, person in {"A-17": "Erika Muster", "Erika Muster": "", "B-1": "Max Muster"}.items():
            product.perform(FIRST, drive.sample(FIRST, subject=subject, person=person))
        drive.backup(tmp_path, tmp_path / "records-1.jsonl")

        # When {{ requirement.scenario.when | quoted }}
        reply = product.ask("POST", "/deletions", {"person": "Erika Muster"})
        kept = product.kept()
        traces = [file.name for file in tmp_path.iterdir() if b"Erika" in file.read_bytes()]

    # Then {{ requirement.scenario.then | quoted }}
    assert reply.ok
    assert ["Max Muster"] == [record["person"] for record in kept]
    assert traces == []
    again = tmp_path / "again"
    again.mkdir()
    restored = drive.restore(tmp_path / "records-1.jsonl", again)
    assert restored == sum(table.rows for table in drive.content(again).values()) > 0
