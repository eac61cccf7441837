"""Which entries of a review are signed by the person they name, and which only say so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ethics_kit.attestation.keys import TrustedKey
from ethics_kit.attestation.statement import Attestation, signed_by
from ethics_kit.framework.catalogue import role_name
from ethics_kit.review import RECORDERS, Review
from ethics_kit.schema.fields import same_person
from ethics_kit.schema.review import Entry


@dataclass(frozen=True)
class Reviewed:
    """A review, and for each of its entries whether it is signed (else *self-declared*)."""

    review: Review
    signed: tuple[bool, ...] = ()

    @property
    def entries(self) -> list[tuple[Entry, str]]:
        """The entries, oldest first, each with how sure it is who made it."""
        words = ["signed" if one else "self-declared" for one in self.signed]
        return list(zip(self.review.entries, words, strict=True))

    @property
    def decisions(self) -> list[tuple[Entry, str]]:
        """Those of the entries that are the decisions now."""
        given = [id(entry) for entry in self.review.signoff.given.values()]
        return [(entry, how) for entry, how in self.entries if id(entry) in given]


def identities(
    review: Review,
    digests: Sequence[str],
    attestations: Iterable[Attestation],
    keys: Sequence[TrustedKey],
    *,
    signing: TrustedKey | None = None,
) -> Reviewed:
    """`review` with whom attestations of its record prove.

    An entry is signed where a trusted key of that person in that role validly signed, on a day on which the key counts,
    an attestation of the review up to that entry: the same words entered once more are another entry. Who recorded a
    minute signs it. `signing` signs the attestation that comes next.
    """
    by: list[list[TrustedKey]] = [[signing] if signing else [] for _ in digests]
    for one in attestations:
        upto = one.predicate.review_entries
        if one.predicate.record_id == review.record.record_id and upto == list(digests[: len(upto)]):
            signed = signed_by(one, keys)
            for place in range(len(upto)):
                by[place] += signed
    made = zip(review.entries, by, strict=True)
    return Reviewed(review, tuple(any(_makes(key, entry) for key in own) for entry, own in made))


def _makes(key: TrustedKey, entry: Entry) -> bool:
    if entry.recorded_by:
        return same_person(entry.recorded_by, key.name) and role_name(key.role) in RECORDERS
    return same_person(entry.by, key.name) and role_name(entry.role) == role_name(key.role)
