"""The commands: what they do, and what they say."""
