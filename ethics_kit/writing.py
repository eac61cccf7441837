"""How a table is written, as far as its own text tells: encoding, delimiter, decimals, order of dates, kind of ids."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import ibis.expr.types as ir

from ethics_kit.measures.columns import WITH_COMMA, filled
from ethics_kit.measures.ids import salesforce_15
from ethics_kit.measures.times import LOCAL_DAY, LOCAL_TIME

MARKS = {",": ",", ";": ";", "|": "|", "\t": "tab"}
"""Delimiters, as the dossier names them."""
Settings = dict[str, tuple[str, str]]
"""What the dossier says of how a table is written, each key with its value and how that was seen."""


@dataclass(frozen=True)
class Writing:
    """Settings of a table that its text shows, columns of Salesforce ids, and what its text leaves in doubt."""

    settings: Settings = field(default_factory=dict)
    salesforce: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def of_file(path: Path) -> Settings:
    """Encoding and delimiter of a CSV, where they are other than UTF-8 and the comma; nothing of another file."""
    found: Settings = {}
    if path.suffix.lower() != ".csv" or not path.is_file():
        return found
    encoding = _encoding(path)
    if encoding == "utf-16":
        found["encoding"] = (encoding, "the file begins with its byte order mark")
    elif encoding:
        found["encoding"] = (encoding, "the file is not in UTF-8; look whether its accents come out right")
    with path.open(encoding=encoding or "utf-8", newline="", errors="replace") as file:
        header = file.readline(1 << 16)
    marks = [mark for mark in MARKS if mark in header]
    if len(marks) == 1 and marks != [","]:
        found["delimiter"] = (MARKS[marks[0]], "nothing else stands between the names in its first line")
    return found


def _encoding(path: Path) -> str | None:
    """None for UTF-8, and for what is in none of the encodings tried."""
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
    return next((e for e in (None, "cp1252") if _decodes(path, e or "utf-8")), None)


def _decodes(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding, newline="") as file:
            while file.read(1 << 20):
                pass
    except UnicodeError:
        return False
    return True


def of_values(raw: ir.Table) -> Writing:
    """Decimal comma, order of dates and Salesforce ids, from every value of every column of text."""
    texts = {name: filled(raw[name]) for name in raw.columns if raw[name].type().is_string()}
    seen = {
        name: n for name, n in _counted(raw, {name: _shapes(text) for name, text in texts.items()}).items() if n["all"]
    }
    settings: Settings = {}
    commas = [name for name, n in seen.items() if n["comma"] and n["comma"] + n["whole"] == n["all"]]
    if commas and not any(n["point"] for n in seen.values()):
        settings["decimal"] = ("comma", f"every number of {commas[0]} is written so, and none has a point")
    dated = [name for name, n in seen.items() if n["date"] == n["all"]]
    order, doubts = _order(_counted(raw, {name: _over_12(texts[name]) for name in dated}))
    shaped = [name for name, n in seen.items() if n["id"] == n["all"] and n["long"]]
    fit = _counted(raw, {name: {"fit": salesforce_15(texts[name]).count()} for name in shaped})
    ids = tuple(name for name in shaped if fit[name]["fit"] == seen[name]["all"])
    return Writing(settings | order, ids, doubts)


def _counted(raw: ir.Table, wanted: Mapping[str, Mapping[str, ir.Scalar]]) -> dict[str, dict[str, int]]:
    """Counts of columns by name, in one reading of the table."""
    flat = {f"{what}{i}": n for i, counts in enumerate(wanted.values()) for what, n in counts.items()}
    seen = raw.aggregate(**flat).to_pyarrow().to_pylist()[0] if flat else {}
    return {name: {what: seen[f"{what}{i}"] or 0 for what in wanted[name]} for i, name in enumerate(wanted)}


def _shapes(text: ir.StringColumn) -> dict[str, ir.Scalar]:
    """How many values could be numbers with a comma or a point, dates not in ISO form, Salesforce ids."""
    return {
        "all": text.count(),
        "comma": (text.re_search(WITH_COMMA) & text.contains(",")).sum(),
        "whole": text.re_search(r"^[+-]?\d+$").sum(),
        "point": text.re_search(r"^[+-]?\d*\.\d+$").sum(),
        "date": text.re_search(LOCAL_TIME).sum(),
        "id": text.re_search(r"^[0-9A-Za-z]{15}([0-9A-Za-z]{3})?$").sum(),
        "long": (text.length() == 18).sum(),
    }


def _over_12(text: ir.StringColumn) -> dict[str, ir.Scalar]:
    """How many dates have more than twelve in first, and in second place: there it can be no month."""
    return {f"at{n}_": (text.re_extract(LOCAL_DAY, n).try_cast("int64") > 12).sum() for n in (1, 2)}


def _order(dates: Mapping[str, Mapping[str, int]]) -> tuple[Settings, tuple[str, ...]]:
    """Whether day or month comes first in columns of dates, and what stays in doubt."""
    first = [name for name, n in dates.items() if n["at1_"]]
    second = [name for name, n in dates.items() if n["at2_"]]
    if first and not second:
        return {"dates": ("day_first", f"{first[0]} has days over 12 in first place")}, ()
    if second and not first:
        return {"dates": ("month_first", f"{second[0]} has days over 12 in second place")}, ()
    return {}, tuple(f"{n}: day or month first? Say it in `dates`: its values do not tell" for n in [*dates][:1])
