"""The data audit: its run, its page, the check of the harness."""
