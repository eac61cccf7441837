"""Days as they are written, and counted in months."""

from __future__ import annotations

import calendar
from datetime import date
from pathlib import Path

from ethics_kit.errors import InputError, Problem, quoted


def months_after(start: date, months: int) -> date:
    """The same day `months` later, or that month's last day."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))


def parse_as_of(text: str) -> date:
    """An ISO date, or today where `text` is empty.

    Raises
    ------
    InputError
        Not a date.
    """
    try:
        return date.fromisoformat(text) if text else date.today()
    except ValueError:
        allowed, todo = "a date such as 2026-11-01, or nothing for today", "correct the parameter"
        problem = Problem(file=Path("parameters"), key="as_of", found=quoted(text), allowed=allowed, todo=todo)
        raise InputError([problem]) from None
