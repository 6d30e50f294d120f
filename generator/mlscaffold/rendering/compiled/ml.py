"""Its compiled file holds the pages of a machine learning repository."""
