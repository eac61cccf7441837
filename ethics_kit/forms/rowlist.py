"""The rows of a register and those that are unfinished, as a list to choose from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from html import escape
from typing import Any

from ethics_kit.forms.controls import Signature
from ethics_kit.forms.editor import as_typed
from ethics_kit.forms.unfinished import Draft, Values, as_text
from ethics_kit.registers import Register, Row, table
from ethics_kit.report.html import part

NEW = "new"


def row_of(draft: Draft, rows: Sequence[Row]) -> Row | None:
    """The row on disk that a draft would take the place of."""
    return next((row for row in rows if draft.was == as_text(row.raw)), None)


def draft_of(row: Row | None, drafts: Sequence[Draft]) -> Draft | None:
    """What is unfinished of a row on disk."""
    return next((draft for draft in drafts if row and draft.was == as_text(row.raw)), None)


def typed_of(register: Register, row: Row) -> Values:
    """A row on disk as an editor holds it."""
    return {field.name: as_typed(field, row.values.get(field.name)) for field in register.fields}


def prefilled(register: Register, signature: Signature) -> Values:
    """Who enters a row, and when, where the register asks for it."""
    names = {field.name for field in register.fields}
    given = {**signature.given(), "on": date.today()}
    return {n: v for n, v in given.items() if n in names} if register.signs and "by" in names else {}


def listed(rows: Sequence[Row], drafts: Sequence[Draft], name: Callable[[Values], str]) -> list[tuple[str, str]]:
    """Words and keys: one more row, each row on disk, and each draft that is not of one of them."""
    options = [("– a row that is not in the table yet –", NEW)]
    for number, row in enumerate(rows):
        unsaved = " (a change is not saved)" if draft_of(row, drafts) else ""
        options.append((f"{number + 1}. {name(row.values)}{unsaved}", f"row {number}"))
    loose = [(number, draft) for number, draft in enumerate(drafts) if row_of(draft, rows) is None]
    return options + [(f"Not saved yet: {name(draft.values)}", f"draft {number}") for number, draft in loose]


def chosen(row: Row | None, draft: Draft | None, rows: Sequence[Row], drafts: Sequence[Draft]) -> str:
    """The key in that list of what is in the editor."""
    if row:
        return next((f"row {number}" for number, each in enumerate(rows) if each.place == row.place), NEW)
    return f"draft {drafts.index(draft)}" if draft in drafts else NEW


def shown(register: Register, data: Mapping[str, Any]) -> str:
    """The rows on disk as a table that scrolls, also by keyboard."""
    rows = part("table", table(register, data))
    return f'<div class="rows" tabindex="0" role="region" aria-label="{escape(register.title)}">{rows}</div>'


def count(rows: Sequence[Row], drafts: Sequence[Draft]) -> str:
    """How many rows there are, and how many are not saved."""
    words = f"{len(rows)} row{'s' * (len(rows) != 1)}"
    return f"{words}, {len(drafts)} not saved in the table yet" if drafts else words
