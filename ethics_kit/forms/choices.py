"""What a field of a row may hold where the dossier or the risk library knows it, and what the library suggests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ethics_kit.framework import catalogue
from ethics_kit.record import Finding
from ethics_kit.registers import KEY, OF, Field, Register, Values, name_of
from ethics_kit.stages.case import Case

Options = tuple[tuple[Any, str], ...]


def options(
    register: Register, field: Field, case: Case, data: Mapping[str, Any], findings: Sequence[Finding]
) -> Options:
    """The values to choose from, with their words; empty where anything may stand."""
    if field.name == OF:
        return tuple((i, name_of(row)) for i, row in enumerate(data.get(register.path[0]) or ()))
    if field.name == "id" and register.path[0].startswith("risks"):
        own = _own(data) if register.id == "risks" else ()
        return (*own, *((r.id, f"{r.id} {r.title}") for r in library(case)))
    if field.name == "finding":
        return _findings(case, findings)
    if field.name == "requirement":
        return tuple((k, words) for k, words in field.options if k in catalogue.stage_requirements(case.stage))
    return field.options


def library(case: Case) -> list[catalogue.Risk]:
    """The risk library, those for the system's use first."""
    return sorted(catalogue.risks().values(), key=lambda risk: case.dossier.system.use not in risk.uses)


def _own(data: Mapping[str, Any]) -> Options:
    numbers = [int(str(r["id"])[1:]) for r in data.get("risks") or () if str(r.get("id", "")).startswith("X")]
    used = tuple((f"X{n}", f"X{n} of your own") for n in sorted(numbers))
    return (*used, (f"X{max(numbers, default=0) + 1}", f"X{max(numbers, default=0) + 1} a risk of your own"))


def _findings(case: Case, findings: Sequence[Finding]) -> Options:
    """Findings that are not met, and the evidence that the stage owes and no finding gives."""
    found = {f.id: f"{f.id}: {f.statement}" for f in findings if f.status not in ("met", "not_applicable")}
    given = {(f.requirement, f.evidence) for f in findings}
    titles = catalogue.requirements()
    for duty in case.obligations.duties:
        for needs in duty.needs:
            if (duty.requirement, needs) not in given:
                found[f"{duty.requirement}.{needs}"] = f"{duty.requirement}.{needs}: {titles[duty.requirement].title}"
    return tuple((name, words if len(words) < 120 else f"{words[:117]}…") for name, words in sorted(found.items()))


def hint(register: Register, field: Field, case: Case, value: Any) -> str:
    """What helps to fill a field in, of this system."""
    dossier = case.dossier
    known: dict[tuple[str, str], Any] = {
        ("stakeholders", "group"): dossier.policy.consultation.groups.value,
        ("constraint", "attributes"): list(dossier.system.attributes),
        ("inventory", "retention"): list(dossier.organisation.retention_classes),
        ("inventory", "purpose"): [basis.purpose for basis in dossier.system.lawful_bases],
    }
    words = field.help
    if listed := known.get((register.id, field.name)):
        words += f" Known here: {', '.join(listed)}."
    if field.name == "id" and register.path[0].startswith("risks") and value in catalogue.risks():
        words += about(catalogue.risks()[value])
    if field.name == KEY and (shared := dossier.organisation.standards.get(value)):
        words += f" The organisation says: {shared.applies}, because {shared.reason} ({shared.by}, {shared.on})"
    return words.strip()


def about(risk: catalogue.Risk) -> str:
    """What the library says of a risk."""
    words = f"The library: {risk.cause} Harmed: {risk.harmed}. Sign: {risk.sign} "
    words += f"Typical before anything is done: likelihood {risk.likelihood}, severity {risk.severity}. {risk.because} "
    if risk.treatments:
        words += "What others do: " + "; ".join(t.rstrip(".") for t in risk.treatments) + ". "
    return f"{words}Source: {risk.source}"


def suggested(register: Register, typed: Values) -> Values:
    """What the library fills in for a risk that was just chosen: fields that are empty, or the last choice's title."""
    risk = catalogue.risks().get(str(typed.get("id")))
    if register.id != "risks" or risk is None:
        return {}
    typical = {"title": risk.title, "inherent.likelihood": risk.likelihood, "inherent.severity": risk.severity}
    titles = {r.title for r in catalogue.risks().values()}
    return {n: v for n, v in typical.items() if not typed.get(n) or (n == "title" and typed[n] in titles)}


def name_in(register: Register, data: Mapping[str, Any], values: Values) -> str:
    """What a row is called in the list of rows."""
    if register.keyed:
        return next((s.title for s in catalogue.standards().values() if s.id == values.get(KEY)), str(values.get(KEY)))
    if OF in values:
        groups = data.get(register.path[0]) or []
        group = name_of(groups[values[OF]]) if isinstance(values[OF], int) and values[OF] < len(groups) else ""
        return f"{group}, {values.get('on') or ''}"
    return name_of(values) or next((str(v) for v in values.values() if v), f"a {register.one}")
