"""What continuous integration asks of every change."""
