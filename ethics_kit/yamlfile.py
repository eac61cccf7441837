"""YAML in and out: safe to read, every value with its line, comments and order kept on writing."""

from __future__ import annotations

import difflib
import functools
import io
import operator
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from ethics_kit import yamlparse
from ethics_kit.errors import InputError, Problem, printable, quoted

MAX_BYTES = 2_000_000
NOT_BLANK = r"^[^\x00]*[^\s\x00][^\x00]*$"

Key = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)


class YamlFile:
    """One parsed YAML file: `data` is a mapping that remembers order and lines."""

    def __init__(self, path: Path, data: Any) -> None:
        self.path = path
        self.data = data

    def line(self, key: Key) -> int:
        """The line of `key`, or of its nearest parent that the file holds; counted from 1."""
        node: Any = self.data
        line = 1
        for part in key:
            try:
                marks: Any = node.lc
                line = (marks.item if isinstance(node, list) else marks.key)(part)[0] + 1
                node = node[part]
            except (AttributeError, KeyError, IndexError, TypeError):
                break
        return line

    def problem(self, key: Key, *, found: str, allowed: str, todo: str) -> Problem:
        """A `Problem` at `key` of this file."""
        dotted = ".".join(map(str, key))
        return Problem(file=self.path, line=self.line(key), key=dotted, found=found, allowed=allowed, todo=todo)


class EditableFile(YamlFile):
    """One whose `data` remembers comments and quotes besides, to be changed and written back."""

    def dumps(self) -> bytes:
        """The file's text as bytes, comments and order kept."""
        text = io.StringIO()
        yamlparse.round_trip().dump(self.data, text)
        return text.getvalue().encode()


def read(path: Path) -> YamlFile:
    """Parse `path` without constructing any object but mappings, lists and scalars.

    Raises
    ------
    InputError
        The file is missing, unreadable, too large, not YAML, or not a mapping.
    """
    return parse(path, _content(path))


def read_to_edit(path: Path) -> EditableFile:
    """As `read`, of a file that is to be changed; it takes many times as long."""
    return parse_to_edit(path, _content(path))


def read_shared(path: Path) -> YamlFile:
    """As `read`, of a file that dossiers share: parsed once for as long as its content stays. Not to be altered."""
    return _parsed_once(path, _content(path))


@functools.lru_cache(maxsize=8)
def _parsed_once(path: Path, content: bytes) -> YamlFile:
    return parse(path, content)


def parse(path: Path, content: bytes) -> YamlFile:
    """As `read`, of the bytes that are, or will be, in `path`."""
    return YamlFile(path, _mapping(path, content, yamlparse.read))


def parse_to_edit(path: Path, content: bytes) -> EditableFile:
    """As `parse`, of a file that is to be changed."""
    return EditableFile(path, _mapping(path, content, yamlparse.round_trip().load))


def _mapping(path: Path, content: bytes, reader: Callable[[str], Any]) -> Any:
    data = _parse(path, _text(path, content), reader)
    if data is None:
        todo = "fill it in; ethics-kit new writes a commented one"
        raise _refusal(path, "an empty file", "keys with values", todo)
    if not isinstance(data, Mapping):
        raise _refusal(path, "no keys at the top level", "keys with values", "begin with `name: value` lines")
    return data


def _refusal(path: Path, found: str, allowed: str, todo: str, line: int = 0) -> InputError:
    return InputError([Problem(file=path, line=line, found=found, allowed=allowed, todo=todo)])


def _content(path: Path) -> bytes:
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):  # reading a pipe or device may never end
            raise _refusal(path, "a folder, pipe or device", "a file", "put the YAML file itself there")
        if about.st_size > MAX_BYTES:
            raise _refusal(path, "a file over 2 MB", "at most 2 MB", "keep tables in data files, not in YAML")
        return path.read_bytes()
    except FileNotFoundError:
        raise _refusal(path, "no such file", "a YAML file", "create it, or check the folder's name") from None
    except OSError as error:
        found = error.strerror or "unreadable"
        raise _refusal(path, found, "a readable file", "check its permissions") from None


def _text(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        todo = "save the file as UTF-8"
        raise _refusal(path, "a character that is not UTF-8", "UTF-8", todo, line) from None


def _parse(path: Path, text: str, reader: Callable[[str], Any]) -> Any:
    try:
        return reader(text)
    except yamlparse.NotPlain as error:
        raise _refusal(path, error.found, "plain values", error.todo, error.line) from None
    except MarkedYAMLError as error:
        found, todo, line = _in_words(error)
        raise _refusal(path, found, "valid YAML", todo, line) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        todo = "delete it, or type the line again"
        raise _refusal(path, "a control character", "text", todo, line) from None
    except TypeError:
        todo = "write a name before the colon, in quotes where it holds brackets"
        raise _refusal(path, "a list or keys where a name has to be", "valid YAML", todo) from None
    except (YAMLError, ValueError) as error:
        first = printable(str(error).splitlines()[0] if str(error) else type(error).__name__, 120)
        raise _refusal(path, first, "valid YAML", "check quotes, colons and indentation") from None


def _in_words(error: MarkedYAMLError) -> tuple[str, str, int]:
    """What the parser found, what to do, and the line."""
    said = error.problem or "not YAML"
    mark = error.problem_mark
    if "unexpected end of stream" in said:  # the place to look is where the quote opens
        mark = error.context_mark or mark
        found, todo = "a quote that is not closed", "close it"
    elif "<stream end>" in said:
        found, todo = "the end of the file where more has to come", "close brackets and quotes"
    elif "\\t" in said:
        found, todo = "a tab", "indent with spaces"
    elif repeated := re.search(r'duplicate key "(.*?)"', said, re.DOTALL):
        found, todo = f"{quoted(repeated[1])} a second time", "keep one of the two"
    elif "mapping values are not allowed" in said:
        found, todo = "a colon where no key can be", "put text with a colon in quotes, and check the indentation"
    elif "expected <block end>" in said or "could not find expected ':'" in said:
        found, todo = (
            "a line that does not fit those above it",
            "indent it like its neighbours; close quotes and brackets",
        )
    else:
        found, todo = printable(said, 120), "check quotes, colons and indentation here"
    return found, todo, mark.line + 1 if mark else 0


def validate(model: type[M], file: YamlFile) -> tuple[M | None, list[Problem]]:
    """`file` as `model`, or None and every problem with its line."""
    try:
        return model.model_validate(plain(file.data)), []
    except ValidationError as error:
        problems = [_explain(model, file, e) for e in error.errors(include_url=False)]
        return None, list({p.key: p for p in reversed(problems)}.values())[::-1]


def sound_part(model: type[M], file: YamlFile) -> tuple[M | None, set[str]]:
    """`file` as `model` without what `validate` refuses, so that the rest can be checked, or None.

    A misspelt key is read as the key it is close to. Also told: the top-level keys under which something was left out.
    """
    data, lost = plain(file.data), set[str]()
    while True:
        try:
            return model.model_validate(data), lost
        except ValidationError as error:
            found = error.errors(include_url=False)
        unknown = [e for e in found if e["type"] == "extra_forbidden"]  # first: what is missing may be misspelt
        taken = [_take_away(model, data, e) for e in reversed(unknown or found)]
        if all(key is None for key in taken):
            return None, lost
        lost |= {str(key[0]) for key in taken if key}


def _take_away(model: type[BaseModel], data: Any, error: ErrorDetails) -> Key | None:
    """Take out of `data` what is in error, or what lacks a key: its key; () where a misspelt key was set right."""
    key = _key_of(data, error["loc"])
    key = key[:-1] if error["type"] == "missing" else key
    try:
        parent = functools.reduce(operator.getitem, key[:-1], data)
        value = parent.pop(key[-1])
    except (LookupError, TypeError, AttributeError):
        return None
    owner = _model_at(model, key[:-1])
    close = _closest(str(key[-1]), _names(owner)) if owner and error["type"] == "extra_forbidden" else None
    if close and close not in parent:
        parent[close] = value
        return ()
    return key


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
    key = _key_of(file.data, error["loc"])
    kind, value = error["type"], error["input"]
    parent = _model_at(model, key[:-1])
    if kind in ("extra_forbidden", "invalid_key"):
        allowed = ", ".join(_names(parent)) if parent else "the keys of the schema"
        close = _closest(str(key[-1]), _names(parent)) if parent else None
        todo = f"did you mean {close}?" if close else "remove it, or correct the key"
        return file.problem(key, found="an unknown key", allowed=allowed, todo=todo)
    if kind == "missing":
        return file.problem(key, found="nothing", allowed="a value is required", todo=f"give {key[-1]}: a value")
    allowed = _allowed(error, _model_at(model, key))
    todo = "correct the value" if value is not None else f"give {key[-1]}: a value"
    if kind == "string_type" and _is_scalar(value):
        todo = "put it in quotes"
    elif kind == "literal_error" and (close := _closest(str(value), allowed.replace(" or ", ", ").split(", "))):
        todo = f"did you mean {close}?"
    return file.problem(key, found=_found(value), allowed=allowed, todo=todo)


def _key_of(data: Any, place: Key) -> Key:
    """`place` as far as a person can find it: pydantic adds the branch of a union, and ``[key]``."""
    node = data
    key: Key = ()
    for part in place:
        held = isinstance(node, Mapping) and part in node
        if isinstance(node, str | int | float | date) or (not held and "[" in str(part)):
            break
        key = (*key, part)
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            node = None
    return key


ALLOWED = {
    "string_type": "text",
    "string_too_short": "text that is not empty",
    "string_unicode": "text of whole characters",
    "bool_type": "yes or no",
    "bool_parsing": "yes or no",
    "list_type": "a list, an item per line after a -",
    "dict_type": "keys with values",
    "invalid_key": "text as the key",
    "finite_number": "a finite number",
    "string_too_long": "at most {max_length} characters",
    "greater_than": "a number over {gt}",
    "greater_than_equal": "a number of at least {ge}",
    "less_than": "a number under {lt}",
    "less_than_equal": "a number of at most {le}",
}
"""What a person may write, by pydantic's name of the error."""

PATTERNS = {
    NOT_BLANK: "text that is not blank",
    r"^[a-z][a-z0-9_]{1,60}$": "2 to 61 small letters, digits and _, beginning with a letter",
    r"^[RX][0-9]+$": "R1, R2 … of the library, or X1, X2 … for the system's own",
    r"^R[0-9]+$": "R1, R2 … of the library",
}


def _allowed(error: ErrorDetails, model: type[BaseModel] | None) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind.startswith(("int_", "float_")):
        return "a whole number" if kind.startswith("int_") else "a number"
    if kind.startswith("date"):
        return "a date such as 2026-10-31"
    if kind.startswith("model") and model:
        return "the keys " + ", ".join(_names(model))
    if kind == "literal_error":
        return str(context["expected"]).replace("'", "")
    if kind == "string_pattern_mismatch":
        return PATTERNS.get(context["pattern"], f"text of the form {context['pattern']}")
    return ALLOWED[kind].format(**context) if kind in ALLOWED else str(context.get("error", error["msg"]))


def _found(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return f"the keys {', '.join(printable(k, 40) for k in value)}" if value else "no keys"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    shown = str(value).lower() if isinstance(value, bool) else value
    return f"{quoted(shown)} ({_kind_of(value)})"


def _names(model: type[BaseModel]) -> list[str]:
    """The keys of a model as a person writes them."""
    return [about.alias or name for name, about in model.model_fields.items()]


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
    kinds = {bool: "yes/no", int: "a number", float: "a number", str: "text", datetime: "a time", date: "a date"}
    return next((name for kind, name in kinds.items() if isinstance(value, kind)), type(value).__name__)
