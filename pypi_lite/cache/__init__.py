"""The self-populating static cache: every page is a file after its first request, and never stale.

A **key** names what a change invalidates (``project/<name>``, ``index``); a **page** is one
representation of one URL and belongs to exactly one key. On disk::

    <folder>/pages/<key>/<build>/<page>       published pages, and <page>.gz beside each
    <folder>/pages/<key>/<build>/.<id>.new    temps, one per generation
    <folder>/holds/<key>=<id>                 holds, each locked by the process that placed it
    <folder>/trash/<id>                       swept folders, removed at leisure

A reader opens the page (`hits`); where there is none it makes it, outside and before any database
work (`tween`, `store.Generation`). A page may be a link to a file that never changes (`files`). A
writer places a hold on each key that its change alters and sweeps the key, commits, sweeps again and
releases (`writing`, `holds`). A key may stand above others, as its folder does above theirs
(``project`` above ``project/<name>``): a sweep takes the pages of all of them, and whoever makes a page
looks for holds on its key and on those above it. Whoever meets the hold of a dead writer finishes its work
(`holds.Holds.recover`). Nothing here knows about packages.
"""
