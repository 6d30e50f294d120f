"""The gates of a software repository, one module a stage."""
