"""C3.4: which choices on personalisation customers are offered, and whether they are carried out."""

from __future__ import annotations

from collections.abc import Mapping

from ethics_kit import schema
from ethics_kit.measures import autonomy
from ethics_kit.measures.proportions import rate
from ethics_kit.measures.timelines import Share
from ethics_kit.record import Finding, Table
from ethics_kit.schema.autonomy import OfferedChoice
from ethics_kit.stages.case import Case, Outcome, hide_small
from ethics_kit.stages.deployment_signoff import groups
from ethics_kit.stages.deployment_signoff.groups import Counted
from ethics_kit.stages.evidence import attested_finding, not_assessed, register_share, share_finding

TABLE = "personalisation_choices"
OFFERED, SWITCH, HONOURED = "choices_offered", "can_be_switched_off", "choices_honoured"
UNLISTED = "kinds that nobody lists"
KEY = "the choices that customers are offered (choices_offered in deployment_signoff.yaml)"


def control_over_personalisation(case: Case) -> Outcome:
    """C3.4: choices that customers are offered, made, and carried out."""
    if not case.has(TABLE, "customer", "time", "choice", "honoured"):
        awaits = case.lacking(TABLE, "customer", "time", "choice", "honoured")
        return Outcome(tuple(not_assessed("C3.4", name, awaits) for name in (OFFERED, HONOURED)))
    chosen = case.table(TABLE)
    made = autonomy.choices(chosen)
    offered = [c for c in case.dossier.stage(schema.DeploymentSignoff).choices_offered if c.on <= case.as_of]
    policy = case.dossier.policy.autonomy
    rows = chosen.mutate(yes=chosen.honoured.fill_null(False))
    share = Counted("honoured", rows, policy.group_margin)
    by_group = groups.compare(case, "C3.4", [share], title="Choices on personalisation carried out")
    findings = (_listed(case, offered, made), _can_be_switched_off(offered), _honoured(case, made))
    tables = (_by_choice(case, offered, made), *by_group.tables)
    return Outcome((*findings, *by_group.findings), tables, by_group.figures)


def _listed(case: Case, offered: list[OfferedChoice], made: Mapping[str, Share]) -> Finding:
    """The kinds of choice in the table against those that the dossier says are offered."""
    if not offered:
        return not_assessed("C3.4", OFFERED, KEY)
    names = list(dict.fromkeys(c.choice for c in offered))
    kinds = len({*names, *made})
    told = f"{len(names)} choices are offered ({', '.join(names)})"
    if kinds > len(names):
        told += f"; customers made choices of {kinds - len(names)} more kinds, which nobody lists"
    return register_share(
        case,
        "C3.4",
        OFFERED,
        len(names),
        kinds,
        statement=f"{told}.",
        at_least=1.0,
        unit="share of kinds of choice",
        action="List every choice that is offered with what it does.",
        source="deployment_signoff.yaml: choices_offered",
    )


def _can_be_switched_off(offered: list[OfferedChoice]) -> Finding:
    """Whether one of the choices ends all personalisation."""
    if not offered:
        return not_assessed("C3.4", SWITCH, KEY).model_copy(update={"evidence": "attested"})
    off, last = [c.choice for c in offered if c.switches_off == "yes"], max(offered, key=lambda c: c.on)
    return attested_finding(
        "C3.4",
        SWITCH,
        "met" if off else "not_met",
        f"Personalisation can be switched off altogether ({', '.join(off)})."
        if off
        else "No choice that is offered switches personalisation off altogether.",
        source="deployment_signoff.yaml: choices_offered",
        method="GDPR Art. 21(2) and (3): the right to object to profiling for direct marketing",
        action=None if off else "Offer a choice that switches personalisation off.",
        author=last.by,
        stated_on=last.on,
    )


def _honoured(case: Case, made: Mapping[str, Share]) -> Finding:
    policy = case.dossier.policy.autonomy.choices_honoured_min
    count, n = sum(s.count for s in made.values()), sum(s.n for s in made.values())
    return share_finding(
        case,
        "C3.4",
        HONOURED,
        count,
        n,
        statement=f"{count} of {n} choices on personalisation were carried out; what has no answer was not.",
        at_least=policy.value,
        unit="share of choices",
        action="Carry out the choices that were not, and tell those customers.",
        source=policy.source,
    )


def _by_choice(case: Case, offered: list[OfferedChoice], made: Mapping[str, Share]) -> Table:
    confidence, small = case.dossier.policy.fairness.confidence.value, case.dossier.policy.records.small_cell.value
    means = {c.choice: c.means for c in offered}
    kinds = {choice: made.get(choice, Share(0, 0)) for choice in means}
    others = [share for choice, share in made.items() if choice not in means]
    if others:  # a kind that nobody lists may be what a customer wrote: it is counted, not shown
        kinds[UNLISTED] = Share(sum(s.count for s in others), sum(s.n for s in others))
    body: list[list[str | int | float | None]] = []
    for choice, found in kinds.items():
        share = rate(found.count, found.n, confidence=confidence)
        body.append([choice, means.get(choice), found.n, found.count, share.value, share.low, share.high])
    shown, hidden = hide_small(body, n_column=2, counts=range(3, 7), small=small)
    return Table(
        id="C3.4.choices",
        title="Choices on personalisation: offered, made and carried out",
        requirement="C3.4",
        columns=["choice", "what it does", "made", "carried out", "share", "low", "high"],
        rows=shown,
        hidden=hidden,
    )
