"""What is looked at in files and packages: secrets, known weaknesses."""
