"""Untrusted text on a page: nothing in it runs, loads, restyles the page or turns its neighbours around."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import mistune
import nh3
from markupsafe import Markup, escape

TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "code", "dd", "div", "dl", "dt", "em", "h2", "h3", "h4", "h5",
    "h6", "hr", "i", "li", "ol", "p", "pre", "section", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot",
    "th", "thead", "tr",
    "ul", "bdi", "del", "wbr",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "title"},
    "th": {"scope", "colspan", "rowspan"},
    "td": {"colspan", "rowspan"},
    "div": {"tabindex"},
    "*": {"class", "lang", "dir"},
}
SCHEMES = {"http", "https", "mailto"}

STEERING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
"""The kinds of marks that turn the direction of the text after them."""

FROM_RIGHT = "\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefe\U00010800-\U00010fff\U0001e800-\U0001efff"
BEGINS_FROM_RIGHT = re.compile(rf"[\W\d_]*[{FROM_RIGHT}]")
RUN_FROM_RIGHT = re.compile(rf"[{FROM_RIGHT}](?:[{FROM_RIGHT}\W\d_]*[{FROM_RIGHT}])?")
LONG_WORD = re.compile(r"\S{80,}")
"""A word that may break anywhere; finding ids and the longest German words stay whole."""

MARKS = {"\x00": "<wbr>", "\x01": "<bdi>", "\x02": "</bdi>"}
"""Stand for elements until the text around them is escaped; `plain` leaves none of them in a text."""


def plain(text: object) -> str:
    """Untrusted text without what could steer a screen: for attributes, titles and Markdown files.

    Control characters, halves of characters and marks of direction become U+FFFD, separators of lines and paragraphs
    line breaks. Joiners stay: emoji, and names in Arabic or Persian, are written with them.
    """
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(c if c.isprintable() or c in "\n\t" else _seen(c) for c in shown)


def _seen(c: str) -> str:
    if c in "\r\u2028\u2029":
        return "\n"
    steers = unicodedata.category(c) in ("Cc", "Cs") or unicodedata.bidirectional(c) in STEERING
    return "\N{REPLACEMENT CHARACTER}" if steers else c


def inline(text: object) -> str:
    """Untrusted text on a page; the template escapes it. In attributes and titles, which hold no elements: `plain`.

    What runs from right to left stands in a ``bdi``, so that its neighbours keep their order; a very long word has
    places to break. Neither changes what a reader finds or copies.
    """
    shown = plain(text)
    marked = _marked(shown)
    return shown if marked == shown else Markup(_elements(marked))


def _marked(text: str) -> str:
    if BEGINS_FROM_RIGHT.match(text):
        text = f"\x01{text}\x02"
    elif not text.isascii():
        text = RUN_FROM_RIGHT.sub("\x01\\g<0>\x02", text)
    # Before a letter or digit, so that no sign of several characters is taken apart.
    return LONG_WORD.sub(lambda word: re.sub(r"[^\s\x01\x02]{9,40}?(?=\w)", "\\g<0>\x00", word[0]), text)


def _elements(marked: str) -> str:
    html = str(escape(marked))
    for mark, element in MARKS.items():
        html = html.replace(mark, element)
    return html


def clean(html: str) -> Markup:
    """`html` without anything that can run, load or restyle the page."""
    kept = nh3.clean(html, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="noopener noreferrer")
    return Markup(plain(kept))


class _Notebook(mistune.HTMLRenderer):
    """A notebook's headings stand one level below the page's own; of an image its words and address stay."""

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        return super().heading(text, min(level + 1, 6), **attrs)

    def paragraph(self, text: str) -> str:
        return f'<p dir="auto">{text}</p>\n' if "<bdi>" in text else super().paragraph(text)

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if url.partition(":")[0].lower() in SCHEMES or url.startswith("#"):
            return super().link(text, url, title)
        return f"[{text}]({mistune.escape(url)})"

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return " ".join(part for part in (text, mistune.escape(title or ""), f"({mistune.escape(url)})") if part)


class _Answer(_Notebook):
    """What people answer has no headings of its own among the page's, and its HTML is text."""

    def text(self, text: str) -> str:
        return _elements(_marked(text))

    def heading(self, text: str, level: int, **attrs: Any) -> str:  # noqa: ARG002 - mistune's signature
        return self.paragraph(self.strong(text))


def prose(text: str) -> Markup:
    """A notebook's Markdown as HTML, cleaned; images are left out, their words and addresses stay."""
    return _rendered(_Notebook(escape=False), text, ["table", "strikethrough"])


def markdown(text: object) -> Markup:
    """What a person wrote as Markdown: paragraphs, lists, quotes, emphasis, code and links to web or mail addresses.

    Headings become bold lines, images their words and addresses, and HTML is shown as it was typed. One paragraph comes
    without its ``<p>``, so that a short text stays on the line.
    """
    html = _rendered(_Answer(escape=True), str(text), ["strikethrough"]).strip()
    one = re.fullmatch(r"<p>((?:(?!</?p>).)*)</p>", html, re.DOTALL)
    return Markup(one[1]) if one else Markup('<div class="said">{}</div>').format(Markup(html))


def _rendered(renderer: mistune.HTMLRenderer, text: str, plugins: list[str]) -> Markup:
    render = mistune.create_markdown(renderer=renderer, plugins=plugins)
    if isinstance(renderer, _Answer):
        render.block.rules.remove("ref_link")  # a line such as "[note]: text" would vanish
    return clean(str(render(plain(text))))
