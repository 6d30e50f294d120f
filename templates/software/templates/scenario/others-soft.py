@pytest.mark.req("{{ requirement.id }}")
def {{ requirement.test }}(tmp_path: Path, limit_seconds: float) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    with drive.product(tmp_path, {{ requirement.system | identifier | upper }}_URL="http://127.0.0.1:9") as product:
        # When {{ requirement.scenario.when | quoted }}
        replies = [product.perform(FIRST, drive.sample(FIRST, subject="A-17")) for _ in range(3)]
        kept = product.kept()

    # Then {{ requirement.scenario.then | quoted }}
    assert all(reply.ok and reply.body["degraded"] == ["{{ requirement.system | identifier }}"] for reply in replies)
    assert len(kept) <= 1
    assert min(reply.seconds for reply in replies) <= limit_seconds  # most of them: `make load`
