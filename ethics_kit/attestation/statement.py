"""An attestation: a DSSE envelope around an in-toto Statement v1 about one record's folder.

Its subjects are the sha256 of every file of the folder but itself, and of every input; its predicate says which act it
is (run, sign, review) and which number of the system's chain, after which attestation. The file is one line of
canonical JSON (RFC 8785), so that `sed` and `openssl` can check it without this kit.

https://github.com/secure-systems-lab/dsse · https://github.com/in-toto/attestation/tree/main/spec/v1
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import rfc8785
from pydantic import AwareDatetime, Field, ValidationError
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import FormatError, VerificationError
from securesystemslib.signer import CryptoSigner

from ethics_kit import disk, review, yamlfile
from ethics_kit.attestation.keys import TrustedKey
from ethics_kit.disk import Odd
from ethics_kit.errors import InputError
from ethics_kit.framework.catalogue import Stage
from ethics_kit.record import Input, Part, Record
from ethics_kit.schema import Verdict

FILE = "attestation.json"
EARLIER = re.compile(r"attestation_\d{4,9}\.json\Z")
KNOWN = {"record.json", "notebook.ipynb", "report.html", "report.pdf", "model_card.md", review.FILE}
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE: Literal["https://in-toto.io/Statement/v1"] = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Literal["urn:ethics-kit:attestation:1"] = "urn:ethics-kit:attestation:1"
INPUT = "input/"
LARGEST = 10_000_000

Act = Literal["run", "sign", "review"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Digest(Part):
    """Of a file's bytes."""

    sha256: Sha256


class Subject(Part):
    """A file of the record's folder by its name, or an input as ``input/<address>``."""

    name: str
    digest: Digest


class Predicate(Part):
    """What was done, and where it stands in the system's chain."""

    act: Act
    system: str
    stage: Stage
    as_of: date
    record_id: Sha256
    recommendation: Verdict
    sequence: Annotated[int, Field(ge=1)]
    previous: Sha256 | None
    at: AwareDatetime
    review_entries: list[Sha256]


class Statement(Part):
    """An in-toto Statement v1."""

    type_: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: list[Subject]
    predicate_type: Literal["urn:ethics-kit:attestation:1"] = Field(alias="predicateType")
    predicate: Predicate

    @property
    def files(self) -> dict[str, str]:
        """The sha256 of the folder's files."""
        return {s.name: s.digest.sha256 for s in self.subject if not s.name.startswith(INPUT)}

    @property
    def inputs(self) -> set[tuple[str, str]]:
        """Address and sha256 of each input."""
        return {(s.name.removeprefix(INPUT), s.digest.sha256) for s in self.subject if s.name.startswith(INPUT)}


@dataclass(frozen=True)
class Attestation:
    """An attestation file as it was read: its own sha256, its envelope and what it states."""

    sha256: str
    envelope: Envelope
    statement: Statement

    @property
    def predicate(self) -> Predicate:
        return self.statement.predicate


def digests(folder: Path) -> dict[str, str]:
    """The sha256 of every file that belongs into a record's folder, but the newest attestation."""
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in belonging(folder)}


def belonging(folder: Path) -> list[str]:
    """The names of the files in `folder` that belong there, but the newest attestation."""
    return sorted(p.name for p in folder.iterdir() if belongs(p.name) and p.is_file() and not p.is_symlink())


def belongs(name: str) -> bool:
    """Whether a file of that name belongs into a record's folder, besides the newest attestation."""
    return name in KNOWN or EARLIER.match(name) is not None


def unlisted(folder: Path) -> list[str]:
    """The names of what does not belong into a record's folder."""
    return sorted({p.name for p in folder.iterdir()} - {FILE, *belonging(folder)})


def build(
    files: Mapping[str, str],
    record: Record,
    *,
    act: Act,
    sequence: int,
    previous: str | None,
    at: datetime,
    review_entries: Sequence[str],
) -> bytes:
    """The statement about `record`, whose folder holds `files` (name to sha256), as canonical JSON."""
    return rfc8785.dumps(
        {
            "_type": STATEMENT_TYPE,
            "subject": [
                {"name": name, "digest": {"sha256": digest}} for name, digest in _subjects(files, record.inputs)
            ],
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "act": act,
                "system": record.system["id"],
                "stage": record.stage,
                "as_of": record.as_of.isoformat(),
                "record_id": record.record_id,
                "recommendation": record.recommendation.verdict,
                "sequence": sequence,
                "previous": previous,
                "at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "review_entries": list(review_entries),
            },
        }
    )


def _subjects(files: Mapping[str, str], inputs: Iterable[Input]) -> list[tuple[str, str]]:
    return sorted({*files.items(), *((f"{INPUT}{i.address}", i.sha256) for i in inputs)})


def review_entries(content: bytes | None) -> list[str]:
    """The sha256 of each entry of a review.yaml, in canonical JSON with dates as ISO text, in their order.

    Raises
    ------
    InputError
        It is not YAML that the kit reads, or has no list of entries.
    """
    if content is None:
        return []
    file = yamlfile.parse(Path(review.FILE), content)
    entries = yamlfile.plain(file.data).get("entries")
    if not isinstance(entries, list):
        raise InputError(
            [file.problem(("entries",), found="no list", allowed="a list of entries", todo="restore the file")]
        )
    return [hashlib.sha256(rfc8785.dumps(_as_json(entry))).hexdigest() for entry in entries]


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _as_json(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_as_json(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def seal(payload: bytes, signer: CryptoSigner | None) -> bytes:
    """The attestation's file: `payload` in its envelope, signed where there is a signer."""
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    if signer:
        envelope.sign(signer)
    return _written(envelope)


def _written(envelope: Envelope) -> bytes:
    return rfc8785.dumps(envelope.to_dict()) + b"\n"


def read(path: Path) -> tuple[Attestation | None, str]:
    """The attestation in `path` and an empty string, or None and why it cannot be read as one."""
    content = disk.content(path, LARGEST)
    if isinstance(content, Odd):
        return None, f"{path.name} {content.why}"
    return parse(content, path.name)


def parse(content: bytes, name: str = FILE) -> tuple[Attestation | None, str]:
    """As `read`, from the file's bytes."""
    try:
        envelope = Envelope.from_dict(json.loads(content))
        statement = Statement.model_validate_json(envelope.payload)
        canonical = rfc8785.dumps(json.loads(envelope.payload)) == envelope.payload
        as_written = canonical and _written(envelope) == content and envelope.payload_type == PAYLOAD_TYPE
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, FormatError, ValidationError):
        return None, f"{name} is not an attestation of this kit"
    if not as_written:
        return None, f"{name} was changed after it was written"
    return Attestation(hashlib.sha256(content).hexdigest(), envelope, statement), ""


def signed_by(attestation: Attestation, keys: Iterable[TrustedKey]) -> list[TrustedKey]:
    """The trusted keys whose signatures on `attestation` are valid and counted on its day."""
    day = attestation.predicate.at.date()
    return [key for key in keys if key.holds_on(day) and signature_valid(attestation, key)]


def signature_valid(attestation: Attestation, key: TrustedKey) -> bool:
    """Whether `attestation` has a valid signature by `key`."""
    try:
        attestation.envelope.verify([key.key], threshold=1)
    except VerificationError:
        return False
    return True
