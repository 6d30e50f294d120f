"""The champion trained again on today's data, and compared."""
