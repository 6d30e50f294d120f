"""The product: what its callers reach. The plan runs from `engine/`."""
