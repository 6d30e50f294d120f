"""One experiment: run, record, what its result means, when to stop."""
