@pytest.mark.req("{{ requirement.id }}")
def {{ requirement.test }}(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    monkeypatch.setenv("BACKUPS", str(tmp_path))
    with drive.product(tmp_path) as product:
        for subject, person in {"A-17": "Erika Muster", "Erika Muster": "", "B-1": "Max Muster"}.items():
            product.perform(FIRST, drive.sample(FIRST, subject=subject, person=person))
        ledger.copy(tmp_path, tmp_path / "ledger-1.db")
        before = sum(table.rows for table in drive.content(tmp_path).values())

        # When {{ requirement.scenario.when | quoted }}
        found = deletion.forget(tmp_path, "Erika Muster")
        kept = product.kept()

    # Then {{ requirement.scenario.then | quoted }}
    left = sum(table.rows for table in drive.content(tmp_path).values())
    assert (before - left, ["ledger-1.db"]) == (found["outcomes"], found["backups"])
    assert 0 < left < before
    assert ["Max Muster"] == [outcome["person"] for outcome in kept]
    assert not any(b"Erika" in file.read_bytes() for file in tmp_path.iterdir())
    assert ledger.bring_back(tmp_path / "ledger-1.db", tmp_path / "again") == left
