"""One change to a YAML file's text that leaves every other line, comments included, as it was.

The text is cut and pasted at the places the parser names. What comes out is parsed again and held against the same
change made to the values; where a layout is too odd for that, the file is written anew from its values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import SequenceNode

from ethics_kit import yamlfile
from ethics_kit.errors import InputError
from ethics_kit.forms.yamltext import Splice, Text, below, compose, empty, entry, filled, holds, merge, values
from ethics_kit.yamlfile import EditableFile, Key


@dataclass(frozen=True)
class Change:
    """What to do at `place`, the key of a mapping or of a list's item.

    ``set`` puts `values` into the mapping there and makes what is missing on the way; None empties a key and adds
    none; a mapping among the values is merged. ``add`` puts `values` as one more item behind the list. ``remove``
    takes the item or key out.
    """

    verb: str
    place: Key
    values: Mapping[str, Any]


def changed(file: EditableFile, text: str, change: Change) -> bytes:
    """`text`, which `file` was read from, with one change; the data of `file` are changed as well.

    Raises
    ------
    InputError
        The values cannot be written as YAML; nothing else can be wrong with them here.
    """
    carry_out(file.data, change)
    expected = yamlfile.plain(file.data)
    try:
        pasted = _pasted(text, change)
        if values(pasted) == expected:
            return pasted.encode()
    except (LookupError, ValueError, TypeError, YAMLError):
        pass
    anew = file.dumps()
    if values(anew.decode()) != expected:
        allowed, todo = "text that YAML can hold", "leave out signs that cannot be seen"
        raise InputError([file.problem(change.place, found="signs that cannot be kept", allowed=allowed, todo=todo)])
    return anew


def carry_out(data: Any, change: Change) -> None:
    """The change made to values."""
    if change.verb == "set":
        for part in change.place:
            data = below(data, part)
        merge(data, change.values)
        return
    for part in change.place[:-1]:
        data = below(data, part)
    last = change.place[-1]
    if change.verb == "remove":
        del data[last]
    elif not data.get(last):
        data[last] = [filled(change.values)]
    else:
        data[last].append(filled(change.values))


def _pasted(text: str, change: Change) -> str:
    root = compose(text)
    verbs = {"set": _set, "add": _add, "remove": _remove}
    return Text(text).spliced(verbs[change.verb](Text(text), root, change))


def _set(text: Text, root: Any, change: Change) -> Iterator[Splice]:
    """Go down as far as the text goes; what is missing of the way becomes part of what is put."""
    node, new = root, dict(change.values)
    for depth, part in enumerate(change.place):
        found = entry(node, part)
        if found is None or not holds(found[1]):
            for missing in reversed(change.place[depth:]):
                new = {str(missing): new}
            break
        node = found[1]
    yield from text.put(node, new)


def _add(text: Text, root: Any, change: Change) -> Iterator[Splice]:
    found = _found(root, change.place)
    row = filled(change.values)
    if found is None or not holds(found[1]):
        yield from _set(text, root, Change("set", change.place[:-1], {str(change.place[-1]): [row]}))
        return
    rows = found[1]
    if rows.flow_style or not isinstance(rows, SequenceNode):
        raise ValueError("a list between brackets")
    end = text.line_end(text.end(rows, 0))
    yield end, end, text.block([row], rows.start_mark.column)


def _remove(text: Text, root: Any, change: Change) -> Iterator[Splice]:
    above, found = _found(root, change.place[:-1]), _found(root, change.place)
    rows = above[1] if above else root
    if found is None or rows.flow_style or (len(rows.value) == 1 and above is None):
        raise ValueError("between brackets, or all there is")
    key, row = found
    listed = isinstance(rows, SequenceNode)
    column = rows.start_mark.column if listed else key.start_mark.column
    if len(rows.value) == 1 and above:
        colon = text.colon(above[0])
        yield colon, colon, " []" if listed else " {}"
    end = text.colon(key) if empty(row) else text.end(row, column)
    yield text.line_start(key.start_mark.index), text.line_end(end) + 1, ""


def _found(root: Any, place: Key) -> tuple[Any, Any] | None:
    """The key's node and the value's at a place, or None."""
    found, node = None, root
    for part in place:
        found = entry(node, part) if holds(node) else None
        if found is None:
            return None
        node = found[1]
    return found
