"""The run on real input: real projects, uploaded and installed by real clients."""
