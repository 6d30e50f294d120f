"""The data of a team: source, schema, splits, columns, leaks, the lock, and looks at the test rows."""
