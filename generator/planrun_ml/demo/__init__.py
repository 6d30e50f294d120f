"""The story of this kind of repository, copied here from mlscaffold/demo by sync.py."""
