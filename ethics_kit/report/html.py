"""HTML that is safe to publish: everything escaped by default, authors' markup through an allow-list."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
import mistune
import nh3
from markupsafe import Markup

from ethics_kit.framework import catalogue
from ethics_kit.project import STAGES, TITLES
from ethics_kit.record import PRELIMINARY, UPSTREAM_WORDS, WEAKEST, Finding, Record, Table, statements
from ethics_kit.report import supply

TEMPLATES = Path(__file__).parent / "templates"

STATUS_WORDS = {
    "met": "Met",
    "not_met": "Not met",
    "inconclusive": "Inconclusive",
    "not_assessed": "Not assessed",
    "not_applicable": "Not applicable",
}
VERDICT_WORDS = {
    "approve": "Approve",
    "approve_with_conditions": "Approve with conditions",
    "reject": "Reject",
    "undetermined": "Undetermined",
    "failed": "Failed",
}
CHANGE_WORDS = {"worse": "Worse", "appeared": "New", "moved": "Another number", "better": "Better", "gone": "Gone"}
TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "code", "dd", "div", "dl", "dt", "em", "h2", "h3", "h4", "h5",
    "h6", "hr", "i", "li", "ol", "p", "pre", "section", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot",
    "th", "thead", "tr",
    "ul",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "title"},
    "th": {"scope", "colspan", "rowspan"},
    "td": {"colspan", "rowspan"},
    "div": {"tabindex"},
    "*": {"class", "lang", "dir"},
}


class _Demoted(mistune.HTMLRenderer):
    """A notebook's headings stand one level below the page's own."""

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        return super().heading(text, min(level + 1, 6), **attrs)

    def image(self, text: str, url: str, title: str | None = None) -> str:  # noqa: ARG002 - mistune's signature
        return mistune.escape(text)


def clean(html: str) -> Markup:
    """`html` without anything that can run, load or restyle the page."""
    return Markup(
        nh3.clean(
            html,
            tags=TAGS,
            attributes=ATTRIBUTES,
            url_schemes={"http", "https", "mailto"},
            link_rel="noopener noreferrer",
        )
    )


def prose(markdown: str) -> Markup:
    """Markdown as HTML, cleaned; images are left out, their text stays."""
    render = mistune.create_markdown(renderer=_Demoted(escape=False), plugins=["table", "strikethrough"])
    return clean(str(render(markdown)))


def inline(text: object) -> str:
    """Untrusted text without control characters; the template escapes it."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in str(text))


def cell(value: object) -> str:
    """A value of a table: numbers short, nothing as a dash."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return _short(value)
    return inline(value)


def _short(value: float) -> str:
    """Three digits, or four where three would turn a little into nothing, or nearly all into all."""
    text = f"{round(value, 3) + 0:.3f}"
    finer = f"{round(value, 4) + 0:.4f}"
    rounded_away = text in ("0.000", "1.000", "-1.000") and float(finer) != float(text)
    return finer if rounded_away else text


def worst_first(findings: list[Finding]) -> list[Finding]:
    """Findings by status, weakest first; within a status waived ones last, measured before attested."""
    return sorted(findings, key=lambda f: (WEAKEST.index(f.status), f.waiver is not None, f.evidence != "measured"))


def asked_so_far(record: Record) -> str:
    """How many questions of all stages a preliminary dossier asked, for its kind of system."""
    every = [q for stage in STAGES for q in catalogue.questions(stage).values() if record.obligations.kind in q.kinds]
    return f"{sum(q.quick for q in every)} of {len(every)} questions were asked."


def data_uri(content: str | bytes, mime: str) -> Markup:
    """`content` as a data address: the text of an SVG, or base64 already."""
    text = content if isinstance(content, str) else content.decode()
    encoding, safe = ("", READABLE) if mime == "image/svg+xml" else (";base64", "+/=")
    return Markup(f"data:{quote(mime, safe='/+')}{encoding},{quote(text.strip(), safe=safe)}")


READABLE = " !$'()*+,-./:;=?@[]^_`{|}~"
"""What an address in double quotes may hold as it is. None of it can end the attribute or begin a tag."""


@dataclass(frozen=True)
class Shown:
    """A record's table as a page shows it: a value and the interval after it stand in one cell."""

    columns: list[str]
    rows: list[list[tuple[str, bool]]]


def shown(table: Table) -> Shown:
    """`table` with each run of value, low, high as one cell; every cell as text, and whether it is a number."""
    merged = [i for i in range(1, len(table.columns) - 1) if table.columns[i : i + 2] == ["low", "high"]]
    bounds = {i for start in merged for i in (start, start + 1)}
    kept = [i for i in range(len(table.columns)) if i not in bounds]
    rows = [[_shown(table.columns[i], row, i, i + 1 in merged) for i in kept] for row in table.rows]
    return Shown([table.columns[i] for i in kept], rows)


def _shown(column: str, row: Sequence[Any], place: int, interval: bool) -> tuple[str, bool]:
    value = row[place]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if column == "adjusted p" and number and value < 0.001:
        return "<0.001", True
    text = cell(value)
    if interval and row[place + 1] is not None and row[place + 2] is not None:
        text += f" ({cell(row[place + 1])} to {cell(row[place + 2])})"
    return text, number


def style(*more: str) -> str:
    """The style sheet of every page, then those named."""
    return "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in ("style.css", *more))


def script(name: str) -> str:
    """The one script that a page may have: a file of the templates, which nothing is put into."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def content_security_policy(*styles: str, script: str | None = None) -> str:
    """Nothing may be loaded or run: data images, this very style sheet, and this very script where one is named."""
    allowed = f"default-src 'none'; img-src data:; style-src '{_digest(style(*styles))}'"
    if script:
        allowed += f"; script-src '{_digest((TEMPLATES / script).read_text(encoding='utf-8'))}'"
    return f"{allowed}; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def furnish(environment: jinja2.Environment) -> jinja2.Environment:
    """Give an environment the kit's escaping, filters and words."""
    environment.autoescape = True
    environment.add_extension("jinja2.ext.i18n")
    environment.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {
        "clean": clean,
        "prose": prose,
        "inline": inline,
        "cell": cell,
        "worst_first": worst_first,
        "data_uri": data_uri,
        "shown": shown,
    }
    environment.globals |= {
        "style": lambda *more: Markup(style(*more)),
        "script": lambda name: Markup(script(name)),
        "csp": content_security_policy,
        "status_words": STATUS_WORDS,
        "verdict_words": VERDICT_WORDS,
        "change_words": CHANGE_WORDS,
        "upstream_words": UPSTREAM_WORDS,
        "statements": statements,
        "titles": TITLES,
        "requirements": catalogue.requirements,
        "ranked": supply.ranked,
        "efforts": supply.EFFORTS,
        "asked_so_far": asked_so_far,
        "preliminary": PRELIMINARY,
    }
    return environment


@cache
def environment() -> jinja2.Environment:
    """The templates, escaped by default."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    bare = jinja2.Environment(
        loader=loader, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=True
    )
    return furnish(bare)


def part(macro: str, *arguments: Any) -> str:
    """One piece of a page, such as a table of findings."""
    module = environment().get_template("parts.html.j2").module
    return str(getattr(module, macro)(*arguments))


class Html:
    """A piece of HTML for a notebook, with words for where HTML cannot be shown."""

    def __init__(self, html: str, words: str) -> None:
        self.html, self.words = html, words

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.words
