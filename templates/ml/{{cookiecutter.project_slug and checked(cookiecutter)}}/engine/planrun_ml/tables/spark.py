"""The query of data/source.yaml on a Spark cluster, through Spark Connect; its rows are kept here as one Parquet file.

The cluster does what it is good at, joining and reducing rows that fill many disks. What a model is trained on and
audited for is a file with a hash, and one process reads that quicker than a cluster does.
"""

import logging
import socket
import warnings
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import pyarrow as pa
from planrun.trouble import Trouble
from pyspark.sql import SparkSession
from pyspark.sql.types import TimestampType

from planrun_ml.tables.sql import literal

# Spark Connect's own port, unless the address names another; seconds
PORT = 15002
WAIT = 10.0


def copy(url: str, query: str, part: Path) -> None:
    """Write the rows of a query as Parquet; moments are UTC. They pass through memory, about 8 bytes a value.

    Raises `Trouble` where nothing answers at the address, and Spark's own error for a query it refuses.
    """
    address = urlsplit(url)
    try:  # the client itself would try for minutes
        socket.create_connection((address.hostname or "", address.port or PORT), WAIT).close()
    except OSError as error:
        problem = f"Nothing answers as Spark Connect at {address.hostname}:{address.port or PORT}: {error}."
        raise Trouble(problem, "Start it, or correct `source` in data/source.yaml.") from error
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)  # what it prints is in the error as well
    with warnings.catch_warnings(action="ignore", category=FutureWarning):
        rows = _rows(url, query)
    if not rows.num_rows:
        raise Trouble("data/source.yaml: the query returns no rows.", "Correct it there.")
    with duckdb.connect() as table:
        table.register("rows", rows)
        table.execute(f"copy rows to {literal(str(part))} (format parquet)")


def _rows(url: str, query: str) -> pa.Table:
    session = SparkSession.builder.remote(url).getOrCreate()
    try:
        session.conf.set("spark.sql.session.timeZone", "UTC")
        frame = session.sql(query)
        moments = {one.name: frame[one.name].cast("timestamp_ntz") for one in frame.schema if _zoned(one.dataType)}
        return frame.withColumns(moments).toArrow() if moments else frame.toArrow()
    finally:
        session.stop()


def _zoned(kind: object) -> bool:
    return isinstance(kind, TimestampType)
