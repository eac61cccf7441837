"""The tables of a stage's file, row by row and field by field, as forms and pages show them."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from ethics_kit.framework import catalogue
from ethics_kit.record import Table
from ethics_kit.schema import FILES
from ethics_kit.schema.fields import RequirementId
from ethics_kit.yamlfile import Key

Kind = Literal["choice", "line", "text", "day", "number", "lines", "pairs"]
Values = dict[str, Any]

KEY, OF = "_key", "_of"
"""Names of fields that a row's place in the file holds: the key of a mapping, the row of another register."""


@dataclass(frozen=True)
class Field:
    """One field of a row; `name` is its path, as in ``inherent.likelihood``. `options` are values with their words."""

    name: str
    kind: Kind
    label: str
    help: str
    needed: bool
    options: tuple[tuple[Any, str], ...] = ()
    lists: bool = False


@dataclass(frozen=True)
class Register:
    """One table of a stage's file. In `path`, ``*`` stands for each row of the register above.

    `keyed`: a mapping whose keys are a field of the row. `single`: there is one row at most, with no list around it.
    `signed`: beside the list stands who keeps it, and since when it is as it is. `signs`: the name and date in
    a row are those of whoever enters it.
    """

    id: str
    title: str
    one: str
    intro: str
    path: tuple[str, ...]
    model: type[BaseModel]
    fields: tuple[Field, ...]
    keyed: bool
    single: bool
    signed: bool
    signs: bool


@dataclass(frozen=True)
class Row:
    """One row as it stands in the file, and where."""

    place: Key
    raw: Mapping[str, Any]
    values: Values


@cache
def registers(stage: str) -> dict[str, Register]:
    """The registers that a stage's file may hold, by id, as the framework words them."""
    found = {}
    for words in catalogue.registers():
        path = tuple(words.path.split("."))
        if path[0] in FILES[stage].model_fields:
            found[words.id] = _register(words, FILES[stage], path)
    return found


def _register(words: catalogue.RegisterWords, whole: type[BaseModel], path: tuple[str, ...]) -> Register:
    holder: type[BaseModel] = whole
    hint: Any = whole
    for part in path:
        if part != "*":
            hint = _bare(get_type_hints(holder, include_extras=True)[part])[0]
            holder = _model(hint) or holder
    keyed, single = get_origin(hint) is dict, hint is holder
    fields = list(_fields(holder, words, ""))
    if keyed:
        fields.insert(0, _special(KEY, words, tuple((s.id, s.title) for s in catalogue.standards().values())))
    if "*" in path:
        fields.insert(0, _special(OF, words, ()))
    return Register(
        id=words.id,
        title=words.title,
        one=words.one,
        intro=words.intro,
        path=path,
        model=holder,
        fields=tuple(fields),
        keyed=keyed,
        single=single,
        signed=words.signed,
        signs=words.signs,
    )


def _special(name: str, words: catalogue.RegisterWords, options: tuple[tuple[Any, str], ...]) -> Field:
    about = words.fields[name]
    return Field(name, "choice", about.label, about.help, True, options)


def _bare(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type without None and annotations, and the annotations."""
    notes: tuple[Any, ...] = ()
    while True:
        if get_origin(hint) in (Union, types.UnionType):
            parts = [a for a in get_args(hint) if a is not type(None)]
            hint = parts[0] if len(parts) == 1 else str
        elif get_origin(hint) is Annotated:
            hint, *more = get_args(hint)
            notes += tuple(more)
        else:
            return hint, notes


def _model(hint: Any) -> type[BaseModel] | None:
    """The model that a type is, or holds."""
    hint = _bare(hint)[0]
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return hint
    return next((m for a in get_args(hint) if (m := _model(a))), None)


def _fields(model: type[BaseModel], words: catalogue.RegisterWords, above: str) -> Iterator[Field]:
    """The fields of a model, those of models in it flattened; lists of rows in it are registers of their own."""
    hints = get_type_hints(model, include_extras=True)
    for key, about in model.model_fields.items():
        name, (hint, notes) = f"{above}{key}", _bare(hints[key])
        if isinstance(hint, type) and issubclass(hint, BaseModel):
            yield from _fields(hint, words, f"{name}.")
        elif _model(hint) is None:
            word = words.fields.get(name) or catalogue.FieldWords(label=_in_words(name))
            kind, options = _kind(hint, notes)
            if name == "reason" and words.id == "not_applicable":
                kind, options = "choice", tuple(catalogue.not_applicable_reasons().items())
            if hints[key] == RequirementId:
                kind, options = "choice", tuple((r.id, f"{r.id} {r.title}") for r in catalogue.requirements().values())
            lists = kind == "pairs" and get_origin(_bare(get_args(hint)[1])[0]) is list
            yield Field(name, kind, word.label, word.help, about.is_required() and not above, options, lists)


def _in_words(name: str) -> str:
    words = name.replace("_", " ").split(".")
    return ": ".join(words).capitalize()


def _kind(hint: Any, notes: tuple[Any, ...]) -> tuple[Kind, tuple[tuple[Any, str], ...]]:
    if get_origin(hint) is Literal:
        return "choice", tuple((v, str(v).replace("_", " ")) for v in get_args(hint))
    if hint is bool:
        return "choice", ((True, "yes"), (False, "no"))
    if points := _points(hint, notes):
        return "choice", tuple((n, str(n)) for n in points)
    plain: dict[Any, Kind] = {int: "number", float: "number", date: "day"}
    if hint in plain:
        return plain[hint], ()
    if get_origin(hint) in (list, dict):
        return ("lines" if get_origin(hint) is list else "pairs"), ()
    return ("text" if _bound(notes, "max_length", 0) > 300 else "line"), ()


def _points(hint: Any, notes: tuple[Any, ...]) -> range:
    """The few whole numbers that a field may hold, if they are few."""
    low, high = _bound(notes, "ge", 0), _bound(notes, "le", 100)
    return range(low, high + 1) if hint is int and high - low < 10 else range(0)


def _bound(notes: tuple[Any, ...], name: str, otherwise: int) -> int:
    """A limit among a type's annotations."""
    limits = [limit for note in notes for limit in getattr(note, "metadata", ()) if hasattr(limit, name)]
    return int(getattr(limits[0], name)) if limits else otherwise


# --- rows ------------------------------------------------------------------------------------------------------


def rows(register: Register, data: Mapping[str, Any]) -> list[Row]:
    """The rows as they stand in a file's plain data."""
    found: list[tuple[Key, Any, Values]] = [((), data, {})]
    for part in register.path:
        below: list[tuple[Key, Any, Values]] = []
        for place, node, values in found:
            if part == "*":
                below += [((*place, i), row, {OF: i}) for i, row in enumerate(node)]
            elif isinstance(node, Mapping) and node.get(part):
                below.append(((*place, part), node[part], values))
        found = below
    return [row for place, node, values in found for row in _rows(register, place, node, values)]


def _rows(register: Register, place: Key, node: Any, values: Values) -> Iterator[Row]:
    held: list[tuple[Key, Any, Values]]
    if register.keyed:
        held = [((*place, key), row, {KEY: key}) for key, row in node.items()]
    elif isinstance(node, list):
        held = [((*place, index), row, values) for index, row in enumerate(node)]
    else:
        held = [(place, node, values)]
    for where, row, special in held:
        if isinstance(row, Mapping):
            yield Row(where, row, special | {f.name: _at(row, f.name) for f in register.fields if f.name[0] != "_"})


def _at(row: Mapping[str, Any], name: str) -> Any:
    node: Any = row
    for part in name.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    return node


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by path as a row: a model of which nothing is given is None."""
    row: dict[str, Any] = {}
    for name, value in values.items():
        *above, last = name.split(".")
        place = row
        for part in above:
            place = place.setdefault(part, {})
        place[last] = value
    return {key: _or_none(value) for key, value in row.items()}


def _or_none(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    below = {key: _or_none(v) for key, v in value.items()}
    return below if any(v is not None for v in below.values()) else None


def shown(field: Field, value: Any) -> str:
    """A value in words."""
    if isinstance(value, list):
        return "; ".join(map(str, value))
    if isinstance(value, Mapping):
        return "; ".join(f"{k}: {', '.join(map(str, v)) if isinstance(v, list) else v}" for k, v in value.items())
    return next((words for option, words in field.options if option == value), "" if value is None else str(value))


def table(register: Register, data: Mapping[str, Any]) -> Table:
    """The rows as a page shows them; fields that no row has are left out, without rows those that none needs."""
    found = rows(register, data)
    filled = [f for f in register.fields if any(row.values.get(f.name) not in (None, [], {}) for row in found)]
    fields = filled or [f for f in register.fields if f.needed]
    cells: list[list[Any]] = [[_cell(register, f, row, data) for f in fields] for row in found]
    columns = [f.label for f in fields]
    return Table(id=register.id, title=register.title, requirement="", columns=columns, rows=cells)


def _cell(register: Register, field: Field, row: Row, data: Mapping[str, Any]) -> str:
    if field.name == OF:
        return name_of(data[register.path[0]][row.values[OF]])
    return shown(field, row.values.get(field.name))


def name_of(row: Mapping[str, Any]) -> str:
    """What a row is called where it has to be told from others."""
    names = ("id", "finding", "requirement", "group", "name", "title", "where", "auditor")
    return " ".join([str(row[name]) for name in names if row.get(name)][:2])
