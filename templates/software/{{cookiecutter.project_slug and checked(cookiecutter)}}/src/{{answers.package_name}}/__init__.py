"""The code of this repository: `__main__.py` is the door, `gates.py` holds the work to the plan."""
