"""What a software repository hands over, in the words of its pages: a row for each deliverable that can be chosen."""

from typing import NamedTuple


class Delivered(NamedTuple):
    """What pages call a deliverable."""

    product: str
    what: str  # "This repository delivers …"
    started: str  # what `make run` does
    program: str  # what run.py is, in the README's tree
    tests: str  # tests/test_….py, beyond the scenarios


DELIVERED = {
    "service": Delivered("service", "an HTTP service", "serves on port 8000", "starts the service", "service"),
    "web-app": Delivered(
        "web application", "a web application", "serves on port 8000", "starts the web application", "service"
    ),
    "cli": Delivered(
        "command", "a command-line tool", "runs the tool, with `ARGS`", "the command that people type", "command"
    ),
    "library": Delivered(
        "library",
        "a Python library",
        "calls one function, with `ARGS`",
        "calls one function from a shell",
        "library",
    ),
    "batch": Delivered(
        "batch job", "a batch job", "runs the job, with `ARGS`", "the job: resumable, idempotent", "job"
    ),
}
