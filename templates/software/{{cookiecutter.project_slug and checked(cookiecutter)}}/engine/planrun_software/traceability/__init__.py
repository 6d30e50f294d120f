"""Requirements, the tests marked with them, their runs, and the table of both."""
