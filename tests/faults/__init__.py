"""Proof by fire: readers, writers and a killer at a real index, and an oracle that checks every page."""
