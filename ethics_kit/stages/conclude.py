"""From a stage's outcomes to its record: what is missing is said, claims and waivers are applied, nothing is lost."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.metadata import version

from ethics_kit import schema
from ethics_kit.framework import catalogue
from ethics_kit.recommendation import recommend
from ethics_kit.record import EARLIER, Duty, Finding, Input, Record, Waived, file_sha256
from ethics_kit.stages import changes, gate
from ethics_kit.stages.case import Case, Outcome, months_between
from ethics_kit.stages.waivers import counts, not_allowed

LIBRARIES = (
    "ibis-framework",
    "duckdb",
    "fairlearn",
    "numpy",
    "pandas",
    "scikit-learn",
    "scipy",
    "shap",
    "skops",
    "statsmodels",
)


def conclude(case: Case, taken: Mapping[str, Outcome]) -> Record:
    """The record of a stage: at least one finding for every requirement it serves.

    `taken` holds the outcomes by the name of the step, or the id of the section asked. What the notebook left out is a
    finding too, so that a cell taken out never takes a bad result with it.
    """
    outcomes = list(taken.values())
    found = [f for outcome in outcomes for f in outcome.findings] + _left_out(case, taken)
    findings: list[Finding] = []
    for duty in case.obligations.duties:
        findings += settled(case, duty, [f for f in found if f.requirement == duty.requirement])
    findings, unmatched = _with_plans(case, findings)
    recommendation = recommend(findings, case.obligations, case.upstream, case.as_of)
    record = Record(
        system=_system(case),
        stage=case.stage,
        as_of=case.as_of,
        level=case.level,
        policy={
            "version": case.dossier.policy.version,
            **case.dossier.policy.model_dump(mode="json", include={"approved_by", "approved_on"}),
            "confidentiality": case.dossier.policy.confidentiality,
            "language": case.dossier.policy.language,
        },
        inputs=_inputs(case),
        upstream=case.upstream,
        parameters={**case.dossier.policy.thresholds(), "without_a_finding": unmatched},
        tables=[t for outcome in outcomes for t in outcome.tables] + gate.tables(case, findings, recommendation),
        findings=findings,
        obligations=case.obligations,
        recommendation=recommendation,
        versions=versions(),
    )
    return record.model_copy(update={"tables": [*record.tables, *changes.since_last(case.last, record)]}).sealed()


def versions() -> dict[str, str]:
    """What a record made here names: the kit, Python and the libraries that compute."""
    return {
        "ethics_kit": version("ethics-kit"),
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


def _left_out(case: Case, taken: Mapping[str, Outcome]) -> list[Finding]:
    steps = import_module(f"ethics_kit.stages.{case.stage}").STEPS
    owed = {step.__name__: requirements for step, requirements in steps.items()}
    for section in catalogue.sections(case.stage):
        owed[section.id] = tuple(dict.fromkeys(q.requirement for q in section.questions if q.requirement))
    return [
        Finding(
            id=f"{requirement}.left_out_{name}",
            requirement=requirement,
            status="not_assessed",
            evidence=case.duty(requirement).needs[0],
            statement=f"Not assessed: the notebook left out {name.replace('_', ' ')}.",
            null_reason="left out of the notebook",
            action="Put the cell back, or start from the kit's own notebook.",
        )
        for name, requirements in owed.items()
        if name not in taken
        for requirement in requirements
    ]


def settled(case: Case, duty: Duty, found: list[Finding]) -> list[Finding]:
    """The findings of one requirement, with one more for each evidence that is owed and missing."""
    claim = _claim(case, duty.requirement)
    silent = all(f.status == "not_assessed" for f in found)
    if duty.weight == "excluded" and silent:
        return [_not_applicable(duty, e, duty.reason, "excluded for this kind of system") for e in duty.needs]
    if claim and silent and not _contradicted(case, claim):
        reason = catalogue.not_applicable_reasons()[claim.reason]
        told = f"{reason} {claim.explanation} Declared by {claim.by}, approved by {claim.approved_by}, {claim.on}."
        return [
            _not_applicable(duty, e, told, claim.reason).model_copy(
                update={"author": f"{claim.by}; {claim.approved_by}", "stated_on": claim.on}
            )
            for e in duty.needs
        ]
    shows = catalogue.requirements()[duty.requirement].shows
    missing = [e for e in duty.needs if e not in {f.evidence for f in found}]
    found = found + [
        Finding(
            id=f"{duty.requirement}.{evidence}",
            requirement=duty.requirement,
            status="not_assessed",
            evidence=evidence,
            statement=f"Not assessed: no {evidence} evidence yet. It awaits: {shows}",
            null_reason=f"no {evidence} evidence",
            action="Supply the evidence; where this version of the kit cannot measure it, attach it to the decision.",
        )
        for evidence in missing
    ]
    if claim:
        found.append(
            Finding(
                id=f"{duty.requirement}.contradiction",
                requirement=duty.requirement,
                status="not_assessed",
                evidence=duty.needs[0],
                statement=f"Declared not applicable by {claim.by}, yet the dossier speaks against it: one is wrong.",
                null_reason="contradictory evidence",
                action="Withdraw the claim, or correct the evidence.",
            )
        )
    return found


def _claim(case: Case, requirement: str) -> schema.NotApplicable | None:
    limit = case.dossier.policy.records.answers_max_age_months.value
    for claim in case.dossier.stages[case.stage].not_applicable:
        fresh = claim.on <= case.as_of and months_between(claim.on, case.as_of) < limit
        if claim.requirement == requirement and fresh:
            return claim
    return None


def _contradicted(case: Case, claim: schema.NotApplicable) -> bool:
    """Whether the dossier itself speaks against the reason of a claim."""
    dossier = case.dossier
    if claim.reason == "no_personal_data":
        return any("customer" in catalogue.tables()[name].roles for name in dossier.located_tables)
    if claim.reason == "supplier_refused":
        requests = dossier.system.supplier.requests if dossier.system.supplier else []
        return not any(r.answer == "refused" for r in requests)
    return False


def _not_applicable(duty: Duty, evidence: catalogue.Evidence, statement: str, reason: str) -> Finding:
    return Finding(
        id=f"{duty.requirement}.{evidence}",
        requirement=duty.requirement,
        status="not_applicable",
        evidence=evidence,
        statement=f"Not applicable: {statement}",
        null_reason=reason,
    )


def _with_plans(case: Case, findings: Iterable[Finding]) -> tuple[list[Finding], list[str]]:
    """Findings with the actions and waivers that name them (or their requirement), and the names nothing answers to."""
    stage = case.dossier.stages[case.stage]
    actions = {a.finding: a for a in stage.actions if not (a.closed and a.closed <= case.as_of)}
    waivers = {w.finding: w for w in sorted(stage.waivers, key=lambda w: counts(case.dossier, w, case.as_of))}
    planned = []
    for finding in findings:
        action = actions.get(finding.id) or actions.get(finding.requirement)
        waiver = waivers.get(finding.id)
        update: dict[str, object] = {}
        if action and finding.status not in ("met", "not_applicable"):
            update |= {"action": action.action, "owner": action.owner, "due": action.due}
        if waiver and finding.status == "not_met":
            update |= _waived(case, finding, waiver)
        planned.append(finding.model_copy(update=update))
    known = {f.id for f in planned} | {f.requirement for f in planned}
    return planned, sorted((set(actions) | set(waivers)) - known)


def _waived(case: Case, finding: Finding, waiver: schema.Waiver) -> dict[str, object]:
    """The waiver, where its giver has the right to waive; else why it does not count."""
    if why := not_allowed(case.dossier, waiver):
        return {"statement": f"{finding.statement} The waiver by {waiver.by} ({waiver.role}) does not count: {why}."}
    return {"waiver": Waived(by=waiver.by, role=waiver.role, reason=waiver.reason, on=waiver.on, until=waiver.until)}


def _system(case: Case) -> dict[str, object]:
    system = case.dossier.system
    shown = system.model_dump(
        mode="json",
        by_alias=True,
        include={
            "name",
            "kind",
            "use",
            "purpose",
            "intended_use",
            "out_of_scope",
            "owner",
            "deputy",
            "supplier",
            "unit",
            "selection_is",
        },
    )
    return {
        "id": case.dossier.id,
        "organisation": case.dossier.organisation.name,
        "model_version": system.model.label,
        **shown,
    }


def _inputs(case: Case) -> list[Input]:
    dossier, project = case.dossier, case.dossier.project
    inputs = [
        Input(role=name, address=project.address(file.path), sha256=file_sha256(file.path))
        for name, file in dossier.files.items()
    ]
    template = project.template(case.stage)
    inputs.append(Input(role="template", address=f"notebooks/{template.name}", sha256=file_sha256(template)))
    for name, use in sorted(case.tables_used.items()):
        located = dossier.located_tables[name]
        inputs.append(
            Input(
                role=f"table {name}",
                address=dossier.address(located.path) if located.path else located.address,
                sha256=file_sha256(located.path) if located.path else dossier.tables.fingerprint(name),
                rows=use.rows,
                rows_after_as_of=use.rows_after_as_of,
                first_day=use.first_day,
                last_day=use.last_day,
                inherited=located.inherited,
            )
        )
        log = located.path and located.path.with_name(f"{located.path.name}.wal")
        if log and log.name.lower().endswith(".duckdb.wal") and log.is_file():  # DuckDB reads it with the file
            inputs.append(Input(role=f"table {name}, log", address=dossier.address(log), sha256=file_sha256(log)))
    if dossier.model_file:
        address, sha256 = dossier.address(dossier.model_file), file_sha256(dossier.model_file)
        inputs.append(Input(role="model", address=address, sha256=sha256))
    evidence = {}
    for question, given in case.given.items():
        path = given.evidence_file
        if path:
            evidence[f"evidence {question}"] = (path, given.inherited)
    evidence |= {role: (path, False) for role, path in case.documents.items()}
    inputs += [
        Input(role=role, address=dossier.address(path), sha256=file_sha256(path), inherited=inherited)
        for role, (path, inherited) in sorted(evidence.items())
    ]
    read = {address: sha256 for h in (*case.histories.values(), case.last) for address, sha256 in h.files.items()}
    inputs += [Input(role=EARLIER, address=address, sha256=sha256) for address, sha256 in sorted(read.items())]
    return inputs
