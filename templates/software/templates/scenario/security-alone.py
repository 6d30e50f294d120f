@pytest.mark.req("{{ requirement.id }}")
def {{ requirement.test }}(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    person = "Erika Muster 1975"
    subjects = [person, f"{person} \a", f"{person} {'x' * 200}"]

    # When {{ requirement.scenario.when | quoted }}
    with drive.product(tmp_path) as product:
        requests = [drive.sample(FIRST, subject=subject, note=subject) for subject in subjects]
        replies = [product.perform(FIRST, request) for request in requests]
    said = [reply.body["detail"] for reply in replies if not reply.ok]

    # Then {{ requirement.scenario.then | quoted }}
    assert [True, False, False] == [reply.ok for reply in replies]
    assert person not in "".join([*said, *capfd.readouterr()])
