"""One small product, however it is delivered: what the harness starts, asks, loses and brings back."""

from planrun_software.tests.toy import PACKAGE

CAPABILITIES = '''
"""What a desk can do. A subject that is empty is refused; one that says so breaks the product."""

import os
from dataclasses import dataclass


class Refused(ValueError):
    pass


class Outcome(dict):
    def as_json(self):
        return dict(self)


@dataclass(frozen=True)
class Request:
    subject: str
    page_count: str = "1"


def open_file(request):
    if request.subject == "break":
        raise KeyError("pages")
    if not request.subject.strip():
        raise Refused("The subject is empty.")
    others = os.environ.get("DEPENDENCIES", "")
    return Outcome(capability="open_file", subject=request.subject, pages=request.page_count, others=others)


def show_file(request):
    return Outcome(open_file(request), capability="show_file")


CAPABILITIES = {"open_file": open_file, "show_file": show_file}


def taken_by(capability):
    return Request


def request_of(capability, texts, **rest):
    return Request(**texts, **rest)
'''
TYPED = """
import argparse
import json
import sys

from .capabilities import CAPABILITIES, Refused, Request


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--page-count", default="1")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("capability", choices=[name.replace("_", "-") for name in CAPABILITIES])
    parser.add_argument("subject")
    asked = parser.parse_args()
    capability = CAPABILITIES[asked.capability.replace("-", "_")]
    try:
        print(json.dumps(capability(Request(asked.subject, asked.page_count))))
    except Refused as refusal:
        sys.exit(str(refusal))
"""
CALLED = """
import argparse
import json
import sys

from .capabilities import CAPABILITIES, Refused, Request

parser = argparse.ArgumentParser()
parser.add_argument("run", choices=["run"])
parser.add_argument("--page-count", default="1")
parser.add_argument("capability", choices=list(CAPABILITIES))
parser.add_argument("subject")
asked = parser.parse_args()
try:
    print(json.dumps(CAPABILITIES[asked.capability](Request(asked.subject, asked.page_count))))
except Refused as refusal:
    sys.exit(str(refusal))
"""
LEDGER = '''
"""What was carried out, once each, in a file of SQLite."""

import shutil
import sqlite3
from contextlib import closing


def ledger(folder):
    held = sqlite3.connect(folder / "ledger.db")
    held.execute("pragma synchronous = off")
    held.execute("create table if not exists files (capability, subject, pages, primary key (capability, subject))")
    return held


def kept(folder):
    with closing(ledger(folder)) as held:
        return held.execute("select capability, subject, pages from files order by rowid desc").fetchall()


def copy(folder, file):
    shutil.copyfile(folder / "ledger.db", file)
    return len(kept(folder))


def bring_back(file, folder):
    shutil.copyfile(file, folder / "ledger.db")
    return len(kept(folder))
'''
CARRIED_OUT = """
import csv
import json
from types import SimpleNamespace

from .capabilities import CAPABILITIES, Refused, Request
from .ledger import closing, kept, ledger


def carry_out(file, folder):
    rejected = []
    with closing(ledger(folder)) as held, file.open(encoding="utf-8", newline="") as rows, held:
        for row in csv.DictReader(rows):
            capability = CAPABILITIES[row.pop("capability")]
            try:
                done = capability(Request(**row))
                told = [done[name] for name in ("capability", "subject", "pages")]
                held.execute("insert or replace into files values (?, ?, ?)", told)
            except Refused as refusal:
                rejected.append([row["subject"], str(refusal)])
    with (folder / "rejected.csv").open("w", encoding="utf-8", newline="") as rows:
        csv.writer(rows).writerows([["subject", "reason"], *rejected])
    lines = [dict(zip(("capability", "subject", "pages"), one)) for one in kept(folder)]
    (folder / "outcomes.jsonl").write_text("".join(json.dumps(line) + "\\n" for line in lines), "utf-8")
    return SimpleNamespace(rejected=len(rejected))
"""
JOB = """
import sys
from pathlib import Path

from .run import carry_out

assert sys.argv[1] == "run"
sys.exit(min(carry_out(Path(sys.argv[2]), Path(sys.argv[3])).rejected, 1))
"""
# It tells what it was asked, so that a test sees what the client sent; a path of digits is answered with that status.
SERVED = """
import argparse
import itertools
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

parser = argparse.ArgumentParser()
parser.add_argument("command", choices=["run"])
parser.add_argument("--port", type=int)
parser.add_argument("--workers", type=int)
parser.add_argument("--quiet", action="store_true")
asked = parser.parse_args()
if os.environ.get("DESK_IS_CLOSED"):
    sys.exit("The desk is closed today.")
met, before = itertools.count(), []


class Desk(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        told = {"method": self.command, "path": self.path, "body": body, "by": self.headers.get("Authorization")}
        told |= {name: os.environ.get(name) for name in ("DATABASE_URL", "DEPENDENCIES", "ACCESS_TOKENS", "SHELF")}
        told |= {"workers": asked.workers, "from": self.client_address[1]}
        status, text = 200, json.dumps(told)
        if self.path == "/healthz":
            text = json.dumps({"process": 1 + next(met) % asked.workers})
        elif self.path.startswith("/records"):
            text = json.dumps(before[::-1])
        elif self.path.strip("/").isdigit():
            status = int(self.path.strip("/"))
        elif self.path == "/page":
            text = "<p>A page</p>"
        elif self.command == "POST":
            before.append(json.loads(body))
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_PATCH = do_POST = do_GET


print("A desk opens.", flush=True)
ThreadingHTTPServer(("127.0.0.1", asked.port), Desk).serve_forever()
"""


def _product(capabilities: str = CAPABILITIES, **modules: str) -> dict[str, str]:
    named = {"__init__": "", "capabilities/__init__": capabilities, **modules}
    return {f"src/{PACKAGE}/{name}.py": text for name, text in named.items()}


FILES = {
    "library": _product(__main__=CALLED),
    "cli": _product(run=TYPED),
    "batch": _product(ledger=LEDGER, run=CARRIED_OUT, __main__=JOB),
    "service": _product(f'{CAPABILITIES}\n\nQUERIES = ("show_file",)\n', __main__=SERVED),
}
