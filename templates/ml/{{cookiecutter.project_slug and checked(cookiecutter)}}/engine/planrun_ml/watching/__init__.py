"""After the release: signals, late labels, decay, who is told, and triage."""
