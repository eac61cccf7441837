"""Records of earlier months, published as a run publishes them, and cases that look back at them."""

import io
from datetime import date

from ruamel.yaml import YAML

from ethics_kit import review
from ethics_kit.attestation import folder
from ethics_kit.framework.catalogue import stage_requirements
from ethics_kit.project import STAGES
from ethics_kit.recommendation import recommend
from ethics_kit.record import Duty, Finding, Input, Interval, LevelResult, Obligations, Record
from tests.attested import put_review

AS_OF = date(2026, 11, 1)


def finding(name, status, value=0.1, **more):
    """A measured finding; its requirement is the first part of its name, up to the second full stop."""
    requirement = ".".join(name.split(".")[:2]) if name[0] in "PSC" else name.split(".")[0]
    more.setdefault("interval", Interval(low=0.05, high=0.15, level=0.95))
    return Finding(
        id=name, requirement=requirement, status=status, evidence="measured", statement="Seen.", value=value, **more
    )


def record(stage, as_of, *findings, level="II", version="m-1", supplier=None, finished="10:00:00"):
    """A record of the system `demo` in which every requirement with a finding is required."""
    owed = {f.requirement for f in findings}
    duties = [
        Duty(
            requirement=requirement,
            weight="required" if requirement in owed else "excluded",
            needs=("measured",),
            if_not_met="block",
            reason="",
        )
        for requirement in dict.fromkeys([*stage_requirements(stage), *sorted(owed)])
    ]
    obligations = Obligations(level=level, kind="scored", conditions={}, duties=duties)
    return Record(
        system={
            "id": "demo",
            "name": "Demo",
            "kind": "scored",
            "model_version": version,
            "supplier": {"name": supplier} if supplier else None,
            "owner": {"name": "Olu Owner", "role": "product owner"},
        },
        stage=stage,
        as_of=as_of,
        level=LevelResult(value=level, holds=level, best=level, worst=level),
        policy={},
        inputs=[Input(role="system", address="parameters/demo/system.yaml", sha256=f"{as_of:%Y%m%d}" * 8)],
        upstream=[],
        parameters={"fairness.margin": 0.05},
        tables=[],
        findings=list(findings),
        obligations=obligations,
        recommendation=recommend(findings, obligations, [], as_of),
        versions={},
        run={"finished_at": f"{as_of}T{finished}+00:00"},
    ).sealed()


def publish(reports, *records):
    """Each record in its folder, in this order, and the last of a stage as its current one."""
    folders = []
    for number, made in enumerate(records):
        staging = reports / ".staging" / f"{made.stage}-{made.as_of}-{number}"
        staging.mkdir(parents=True)
        (staging / "record.json").write_bytes(made.to_bytes())
        (staging / "report.html").write_bytes(b"<html>")
        folders.append(folder.publish(staging, reports, made)[0])
    return folders


def reviewed(reports, record, *acts):
    """The review beside a published record: acts as (act, day), by an analyst, and decisions by the owner."""
    entries = [
        {
            "act": act,
            "on": day,
            **({"by": "Olu Owner", "role": "owner"} if act == "decide" else {"by": "Ann Lee", "role": "analyst"}),
            **({"decision": "reject", "reason": "As told."} if act == "decide" else {}),
            **({"reason": "Found wrong."} if act in ("withdraw", "supersede", "return") else {}),
        }
        for act, day in acts
    ]
    text = io.StringIO()
    YAML().dump({"schema": review.SCHEMA, "record_id": record.record_id, "entries": entries}, text)
    put_review(reports / "demo" / record.stage / record.folder_name, text.getvalue())


def current(stages=STAGES[:3], **findings):
    """Records of the stages before the sign-off as of today, with `findings` by stage."""
    return [record(stage, AS_OF, *findings.get(stage, [finding("P1.1.x", "met")])) for stage in stages]


def alter(folder):
    """Change one status in a record without its digest."""
    path = folder / "record.json"
    path.write_bytes(path.read_bytes().replace(b'"status":"not_met"', b'"status":"met"', 1))
