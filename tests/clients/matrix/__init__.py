"""Every client at its pinned version, against one index on SQLite: the texts and the pages are the same
on PostgreSQL, which the tests beside this package run on too.

The clients that a test needs are installed when it asks for them. Most rows are marked ``clients``:
``make test-clients`` runs them all.
"""
