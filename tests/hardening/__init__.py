"""What must not go wrong whatever is sent: the tests of docs/security.md."""
