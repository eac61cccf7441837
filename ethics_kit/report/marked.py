"""What an output of a notebook says of itself, and the part of the record that it names.

A page shows that part from the record, so that no number in it can disagree with `record.json`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ethics_kit.recommendation import worst_first
from ethics_kit.record import Finding, Record, Table
from ethics_kit.report.html import MARKER


@dataclass(frozen=True)
class Part:
    """A part of the record that an output of the notebook stands for: a table, findings of a step, or its end."""

    kind: str
    title: str = ""
    table: Table | None = None
    findings: tuple[Finding, ...] = ()


def parts_of(record: Record) -> Callable[[Mapping[str, Any]], Part | None]:
    """What finds the part of `record` that the data of an output names; None where it names none, or one not there."""
    ids = Counter(t.id for t in record.tables)
    tables = {t.id: t for t in record.tables if ids[t.id] == 1}
    findings = {f.id: f for f in record.findings}

    def named(data: Mapping[str, Any]) -> Part | None:
        match data.get(MARKER):
            case {"part": "table", "id": str(name)} if name in tables:
                return Part("table", table=tables[name])
            case {"part": "findings", "ids": [_, *_] as named, "title": str(title)} if _known(named, findings):
                return Part("findings", title, findings=tuple(worst_first([findings[name] for name in named])))
            case {"part": "conclusion"}:
                return Part("conclusion")
        return None

    return named


def _known(names: list[Any], findings: Mapping[str, Finding]) -> bool:
    return all(isinstance(name, str) and name in findings for name in names)
