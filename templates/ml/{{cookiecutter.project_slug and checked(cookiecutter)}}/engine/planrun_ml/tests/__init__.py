"""The tests of this package's modules: arithmetic and small tables, without a repository and without a sample."""
