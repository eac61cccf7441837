"""Problems in organisation.yaml's transfers: evidence that is not there, days that cannot be, rows for one country."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ethics_kit.checks.answers import evidence_problems
from ethics_kit.errors import Problem

if TYPE_CHECKING:
    from ethics_kit.dossier import Dossier


def problems(dossier: Dossier) -> Iterator[Problem]:
    """Evidence and assessments that are not there, an end before its beginning, transfers that stay in one country."""
    file = dossier.files["organisation"]
    for index, row in enumerate(dossier.organisation.transfers):
        for name, named in (("evidence", row.evidence), ("assessment", row.assessment)):
            yield from evidence_problems(file, ("transfers", index, name), named, dossier.project.parameters)
        if row.until and row.until < row.on:
            yield file.problem(
                ("transfers", index, "until"),
                found=f"{row.until}, before `on`",
                allowed=f"{row.on} or later, or nothing where it has no end",
                todo="correct one of the two days",
            )
        if row.from_ == row.to[:2]:
            yield file.problem(
                ("transfers", index, "to"),
                found=f"{row.to}, the country it comes from",
                allowed="another country",
                todo="correct one of the two, or remove the row: within one country nothing is needed",
            )
