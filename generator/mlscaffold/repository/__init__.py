"""A repository that stands: found again, its record read, and changed wholly or not at all."""
