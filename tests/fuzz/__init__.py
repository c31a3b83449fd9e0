"""Fuzzing: whatever is sent, an upload is taken or refused, and nothing is left half done.

``make fuzz SECONDS=600`` runs all targets for that long; `tests.fuzz.test_fuzz` is the short form.
"""
