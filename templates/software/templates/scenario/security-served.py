@pytest.mark.req("{{ requirement.id }}")
def {{ requirement.test }}(tmp_path: Path) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    with drive.product(tmp_path) as product:
        product.perform(FIRST, drive.sample(FIRST, subject="Erika Muster"))

        # When {{ requirement.scenario.when | quoted }}
        replies = [product.ask("GET", "/records", token=token) for token in ("", "guessed")]
        replies += [product.ask("POST", f"/{FIRST.replace('_', '-')}", drive.sample(FIRST), token="guessed")]
        kept = product.kept()

    # Then {{ requirement.scenario.then | quoted }}
    text = "".join(file.read_text("utf-8") for file in tmp_path.glob("access-*"))
    attempts = [line for line in map(json.loads, text.splitlines()) if line["status"] == 401]
    assert all(reply.refused and "Erika" not in str(reply.body) for reply in replies)
    assert ["Erika Muster"] == [record["subject"] for record in kept]
    assert [None] * 3 == [attempt["caller"] for attempt in attempts]
