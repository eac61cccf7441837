"""Whether a waiver counts, and why not."""

from __future__ import annotations

from datetime import date

from ethics_kit import schema
from ethics_kit.dossier import Dossier


def not_allowed(dossier: Dossier, waiver: schema.Waiver) -> str | None:
    """Why its giver may not waive, or None where the policy lets them."""
    system, roles = dossier.system, dossier.policy.gate.may_waive.value
    if not (system.owner and system.deputy):
        return "who answers for the system, and may not waive, is not named in full"
    if any(schema.same_person(person.name, waiver.by) for person in (system.owner, system.deputy)):
        return f"{waiver.by} answers for the system"
    if not any(schema.same_person(waiver.role, role) for role in roles):
        return f"the policy lets {', '.join(roles) or 'nobody'} waive"
    return None


def out_of_time(waiver: schema.Waiver, day: date) -> str | None:
    """Why it does not hold on `day`, or None where it does."""
    if day < waiver.on:
        return f"it begins on {waiver.on}"
    return f"it ended on {waiver.until}" if waiver.until < day else None


def counts(dossier: Dossier, waiver: schema.Waiver, day: date) -> bool:
    """Whether it is allowed, has begun, and has not ended."""
    return not (out_of_time(waiver, day) or not_allowed(dossier, waiver))
