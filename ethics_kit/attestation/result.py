"""What a verification found."""

from __future__ import annotations

from dataclasses import dataclass, field

from ethics_kit.attestation.proof import Signature
from ethics_kit.attestation.statement import Attestation
from ethics_kit.record import Record


@dataclass(frozen=True)
class Trouble:
    """Something that is not as it was written: where (a path below the reports folder) and what."""

    place: str
    what: str


@dataclass
class Looked:
    """One record's folder: what it holds, and what is wrong with it. `unchecked` could not be checked."""

    place: str
    record: Record | None = None
    attestations: dict[str, Attestation] = field(default_factory=dict)
    signatures: list[Signature] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.place.rsplit("/", 1)[-1]

    def trouble(self, file: str, what: str) -> None:
        self.troubles.append(Trouble(f"{self.place}/{file}" if file else self.place, what))


@dataclass
class System:
    """One system's records and their chain. `head` is empty where there is no chain that can be read."""

    name: str
    records: list[Looked] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    head: str = ""
    length: int = 0

    def trouble(self, file: str, what: str) -> None:
        self.troubles.append(Trouble(f"{self.name}/{file}" if file else self.name, what))


@dataclass(frozen=True)
class Verification:
    """All systems looked at, and in words whose signatures count."""

    systems: tuple[System, ...]
    trust: str

    @property
    def altered(self) -> bool:
        return any(s.troubles or any(r.troubles for r in s.records) for s in self.systems)
