"""How long the portfolio's pages take for many systems, how large its index is, and how much memory they need.

    python -m benchmarks.portfolio REPORTS [--systems 1000] [--months 1] [--language en] [--json FILE] [--keep FOLDER]

The records of the example portfolio in REPORTS are copied under new ids, each attested in a chain of its own; of bias
testing, whose gaps the index follows over time, as many as there are months. Measured are all pages, as
`ethics-kit portfolio` writes them, and then those that an act on one record writes. Seconds are of the wall clock;
those of the processor are told, too.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from ethics_kit import archive
from ethics_kit.archive import Latest
from ethics_kit.attestation import chain, statement
from ethics_kit.attestation.chain import Chain, Entry
from ethics_kit.dates import months_after
from ethics_kit.project import STAGES
from ethics_kit.record import Record, read_record
from ethics_kit.report.portfolio import committee, index
from ethics_kit.report.portfolio.write import Scope, write
from ethics_kit.runner.pages import Pages
from ethics_kit.runner.shown import Shelf

ID, RECORD = "the_id_of_the_system", "0" * 64
AT = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Copied:
    """A record with a place for another id in its canonical bytes, and the other files of its folder."""

    record: Record
    content: bytes
    beside: dict[str, tuple[Path, str]]

    def named(self, system: str, day: date) -> tuple[bytes, str]:
        """`record.json` of another system and day, and its id."""
        before, after = f'{{"as_of":"{self.record.as_of}"'.encode(), f'{{"as_of":"{day}"'.encode()
        content = self.content.replace(ID.encode(), system.encode()).replace(before, after, 1)
        digest = hashlib.sha256(content.replace(f'"record_id":"{RECORD}","run":{{}},'.encode(), b"", 1)).hexdigest()
        return content.replace(RECORD.encode(), digest.encode(), 1), digest


def copied(folder: Path) -> Copied:
    """The record in `folder`, to be copied."""
    record, why = read_record(folder / "record.json")
    if record is None:
        raise SystemExit(f"{folder}: {why}")
    placed = record.model_copy(update={"system": {**record.system, "id": ID}, "record_id": RECORD, "run": {}})
    beside = {
        p.name: (p, hashlib.sha256(p.read_bytes()).hexdigest())
        for p in folder.iterdir()
        if statement.belongs(p.name) and p.name != "record.json" and not statement.EARLIER.match(p.name)
    }
    return Copied(record, placed.to_bytes(), beside)


def written(reports: Path, system: str, stages: dict[str, Copied], months: int) -> None:
    """The records of one system, attested."""
    entries: list[Entry] = []
    for stage, one in stages.items():
        for back in reversed(range(months if stage == "bias_testing" else 1)):
            day = months_after(one.record.as_of, -back)
            content, record_id = one.named(system, day)
            folder = reports / system / stage / f"{day}_{record_id[:12]}"
            folder.mkdir(parents=True)
            (folder / "record.json").write_bytes(content)
            for name, (path, _) in one.beside.items():
                os.link(path, folder / name)
            files = {name: digest for name, (_, digest) in one.beside.items()}
            files["record.json"] = hashlib.sha256(content).hexdigest()
            about = {"system": {**one.record.system, "id": system}, "as_of": day, "record_id": record_id}
            number, previous = len(entries) + 1, entries[-1].sha256 if entries else None
            payload = statement.build(
                files,
                one.record.model_copy(update=about),
                act="run",
                sequence=number,
                previous=previous,
                at=AT,
                review_entries=[],
            )
            sealed = statement.seal(payload, None)
            (folder / statement.FILE).write_bytes(sealed)
            digest = hashlib.sha256(sealed).hexdigest()
            entries.append(
                Entry(sequence=number, sha256=digest, act="run", stage=stage, record=folder.name, record_id=record_id)
            )
        (folder.parent / archive.LATEST).write_bytes(Latest("ok", folder.name, day).to_bytes())
    whole = Chain(system=system, length=len(entries), head=entries[-1].sha256, entries=entries)
    (reports / system / chain.FILE).write_bytes(whole.to_bytes())


def examples(reports: Path, beside: Path) -> Iterator[dict[str, Copied]]:
    """The current records of each system in `reports`; what is linked later lies in `beside`, on the same disk."""
    for system in sorted(p.parent for p in reports.glob("*/chain.json")):
        stages = {}
        for stage in STAGES:
            latest = archive.read_latest(system / stage)
            if latest is None or latest.status != "ok":
                break
            one = copied(system / stage / latest.folder)
            for name, (path, digest) in one.beside.items():
                target = beside / f"{system.name}_{stage}_{name}"
                target.write_bytes(path.read_bytes())
                one.beside[name] = (target, digest)
            stages[stage] = one
        else:
            yield stages


def timed(scope: Scope, day: date, only: list[str]) -> dict[str, float]:
    """The seconds that writing the pages takes."""
    shelf = Shelf(Pages(scope.reports, (), day, only), anew=False)
    wall, processor = time.perf_counter(), time.process_time()
    write(scope, day=day, only=only, shelf=shelf)
    return {
        "seconds": round(time.perf_counter() - wall, 2),
        "seconds_of_the_processor": round(time.process_time() - processor, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", type=Path)
    parser.add_argument("--systems", type=int, default=1000)
    parser.add_argument("--months", type=int, default=1)
    parser.add_argument("--language", default="en")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path, help="write the copies here and leave them")
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        root = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        reports, beside = root / "reports", root / "beside"
        beside.mkdir(parents=True)
        kinds = list(examples(given.reports, beside))
        names = [f"system_{number:04}" for number in range(given.systems)]
        for number, name in enumerate(names):
            written(reports, name, kinds[number % len(kinds)], given.months)
        day = max(one.record.as_of for kind in kinds for one in kind.values())
        scope = Scope(reports, tuple(names), "Internal", (months_after(day, -1),), (), given.language)
        every = timed(scope, day, names)
        with (reports / names[0] / chain.FILE).open("a") as file:
            file.write("\n")  # as good as an act: the system is read again
        act = timed(scope, day, names[:1])
        found = {
            "systems": given.systems,
            "records": sum(1 for _ in reports.glob("*/*/*/record.json")),
            "months": given.months,
            "all_pages": every,
            "after_an_act": act,
            "bytes_of_index": (reports / index.FILE).stat().st_size,
            "bytes_of_committee": (reports / committee.FILE).stat().st_size,
            "megabytes_of_memory": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }
    print(json.dumps(found, indent=1))
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
