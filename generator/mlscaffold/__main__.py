"""`python -m mlscaffold` is the same program as `mlscaffold`."""

from mlscaffold.cli import main

if __name__ == "__main__":
    main()
