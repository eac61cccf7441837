"""The templates' environment: everything escaped by default, with the kit's filters and words."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from ethics_kit import comparison, languages, numbers
from ethics_kit.framework import catalogue, glossary
from ethics_kit.languages import Phrase
from ethics_kit.project import STAGES, TITLES
from ethics_kit.recommendation import brief, reason, statements
from ethics_kit.record import ITS_RECORD, PRELIMINARY, UPSTREAM_WORDS, Record, Table
from ethics_kit.report import paper, supply, translated
from ethics_kit.report.text import clean, inline, markdown, plain, prose
from ethics_kit.schema import Policy

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
ROLE_WORDS = {
    "owner": "owner",
    "ethics_officer": "ethics officer",
    "committee": "committee",
    "executive": "executive",
}
EFFECT_WORDS = {"blocks": "Block it", "is missing": "Are missing", "conditions an approval": "Condition it"}
SELECTION_WORDS = {
    "benefit": "is a benefit for the customer",
    "burden": "is a burden for the customer",
    "mixed": "is a mixed matter for the customer",
}
KIT_COLUMNS = {
    "alarm", "answer", "answered", "applies", "effect", "field", "holds", "measure", "rate", "recommendation",
    "reversible", "review", "role", "section", "stage", "state", "status", "verdict", "vulnerable", "what",
}  # fmt: skip
"""Columns of a record's tables that hold words of the kit, which a page may translate; others hold names and data."""

EVIDENCE_WORDS = {"measured": "Measured", "attested": "Attested"}
EVIDENCE_ABSENT_WORDS = {"measured": "Not measured", "attested": "Not attested"}


def cell(value: object) -> str:
    """A value of a table: numbers short, nothing as a dash."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return numbers.short(value)
    return inline(value)


def asked_so_far(record: Record) -> Phrase:
    """How many questions of all stages a preliminary dossier asked, for its kind of system."""
    every = [q for stage in STAGES for q in catalogue.questions(stage).values() if record.obligations.kind in q.kinds]
    return Phrase("%(num)s of %(all)s questions were asked.", {"num": sum(q.quick for q in every), "all": len(every)})


@jinja2.pass_context
def said(context: jinja2.runtime.Context, record: Record) -> str:
    """The reason of a record's recommendation in the page's language, escaped."""
    return reason(record.recommendation, record.findings, record.upstream, _sayer(context))


@jinja2.pass_context
def briefly(context: jinja2.runtime.Context, text: object) -> str:
    """A text of a record in the page's language, escaped, and cut short where it is very long."""
    known = translated.known(languages.language(context.resolve("language")))
    shown = brief(plain(text), _sayer(context))
    return shown if isinstance(shown, Markup) else known(shown)


def _sayer(context: jinja2.runtime.Context) -> Callable[..., str]:
    """What fills a frame of a reason in the page's language, escaped."""
    gettext = context.resolve("gettext")
    known = translated.known(languages.language(context.resolve("language")))

    def say(frame: str, **values: object) -> str:
        escaped = {k: v if isinstance(v, Markup) else known(v) for k, v in values.items()}
        return cast("str", context.call(gettext, frame, **escaped))

    return say


def beside(alt: str, caption: str) -> str:
    """What a figure shows, without the sentences that the caption beside it says, too."""
    said = set(SENTENCES.split(caption))
    return " ".join(s for s in SENTENCES.split(alt) if s not in said) or alt


SENTENCES = re.compile(r"(?<=\.) ")


def data_uri(content: str | bytes, mime: str) -> Markup:
    """`content` as a data address: the text of an SVG, or base64 already."""
    text = content if isinstance(content, str) else content.decode()
    encoding, safe = ("", READABLE) if mime == "image/svg+xml" else (";base64", "+/=")
    return Markup(f"data:{quote(mime, safe='/+')}{encoding},{quote(text.strip(), safe=safe)}")


def shows_html(data: Mapping[str, Any]) -> bool:
    """Whether the HTML of a notebook's output says anything once what could run or load is out of it."""
    return bool(clean(data.get("text/html", "")).striptags())


def source(content: object) -> str:
    """What a notebook's output holds under a type that the page does not draw."""
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, sort_keys=True)


MARKER = "application/vnd.ethics-kit+json"
"""The type of what a notebook's output says of itself: which part of the record it shows."""

LEFT_OUT = re.compile(
    r"</(?:td|th)>\s*|</(?:tr|tbody|thead)>|\n\s*(?=\n)"
    r"|</li>(?=\s*(?:<li\b|</[uo]l>))|</d[dt]>(?=\s*(?:<d[dt]\b|</dl>))"
    r"|</p>(?=\s*(?:<(?:div|dl|figure|h[1-6]|ol|p|pre|section|table|ul)\b|</(?:dd|div|li|section|td)>))"
    r"|\s+(?=<(?:caption|dd|div|dl|dt|h[1-6]|li|ol|p|pre|section|table|tbody|td|th|thead|tr|ul)\b)"
)
"""End tags that HTML lets a page leave out before what follows them, and white space that nobody sees."""

DATED = re.compile(r"<td>(?=\d{4}-\d\d-\d\d</td>)")
"""Where a date stands alone in a cell, which is not to break it."""

TAG = re.compile(r'<[a-z](?:[^<>"]|"[^"]*")*>')
BARE = re.compile(r' (scope|colspan|tabindex)="(\w+)"')
"""Attributes that need no quotes."""


def lean(page: str) -> str:
    """The same page in fewer bytes; what is set line by line, and the style sheet that the policy names, stay."""
    parts = re.split(r"(<pre\b.*?</pre>|<style>.*?</style>)", page, flags=re.DOTALL)
    return "".join(part if i % 2 else _leaner(part) for i, part in enumerate(parts))


def _leaner(part: str) -> str:
    bare = LEFT_OUT.sub("", DATED.sub("<td class=d>", part))
    return TAG.sub(lambda tag: BARE.sub(r" \1=\2", tag[0]), bare).replace("&#39;", "'")


READABLE = " !$'()*+,-./:;=?@[]^_`{|}~"
"""What an address in double quotes may hold as it is. None of it can end the attribute or begin a tag."""


Cell = tuple[str, str | None, str | None]
"""A value as text, and the ends of its interval where it has one."""


@dataclass(frozen=True)
class Shown:
    """A record's table as a page shows it: a value and the interval after it stand in one cell.

    `columns` are names, each with whether its values have intervals; `numeric` are places, from 1, of columns that hold
    numbers alone. Rows that share their first cell are a group with that cell as its heading, `of` the first column;
    else there is one group without a heading.
    """

    columns: list[tuple[str, bool]]
    numeric: list[int]
    groups: list[tuple[str, list[list[Cell]]]]
    of: str = ""


def shown(table: Table) -> Shown:
    """`table` with each run of value, low, high as one cell, rounded to what the interval supports."""
    merged = [i for i in range(1, len(table.columns) - 1) if table.columns[i : i + 2] == ["low", "high"]]
    bounds = {i for start in merged for i in (start, start + 1)}
    of = table.columns[0] if _in_groups(table) else ""
    kept = [i for i in range(int(bool(of)), len(table.columns)) if i not in bounds]
    numeric = [place for place, i in enumerate(kept, 1) if _numeric([row[i] for row in table.rows])]
    groups = [
        (cell(name), [[_shown(table.columns[i], row, i, i + 1 in merged) for i in kept] for row in rows])
        for name, rows in groupby(table.rows, key=lambda row: row[0] if of else None)
    ]
    return Shown([(table.columns[i], i + 1 in merged) for i in kept], numeric, groups, of)


def _in_groups(table: Table) -> bool:
    """Whether rows with the same words first stand together, two of them or more on average, and not all alike."""
    names = [row[0] for row in table.rows if len(table.columns) > 2]
    runs = [name for name, _ in groupby(names)]
    told = all(isinstance(name, str) and name for name in names)
    return told and 1 < len(runs) == len(set(runs)) <= len(names) / 2


def _numeric(values: Sequence[Any]) -> bool:
    """Whether there are numbers, and beside them nothing but gaps."""
    filled = [v for v in values if v is not None and v != ""]
    return bool(filled) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in filled)


def _shown(column: str, row: Sequence[Any], place: int, interval: bool) -> Cell:
    value = row[place]
    if not isinstance(value, int | float) or isinstance(value, bool):
        return cell(value), None, None
    if column in ("adjusted p", "p") and value < 0.001:
        return "<0.001", None, None
    low, high = row[place + 1 : place + 3] if interval else (None, None)
    if low is None and high is None:
        return cell(value), None, None
    text, *ends = numbers.rounded(value, low, high)
    return text, ends[0] or "–", ends[1] or "–"


@cache
def style(*more: str, margins: str = "") -> str:
    """The style sheet of every page, on screen and on paper, then those named; `margins` as `paper` writes them."""
    sheets = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("style.css", "print.css", *more))
    return CSS.sub(lambda found: found["text"] or found["sign"] or found["colon"] or " ", "".join(sheets)) + margins


CSS = re.compile(r"""(?P<text>"[^"]*")|\s*(?P<sign>[{};,])\s*|(?P<colon>:)\s+|\s+""")
"""What a style sheet says, and the white space around it."""


def script(name: str) -> str:
    """The one script that a page may have: a file of the templates, which nothing is put into."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


@cache
def content_security_policy(*styles: str, margins: str = "", script: str | None = None) -> str:
    """Nothing may be loaded or run: data images, this very style sheet, and this very script where one is named."""
    allowed = f"default-src 'none'; img-src data:; style-src '{_digest(style(*styles, margins=margins))}'"
    if script:
        allowed += f"; script-src '{_digest((TEMPLATES / script).read_text(encoding='utf-8'))}'"
    return f"{allowed}; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def furnish(environment: jinja2.Environment, code: object = languages.SOURCE) -> jinja2.Environment:
    """Give an environment the kit's escaping, filters and words, in a language or else in English."""
    language = languages.language(code)
    environment.autoescape = True
    environment.add_extension("jinja2.ext.i18n")
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(language.translations, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {
        **translated.filters(language),
        "clean": clean,
        "prose": prose,
        "plain": plain,
        "inline": inline,
        "markdown": markdown,
        "cell": lambda value: language.fixed.get(cell(value), cell(value)) if isinstance(value, bool) else cell(value),
        "beside": beside,
        "briefly": briefly,
        "data_uri": data_uri,
        "mentions": glossary.mentions,
        "shows_html": shows_html,
        "source": source,
        "shown": shown,
        "limit": numbers.limit,
    }
    environment.globals |= {
        "language": language.code,
        "style": lambda *more, margins="": Markup(style(*more, margins=margins)),
        "script": lambda name: Markup(script(name)),
        "csp": content_security_policy,
        "margins": paper.margins,
        "glossary": glossary.glossary,
        "defaults": Policy.defaults(),
        "status_words": STATUS_WORDS,
        "verdict_words": VERDICT_WORDS,
        "role_words": ROLE_WORDS,
        "evidence_words": EVIDENCE_WORDS,
        "evidence_missing": EVIDENCE_ABSENT_WORDS,
        "kit_columns": KIT_COLUMNS,
        "selection_words": SELECTION_WORDS,
        "effects": EFFECT_WORDS,
        "its_record": ITS_RECORD,
        "reason": said,
        "change_words": comparison.KIND_WORDS,
        "upstream_words": UPSTREAM_WORDS,
        "rounded": numbers.rounded,
        "statements": statements,
        "titles": TITLES,
        "requirements": catalogue.requirements,
        "ranked": supply.ranked,
        "efforts": supply.EFFORTS,
        "asked_so_far": asked_so_far,
        "preliminary": PRELIMINARY,
    }
    return environment


def environment(code: object = languages.SOURCE) -> jinja2.Environment:
    """The templates, escaped by default, in a language or else in English."""
    return _environment(languages.language(code).code)


@cache
def _environment(code: str) -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(TEMPLATES)
    bare = jinja2.Environment(
        loader=loader, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=True
    )
    return furnish(bare, code)


def part(macro: str, *arguments: Any, language: str = languages.SOURCE) -> str:
    """One piece of a page, such as a table of findings."""
    module = environment(language).get_template("parts.html.j2").module
    return str(getattr(module, macro)(*arguments))


class Html:
    """A piece of HTML for a notebook, with words for where HTML cannot be shown.

    `marker` says which part of the record it shows, so that the record's page takes it from there.
    """

    def __init__(self, html: str, words: str, marker: Mapping[str, object] | None = None) -> None:
        self.html, self.words, self.marker = html, words, marker

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        marked = {MARKER: self.marker} if self.marker else {}
        return {"text/html": self.html, "text/plain": self.words, **marked}

    def __repr__(self) -> str:
        return self.words
