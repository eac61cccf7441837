"""What was typed and could not be saved yet, kept beside the workbook until it can."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ethics_kit.project import write_atomic

Values = dict[str, Any]


@dataclass
class Draft:
    """A row that is not valid yet. `was` is the row on disk it would take the place of, as text; None for another."""

    was: str | None
    values: Values


def as_text(row: Any) -> str:
    """A row on disk as text, by which its draft finds it again."""
    return json.dumps(row, default=str, sort_keys=True, ensure_ascii=False)


class Unfinished:
    """The side file of a stage: answers by question, rows by register. There is none while nothing is unfinished."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kept = self._read()

    def _read(self) -> dict[str, Any]:
        try:
            kept = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            kept = {}
        answers, rows = (kept.get(part) if isinstance(kept, dict) else None for part in ("answers", "rows"))
        return {
            "answers": answers if isinstance(answers, dict) else {},
            "rows": rows if isinstance(rows, dict) else {},
        }

    def answer(self, question: str) -> Values:
        """The fields of an answer that are not saved."""
        found = self._kept["answers"].get(question)
        return dict(found) if isinstance(found, dict) else {}

    def keep_answer(self, question: str, values: Values) -> None:
        """Keep fields of an answer, or none any more. Raises OSError."""
        if values != self.answer(question):
            self._keep("answers", question, values)

    def rows(self, register: str) -> list[Draft]:
        """The unfinished rows of a register."""
        found = self._kept["rows"].get(register)
        drafts = [d for d in found if isinstance(d, dict)] if isinstance(found, list) else []
        return [
            Draft(d["was"] if isinstance(d.get("was"), str) else None, d["values"])
            for d in drafts
            if isinstance(d.get("values"), dict)
        ]

    def keep_rows(self, register: str, drafts: list[Draft]) -> None:
        """Keep the unfinished rows of a register. Raises OSError."""
        if drafts != self.rows(register):
            self._keep("rows", register, [{"was": d.was, "values": d.values} for d in drafts])

    def _keep(self, part: str, name: str, value: Any) -> None:
        whole = json.loads(json.dumps({**self._kept[part], name: value}, default=date.isoformat))
        self._kept[part] = {k: v for k, v in whole.items() if v}  # also where the disk is full: the next form shows it
        if any(self._kept.values()):
            write_atomic(self.path, (json.dumps(self._kept, ensure_ascii=False, indent=1) + "\n").encode())
        else:
            self.path.unlink(missing_ok=True)
