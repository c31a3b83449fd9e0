"""Reasons for a yank or a status: one line from a person, which clients print as it is."""

import unicodedata

from pypi_lite.repository.errors import Code, Refusal

LONGEST_REASON = 500
# Controls, invisible ones that turn the direction of writing, halves of characters, line ends: none
# of them is a reason, and each can change what a terminal shows.
_UNFIT = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def clean_reason(text: str | None) -> str | None:
    """*text* without spaces around it, or None where nothing is left: clients never see "" (S15).

    Raises Refusal.
    """
    reason = (text or "").strip()
    if len(reason) > LONGEST_REASON:
        raise Refusal(
            Code.BAD_VALUE, f"The reason is longer than {LONGEST_REASON} characters: shorten it."
        )
    if any(unicodedata.category(character) in _UNFIT for character in reason):
        raise Refusal(
            Code.BAD_VALUE,
            "The reason has a line break or a control character in it: write one line of text.",
        )
    return reason or None
