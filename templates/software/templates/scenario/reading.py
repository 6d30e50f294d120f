@pytest.mark.req("{{ requirement.id }}")
def {{ requirement.test }}(tmp_path: Path) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    with drive.product(tmp_path) as product:
        key = product.perform(FIRST, drive.sample(FIRST, subject="Erika Muster")).body["key"]

        # When {{ requirement.scenario.when | quoted }}
        product.kept()

    # Then {{ requirement.scenario.then | quoted }}
    text = "".join(file.read_text("utf-8") for file in tmp_path.glob("access-*"))
    read = [line for line in map(json.loads, text.splitlines()) if line["request"] == "GET /records"]
    assert [("drill", [key])] == [(line["caller"], line["shown"]) for line in read]
    assert all(line["at"] for line in read)
    assert "Erika" not in text
