"""Tables through one SQL engine: reading every form of file, SQL text, Parquet, Spark."""
