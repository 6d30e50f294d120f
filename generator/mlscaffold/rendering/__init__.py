"""What templates find prepared, so that a page says its condition by name and reads as the finished document."""
