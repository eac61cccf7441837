"""What a report says about its own proof: the digests of its folder's files, and who signed the record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from ethics_kit.attestation.keys import TrustedKey
from ethics_kit.attestation.statement import Attestation, signed_by


@dataclass(frozen=True)
class Signature:
    """A signature that counts: whose, in which role, by which key, on which day (UTC), and the file that holds it.

    `covers` are the files of the folder that are still as they were when it was given.
    """

    name: str
    role: str
    key_id: str
    pem: str
    on: date
    file: str
    covers: list[str]


@dataclass(frozen=True)
class Proof:
    """The sha256 of the folder's files (without the report itself and attestation.json), and the signatures."""

    files: Mapping[str, str]
    signatures: list[Signature]

    def missing(self, roles: Iterable[str]) -> list[str]:
        """Which of the `roles` that have to sign off have not signed."""
        signed = {_role(s.role) for s in self.signatures}
        return [role for role in roles if _role(role) not in signed]


def _role(text: str) -> str:
    return "_".join(text.casefold().replace("_", " ").split())


def signature(key: TrustedKey, on: date, file: str, covers: Iterable[str]) -> Signature:
    """As a report shows it."""
    return Signature(key.name, key.role, key.id, key.pem, on, file, sorted(covers))


def signatures(
    attestations: Mapping[str, Attestation], files: Mapping[str, str], keys: Iterable[TrustedKey]
) -> list[Signature]:
    """The valid signatures by trusted keys on attestations (by file name) of this very record.json, oldest first.

    `files` are the sha256 of the folder's files as they are, without a report that is still to be rendered.
    """
    keys = list(keys)
    return [
        signature(key, one.predicate.at.date(), name, [n for n, _ in files.items() & one.statement.files.items()])
        for name, one in attestations.items()
        if one.statement.files.get("record.json") == files["record.json"]
        for key in signed_by(one, keys)
    ]
