"""What a software product shall do: drafted requirements, functional and of quality."""
