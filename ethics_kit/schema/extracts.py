"""The files with personal data that a system's team passes on, and what each of their columns tells."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from ethics_kit.framework.catalogue import Identifier
from ethics_kit.schema.fields import Count, Day, Line, Model, Text


class Population(Model):
    """Everybody whom a row of an extract may be about: how many they are, or the table of the dossier they are in.

    `columns` are the table's names of quasi-identifiers, by the extract's, where they differ.
    """

    size: Count | None = None
    table: Identifier | None = None
    columns: dict[Line, Line] = {}

    @model_validator(mode="after")
    def _one_of_both(self) -> Population:
        if (self.size is None) == (self.table is None):
            raise ValueError("either size (how many people) or table (a table of the dossier)")
        return self


class Extract(Model):
    """A file with data on people that leaves the team, within or outside the organisation.

    Quasi-identifiers are what somebody may know of a person from elsewhere; a column that is declared nowhere counts as
    one. `sensitive` is what nobody should learn, by a name of its own (or `none_sensitive`: why nothing is). `other`
    says why a column tells nothing about anybody. `person` tells people apart, where a person may have several rows.
    """

    source: Line
    table: Line | None = None
    made_on: Day
    recipient: Line
    purpose: Line
    quasi_identifiers: Annotated[list[Line], Field(min_length=1)]
    sensitive: dict[Identifier, Line] = {}
    none_sensitive: Text | None = None
    other: dict[Line, Text] = {}
    person: Line | None = None
    population: Population | None = None

    @model_validator(mode="after")
    def _sensitive_or_not(self) -> Extract:
        if self.sensitive and self.none_sensitive:
            raise ValueError("either sensitive (columns) or none_sensitive (why there are none)")
        return self

    @property
    def declared(self) -> list[tuple[tuple[str | int, ...], str]]:
        """Each column that is declared, with its key in the extract."""
        found: list[tuple[tuple[str | int, ...], str]] = [
            (("quasi_identifiers", i), name) for i, name in enumerate(self.quasi_identifiers)
        ]
        found += [(("sensitive", key), name) for key, name in self.sensitive.items()]
        found += [(("other", name), name) for name in self.other]
        return found + ([(("person",), self.person)] if self.person else [])
