"""A review as an act of the chain leaves it, for tests of what is made of it."""

from pathlib import Path

from ethics_kit import archive, review
from ethics_kit.attestation import chain, folder, statement


def put_review(record_folder: Path, content: str) -> None:
    """Make `content` the review.yaml of the record in `record_folder`, attested."""
    reports, system, stage = record_folder.parents[2], record_folder.parents[1].name, record_folder.parent.name
    record = archive.trusted(record_folder, system, stage)
    assert record
    with chain.held(reports, system) as own, archive.staged(reports) as whole:
        files = folder.continued(record_folder, whole)
        (files / review.FILE).write_text(content)
        attestation = folder.attest(own, files, record, act="review")
        (files / statement.FILE).write_bytes(attestation)
        own.commit(whole, folder.entry(own, attestation, record, act="review"))
