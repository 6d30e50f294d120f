"""Rehearsals that are run and timed: the release before, the lost data, the alert that has to arrive."""
