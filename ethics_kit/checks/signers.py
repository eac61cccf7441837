"""Signers that cannot be told apart, and roles that are nearly those that sign off."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ethics_kit.errors import Problem, printable, quoted
from ethics_kit.framework import catalogue
from ethics_kit.schema.signers import Signer, public_key

if TYPE_CHECKING:
    from ethics_kit.yamlfile import YamlFile


def problems(file: YamlFile, signers: Sequence[Signer]) -> Iterator[Problem]:
    """Each key stands for one person in one role; a key that changes hands or role is replaced by a new one.

    A role may be any, such as analyst; one that is nearly a role that signs off is taken for a slip, which would leave
    the sign-off open without a word.
    """
    roles = catalogue.signoff_roles()
    seen: dict[bytes, Signer] = {}
    for index, signer in enumerate(signers):
        role = catalogue.role_name(signer.role)
        if role not in roles and (meant := difflib.get_close_matches(role, roles, n=1, cutoff=0.8)):
            yield file.problem(
                ("signers", index, "role"),
                found=quoted(signer.role),
                allowed=f"{', '.join(roles)}, or a role that does not sign off",
                todo=f"did you mean {meant[0]}?",
            )
        first = seen.setdefault(public_key(signer.public_key).public_bytes_raw(), signer)
        if first is not signer:
            yield file.problem(
                ("signers", index, "public_key"),
                found=f"the key of {printable(first.name)}, {printable(first.role)}",
                allowed="each key once",
                todo="remove the entry, or make a key of its own: ethics-kit keygen FILE",
            )
