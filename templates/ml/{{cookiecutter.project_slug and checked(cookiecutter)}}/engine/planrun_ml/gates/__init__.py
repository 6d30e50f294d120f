"""The gates of a machine learning repository, one module a stage."""
