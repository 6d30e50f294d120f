"""Speed, error rate and error budget beside the plan's."""
