"""The plan at work in a repository: answers and plan, gates, evidence, signatures, status, and the one command."""

__version__ = "0.1.0"
