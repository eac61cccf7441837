"""What stands in the margins of every printed page, as CSS; its words come from a dossier and can do nothing there."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

from markupsafe import Markup

MOST = 90
"""Characters of a text that a margin has room for."""

PLAIN = frozenset(string.ascii_letters + string.digits + " .,-()")
SLOT = re.compile(r"\{(pages?)\}")


def css_string(text: object, most: int = MOST) -> str:
    """`text` as a CSS string on one line, cut to `most` characters.

    All but plain letters, digits, spaces and ``.,-()`` stand as escapes, each ended by a space that is no part of the
    text, so that neither the string nor the style element can end in it; control characters become U+FFFD.

    https://www.w3.org/TR/css-syntax-3/#consume-escaped-code-point
    """
    plain = text.unescape() if isinstance(text, Markup) else str(text)
    words = re.sub(r"\s+", " ", plain[: 4 * most])
    cut = words if len(words) <= most else f"{words[: most - 1].rstrip()}…"
    return f'"{"".join(map(_escaped, cut))}"'


def _escaped(character: str) -> str:
    if character in PLAIN:
        return character
    return f"\\{ord(character if character.isprintable() else chr(0xFFFD)):x} "


def _numbered(text: str) -> Iterator[str]:
    """``Page {page} of {pages}`` as strings and counters."""
    for place, part in enumerate(SLOT.split(text)):
        if part:
            yield f"counter({part})" if place % 2 else css_string(part)


def margins(*, top_left: str, top_right: str, bottom_left: str, numbering: str) -> str:
    """The margins' CSS; in `numbering`, ``{page}`` and ``{pages}`` are this page's number and how many there are."""
    return (
        "@page {"
        f" @top-left {{ content: {css_string(top_left)} }}"
        f" @top-right {{ content: {css_string(top_right)} }}"
        f" @bottom-left {{ content: {css_string(bottom_left)} }}"
        f" @bottom-right {{ content: {' '.join(_numbered(numbering))} }}"
        " }"
    )
