"""Tests with the real clients against a real server, each a process of its own."""
