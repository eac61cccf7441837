"""What tests of timelines share: small tables whose times are seconds after one noon, or moments."""

from datetime import datetime, timedelta
from typing import Any

import ibis
import pyarrow as pa

NOON = datetime.fromisoformat("2026-10-01T12:00")
TIMES = {"time", "given", "withdrawn", "expires", "completed", "verified", "extended_until", "extended_on"}


def at(moment: int | datetime | None) -> datetime | None:
    return NOON + timedelta(seconds=moment) if isinstance(moment, int) else moment


def table(names: str, *rows: tuple[Any, ...]) -> ibis.Table:
    """Columns by name; times are moments, or seconds after noon."""
    columns = {}
    for i, name in enumerate(names.split()):
        values = [row[i] for row in rows]
        if name in TIMES:
            columns[name] = pa.array([at(v) for v in values], pa.timestamp("us"))
        else:
            columns[name] = pa.array(values, pa.string())
    return ibis.memtable(pa.table(columns))


def events(*rows: tuple[Any, ...]) -> ibis.Table:
    return table("customer time purpose", *rows)
