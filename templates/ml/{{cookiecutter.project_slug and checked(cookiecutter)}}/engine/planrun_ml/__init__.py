"""The engine of a machine learning repository, from the audit to retraining, and its gates."""
