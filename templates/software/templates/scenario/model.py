@pytest.mark.req("{{ requirement.id }}")
def {{ requirement.test }}(tmp_path: Path, limit_seconds: float) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    log = tmp_path / "log"
    with drive.product(tmp_path, MODEL_URL="http://127.0.0.1:9", PREDICTION_LOG=str(log)) as product:
        # When {{ requirement.scenario.when | quoted }}
        replies = [product.perform(FIRST, drive.sample(FIRST, subject=f"A-{number}")) for number in range(3)]

    # Then {{ requirement.scenario.then | quoted }}
    assert all(reply.ok and "the model" in reply.body["degraded"] for reply in replies)
    assert all(reply.body["judgement"]["decided_by"] == "rule" for reply in replies)
    assert sum(file.read_text("utf-8").count('"rule"') for file in log.glob("*.jsonl")) == len(replies)
    assert min(reply.seconds for reply in replies) <= limit_seconds  # most of them: `make load`
