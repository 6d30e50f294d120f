"""Versions: registry, cards, promotion, rollback, parity, the model that answers, and what it answered."""
