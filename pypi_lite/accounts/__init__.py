"""People, their passwords and tokens, and what they may do."""
