"""YAML in and out: safe to read, every value with its line, comments and order kept on writing."""

from __future__ import annotations

import difflib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from ethics_kit.errors import InputError, Problem, printable, quoted

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MAX_BYTES = 2_000_000

Key = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)


def _round_trip() -> YAML:
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 110
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


class YamlFile:
    """One parsed YAML file: `data` is a mapping that remembers comments, order and lines."""

    def __init__(self, path: Path, data: Any) -> None:
        self.path = path
        self.data = data

    def line(self, key: Key) -> int:
        """The line of `key`, or of its nearest parent that the file holds; counted from 1."""
        node: Any = self.data
        line = 1
        for part in key:
            try:
                line = (node.lc.key if isinstance(part, str) else node.lc.item)(part)[0] + 1
                node = node[part]
            except (AttributeError, KeyError, IndexError, TypeError):
                break
        return line

    def problem(self, key: Key, *, found: str, allowed: str, todo: str) -> Problem:
        """A `Problem` at `key` of this file."""
        dotted = ".".join(map(str, key))
        return Problem(file=self.path, line=self.line(key), key=dotted, found=found, allowed=allowed, todo=todo)

    def dumps(self) -> bytes:
        """The file's text as bytes, comments and order kept."""
        text = io.StringIO()
        _round_trip().dump(self.data, text)
        return text.getvalue().encode()


def read(path: Path) -> YamlFile:
    """Parse `path` without constructing any object but mappings, lists and scalars.

    Raises
    ------
    InputError
        The file is missing, unreadable, too large, not YAML, or not a mapping.
    """

    def fail(found: str, allowed: str, todo: str, line: int = 0) -> InputError:
        return InputError([Problem(file=path, line=line, found=found, allowed=allowed, todo=todo)])

    try:
        if path.stat().st_size > MAX_BYTES:
            raise fail("a file over 2 MB", "at most 2 MB", "keep tables in data files, not in YAML")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise fail("no such file", "a YAML file", "create it, or check the folder's name") from None
    except UnicodeDecodeError as error:
        raise fail(f"a byte that is not UTF-8 at position {error.start}", "UTF-8", "save it as UTF-8") from None
    except OSError as error:
        raise fail(error.strerror or "unreadable", "a readable file", "check its permissions") from None
    try:
        _refuse_aliases(text)
        data = _round_trip().load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        what = printable(error.problem or "not YAML", 120)
        raise fail(what, "valid YAML", "check quotes, colons and indentation here", line) from None
    except (YAMLError, ValueError, RecursionError) as error:
        first = printable(str(error).splitlines()[0] if str(error) else type(error).__name__, 120)
        raise fail(first, "valid YAML", "check quotes, colons and indentation") from None
    if data is None:
        raise fail("an empty file", "keys with values", "fill it in; ethics-kit new writes a commented one")
    if not isinstance(data, Mapping):
        raise fail("no keys at the top level", "keys with values", "begin with `name: value` lines")
    return YamlFile(path, data)


def _refuse_aliases(text: str) -> None:
    """Aliases can swell a small file to gigabytes, and a reader must follow them by hand."""
    for event in YAML(typ="safe", pure=True).parse(text):
        if getattr(event, "anchor", None):
            raise MarkedYAMLError(problem="an anchor or alias (& or *)", problem_mark=event.start_mark)


def validate(model: type[M], file: YamlFile) -> tuple[M | None, list[Problem]]:
    """`file` as `model`, or None and every problem with its line."""
    try:
        return model.model_validate(plain(file.data)), []
    except ValidationError as error:
        return None, [_explain(model, file, e) for e in error.errors(include_url=False)]


def plain(node: Any) -> Any:
    """The parsed value without the classes that carry comments and lines."""
    if isinstance(node, Mapping):
        return {k: plain(v) for k, v in node.items()}
    if isinstance(node, Sequence) and not isinstance(node, str | bytes):
        return [plain(v) for v in node]
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node


def _explain(model: type[BaseModel], file: YamlFile, error: ErrorDetails) -> Problem:
    key = tuple(p for p in error["loc"] if not _is_tag(p))
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    parent = _model_at(model, key[:-1])
    if kind == "extra_forbidden":
        allowed = ", ".join(parent.model_fields) if parent else "the keys of the schema"
        close = _closest(str(key[-1]), parent.model_fields if parent else ())
        todo = f"did you mean {close}?" if close else "remove it, or correct the key"
        return file.problem(key, found="an unknown key", allowed=allowed, todo=todo)
    if kind == "missing":
        return file.problem(key, found="nothing", allowed="a value is required", todo=f"add {key[-1]}:")
    found = "nothing" if value is None else f"{quoted(value)} ({_kind_of(value)})"
    allowed = str(context.get("expected", context.get("error", error["msg"])))
    todo = "put it in quotes" if kind == "string_type" and _is_scalar(value) else "correct the value"
    return file.problem(key, found=found, allowed=allowed.removeprefix("Value error, "), todo=todo)


def _is_tag(part: str | int) -> bool:
    """Pydantic puts names of union branches and ``[key]`` into the location; a person cannot find those."""
    return part == "[key]" or (isinstance(part, str) and part.startswith(("function-", "constrained-")))


def _model_at(model: type[BaseModel], key: Key) -> type[BaseModel] | None:
    here: Any = model
    for part in key:
        if isinstance(here, type) and issubclass(here, BaseModel) and part in here.model_fields:
            here = here.model_fields[str(part)].annotation
        here = _inner_model(here) if not (isinstance(here, type) and issubclass(here, BaseModel)) else here
        if here is None:
            return None
    return here if isinstance(here, type) and issubclass(here, BaseModel) else None


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _inner_model(part)
        if found:
            return found
    return None


def _closest(word: str, known: Any) -> str | None:
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.7)), None)


def _is_scalar(value: object) -> bool:
    return isinstance(value, int | float | bool)


def _kind_of(value: object) -> str:
    names = {bool: "yes/no", int: "a number", float: "a number", str: "text", dict: "keys", list: "a list"}
    return names.get(type(value), type(value).__name__)
