@pytest.mark.req("{{ requirement.id }}")
def {{ requirement.test }}(tmp_path: Path) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    request = drive.sample("{{ approving[0] }}", subject="A-17")
    with drive.product(tmp_path, ACCESS_ROLES="drill=approver") as product:
        product.perform(FIRST, drive.sample(FIRST, subject="A-17"))

        # When {{ requirement.scenario.when | quoted }}
        own = product.ask("POST", "/{{ approving[0] | replace('_', '-') }}", request)
        without_role = product.ask("POST", "/{{ approving[0] | replace('_', '-') }}", request, token=drive.SECOND)
        kept = product.kept()

    # Then {{ requirement.scenario.then | quoted }}
    assert own.refused
    assert "submitted" in own.body["detail"]
    assert without_role.refused
    assert "approver" in without_role.body["detail"]
    assert [FIRST] == [record["capability"] for record in kept]
