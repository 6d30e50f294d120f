"""Its compiled file holds the pages of a software repository."""
