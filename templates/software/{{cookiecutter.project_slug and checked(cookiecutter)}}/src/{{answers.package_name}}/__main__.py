"""`python -m` this package runs the project's commands."""

from .cli import main

main()
