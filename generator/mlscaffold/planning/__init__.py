"""The planning engine: answers in, numbers out. Standard library only, no clock, no files, no network."""
