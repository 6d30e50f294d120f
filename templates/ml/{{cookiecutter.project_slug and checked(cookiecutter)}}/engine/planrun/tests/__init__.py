"""The tests of this package, beside its modules: on a small repository of a kind that they invent, without a sample."""
