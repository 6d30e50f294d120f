"""The example's life on one screen: `planrun demo`. All but door.py and run.py is copied here from mlscaffold."""
