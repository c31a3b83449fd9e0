"""What programs speak: the simple API, the legacy JSON, uploads, files."""
