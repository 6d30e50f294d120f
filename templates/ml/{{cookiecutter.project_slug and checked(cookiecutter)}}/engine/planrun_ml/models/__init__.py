"""Model families, their settings, training, files, and whether training can be trusted."""
