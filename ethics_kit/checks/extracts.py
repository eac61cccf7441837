"""Problems of the extracts that system.yaml names: their files, their columns, and what the answers say of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ethics_kit import schema
from ethics_kit.checks.references import path_problems, resolved
from ethics_kit.errors import Problem, quoted

if TYPE_CHECKING:
    from ethics_kit.dossier import Dossier
    from ethics_kit.measures.tables import Source
    from ethics_kit.yamlfile import Key

SHARED = "extracts_shared"
"""The question of the impact analysis that asks whether extracts are passed on."""


def source_name(extract: str) -> str:
    """An extract's name among the dossier's tables."""
    return f"extract_{extract}"


def path_of(dossier: Dossier, extract: schema.Extract) -> Path:
    """Where an extract lies."""
    return dossier.place(dossier.folder, extract.source)


def sources(dossier: Dossier) -> dict[str, Source]:
    """The extracts as the measures open them; the columns are those that somebody declared, by their own names."""
    from ethics_kit.measures.columns import Column
    from ethics_kit.measures.tables import Source

    return {
        source_name(name): Source(
            path=resolved(path_of(dossier, extract)) or path_of(dossier, extract),
            columns={column: Column(name=column, type="text") for _, column in extract.declared},
            table=extract.table or name,
        )
        for name, extract in dossier.system.extracts.items()
    }


def problems(dossier: Dossier, doubtful: Collection[str] = (), *, tables: bool = True) -> list[Problem]:
    """All that is wrong with the extracts; with `tables`, in the files themselves, too.

    What was left out under `doubtful` top-level keys may be what an extract refers to.
    """
    found = list(_answer_problems(dossier))
    for name, extract in dossier.system.extracts.items():
        own = [*_column_problems(dossier, name, extract)]
        if "tables" not in doubtful:
            own += _population_problems(dossier, name, extract)
        key: Key = ("extracts", name, "source")
        wrong = list(path_problems(dossier, dossier.files["system"], key, extract.source, False))
        found += own + wrong
        if tables and not wrong:
            found += _data_problems(dossier, name, extract, sound=not own)
    return found


def _answer_problems(dossier: Dossier) -> Iterator[Problem]:
    given = dossier.answers("impact_analysis").get(SHARED)
    if dossier.system.extracts and given and given.answer.value == "no":
        yield dossier.files["system"].problem(
            ("extracts",),
            found=f"{len(dossier.system.extracts)} named, while {SHARED} is answered no in the impact analysis",
            allowed="extracts only where they are passed on",
            todo=f"correct the answer to {SHARED}, or remove the extracts",
        )


def _column_problems(dossier: Dossier, name: str, extract: schema.Extract) -> Iterator[Problem]:
    reasons: dict[Key, str | None] = {("other", column): why for column, why in extract.other.items()}
    for where, why in (reasons | {("none_sensitive",): extract.none_sensitive}).items():
        if why and schema.placeholder(why):
            yield dossier.files["system"].problem(
                ("extracts", name, *where),
                found=quoted(why),
                allowed="why it tells nothing of anybody",
                todo="write the reason, or declare the column as quasi-identifier or sensitive",
            )
    seen: set[str] = set()
    for key, column in extract.declared:
        if column in seen:
            yield dossier.files["system"].problem(
                ("extracts", name, *key),
                found=f"{quoted(column)} a second time",
                allowed="each column once: a quasi-identifier, sensitive, other or the person",
                todo="keep the stricter one",
            )
        seen.add(column)


def _population_problems(dossier: Dossier, name: str, extract: schema.Extract) -> Iterator[Problem]:
    population = extract.population
    if population is None or population.table is None:
        return
    key: Key = ("extracts", name, "population")
    if population.table not in dossier.located_tables:
        yield dossier.files["system"].problem(
            (*key, "table"),
            found="a table the dossier does not name",
            allowed=", ".join(dossier.located_tables) or "a table under tables:",
            todo="correct the name, or give the size of the population",
        )
    for column in population.columns:
        if column not in extract.quasi_identifiers:
            yield dossier.files["system"].problem(
                (*key, "columns", column),
                found="no quasi-identifier of the extract",
                allowed=", ".join(extract.quasi_identifiers),
                todo="write COLUMN OF THE EXTRACT: COLUMN OF THE TABLE",
            )


def _data_problems(dossier: Dossier, name: str, extract: schema.Extract, *, sound: bool) -> Iterator[Problem]:
    file, keys = dossier.files["system"], {column: key for key, column in extract.declared}
    faults = dossier.tables.faults(source_name(name))
    for fault in faults:
        key = keys.get(fault.role or "", ("source",))
        yield file.problem(("extracts", name, *key), found=fault.found, allowed=fault.allowed, todo=fault.todo)
    population = extract.population
    if faults or not sound or population is None or population.table not in dossier.located_tables:
        return
    if dossier.tables.faults(population.table):
        return  # they are problems of that table
    held = dossier.tables.columns(population.table)
    for column in extract.quasi_identifiers:
        if population.columns.get(column, column) not in held:
            yield file.problem(
                ("extracts", name, "population"),
                found=f"no column for {quoted(column)} in {population.table}",
                allowed="a column of the table for each quasi-identifier",
                todo=f"name it under columns as {column}: COLUMN, or give the size of the population",
            )
