"""The commands of the command line, those of one noun a module: thin, they call what the web calls."""
