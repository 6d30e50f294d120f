"""What is this team's own: rows and gates (docs/bring-your-own.md). The plan runs from `engine/`."""
