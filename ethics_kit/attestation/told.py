"""A verification in words, one line each; names that somebody else chose are shown without control characters."""

from __future__ import annotations

from collections.abc import Iterator

from ethics_kit.attestation.result import Looked, System, Trouble, Verification
from ethics_kit.errors import printable

LONGEST = 1000


def lines(verification: Verification) -> Iterator[str]:
    """A line for each record and each trouble, then the heads of the chains and what could not be checked."""
    for system in verification.systems:
        for looked in system.records:
            yield _shown(f"{looked.place}: {_state(looked)}")
            yield from _troubles(looked.troubles)
        if system.troubles:
            yield _shown(f"{system.name}: ALTERED")
            yield from _troubles(system.troubles)
    heads = [_head(system) for system in verification.systems if system.head]
    yield from _section("Heads of the chains, to print or to lodge outside:", heads)
    yield from _section("Could not be checked:", [one for s in verification.systems for one in _unchecked(s)])
    yield ""
    yield _shown(f"Signatures that count: {verification.trust}.")
    yield _summary(verification)


def _troubles(troubles: list[Trouble]) -> Iterator[str]:
    for trouble in troubles:
        yield _shown(f"  {trouble.place}: {trouble.what}")


def _state(looked: Looked) -> str:
    if looked.troubles:
        return "ALTERED"
    signed = [f"{s.name} ({s.role}) on {s.on}" for s in looked.signatures]
    return f"intact, signed by {'; '.join(signed)}" if signed else "intact, unsigned"


def _head(system: System) -> str:
    return f"{system.name}: act {system.length}, sha256 {system.head}"


def _unchecked(system: System) -> list[str]:
    return system.unchecked + [one for looked in system.records for one in looked.unchecked]


def _section(title: str, items: list[str]) -> Iterator[str]:
    if items:
        yield from ("", title)
        yield from (_shown(f"  {item}") for item in items)


def _shown(text: str) -> str:
    return printable(text, LONGEST)


def _summary(verification: Verification) -> str:
    records = [looked for system in verification.systems for looked in system.records]
    altered = sum(bool(looked.troubles) for looked in records)
    signed = sum(bool(looked.signatures) and not looked.troubles for looked in records)
    broken = [system.name for system in verification.systems if system.troubles]
    told = (
        f"{_counted(len(records), 'record')} of {_counted(len(verification.systems), 'system')}: {signed} intact and "
        f"signed, {len(records) - altered - signed} intact and unsigned, {altered} altered."
    )
    return told + (f" Chain or folder altered: {_shown(', '.join(broken))}." if broken else "")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
