"""What can be wrong with a file, in words that say what to do."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

import ibis

FORMATS = (".csv", ".parquet", ".duckdb")
GLOB = set("*?[]{}")
REASONS = {
    "not utf-8": "not in UTF-8",
    "unterminated quote": "a quotation mark that is not closed",
    "Expected Number of Columns": "a row with more or fewer values than the header has columns",
    "Maximum line size": "a line that is too long",
    "sniffing": "no delimiter that fits every row",
    "Permission Error": "it points at other files, which may not be read",
    "No magic bytes": "no Parquet file, or a damaged one",
    "Footer length": "no Parquet file, or a damaged one",
    "too small to be a Parquet": "no Parquet file, or a damaged one",
    "not a valid DuckDB": "no DuckDB file, or a damaged one",
}
"""Why DuckDB cannot read a file, by a part of its message. The message itself may quote data and is not told."""
LINE = re.compile(r"[Ll]ine: ?(\d+)")


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


def shape(value: object) -> str:
    """How a value is written, and not what it says: letters are a or A, digits 9, as in 99.99.9999."""
    shown = "".join(("A" if c.isupper() else "a") if c.isalpha() else "9" if c.isdigit() else c for c in str(value))
    return f"“{shown[:40]}”"


DATA = re.compile(r"[\d.,:/ -]+|.*@.*|\s*")
"""What stands in a first row of values and names no column: numbers, dates, addresses, nothing."""


def missing(role: str, name: str, columns: tuple[str, ...]) -> Fault:
    """A column that the file does not have. Of a file without a header the first row is data, and is not told."""
    if any(DATA.fullmatch(column) for column in columns):
        found = f"no column {name}, and a first row that looks like data"
        return Fault(role, found, "a header: a row with the names of the columns", "export the table with a header")
    close = difflib.get_close_matches(name, columns, n=1, cutoff=0.6)
    shown = ", ".join(columns[:20]) + (f" and {len(columns) - 20} more" if len(columns) > 20 else "")
    todo = f"did you mean {close[0]}?" if close else "name the column that plays this part, or export it"
    return Fault(role, f"no column {name}", f"a column of the file: {shown}", todo)


def not_in(encoding: str | None) -> Fault:
    """A file in another encoding than it is said to have."""
    todo = "ask whoever exported it, or export it in UTF-8"
    return Fault(None, f"a file that is not in {encoding}", "the encoding of the file", todo, "encoding")


def no_database(name: str, why: str) -> Fault:
    """A database that cannot be opened."""
    todo = "see docs/databases.md for what it needs in the environment, then run `ethics-kit check` again"
    return Fault(None, f"no way into the database {name}: {why}", "a database that answers", todo)


def not_read(table: str, error: Exception) -> Fault:
    """A table that a database does not have, or does not let be read. Its own words may quote data and are not told."""
    found = f"no table {table} that can be read in the database ({type(error).__name__})"
    return Fault(None, found, "a table or view that this user may read", "correct `table:`, or ask for the right to it")


def unreadable(table: str, error: Exception) -> Fault:
    """A file that DuckDB cannot read."""
    if isinstance(error, ibis.common.exceptions.TableNotFound):
        return Fault(None, f"no table {table} in the file", "a table of the DuckDB file", "correct `table:`")
    message = str(error)
    known = [words for part, words in REASONS.items() if part in message]
    place = LINE.search(message)
    reason = "; ".join([*known[:1], *([f"line {place[1]}"] if place else [])]) or type(error).__name__
    todo = "export it again, or open it and look at the place named"
    if "not utf-8" in message:
        todo = "say its `encoding:` (cp1252 for western Windows), or export it in UTF-8"
    return Fault(
        None,
        f"a file that cannot be read ({reason})",
        "a well-formed UTF-8 table with one header row",
        todo,
    )
