"""What a standing record says, read in a fraction of a millisecond once its bytes are known to be those attested."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import date
from pathlib import Path

from ethics_kit import disk
from ethics_kit.attestation import statement
from ethics_kit.attestation.chain import Chain
from ethics_kit.attestation.statement import Statement
from ethics_kit.disk import Odd
from ethics_kit.record import LARGEST, Recommendation

RECORD = "record.json"
RECOMMENDATION, RUN = '"recommendation":{', '"run":{'
"""Where these begin in canonical JSON. No text of a record holds them: its quotes are escaped."""


def attested(folder: Path, known: Chain) -> Statement | None:
    """What the newest attestation of a record states, where it is the one that the chain lists."""
    newest = known.newest(folder.parent.name, folder.name)
    content = disk.content(folder / statement.FILE, statement.LARGEST)
    if newest is None or isinstance(content, Odd) or hashlib.sha256(content).hexdigest() != newest.sha256:
        return None
    try:
        return Statement.model_validate_json(base64.b64decode(json.loads(content)["payload"], validate=True))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def told(folder: Path) -> tuple[Recommendation, str] | None:
    """The recommendation of a record whose bytes were found to be as attested, and the day it was finished on."""
    content = disk.content(folder / RECORD, LARGEST)
    if isinstance(content, Odd):
        return None
    text, parts = content.decode(errors="replace"), json.JSONDecoder()
    try:
        own = parts.raw_decode(text, text.index(RECOMMENDATION) + len(RECOMMENDATION) - 1)[0]
        run = parts.raw_decode(text, text.index(RUN) + len(RUN) - 1)[0]
        day = date.fromisoformat(str(run["finished_at"])[:10]).isoformat()
        return Recommendation.model_validate_json(json.dumps(own)), day
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
