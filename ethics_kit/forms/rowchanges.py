"""From a row as typed to the changes of the file that save it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from ethics_kit import yamlfile
from ethics_kit.errors import EthicsKitError, Problem
from ethics_kit.forms.editing import Change, carry_out
from ethics_kit.forms.editor import as_typed, as_value
from ethics_kit.forms.unfinished import Values
from ethics_kit.registers import KEY, OF, Register, Row, nested


class NotValid(EthicsKitError):
    """A row lacks something, or holds what may not stand: field by field, in words."""


def differing(register: Register, row: Row | None, typed: Values) -> Values:
    """The fields in which what is typed differs from a row on disk, as values of the file; None for those emptied."""
    values = {}
    for field in register.fields:
        old = as_typed(field, row.values.get(field.name)) if row else None
        if typed.get(field.name) != old:
            values[field.name] = as_value(field, typed.get(field.name))
    return values


def validated(register: Register, row: Row | None, values: Values) -> dict[str, Any]:
    """The row as it will stand, without the fields that its place holds.

    Raises
    ------
    NotValid
        Fields are missing or wrong.
    """
    whole: dict[str, Any] = yamlfile.plain(row.raw) if row else {}
    change = changing(row or Row((), {}, {}), values)
    carry_out(whole, Change("set", (), change.values))
    labels = {field.name: field.label for field in register.fields}
    place = [name for name in (OF, KEY) if name in labels and not row and values.get(name) in (None, "")]
    missing = [f"{labels[name]}: a value is needed" for name in place]
    model, problems = yamlfile.validate(register.model, yamlfile.YamlFile(Path(register.id), whole))
    if missing or model is None:
        raise NotValid("; ".join([*missing, *(_in_words(p, labels) for p in problems)]))
    return {name: value for name, value in whole.items() if value is not None}


def adding(register: Register, data: Mapping[str, Any], values: Values, whole: Mapping[str, Any]) -> Change:
    """The change that puts one more row into a register."""
    place = tuple(int(values[OF]) if part == "*" else part for part in register.path)
    if register.single:
        return Change("set", place, whole)
    if register.keyed:
        return Change("set", (*place, str(values[KEY])), whole)
    node: Any = data
    for part in place:
        node = (node.get(part) if isinstance(node, Mapping) else node[int(part)]) if node else None
    if isinstance(node, Mapping):  # one row written without a list around it
        return Change("set", place[:-1], {str(place[-1]): [node, dict(whole)]})
    return Change("add", place, whole)


def changing(row: Row, values: Values) -> Change:
    """The change that sets fields of a row. A model in the row goes as a whole, or is emptied as a whole."""
    touched = {name.partition(".")[0] for name in values if "." in name}
    beside = {n: v for n, v in row.values.items() if n.partition(".")[0] in touched and "." in n}
    own = {name: value for name, value in {**beside, **values}.items() if name not in (KEY, OF)}
    return Change("set", row.place, nested(own))


def keeping(register: Register, data: Mapping[str, Any], by: str | None) -> list[Change]:
    """The change that says who keeps a signed register, from today on."""
    held = data.get(register.path[0]) or {}
    if not register.signed or by is None or (held.get("by"), held.get("on")) == (by, date.today()):
        return []
    return [Change("set", register.path[:-1], {"by": by, "on": date.today()})]


def _in_words(problem: Problem, labels: Mapping[str, str]) -> str:
    label = labels.get(problem.key, problem.key.replace("_", " "))
    if problem.found == "nothing":
        return f"{label}: a value is needed"
    return f"{label}: found {problem.found}; allowed: {problem.allowed}".removeprefix(": ")
