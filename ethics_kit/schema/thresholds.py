"""A limit of the policy, with why it was chosen and where it comes from."""

from __future__ import annotations

from typing import Generic, TypeVar

from ethics_kit.schema.fields import Model, Text

T = TypeVar("T")


class Threshold(Model, Generic[T]):
    """A limit, with why it was chosen and where it comes from."""

    value: T
    rationale: Text
    source: Text


def default(value: T, rationale: str) -> Threshold[T]:
    return Threshold[T](value=value, rationale=rationale, source="The kit's default; choose your own.")
