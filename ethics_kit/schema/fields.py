"""Types of the YAML's values, and the rule every model follows."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from ethics_kit import languages
from ethics_kit.framework import catalogue
from ethics_kit.yamlfile import NOT_BLANK

UNSEEN = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and signs that draw nothing: fillers of Hangul, and Braille without a dot."""


def _seen(value: str) -> str:
    """Text of spaces, joiners and marks of direction alone would leave a heading or a name empty."""
    if not any(unicodedata.category(c)[0] in "LNPS" and c not in UNSEEN for c in value):
        raise ValueError("text that can be seen")
    return value


Text = Annotated[str, Field(pattern=NOT_BLANK, max_length=20_000), AfterValidator(_seen)]
Line = Annotated[str, Field(pattern=NOT_BLANK, max_length=300), AfterValidator(_seen)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]
Points = Annotated[int, Field(ge=1, le=5, strict=True)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]
Count = Annotated[int, Field(ge=1, strict=True)]

PLACEHOLDER = re.compile(r"(?i:[\W_]*|\W*(todo|tb[acd]|fixme|n\W?a|x+)\W*)|(TODO|TBD|FIXME)\b.*", re.DOTALL)


def placeholder(text: str) -> bool:
    """Whether a text only holds the place of one: TODO, TBD, n/a, xxx, or nothing but signs."""
    return PLACEHOLDER.fullmatch(text.strip()) is not None


def yes_no(value: Any) -> Any:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def yes_no_in_any_case(value: Any) -> Any:
    lower = value.strip().lower() if isinstance(value, str) else None
    return lower if lower in ("yes", "no") else yes_no(value)


def _day(value: Any) -> Any:
    """A date, or one in quotes; pydantic would also take numbers, as seconds since 1970."""
    if type(value) is date:
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("a date such as 2026-10-31") from None


def same_person(one: str, other: str) -> bool:
    """Whether two names are the same but for case, spaces, and forms and signs that look the same or do not show."""
    return _name(one) == _name(other)


ALPHABETS = ("LATIN ", "CYRILLIC ", "GREEK ")


def mixes_alphabets(name: str) -> bool:
    """Whether letters that look alike may be mixed in one word of a name, as a Cyrillic o in a Latin one."""
    return any(
        len({a for c in word for a in ALPHABETS if unicodedata.name(c, "").startswith(a)}) > 1
        for word in unicodedata.normalize("NFKC", name).split()
    )


def _name(text: str) -> list[str]:
    shown = (c for c in unicodedata.normalize("NFKC", text) if c.isprintable() or c.isspace())
    return "".join(shown).casefold().split()


def _known_requirement(value: str) -> str:
    if value not in catalogue.requirements():
        raise ValueError("an id of the framework, such as C2.1")
    return value


def _known_standard(value: str) -> str:
    if value not in catalogue.standards():
        raise ValueError("one of " + ", ".join(catalogue.standards()))
    return value


def _known_language(value: str) -> str:
    if value not in languages.available():
        raise ValueError("one of " + ", ".join(languages.available()))
    return value


Day = Annotated[date, BeforeValidator(_day)]
RequirementId = Annotated[str, AfterValidator(_known_requirement)]
StandardId = Annotated[str, AfterValidator(_known_standard)]
ReportLanguage = Annotated[
    str, AfterValidator(_known_language), WithJsonSchema({"type": "string", "enum": languages.available()})
]
Place = Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
"""A country (ISO 3166: DE) or a region of one (US-CA)."""

YesNo = Annotated[Literal["yes", "no"], BeforeValidator(yes_no_in_any_case)]


class Model(BaseModel):
    """Unknown keys are errors; a key without a value is the same as no key; other values are those in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, data: Any) -> Any:
        if data is None:
            return {}
        if not isinstance(data, dict):
            return data
        known = {*cls.model_fields, *(field.alias for field in cls.model_fields.values())}
        return {key: value for key, value in data.items() if value is not None or key not in known}


class Person(Model):
    """A named person."""

    name: Line
    role: Line
    contact: Line | None = None
