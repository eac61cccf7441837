"""P1.3 and P1.4: the model card, generated from the dossier and earlier records, and what it leaves open.

Sections after Mitchell et al. 2019, Model Cards for Model Reporting, FAT*.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from ethics_kit import past
from ethics_kit.measures import oversight
from ethics_kit.record import UPSTREAM_WORDS, WEAKEST, Finding, Record, Status
from ethics_kit.report import card
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.design_review.card_fields import FIELDS, SECTIONS, own_part, stated
from ethics_kit.stages.evidence import attested_finding, not_assessed, share_finding

Cell = str | int | float | None

MOST_RESULTS = 12
PERFORMANCE = "P1.4.performance_by_segment"
"""Bias testing's finding, and its table, on how well the system works for each group and segment."""

RESULTS = ("P2.1", "P2.2", "S2.2", "C2.1", "C2.2", "C2.3", "C2.4")
"""Requirements of bias testing that a card tells of."""


def model_card(case: Case) -> Outcome:
    """P1.3, P1.4: the model card, how complete it is, and whether it describes the model in use."""
    fields = [(f, f.says(case)) for f in FIELDS if case.dossier.system.kind in f.kinds]
    analyses = "Quantitative analyses"
    said: dict[str, list[tuple[str, str, str | None]]] = {analyses: [(analyses, *found) for found in _results(case)]}
    for field, says in fields:
        if not (field.owed or says):
            continue
        said.setdefault(field.section, []).append((field.section, field.name, says))
    rows = [row for section in SECTIONS for row in said.get(section, [])]
    note = "Generated from the dossier and earlier records; published beside the report as model_card.md."
    missing = [field.name.lower() for field, says in fields if field.owed and says is None]
    owed = sum(field.owed for field, _ in fields)
    findings = (_complete(case, owed, missing), _describes_deployed(case), _limits(case))
    return Outcome(findings, (card.table(rows, note=note),))


def _complete(case: Case, owed: int, missing: list[str]) -> Finding:
    """A card nobody was asked for yet, or wrote, is silence; one that was written and lacks fields falls short."""
    policy = case.dossier.policy.coverage.model_card_min
    found = share_finding(
        case,
        "P1.3",
        "model_card_complete",
        owed - len(missing),
        owed,
        statement=f"The model card states {owed - len(missing)} of {owed} fields ({(owed - len(missing)) / owed:.0%})"
        + (f"; missing: {', '.join(missing)}." if missing else "."),
        at_least=policy.value,
        unit="share of fields",
        action="Fill in what is missing: model_card in design_review.yaml, or the part of the dossier it comes from.",
        source=policy.source,
        minimum=1,
    )
    silent = found.status == "not_met" and (case.dossier.system.preliminary or own_part(case) is None)
    status: Status = "not_assessed" if silent else found.status
    return found.model_copy(update={"status": status, "interval": None, "method": "count of the register"})


def _describes_deployed(case: Case) -> Finding:
    events, name, label = case.dossier.system.events, "card_describes_deployed_version", case.dossier.system.model.label
    if label is None:
        return not_assessed("P1.3", name, "the model's version (model in system.yaml)")
    if not case.has(events, "time", "model_version"):
        return not_assessed("P1.3", name, case.lacking(events, "time", "model_version"))
    versions = oversight.versions_in_use(case.table(events))
    if not versions:
        return not_assessed("P1.3", name, f"a model version in the rows of {events}")
    count, n = versions.get(label, 0), sum(versions.values())
    others = ", ".join(v for v in versions if v != label)
    told = f"The card describes {label}; on the newest day, {count} of {n} events with a version were made by it"
    return share_finding(
        case,
        "P1.3",
        name,
        count,
        n,
        statement=f"{told}, others by {others}." if others else f"{told}.",
        at_least=1.0,
        unit="share of events of the newest day",
        action="Name the deployed version in system.yaml and review the card for it, or withdraw the other version.",
        source="design_review.yaml and system.yaml: model",
        minimum=1,
    )


def _limits(case: Case) -> Finding:
    """P1.4: what the system is for, what not, and where it is weak, as the card states it."""
    system, own = case.dossier.system, own_part(case)
    parts: dict[str, list[str | None]] = {
        "the intended use": [system.intended_use],
        "uses that are out of scope": [*system.out_of_scope],
        "known limits": [*own.limits] if own else [],
    }
    open_ = [name for name, texts in parts.items() if not any(stated(t) for t in texts)]
    status: Status = "not_assessed" if open_ else "met"
    whole = f"The card states the intended use, {len(system.out_of_scope)} uses out of scope and the known limits."
    return attested_finding(
        "P1.4",
        "card_states_limits",
        status,
        f"Not assessed: the model card does not state {', nor '.join(open_)}." if open_ else whole,
        source="system.yaml; design_review.yaml: model_card",
        action="State them in system.yaml and under model_card in design_review.yaml." if open_ else None,
        author=own.by if own else None,
        stated_on=own.on if own else None,
    )


# --- results ---------------------------------------------------------------------------------------------------


def _results(case: Case) -> Iterator[tuple[str, str]]:
    """What the last bias record of an earlier day found, however old: it says of which day it is.

    Later stages of this review come after the card.
    """
    system = case.dossier.system
    entry, record = past.upstream(
        case.reports,
        "bias_testing",
        system=case.dossier.id,
        kind=system.kind,
        version=system.model.label,
        as_of=case.as_of - timedelta(days=1),
        max_age_days=case.as_of.toordinal() - 2,  # since the first day there is
        use="read",
    )
    if record is None:
        known = "no bias testing before this day" if entry.status == "missing" else UPSTREAM_WORDS[entry.status]
        yield "Performance by group", f"Not yet assessed: {known}"
        return
    verdict = record.recommendation.verdict.replace("_", " ")
    yield "Bias testing", f"As of {record.as_of}, record {record.record_id[:12]}: {verdict}"
    yield from _performance(record)
    yield from _worst(record)


def _performance(record: Record) -> Iterator[tuple[str, str]]:
    """The weakest segments, then each rate of each group with its interval."""
    yield from (("Weakest segments", f.statement) for f in record.findings if f.id == PERFORMANCE)
    lines: dict[tuple[str, str], list[str]] = {}
    for table in (t for t in record.tables if t.id == PERFORMANCE):
        for measure, by, group, *numbers in table.rows:
            lines.setdefault((str(measure), str(by)), []).append(f"{group} {_estimate(*numbers)}")
    for (measure, by), groups in lines.items():
        yield f"{measure[0].upper()}{measure[1:]} by {by}", "; ".join(groups)


def _estimate(n: Cell, value: Cell, low: Cell, high: Cell) -> str:
    if isinstance(value, str) or value is None:
        return "withheld or not known"
    return f"{value:.0%} ({low or 0:.0%} to {high or 0:.0%}, n {n:,})"


def _worst(record: Record) -> Iterator[tuple[str, str]]:
    measured = [f for f in record.findings if f.requirement in RESULTS and f.evidence == "measured"]
    measured.sort(key=lambda f: (WEAKEST.index(f.status), f.id))
    for finding in measured[:MOST_RESULTS]:
        yield finding.id, f"{finding.status.replace('_', ' ')}: {finding.statement}"
    if len(measured) > MOST_RESULTS:
        yield "More findings", f"{len(measured) - MOST_RESULTS} in the record"
