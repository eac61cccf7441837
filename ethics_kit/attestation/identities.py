"""Which entries of a review are signed by the person they name, and which only say so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ethics_kit.attestation.keys import TrustedKey
from ethics_kit.attestation.statement import Attestation, signed_by
from ethics_kit.review import Review
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

    An entry is signed where its digest stands in an attestation that a trusted key of that person validly signed, on
    a day on which the key counts; who recorded a minute signs it. `signing` signs the attestation that comes next.
    """
    by_entry: dict[str, list[str]] = {digest: [signing.name] if signing else [] for digest in digests}
    for one in attestations:
        if one.predicate.record_id == review.record.record_id:
            names = [key.name for key in signed_by(one, keys)]
            for digest in one.predicate.review_entries:
                by_entry.setdefault(digest, []).extend(names)
    made = zip(review.entries, digests, strict=True)
    return Reviewed(
        review,
        tuple(any(same_person(e.recorded_by or e.by, name) for name in by_entry[digest]) for e, digest in made),
    )
