"""`python -m planrun COMMAND`: the same as `planrun COMMAND`."""

import sys

from planrun.cli import main

if __name__ == "__main__":
    sys.exit(main())
