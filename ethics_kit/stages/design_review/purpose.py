"""C1.1: is each column used only for what the inventory lists it for?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ethics_kit import schema
from ethics_kit.record import Finding, Table
from ethics_kit.schema.design import DataFlow
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.design_review import uses
from ethics_kit.stages.design_review.uses import ColumnOf
from ethics_kit.stages.evidence import in_id, not_assessed, register_awaits, register_share

SOURCE = "GDPR Art. 5(1)(b)"


def purpose_limitation(case: Case) -> Outcome:
    """C1.1: the columns the system decides by, learns from and is tested with, against the inventory's purposes."""
    kept = case.dossier.stage(schema.DesignReview).inventory
    awaits = register_awaits(case, kept, "the data-flow inventory (inventory in design_review.yaml)")
    if kept is None or awaits:
        return Outcome((not_assessed("C1.1", "columns_allowed", awaits),))
    stated, deciding, inputs = uses.purposes(case), uses.decided_by(case), uses.inputs(case)
    findings = [_allowed(case, kept.rows, purpose, deciding) for purpose in stated]
    if case.dossier.system.events not in case.dossier.located_tables:
        findings.append(not_assessed("C1.1", "decision_columns_known", f"the table {case.dossier.system.events}"))
    if awaits := uses.purposes_await(case):
        findings.append(not_assessed("C1.1", "purposes_named", awaits))
    if inputs.awaits:
        findings.append(not_assessed("C1.1", "inputs_known", inputs.awaits))
    findings += [_handed_on(case, kept.rows, name, columns) for name, columns in sorted(uses.handed_on(case).items())]
    findings += [*_learnt(case, kept.rows), *_grouped(case, kept.rows), *_special(case, kept.rows, deciding, stated)]
    return Outcome(tuple(findings), tuple(_beyond(kept.rows, deciding, stated)))


def _allowed(case: Case, rows: list[DataFlow], purpose: str, columns: frozenset[ColumnOf]) -> Finding:
    beyond = {c for c in columns if not any(row.serves(purpose) for row in uses.listing(rows, c))}
    elsewhere = {c for c in beyond if uses.listing(rows, c)}
    told = f"; listed for other purposes only: {uses.named(elsewhere)}" if elsewhere else ""
    told += f"; not listed at all: {uses.named(beyond - elsewhere)}" if beyond - elsewhere else ""
    return register_share(
        case,
        "C1.1",
        f"{in_id(purpose)}.columns_allowed",
        len(columns) - len(beyond),
        len(columns),
        statement=f"{len(columns) - len(beyond)} of {len(columns)} columns that the system decides by are listed for "
        f"“{purpose}”{told}.",
        at_least=1.0,
        unit="share of columns",
        action="Stop using these columns for this purpose, or settle that it allows them and list them for it.",
        source=SOURCE,
    )


def _learnt(case: Case, rows: list[DataFlow]) -> Iterator[Finding]:
    columns = uses.learnt_from(case)
    if columns:
        yield _listed(case, rows, "training_columns_listed", columns, "the model learnt from")
    elif case.dossier.system.kind in ("scored", "ranked") and "training_sample" not in case.not_kept:
        awaits = "the table training_sample, or why it is not kept (not_kept in system.yaml)"
        yield not_assessed("C1.1", "training_columns_listed", awaits)


def _grouped(case: Case, rows: list[DataFlow]) -> Iterator[Finding]:
    columns = uses.grouped_by(case)
    if columns:
        yield _listed(case, rows, "group_columns_listed", columns, "people are compared by")


def _listed(case: Case, rows: list[DataFlow], name: str, columns: frozenset[ColumnOf], used: str) -> Finding:
    """Training and tests have no purpose in system.yaml: the inventory has to state one for what they use."""
    silent = {
        c
        for c in columns
        if not any(row.purpose and not schema.placeholder(row.purpose) for row in uses.listing(rows, c))
    }
    return register_share(
        case,
        "C1.1",
        name,
        len(columns) - len(silent),
        len(columns),
        statement=f"{len(columns) - len(silent)} of {len(columns)} columns that {used} are listed with a purpose"
        + (f"; not: {uses.named(silent)}." if silent else "."),
        at_least=1.0,
        unit="share of columns",
        action="List these columns with the purpose of training or testing, or stop using them.",
        source=SOURCE,
    )


def _handed_on(case: Case, rows: list[DataFlow], name: str, columns: frozenset[str]) -> Finding:
    """An extract's columns go by the names they have in the dossier's tables."""
    purpose = case.dossier.system.extracts[name].purpose
    allowed = {c for row in rows if row.serves(purpose) for names in row.columns.values() for c in names}
    beyond = sorted(columns - allowed)
    return register_share(
        case,
        "C1.1",
        f"extract_{name}.columns_allowed",
        len(columns) - len(beyond),
        len(columns),
        statement=f"{len(columns) - len(beyond)} of {len(columns)} columns of the extract {name} are listed for its "
        f"purpose, “{purpose}”" + (f"; not: {uses.named((name, c) for c in beyond)}." if beyond else "."),
        at_least=1.0,
        unit="share of columns",
        action="Leave these columns out of the extract, or settle that its purpose allows them and list them for it.",
        source=SOURCE,
    )


def _special(
    case: Case, rows: Sequence[DataFlow], deciding: frozenset[ColumnOf], stated: Sequence[str]
) -> Iterator[Finding]:
    """Data of a special category that the system goes by: prohibited but for the conditions of GDPR Art. 9(2)."""
    used = [
        (number, row)
        for number, row in enumerate(rows, 1)
        if row.category == "special"
        and (any(row.serves(p) for p in stated) or any(c in row.columns.get(t, ()) for t, c in deciding))
    ]
    bare = [f"row {number}" for number, row in used if not row.allowed_by or schema.placeholder(row.allowed_by)]
    if bare:
        awaits = f"the condition of GDPR Art. 9(2) that allows data of a special category ({', '.join(bare)} of the "
        yield not_assessed("C1.1", "special_categories_allowed", f"{awaits}inventory: allowed_by)")
    elif used:
        yield register_share(
            case,
            "C1.1",
            "special_categories_allowed",
            len(used),
            len(used),
            statement=f"The system uses data of a special category ({len(used)} rows of the inventory); each row names "
            "the condition that allows it.",
            at_least=1.0,
            unit="share of rows",
            action="Name the condition, or stop using this data.",
            source="GDPR Art. 9",
        )


def _beyond(rows: list[DataFlow], columns: frozenset[ColumnOf], stated: Sequence[str]) -> Iterator[Table]:
    """Columns used beyond their purpose, with what they are listed for."""
    body = []
    for purpose in stated:
        for column in sorted(columns):
            found = uses.listing(rows, column)
            if not any(row.serves(purpose) for row in found):
                listed = "; ".join(sorted({row.purpose or "not said" for row in found})) or "not listed"
                body.append([purpose, *column, listed, (uses.category(rows, column) or "not said").replace("_", " ")])
    if body:
        yield Table(
            id="C1.1.beyond_purpose",
            title="Columns used beyond the purpose they are listed for",
            requirement="C1.1",
            columns=["used for", "table", "column", "listed for", "kind"],
            rows=body,
        )
