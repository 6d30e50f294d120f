"""Tables through one SQL engine: reading every form of file, SQL text, Parquet, Spark."""

import duckdb
from planrun.trouble import MEMORY_ENDS

LESS = "Run it where more memory is free, or on fewer columns or rows: `leave_out` or `query` in data/source.yaml"
MEMORY_ENDS |= {MemoryError: LESS, duckdb.OutOfMemoryException: LESS}
