"""The prediction service under load beside LitServe and a bare FastAPI route over the same model, in one run.

For each model one repository is rendered, worked through and promoted. Then the three servers take turns, each alone,
asked by wrk over 32 loopback connections with the same bodies; the medians over the rounds are compared. Ours checks
every row and logs it before it answers; the other two take rows as they come, log nothing, and answer with the score.
Its time limit is out of the way, so that the model answers on a busy machine too.
Needs wrk (`apt-get install wrk`) and LitServe (`pip install litserve`), and says so where they are missing.

    python tests/bench/serve.py [--rounds 5] [--seconds 4] [--models linear boosting] [--folder FOLDER]

Measured on 2 quiet cores, medians of 5 rounds: linear 2,528 answers/s (LitServe's best 1,096, bare route 300), p99
20 ms (49 and 1,291); boosting 2,404 (1,107 and 258), p99 19 ms (46 and 1,557).
"""

import argparse
import contextlib
import http.client
import importlib.util
import json
import math
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "generator"), str(ROOT / "tests")]

from rendered_repository import run, states  # noqa: E402

CONNECTIONS, BODIES, START_SECONDS = 32, 100, 120
LEAST_THROUGHPUT, MOST_P99 = 1.3, 1.5  # ours as a ratio to LitServe's
# LitServe twice, with the two waits for more rows that suited it most; it is judged by the better of both.
SERVERS = {"ours": "/v1/predict", "litserve 2 ms": "/predict", "litserve 10 ms": "/predict", "bare": "/predict"}
NOBODY = {f"GIT_{who}_{what}": "bench@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
ROWS = """
import json, pathlib
from planrun.repository import Repo
from planrun_ml.release import champion_model, parity
root = pathlib.Path.cwd()
rows = parity.both_ways(Repo(root), champion_model.load(root))[1]
print(json.dumps(rows))
"""
WRK = """
local bodies, at = {}, 0
for body in io.lines(%s) do bodies[#bodies + 1] = body end
wrk.method, wrk.headers["Content-Type"] = "POST", "application/json"
function request()
  at = at %% #bodies + 1
  return wrk.format(nil, nil, nil, bodies[at])
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('\\n{"count": %%d, "us": %%d, "wrong": %%d, "p50": %%d, "p99": %%d}\\n', summary.requests,
    summary.duration, e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50),
    latency:percentile(99)))
end
"""


@dataclass(frozen=True)
class Turn:
    """What one server did: answers a second, milliseconds."""

    throughput: float
    p50: float
    p99: float


def released(folder: Path, model: str) -> Path:
    """A repository with an API whose champion is this model; every gate that the sample cannot open is waived."""
    words = ["new", model, "--kind", "ml", "--defaults", "--set", "serving=api", "--set", "latency_ms=60000"]
    surroundings = os.environ | {"PYTHONPATH": str(ROOT / "generator")}
    words = [sys.executable, "-m", "mlscaffold", *words, "--output", str(folder)]
    subprocess.run(words, check=True, capture_output=True, env=surroundings)
    root = folder / model
    for step in (["audit"], ["confirm", "--all"], ["baseline"], ["experiment", "--model", model], ["sign", "G3"]):
        done = run(root, *step)
        assert done.returncode == 0, (step, done.stdout, done.stderr)
    run(root, "accept")  # on the sample its verdict need not be PASS
    until = str(date.today() + timedelta(days=30))
    for gate, state in states(root).items():
        if gate.startswith(("G0.", "G1.", "G2.", "G3.")) and state in ("fail", "blocked"):
            run(root, "waive", gate, "--reason", "a benchmark", "--until", until)
    done = run(root, "promote")
    assert done.returncode == 0, (done.stdout, done.stderr)
    return root


def bodies(root: Path) -> list[str]:
    """Requests of one row each, rows as a caller would send them."""
    surroundings = os.environ | {"PYTHONPATH": f"src{os.pathsep}engine"}
    words = [sys.executable, "-c", ROWS]
    done = subprocess.run(words, cwd=root, env=surroundings, capture_output=True, text=True, check=True)
    return [json.dumps({"rows": [{"inputs": row}]}) for row in json.loads(done.stdout)[:BODIES]]


@contextlib.contextmanager
def serving(server: str, root: Path) -> Iterator[int]:
    """The port of a server that has answered once; it and whatever it started is killed at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    ours = ["-m", "planrun", "serve", "--port", str(port)]
    other = [str(ROOT / "tests" / "bench" / "serve_others.py"), *server.split()[:2], str(root), str(port)]
    surroundings = os.environ | {
        "PYTHONPATH": os.pathsep.join((str(root / "src"), str(root / "engine"))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
    with (root / f"{server.replace(' ', '-')}.log").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, *(ours if server == "ours" else other)],
            cwd=root,
            env=surroundings,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        yield port
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def score(port: int, path: str, body: str) -> float:
    """The server's answer to one request, waiting for it to start."""
    end = time.monotonic() + START_SECONDS
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
        try:
            connection.request("POST", path, body, {"content-type": "application/json"})
            said = json.loads(connection.getresponse().read())
            return float(said["answers"][0]["score"] if "answers" in said else said["score"])
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        finally:
            connection.close()


def asked(address: str, script: Path, seconds: int) -> tuple[Turn, int]:
    """One run of wrk: what it measured, and how many answers it got."""
    words = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "60s", "-s", str(script), address]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    found = json.loads(next(line for line in said.splitlines() if line.startswith("{")))
    assert not found["wrong"], f"{found['wrong']} requests of {address} failed"
    throughput = found["count"] * 1e6 / found["us"]
    return Turn(throughput, found["p50"] / 1000, found["p99"] / 1000), found["count"]


def turn(server: str, root: Path, requests: Path, seconds: int) -> tuple[Turn, float]:
    """A server alone under load, after a second that does not count; and its score of the first request."""
    shutil.rmtree(root / "predictions", ignore_errors=True)
    script = root / "wrk.lua"
    script.write_text(WRK % json.dumps(str(requests)), "utf-8")
    with serving(server, root) as port:
        with requests.open(encoding="utf-8") as lines:
            first = score(port, SERVERS[server], next(lines))
        address = f"http://127.0.0.1:{port}{SERVERS[server]}"
        _, before = asked(address, script, 1)
        found, count = asked(address, script, seconds)
    lines = [line for file in root.glob("predictions/*.jsonl") for line in file.read_bytes().splitlines()]
    by_model = sum(json.loads(line)["source"] == "model" for line in lines)
    assert server != "ours" or by_model > before + count, f"{by_model} lines for {before + count + 1} answers"
    return found, first


def compare(model: str, folder: Path, rounds: int, seconds: int) -> dict[str, Turn]:
    """The medians of each server's turns, taken one after the other in every round."""
    root = folder / model if (folder / model / "registry").is_dir() else released(folder, model)
    requests = root / "bodies.jsonl"
    requests.write_text("\n".join(bodies(root)) + "\n", "utf-8")
    turns: dict[str, list[Turn]] = {server: [] for server in SERVERS}
    for _ in range(rounds):
        found = {server: turn(server, root, requests, seconds) for server in SERVERS}
        firsts = [first for _, first in found.values()]
        assert all(math.isclose(first, firsts[0], abs_tol=1e-9) for first in firsts), f"other scores: {firsts}"
        for server, (one, _) in found.items():
            turns[server].append(one)
    names = [field.name for field in fields(Turn)]
    return {
        server: Turn(**{name: statistics.median(getattr(one, name) for one in each) for name in names})
        for server, each in turns.items()
    }


def main() -> int:
    """Measure, print, and return 1 where a limit is missed, 2 where nothing can be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--models", nargs="+", default=["linear", "boosting"])
    parser.add_argument("--folder", type=Path, help="where the repositories stay, so that a second run finds them")
    options = parser.parse_args()
    missing = [] if shutil.which("wrk") else ["wrk (apt-get install wrk)"]
    missing += [] if importlib.util.find_spec("litserve") else ["LitServe (pip install litserve)"]
    if missing:
        print(f"Nothing was measured; missing: {', '.join(missing)}.")
        return 2
    os.environ.update(NOBODY)
    missed = False
    print(f"{CONNECTIONS} connections, {options.rounds} rounds of {options.seconds} s, medians, {os.cpu_count()} cores")
    print("| model | server | answers/s | p50 ms | p99 ms | throughput, of LitServe's best | p99, of LitServe's best |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for model in options.models:
            found = compare(model, options.folder or Path(folder), options.rounds, options.seconds)
            rivals = [one for server, one in found.items() if server.startswith("litserve")]
            most, least = max(one.throughput for one in rivals), min(one.p99 for one in rivals)
            for server, one in found.items():
                throughput, p99 = one.throughput / most, one.p99 / least
                print(
                    f"| {model} | {server} | {one.throughput:,.0f} | {one.p50:.1f} | {one.p99:.1f} "
                    f"| {throughput:.2f} | {p99:.2f} |",
                    flush=True,
                )
                missed |= server == "ours" and (throughput < LEAST_THROUGHPUT or p99 > MOST_P99)
    print(f"Limits: throughput at least {LEAST_THROUGHPUT}, p99 at most {MOST_P99} of LitServe's.", end=" ")
    print("Missed." if missed else "Kept.")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
