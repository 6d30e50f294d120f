"""Arithmetic alone: statistics, sample sizes, queues, networks. Nothing here knows of answers or of the plan."""
