@pytest.mark.req("{{ requirement.id }}")
def {{ requirement.test }}(product: Product) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    warned = product.perform(FIRST, drive.sample(FIRST, subject="A-18")).body["judgement"]["id"]
    waiting = product.ask("GET", "/warnings").body["value"]

    # When {{ requirement.scenario.when | quoted }}
    reply = product.ask("POST", f"/warnings/{warned}", {"decision": "overrule", "by": "Ana"})

    # Then {{ requirement.scenario.then | quoted }}
    assert warned in [warning["id"] for warning in waiting]
    assert reply.ok
    assert warned not in [warning["id"] for warning in product.ask("GET", "/warnings").body["value"]]
    assert f"{warned},no" in product.ask("GET", "/labels").body["value"].splitlines()
