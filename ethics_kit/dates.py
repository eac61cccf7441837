"""Days counted in months."""

from __future__ import annotations

import calendar
from datetime import date


def months_after(start: date, months: int) -> date:
    """The same day `months` later, or that month's last day."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))
