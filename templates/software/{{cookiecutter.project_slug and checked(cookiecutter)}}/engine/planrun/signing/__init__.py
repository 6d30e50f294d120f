"""What a person puts a name to: assumptions taken as true, exact hashes accepted, gates walked past for a while."""
