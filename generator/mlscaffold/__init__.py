"""Turn what a team knows into a repository whose plan runs."""

__version__ = "0.1.0"
