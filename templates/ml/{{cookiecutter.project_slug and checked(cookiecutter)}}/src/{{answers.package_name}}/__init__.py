"""What is this team's own: rows, features, models and gates (docs/bring-your-own.md). The plan runs from `engine/`."""
