"""The code of this repository: `cli.py` is the door, `gates.py` holds the work to the plan."""
