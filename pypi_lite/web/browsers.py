"""What browser a request comes from, for the person who used it to recognise."""

import re

# The first that matches: most browsers call themselves by others' names too.
_BROWSERS = (
    ("Edge", re.compile(r"\bEdg(?:e|A|iOS)?/(\d+)")),
    ("Opera", re.compile(r"\bOPR/(\d+)")),
    ("Firefox", re.compile(r"\b(?:Firefox|FxiOS)/(\d+)")),
    ("Chrome", re.compile(r"\b(?:Chrome|HeadlessChrome|CriOS)/(\d+)")),
    ("Safari", re.compile(r"\bVersion/(\d+).*\bSafari/")),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def browser_of(agent: str) -> str:
    """The browser that says *agent* of itself, such as ``Firefox 140 on Linux``; or *agent*."""
    for name, pattern in _BROWSERS:
        match = pattern.search(agent)
        if match:
            system = next((ours for theirs, ours in _SYSTEMS if theirs in agent), "")
            return f"{name} {match[1]} on {system}" if system else f"{name} {match[1]}"
    return agent or "An unknown browser"
