"""A PostgreSQL server of its own on loopback, for tests and measurements, where initdb and pg_ctl are installed."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

# Debian keeps initdb and pg_ctl out of the PATH, one folder a version.
PLACES = [
    str(folder) for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
]
INITDB, PG_CTL = (
    shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *PLACES])) for name in ("initdb", "pg_ctl")
)
MISSING = not (INITDB and PG_CTL and find_spec("pg8000"))
WHY_NOT = "PostgreSQL's initdb and pg_ctl, or pg8000, are not installed here"


@dataclass
class Cluster:
    """A PostgreSQL server of its own on loopback."""

    folder: Path
    port: int
    as_owner: list[str]

    @property
    def url(self) -> str:
        """Where it answers, for SQLAlchemy."""
        return f"postgresql+pg8000://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def log(self) -> str:
        """Every statement that it was given."""
        return self.folder.joinpath("server.log").read_text("utf-8", errors="replace")

    def command(self, *words: str) -> None:
        """One of PostgreSQL's own programs, as the user who owns the data."""
        done = subprocess.run(
            [*self.as_owner, *words], cwd=self.folder, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def create(self, name: str) -> str:
        """A further, empty database; its address for SQLAlchemy."""
        self._asked(f'create database "{name}"')
        return self.url.removesuffix("postgres") + name

    def databases(self) -> list[str]:
        """The databases there are."""
        return [name for (name,) in self._asked("select datname from pg_database")]

    def _asked(self, statement: str) -> list[list[str]]:
        from pg8000.native import Connection

        connection = Connection("postgres", host="127.0.0.1", port=self.port, database="postgres")
        try:
            return list(connection.run(statement) or [])
        finally:
            connection.close()


@contextmanager
def started(*options: str) -> Iterator[Cluster]:
    """A server that is ended with the block; PostgreSQL refuses to run as root, so root hands it over."""
    with (
        tempfile.TemporaryDirectory(prefix="postgresql-", ignore_cleanup_errors=True) as name,
        socket.socket() as probe,
    ):
        probe.bind(("127.0.0.1", 0))
        port, folder, as_owner = int(probe.getsockname()[1]), Path(name), []
        probe.close()
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
            as_owner = ["runuser", "-u", "postgres", "--"]
        server = Cluster(folder, port, as_owner)
        server.command(str(INITDB), "--auth=trust", "--username=postgres", "--encoding=UTF8", "data")
        given = " ".join([f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off", *options])
        server.command(str(PG_CTL), "--pgdata=data", "--log=server.log", "--wait", f"--options={given}", "start")
        try:
            yield server
        finally:
            server.command(str(PG_CTL), "--pgdata=data", "--wait", "--mode=immediate", "stop")
