"""Records published as a run does, without a notebook's kernel, for tests of what is made of many of them."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from ethics_kit import archive
from ethics_kit.attestation.folder import publish
from ethics_kit.framework.catalogue import stage_requirements
from ethics_kit.recommendation import recommend
from ethics_kit.record import Duty, Finding, LevelResult, Obligations, Record
from ethics_kit.report.portfolio.summary import System, each, ranked

DAY = date(2026, 11, 1)


def finding(name: str = "P1.1.x", status: str = "met", **more: Any) -> Finding:
    """A measured finding without a number, unless one is given."""
    number = {} if "value" in more else {"null_reason": "a test"}
    parts = name.split(".")
    requirement = ".".join(parts[:2]) if parts[1].isdigit() else parts[0]
    told = {"statement": f"{name} is {status}.", "evidence": "measured", **number, **more}
    return Finding(id=name, requirement=requirement, status=status, **told)  # type: ignore[arg-type]


def record(
    *findings: Finding,
    system: str = "demo",
    stage: Any = "bias_testing",
    day: date = DAY,
    level: Any = "II",
    if_not_met: Any = "block",
    **about: Any,
) -> Record:
    """A sealed record in which the requirements of `findings` are required, and no others."""
    own = findings or (finding(),)
    required = {f.requirement for f in own}
    duties = [
        Duty(
            requirement=requirement,
            weight="required" if requirement in required else "excluded",
            needs=("measured",),
            if_not_met=if_not_met,
            reason="a test",
        )
        for requirement in dict.fromkeys((*required, *stage_requirements(stage)))
    ]
    obligations = Obligations(level=level, kind="scored", conditions={}, duties=duties)
    owner = {"name": "Olu Owner", "role": "product owner"}
    return Record(
        system={"id": system, "name": "Demo", "kind": "scored", "model_version": "m-1", "owner": owner, **about},
        stage=stage,
        as_of=day,
        level=LevelResult(value=level, holds=level, best=level, worst=level),
        policy={"version": "1", "confidentiality": "Internal"},
        inputs=[],
        upstream=[],
        parameters={},
        tables=[],
        findings=list(own),
        obligations=obligations,
        recommendation=recommend(own, obligations, [], day),
        versions={"ethics_kit": "0.1.0"},
    ).sealed()


def put(reports: Path, *records: Record) -> list[Path]:
    """The folders of `records`, published in their order."""
    return [_put(reports, one) for one in records]


def _put(reports: Path, one: Record) -> Path:
    with archive.staged(reports) as staging:
        (staging / "record.json").write_bytes(one.to_bytes())
        (staging / "notebook.ipynb").write_text("{}")
        (staging / "report.html").write_text("<p>A page.")
        return publish(staging, reports, one)[0]


def review(one: Record, entries: Sequence[dict[str, Any]]) -> str:
    """The text of a review.yaml."""
    lines = ["schema: ethics-kit/review/1", f"record_id: {one.record_id}", "entries:"]
    for entry in entries:
        lines += [f"{'- ' if i == 0 else '  '}{key}: {value}" for i, (key, value) in enumerate(entry.items())]
    return "\n".join(lines) + "\n"


SUBMIT = {"act": "submit", "by": "Ann Lyst", "role": "analyst", "on": "2026-11-02"}
DECIDE = [
    {"act": "decide", "by": by, "role": role, "on": "2026-11-03", "decision": "approve"}
    for by, role in (("Olu Owner", "owner"), ("Eve Officer", "ethics_officer"))
]


def read_all(reports: Path, systems: Sequence[str], **options: Any) -> list[System]:
    """What the pages over many systems list, in their order."""
    return ranked(system for system, _ in each(reports, systems, **options))


def read(reports: Path, system: str, **options: Any) -> System:
    """One of them."""
    return next(one for one in read_all(reports, [system], **options) if one.id == system)
