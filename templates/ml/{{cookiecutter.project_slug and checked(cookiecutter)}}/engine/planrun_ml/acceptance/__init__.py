"""The one look at the test rows, and the verdicts that follow from it."""
