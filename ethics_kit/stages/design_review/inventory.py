"""S2.1: which data flows where, for what, and what protects it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ethics_kit import schema
from ethics_kit.record import Finding, Table
from ethics_kit.report import figures
from ethics_kit.schema.design import DataFlow
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.design_review.retention import unaccounted
from ethics_kit.stages.design_review.uses import named
from ethics_kit.stages.evidence import not_assessed, register_awaits, register_share


@dataclass(frozen=True)
class Columns:
    """Columns as (table, column): all of the dossier's tables, those a role or feature reads, those listed."""

    all: frozenset[tuple[str, str]]
    used: frozenset[tuple[str, str]]
    listed: frozenset[tuple[str, str]]


def data_inventory(case: Case) -> Outcome:
    """S2.1: the data-flow inventory: does it list every column there is, and does each row say what protects it?"""
    kept = case.dossier.stage(schema.DesignReview).inventory
    awaits = register_awaits(case, kept, "the data-flow inventory (inventory in design_review.yaml)")
    if kept is None or awaits:
        return Outcome(tuple(not_assessed("S2.1", name, awaits) for name in ("columns_listed", "rows_complete")))
    columns = columns_of(case, kept.rows)
    findings = [*_columns_found(case, columns), _rows_complete(case, kept.rows), *_special(case, kept.rows)]
    findings += [*_supplier(case, kept.rows), *unaccounted(case, "S2.1")]
    tables = (_table(case, kept), *_strays(columns))
    return Outcome(tuple(findings), tables, figures.data_flow([_flow(row) for row in kept.rows]))


def columns_of(case: Case, rows: Sequence[DataFlow]) -> Columns:
    """Every column of the dossier's tables, those the dossier reads, and those the inventory lists."""
    found, used = set(), set()
    for name in sorted(case.dossier.located_tables):
        found |= {(name, column) for column in case.columns(name)}
        used |= {(name, column.name) for column in case.dossier.tables.sources[name].columns.values()}
    listed = {(table, column) for row in rows for table, names in row.columns.items() for column in names}
    return Columns(frozenset(found), frozenset(used), frozenset(listed))


def basis(case: Case, row: DataFlow) -> str | None:
    """The lawful basis of a row: that of its purpose in system.yaml, else its own."""
    stated = [b.basis for b in case.dossier.system.lawful_bases if row.serves(b.purpose) and b.on <= case.as_of]
    return stated[0] if stated else row.basis


def retention(case: Case, row: DataFlow) -> list[str | None]:
    """The retention classes of a row: its own for everything, else that of each table; None where there is none."""
    if row.retention:
        return [row.retention]
    held = [case.dossier.located_tables[table].spec.retention_class for table in row.columns]
    return list(dict.fromkeys([*held, *([None] if row.other else [])]))


def lacks(case: Case, row: DataFlow) -> list[str]:
    """What a row does not say. Data about nobody needs no lawful basis and no safeguard."""
    needed = {
        "purpose": row.purpose is not None and not schema.placeholder(row.purpose),
        "retention": None not in retention(case, row),
        "location": row.location is not None,
    }
    if row.personal:
        needed |= {"lawful basis": basis(case, row) is not None, "safeguard": row.protected}
    return [name for name, there in needed.items() if not there]


def _columns_found(case: Case, columns: Columns) -> list[Finding]:
    missing, gone = sorted(columns.all - columns.listed), sorted(columns.listed - columns.all)
    read = [pair for pair in missing if pair in columns.used]
    told = f"{len(columns.all) - len(missing)} of {len(columns.all)} columns of the dossier's tables are listed"
    if missing:
        told += f"; not listed: {named(missing)}; {len(read)} of these the assessment itself reads"
    policy = case.dossier.policy.coverage.inventory_min
    stale = f"; in no table any more: {named(gone)}" if gone else ""
    return [
        register_share(
            case,
            "S2.1",
            "columns_listed",
            len(columns.all) - len(missing),
            len(columns.all),
            statement=f"{told}.",
            at_least=policy.value,
            unit="share of columns",
            action="List what is missing with its purpose, retention, location and safeguards, or delete it.",
            source=policy.source,
        ),
        register_share(
            case,
            "S2.1",
            "listed_columns_exist",
            len(columns.listed) - len(gone),
            len(columns.listed),
            statement=f"{len(columns.listed) - len(gone)} of {len(columns.listed)} listed columns exist{stale}.",
            at_least=1.0,
            unit="share of listed columns",
            action="Take out what is gone, or correct its name.",
        ),
    ]


def _rows_complete(case: Case, rows: Sequence[DataFlow]) -> Finding:
    open_ = {number: what for number, row in enumerate(rows, 1) if (what := lacks(case, row))}
    told = "; ".join(f"row {number} ({_about(rows[number - 1])}): no {', no '.join(w)}" for number, w in open_.items())
    return register_share(
        case,
        "S2.1",
        "rows_complete",
        len(rows) - len(open_),
        len(rows),
        statement=f"{len(rows) - len(open_)} of {len(rows)} rows name purpose, lawful basis, retention, location "
        f"and a safeguard{f'; {told}' if told else ''}.",
        at_least=1.0,
        unit="share of rows",
        action="Settle what is missing, and write it into the inventory.",
        source="GDPR Art. 25, 30",
    )


def _special(case: Case, rows: Sequence[DataFlow]) -> list[Finding]:
    """Data of a special category is counted apart: without a safeguard it is the first thing to mend."""
    special = [row for row in rows if row.category == "special"]
    bare = [_about(row) for row in special if not row.protected]
    if not special:
        return []
    return [
        register_share(
            case,
            "S2.1",
            "special_categories_protected",
            len(special) - len(bare),
            len(special),
            statement=f"{len(special) - len(bare)} of {len(special)} rows of a special category name a safeguard"
            + (f"; none for: {'; '.join(bare)}." if bare else "."),
            at_least=1.0,
            unit="share of rows",
            action="Protect this data, or stop holding it.",
            source="GDPR Art. 9, 25",
        )
    ]


def _supplier(case: Case, rows: Sequence[DataFlow]) -> list[Finding]:
    """A supplier that system.yaml names and no row does: what it gets nobody listed."""
    supplier = case.dossier.system.supplier
    if supplier is None:
        return []
    listed = any(schema.same_person(name, supplier.name) for row in rows for name in row.recipients)
    return [
        register_share(
            case,
            "S2.1",
            "supplier_listed",
            int(listed),
            1,
            statement=f"The supplier {supplier.name} is {'' if listed else 'not '}among the recipients.",
            at_least=1.0,
            unit="share of suppliers",
            action="Say which fields the supplier gets, and in which country.",
            source="GDPR Art. 28, 30",
        )
    ]


def _about(row: DataFlow) -> str:
    """What a row is about, in a few words: its tables, or the other data it names."""
    names = [*row.columns, *row.other]
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")


def _fields(row: DataFlow) -> str:
    return "; ".join([f"{table}: {', '.join(names)}" for table, names in row.columns.items()] + list(row.other))


def _flow(row: DataFlow) -> figures.Flow:
    return figures.Flow(
        source=row.source or "source not said",
        purpose=(row.purpose or "purpose not said").replace("_", " "),
        place=f"own systems, {row.location or 'place not said'}",
        recipients=tuple(f"{name}, {place}" for name, place in row.recipients.items()),
        fields=row.listed,
        special=row.category == "special",
    )


def _table(case: Case, kept: schema.Inventory) -> Table:
    return Table(
        id="S2.1.inventory",
        title="Data-flow inventory",
        requirement="S2.1",
        columns=["fields", "kind and source", "purpose (lawful basis)", "kept", "where, and who gets it", "safeguards"],
        rows=[
            [
                _fields(row),
                f"{row.category.replace('_', ' ')}, from {row.source or 'a source not said'}",
                f"{(row.purpose or 'not said').replace('_', ' ')} ({_basis(case, row)})",
                _kept(case, row),
                "; ".join(
                    [row.location or "not said", *(f"{name} ({place})" for name, place in row.recipients.items())]
                ),
                "; ".join(row.safeguards) or None,
            ]
            for row in kept.rows
        ],
        note=f"Kept by {kept.by}, as of {kept.on}. The basis of a purpose is that of system.yaml, where it names one.",
    )


def _basis(case: Case, row: DataFlow) -> str:
    return (basis(case, row) or "not said").replace("_", " ") if row.personal else "no basis needed"


def _kept(case: Case, row: DataFlow) -> str:
    classes = case.dossier.organisation.retention_classes
    return ", ".join(
        f"{name.replace('_', ' ')} ({classes[name].days:,} days)" if name else "not said"
        for name in retention(case, row)
    )


def _strays(columns: Columns) -> tuple[Table, ...]:
    """Columns that the inventory and the tables do not have in common."""
    rows = [[*pair, "not listed", "yes" if pair in columns.used else "no"] for pair in columns.all - columns.listed]
    rows += [[*pair, "in no table any more", "no"] for pair in columns.listed - columns.all]
    if not rows:
        return ()
    return (
        Table(
            id="S2.1.columns_apart",
            title="Columns on which inventory and tables differ",
            requirement="S2.1",
            columns=["table", "column", "what", "read by the assessment"],
            rows=[list(row) for row in sorted(rows)],
        ),
    )
