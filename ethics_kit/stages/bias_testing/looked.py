"""What one look into an extract finds, before it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis.expr.types as ir

from ethics_kit import schema
from ethics_kit.checks.extracts import path_of, source_name
from ethics_kit.measures import anonymity, identifiers
from ethics_kit.measures.anonymity import Risks, Sizes
from ethics_kit.measures.diversity import Diversity, diversity
from ethics_kit.measures.engines import RowsRefused
from ethics_kit.measures.generalisation import Generalisation, generalise
from ethics_kit.measures.identifiers import Identifying, Named
from ethics_kit.measures.ladders import ladders
from ethics_kit.measures.proportions import Estimate
from ethics_kit.measures.uniqueness import Uniqueness, population_uniqueness
from ethics_kit.stages.case import Case


@dataclass(frozen=True)
class Sensitive:
    """A sensitive column, by the key and the name it has in the dossier, and what classes tell of it."""

    key: str
    column: str
    ordered: bool
    found: Diversity


@dataclass(frozen=True)
class Looked:
    """One extract. `names` are its columns' own names by those they have here, which no column name can clash with.

    `kept_back` are tables that it could not be held against, since their rows stay in a database.
    """

    name: str
    extract: schema.Extract
    names: Mapping[str, str]
    undeclared: tuple[str, ...]
    rows: int
    sizes: Sizes
    risks: Risks
    unique_of_all: Uniqueness | None
    named: tuple[Named, ...]
    ids_known: bool
    kept_back: tuple[str, ...]
    identifying: tuple[Identifying, ...]
    sensitive: tuple[Sensitive, ...]
    generalised: Generalisation | None


def looked_into(case: Case, name: str, extract: schema.Extract) -> Looked:
    """Measure one extract. A column declared nowhere counts as a quasi-identifier."""
    case.documents[f"extract {name}"] = path_of(case.dossier, extract)
    raw = case.dossier.tables.raw(source_name(name))
    here = {own: f"column_{i}" for i, own in enumerate(raw.columns)}
    rows = anonymity.cleaned(raw.rename({new: own for own, new in here.items()}), list(here.values()))
    known = {column for _, column in extract.declared}
    undeclared = tuple(column for column in raw.columns if column not in known)
    quasi = [here[column] for column in (*extract.quasi_identifiers, *undeclared)]
    person = here[extract.person] if extract.person else None
    classes = anonymity.classes(rows, quasi, person)
    sizes = anonymity.sizes(classes)
    among, kept_back = None, set[str]()
    if extract.population and (extract.population.size or not undeclared):  # a table lacks what nobody declared
        quasi_here = {own: here[own] for own in extract.quasi_identifiers}
        try:
            among = _among(case, extract.population, quasi_here, classes, sizes)
        except RowsRefused as error:
            kept_back.update(error.tables)
    risks, unique_of_all = among or (anonymity.risks(sizes), None)
    try:
        ids = _ids(case)
    except RowsRefused as error:
        ids = None
        kept_back.update(error.tables)
    policy = case.dossier.policy.privacy
    enough = sizes.k is not None and sizes.k >= policy.k_min.value
    return Looked(
        name=name,
        extract=extract,
        names={new: own for own, new in here.items()},
        undeclared=undeclared,
        rows=int(rows.count().to_pyarrow().as_py()),
        sizes=sizes,
        risks=risks,
        unique_of_all=unique_of_all,
        named=tuple(identifiers.directly(rows, ids)),
        ids_known=ids is not None,
        kept_back=tuple(sorted(kept_back)),
        identifying=tuple(identifiers.identifying(rows, quasi, person=person)),
        sensitive=tuple(_sensitive(rows, quasi, key, own, here[own]) for key, own in extract.sensitive.items()),
        generalised=None
        if enough
        else generalise(rows, quasi, policy.k_min.value, suppressed_max=policy.suppressed_max.value, person=person),
    )


def _ids(case: Case) -> ir.Table | None:
    """The ids of customers that the dossier holds."""
    table = next((t for t in ("customers", case.dossier.system.events) if case.has(t, "customer")), None)
    return case.dossier.tables.brought(case.table(table).select(id="customer")) if table else None


def _sensitive(rows: ir.Table, quasi: list[str], key: str, own: str, column: str) -> Sensitive:
    ladder = ladders(rows, [column])[column]
    ordered = ladder.kind != "text"
    values = rows.mutate(**{column: ladder.exact(rows[column])})
    return Sensitive(key, own, ordered, diversity(values, quasi, column, ordered=ordered))


def _among(
    case: Case, population: schema.Population, here: Mapping[str, str], classes: ir.Table, sizes: Sizes
) -> tuple[Risks, Uniqueness]:
    """Risks, and the share of unique people, among everybody the extract may be about: counted, or estimated."""
    if population.table is None:
        size, confidence = population.size or 0, case.dossier.policy.fairness.confidence.value
        return anonymity.risks(sizes), population_uniqueness(sizes, size, confidence=confidence)
    case.table(population.table)
    names = {column: population.columns.get(own, own) for own, column in here.items()}
    raw = case.dossier.tables.brought(case.dossier.tables.raw(population.table).select(*names.values()))
    everybody = anonymity.cleaned(raw, list(names.values()))
    whole = anonymity.sizes(anonymity.classes(everybody, list(names.values())))
    share = whole.unique / whole.n
    return anonymity.risks_among(classes, everybody, names), Uniqueness(Estimate(share, share, share), whole.n)
