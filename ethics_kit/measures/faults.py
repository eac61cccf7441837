"""What can be wrong with a file, in words that say what to do."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

import ibis

FORMATS = (".csv", ".parquet", ".duckdb")
GLOB = set("*?[]{}")


@dataclass(frozen=True)
class Fault:
    """What is wrong with a source; `role` is None where it is the file as a whole.

    `setting` is the key under which the dossier says how the table is written, where that is what is wrong.
    """

    role: str | None
    found: str
    allowed: str
    todo: str
    setting: str | None = None


def file_fault(path: Path) -> Fault | None:
    """A file that is not there, has another format, or could stand for others."""
    if not path.is_file():
        return Fault(None, f"no file {path.name}", "an existing file", "correct the path, or put the table there")
    if path.suffix.lower() not in FORMATS:
        return Fault(None, f"a {path.suffix or 'nameless'} file", " ".join(FORMATS), "export it as one of these")
    if GLOB & set(str(path)):
        return Fault(None, "a path with * ? [ ] { or }", "plain names", "rename the file or folder")
    if path.stat().st_size == 0:
        return Fault(None, "an empty file (0 bytes)", "a header and rows", "export the table again")
    return None


def missing(role: str, name: str, columns: tuple[str, ...]) -> Fault:
    """A column that the file does not have."""
    close = difflib.get_close_matches(name, columns, n=1, cutoff=0.6)
    shown = ", ".join(columns[:20]) + (f" and {len(columns) - 20} more" if len(columns) > 20 else "")
    todo = f"did you mean {close[0]}?" if close else "name the column that plays this part, or export it"
    return Fault(role, f"no column {name}", f"a column of the file: {shown}", todo)


def not_in(encoding: str | None) -> Fault:
    """A file in another encoding than it is said to have."""
    todo = "ask whoever exported it, or export it in UTF-8"
    return Fault(None, f"a file that is not in {encoding}", "the encoding of the file", todo, "encoding")


def unreadable(table: str, error: Exception) -> Fault:
    """A file that DuckDB cannot read."""
    if isinstance(error, ibis.common.exceptions.TableNotFound):
        return Fault(None, f"no table {table} in the file", "a table of the DuckDB file", "correct `table:`")
    message = str(error).strip().split("\n\n")[0] or type(error).__name__
    told = [
        line for line in message.splitlines() if not line.startswith("Original Line")
    ]  # it may hold a person's data
    reason = "; ".join(told[:2])
    todo = "export it again, or open it and look at the place named"
    if "not utf-8" in reason:
        todo = "say its `encoding:` (cp1252 for western Windows), or export it in UTF-8"
    return Fault(
        None,
        f"a file that cannot be read ({reason[:160]})",
        "a well-formed UTF-8 table with one header row",
        todo,
    )
