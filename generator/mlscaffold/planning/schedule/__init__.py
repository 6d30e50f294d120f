"""Who does what by when: people, tasks, dates with their chances, meetings, and the backlog."""
