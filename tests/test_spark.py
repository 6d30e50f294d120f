"""Rows from a Spark cluster: a server of its own on loopback, and a repository that `make setup` made ready for it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlscaffold import answers, render
from readme_run import assert_installed_as_told

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("java"), reason="Spark needs Java")]
SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"
QUERY = """
SELECT concat('K', id) AS ref, cast(rand(1) * 500 AS decimal(10, 2)) AS amount, int(rand(2) * 60) AS days,
  if(id < 300, NULL, 'new') AS kind, timestamp'2024-01-01 00:00:00' + make_interval(0, 0, 0, int(id)) AS seen,
  if(rand(1) * 500 + rand(2) * 300 > 420, 'yes', 'no') AS late FROM range(400)
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A Spark Connect server, ended with everything it started."""
    folder = tmp_path_factory.mktemp("spark")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    python = folder / "venv" / "bin" / "python"
    install = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "pyspark[connect]>=4.1,<5",
    ]
    subprocess.run(install, check=True, timeout=600)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = int(free.getsockname()[1])
    home = next(folder.glob("venv/lib/python*/site-packages/pyspark"))
    settings = {
        "spark.connect.grpc.binding.address": "127.0.0.1", "spark.connect.grpc.binding.port": str(number),
        "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.ui.enabled": "false",
    }  # fmt: skip
    words = [word for key, value in settings.items() for word in ("--conf", f"{key}={value}")]
    command = [str(home / "bin" / "spark-submit"), "--master", "local[1]", "--class", SERVER, *words, "spark-internal"]
    with (folder / "said").open("w") as said:
        surroundings = os.environ | {"SPARK_HOME": str(home)}
        process = subprocess.Popen(
            command, cwd=folder, stdout=said, stderr=said, env=surroundings, start_new_session=True
        )
    try:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            assert process.poll() is None, (folder / "said").read_text("utf-8")[-2000:]
            try:
                socket.create_connection(("127.0.0.1", number), 1).close()
                break
            except OSError:
                time.sleep(0.5)
        yield number
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module")
def repository(port: int, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose answers name the cluster, installed by its own `make setup`."""
    own = {"data_source": f"sc://127.0.0.1:{port}", "target_column": "late", "id_column": "ref", "compute": "spark"}
    given = {"kind": "ml", "project_name": "Cluster", **own}
    folder = render.render(answers.complete(given), tmp_path_factory.mktemp("repository"))
    subprocess.run(["make", "setup"], cwd=folder, check=True, capture_output=True, timeout=600)
    assert_installed_as_told(folder)
    return folder


def audit(folder: Path, query: str, **surroundings: str) -> subprocess.CompletedProcess[str]:
    """`make audit` with a query in data/source.yaml."""
    path = folder / "data" / "source.yaml"
    line = f"query: {json.dumps(' '.join(query.split()))}"
    path.write_text(re.sub(r"(?m)^query: .*$", lambda _: line, path.read_text("utf-8")), "utf-8")
    words, own = [".venv/bin/planrun", "audit"], os.environ | surroundings
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, env=own, check=False)


def test_a_query_on_the_cluster_is_audited_here(repository: Path) -> None:
    """Decimals, whole numbers, a column that is empty at first and moments arrive as what they are."""
    done = audit(repository, QUERY)
    assert "Audited 400 rows × 6 columns" in done.stdout, done.stdout + done.stderr
    assert not done.stderr
    manifest = json.loads((repository / "data" / "manifest.json").read_text("utf-8"))
    assert manifest["file"].endswith("-snapshot.parquet")
    assert manifest["columns"] == {
        "ref": "VARCHAR", "amount": "DECIMAL(10,2)", "days": "INTEGER", "kind": "VARCHAR", "seen": "TIMESTAMP",
        "late": "VARCHAR",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "says"),
    [("SELECT nothing FROM nowhere", "nowhere"), ("SELECT 1 AS ref, 'yes' AS late WHERE false", "no rows")],
)
def test_a_query_that_gives_nothing(repository: Path, query: str, says: str) -> None:
    """One sentence, and no file."""
    held = set((repository / "data" / "raw").glob("*"))
    done = audit(repository, query)
    assert done.returncode == 1
    assert says in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert set((repository / "data" / "raw").glob("*")) == held


def test_a_cluster_that_does_not_answer(repository: Path, tmp_path: Path) -> None:
    """At once, with the address; the address may come from the environment."""
    folder = shutil.copytree(repository, tmp_path / "other", ignore=shutil.ignore_patterns("raw"), symlinks=True)
    path = folder / "data" / "source.yaml"
    path.write_text(re.sub(r"(?m)^source: .*$", "source: sc://$CLUSTER", path.read_text("utf-8")), "utf-8")
    unset, closed = audit(folder, QUERY), audit(folder, QUERY, CLUSTER="127.0.0.1:9")
    assert (unset.returncode, closed.returncode) == (1, 1)
    assert "$CLUSTER" in unset.stdout + unset.stderr
    assert "127.0.0.1:9" in closed.stdout + closed.stderr
