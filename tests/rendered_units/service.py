"""A service of its own process: what a kill under load costs."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from planrun.repository import Repo
from planrun_ml.release import champion_model, parity, prediction_log

KILLS = 3


@pytest.fixture
def sent(released: Path) -> list[dict]:
    """Rows as a caller would send them."""
    return parity.both_ways(Repo(released), champion_model.load(released))[1]


def test_kills_under_load_lose_no_acknowledged_prediction(released: Path, sent: list[dict]) -> None:
    """kill -9 while callers are being answered: every id that was acknowledged is in the log."""
    environment = dict(os.environ)
    acknowledged: list[str] = []
    for kill in range(KILLS):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        words = [sys.executable, "-m", "planrun", "serve", "--port", str(port)]
        process = subprocess.Popen(words, cwd=released, env=environment, stderr=subprocess.DEVNULL)
        try:
            wait_for(port)
        except AssertionError:
            process.kill()
            raise
        callers = [threading.Thread(target=call, args=(port, f"{kill}-{n}", sent, acknowledged)) for n in range(4)]
        for caller in callers:
            caller.start()
        time.sleep(0.3 + 0.1 * kill)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for caller in callers:
            caller.join()
    files = (released / prediction_log.PREDICTIONS).glob("*.jsonl")
    lines = [line for file in files for line in file.read_bytes().split(b"\n")]
    held = {json.loads(line)["id"] for line in lines if line.endswith(b"}")}

    assert len(acknowledged) > KILLS
    assert set(acknowledged) <= held


def wait_for(port: int) -> None:
    for _ in range(2400):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).read()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the service did not start")


def call(port: int, name: str, sent: list[dict], acknowledged: list[str]) -> None:
    """Ask until the service is gone; remember every id that was answered."""
    for number in range(10_000):
        key = f"{name}-{number}"
        data = json.dumps({"rows": [{"id": key, "inputs": sent[number % len(sent)]}]}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/predict", data=data, headers={"content-type": "application/json"}
        )
        try:
            urllib.request.urlopen(request, timeout=5).read()  # noqa: S310  (an address made above)
        except OSError:
            return
        except Exception:
            return
        acknowledged.append(key)
