"""What is kept of a system between runs, in ``reports/.cache/<system>.json``: paths from the project, and digests.

Where it is gone, or not in order, nothing is known of the system, so that everything is run again.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from ethics_kit import disk
from ethics_kit.attestation.statement import Sha256
from ethics_kit.disk import Odd
from ethics_kit.project import Stage, write_atomic
from ethics_kit.record import Part

FOLDER = ".cache"
Mark = Annotated[str, Field(pattern=r"^\d+(:\d+){4}$")]
LARGEST, MOST_DIGESTS = 20_000_000, 20_000


class Seen(Part):
    """The record that a stage's last run left: its folder, its file's sha256, and the digest of what it looked at
    besides its inputs.
    """

    record: str
    sha256: Sha256
    state: Sha256


class Cache(Part):
    """What is known of a system since its last runs.

    `named`: the paths that its YAML files name, from the parameters folder, and the addresses in storage. `valid`: the
    digest of these files and objects when they were last found in order. `digests`: of files, by what the disk says of
    them.
    """

    schema_: Literal["ethics-kit/cache/1"] = Field(default="ethics-kit/cache/1", alias="schema")
    named: list[str] = Field(default_factory=list)
    valid: Sha256 | None = None
    stages: dict[Stage, Seen] = Field(default_factory=dict)
    digests: dict[Mark, Sha256] = Field(default_factory=dict)


def path(reports: Path, system: str) -> Path:
    return reports / FOLDER / f"{system}.json"


def read(path: Path) -> Cache:
    """The cache in a file; an empty one where that is none, or is reached by a link."""
    content = disk.content(path, LARGEST)
    if isinstance(content, Odd) or path.parent.is_symlink():
        return Cache()
    try:
        return Cache.model_validate_json(content)
    except (ValidationError, RecursionError):
        return Cache()


def write(path: Path, cache: Cache, used: dict[str, str]) -> None:
    """Keep `cache` with the digests `used`, where it can be kept; of very many digests, these alone."""
    digests = {**cache.digests, **used}
    kept = dict(sorted((digests if len(digests) <= MOST_DIGESTS else used).items()))
    content = (cache.model_copy(update={"digests": kept}).model_dump_json(by_alias=True, indent=1) + "\n").encode()
    if not path.parent.is_symlink() and disk.content(path, LARGEST) != content:
        with suppress(OSError):
            write_atomic(path, content)
