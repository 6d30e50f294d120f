@pytest.mark.req("{{ requirement.id }}")
def {{ requirement.test }}(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    monkeypatch.setenv("PREDICTION_LOG", str(tmp_path))
    with drive.product(tmp_path, MODEL_URL="http://127.0.0.1:9") as product:
        warned = product.perform(FIRST, drive.sample(FIRST, subject="A-18")).body["judgement"]["id"]
    waiting = review.waiting()

    # When {{ requirement.scenario.when | quoted }}
    review.decide(warned, "overrule", "Ana")

    # Then {{ requirement.scenario.then | quoted }}
    assert [warned] == [warning["id"] for warning in waiting]
    assert review.waiting() == []
    assert {warned: "no"} == review.labels()
