"""Signers that cannot be told apart: two entries with one key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ethics_kit.errors import Problem, printable
from ethics_kit.schema.signers import Signer, public_key

if TYPE_CHECKING:
    from ethics_kit.yamlfile import YamlFile


def problems(file: YamlFile, signers: Sequence[Signer]) -> Iterator[Problem]:
    """Each key stands for one person in one role; a key that changes hands or role is replaced by a new one."""
    seen: dict[bytes, Signer] = {}
    for index, signer in enumerate(signers):
        first = seen.setdefault(public_key(signer.public_key).public_bytes_raw(), signer)
        if first is not signer:
            yield file.problem(
                ("signers", index, "public_key"),
                found=f"the key of {printable(first.name)}, {printable(first.role)}",
                allowed="each key once",
                todo="remove the entry, or make a key of its own: ethics-kit keygen FILE",
            )
