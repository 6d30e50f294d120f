"""`alert-test`: one test alert to whoever is on call."""

import json
import os
import urllib.request
from datetime import date

from planrun.files import read_yaml
from planrun.repository import Repo
from planrun.trouble import Blocked, Outcome

ALERTS = "ops/alerts.yaml"


def alert_test(repo: Repo) -> Outcome:
    """Send one test alert to whoever is on call, and write down how it was received.

    Raises `Blocked` where nothing is promised, no address is set or the alert does not arrive.
    """
    if not (repo.root / ALERTS).is_file():
        raise Blocked("Nothing is promised here that an alert could watch: there is no service level.")
    variable = read_yaml(repo.root / ALERTS)["webhook_variable"]
    address = os.environ.get(variable, "")
    if not address.startswith(("http://", "https://")):
        raise Blocked(f"{variable} holds no address.", f"{variable}=https://… make alert-test")
    body = json.dumps({"text": f"Test alert of {repo.answers['project_name']}: please confirm."}).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            status = int(answer.status)
    except OSError as error:
        raise Blocked(
            f"The test alert did not arrive: {error}.", f"Correct {variable}, then make alert-test again."
        ) from error
    repo.write_evidence("alert_test", {"status": status, "on": date.today().isoformat()}, [ALERTS])
    return Outcome(f"The test alert was received with status {status}. Ask whether a person saw it.")
