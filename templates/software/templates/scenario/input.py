@pytest.mark.req("{{ requirement.id }}")
@pytest.mark.parametrize("subject", ["", "   ", "a" * 201, "bell \a"], ids=["none", "blank", "overlong", "unprintable"])
def {{ requirement.test }}(product: Product, subject: str) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    product.perform(FIRST, drive.sample(FIRST, subject="A-17"))
    before = product.kept()

    # When {{ requirement.scenario.when | quoted }}
    reply = product.perform(FIRST, drive.sample(FIRST, subject=subject))

    # Then {{ requirement.scenario.then | quoted }}
    assert reply.refused
    assert "subject" in str(reply.body)
    assert before == product.kept()
