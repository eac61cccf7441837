"""The model card: what a record says of the model, as Markdown that shows untrusted text as it is and nothing more."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ethics_kit.record import Record, Table
from ethics_kit.report.html import TEMPLATES
from ethics_kit.report.text import plain

FILE = "model_card.md"
TABLE = "P1.3.model_card"
COLUMNS = ["section", "field", "says"]
NOT_STATED = "not stated"

SPECIAL = re.compile(r"([\\`*_{}\[\]#|~!$])")
ADDRESS = re.compile(r"(?i)(https?|ftp|mailto|xmpp|www)([:.])")
"""What some readers make a link of, although nothing marks it as one."""


def table(rows: Iterable[tuple[str, str, str | None]], *, note: str) -> Table:
    """The card's fields as a record's table, from (section, field, what it says)."""
    return Table(
        id=TABLE,
        title="Model card",
        requirement="P1.3",
        columns=COLUMNS,
        rows=[[section, field, says or NOT_STATED] for section, field, says in rows],
        note=note,
    )


def markdown(record: Record) -> str | None:
    """The card of a record as a Markdown document; None where the record has none."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = next((t for t in record.tables if t.id == TABLE), None)
    if found is None:
        return None
    sections: dict[str, list[tuple[str, str]]] = {}
    for section, field, says in found.rows:
        sections.setdefault(str(section), []).append((str(field), str(says)))
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - not HTML: every value goes through `escaped`
        keep_trailing_newline=True,
        finalize=lambda value: escaped(value) if isinstance(value, str) else value,
    )
    return environment.get_template("model_card.md.j2").render(r=record, sections=sections, note=found.note or "")


def escaped(text: str) -> str:
    """Untrusted text for the inside of a line of Markdown: no markup, no HTML, no link, no further line."""
    line = " ".join(plain(text).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return ADDRESS.sub(r"\1\\\2", SPECIAL.sub(r"\\\1", line))
