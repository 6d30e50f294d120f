"""The engine of a software repository: traceability, load, drills, checks."""
