"""What one file of a dossier cannot see by itself: references between files, evidence, and the data they name."""

from ethics_kit.checks import (
    answers,
    data,
    design,
    extracts,
    governance,
    model,
    references,
    rollout,
    signers,
    stored,
    transfers,
)

__all__ = [
    "answers",
    "data",
    "design",
    "extracts",
    "governance",
    "model",
    "references",
    "rollout",
    "signers",
    "stored",
    "transfers",
]
