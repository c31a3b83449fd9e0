"""The configurations in deploy/, run by a real nginx in front of a real server."""
