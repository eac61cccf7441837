"""The languages of reports: English in the source, every other one a catalogue of gettext."""

from __future__ import annotations

import gettext
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import PlainSerializer, PlainValidator

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

LOCALE = Path(__file__).parent / "locale"
DOMAIN = "ethics_kit"
SOURCE = "en"
"""The language of the strings themselves."""


@dataclass(frozen=True)
class Language:
    """What a page needs to be in a language.

    `fixed` holds the translation of each text without plural forms that has one, by its English.
    """

    code: str
    translations: gettext.NullTranslations
    fixed: Mapping[str, str]


class Fixed(str):
    """A text of the kit itself within a phrase: a title or a sentence, to be looked up by its English."""

    __slots__ = ()


def _plain(value: object) -> object:
    """What stands in a phrase as JSON holds it, with its kind."""
    if isinstance(value, Phrase):
        return {"text": value.text, "values": {k: _plain(v) for k, v in value.values.items()}, "plural": value.plural}
    return {"fixed": str(value)} if isinstance(value, Fixed) else value


def _value(held: Any) -> object:
    """The reverse of `_plain`."""
    if not isinstance(held, dict):
        return held
    if "fixed" in held:
        return Fixed(held["fixed"])
    return Phrase(held["text"], {k: _value(v) for k, v in held["values"].items()}, held["plural"])


Value = Annotated[object, PlainSerializer(_plain), PlainValidator(_value)]
"""A text, a number, a text of the kit or a phrase."""


@dataclass(frozen=True)
class Phrase:
    """A sentence to translate: its English with places such as ``%(name)s``, and what stands in them.

    With `plural`, `text` is the English for one, and the value ``num`` says which of the two it is.
    """

    text: str
    values: Mapping[str, Value] = field(default_factory=dict)
    plural: str = ""

    def __str__(self) -> str:
        many = self.plural and self.values["num"] != 1
        return (self.plural if many else self.text) % self.values


def available() -> list[str]:
    """The languages a report can be in, English first."""
    return [SOURCE, *sorted(path.parent.parent.name for path in LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))]


def catalogue_file(code: str) -> Path:
    """Where the catalogue of a language lies."""
    return LOCALE / code / "LC_MESSAGES" / f"{DOMAIN}.po"


def read_catalogue(path: Path) -> Catalog:
    """A catalogue of translations, or the template of all.

    Raises
    ------
    babel.messages.pofile.PoFileError
        The file is not one.
    """
    from babel.messages.pofile import read_po

    with path.open("rb") as file:
        return read_po(file, domain=DOMAIN, abort_invalid=True)


def language(code: object) -> Language:
    """The language of a code such as ``de``; English where there is no catalogue for it.

    The code may come from a record of anybody, so it never becomes part of a path before it is known.
    """
    if isinstance(code, str) and code != SOURCE and code in available():
        return _read(code)
    return Language(SOURCE, gettext.NullTranslations(), {})


@cache
def _read(code: str) -> Language:
    from babel.messages.mofile import write_mo

    catalogue = read_catalogue(catalogue_file(code))
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    fixed = {m.id: str(m.string) for m in catalogue if isinstance(m.id, str) and m.id and m.string and not m.fuzzy}
    return Language(code, gettext.GNUTranslations(compiled), fixed)
