"""The rule that every model is measured against."""
