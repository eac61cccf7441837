"""The record: one canonical form, one id, every change found; and a recommendation that nothing missing improves."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ethics_kit.framework.catalogue import stage_requirements
from ethics_kit.recommendation import recommend, requirement_status
from ethics_kit.record import (
    Duty,
    Finding,
    Input,
    Interval,
    LevelResult,
    Obligations,
    Record,
    Table,
    Upstream,
    Waived,
    file_sha256,
    number,
    read_record,
)

AS_OF = date(2026, 11, 1)
DAY = timedelta(days=1)
PLAN: dict[str, Any] = {"action": "Mend it.", "owner": "Ann", "due": AS_OF}


def finding(
    status: str = "met", *, requirement: str = "P1.1", name: str = "x", evidence: str = "attested", **more: Any
) -> Finding:
    more.setdefault("null_reason", "a statement, not a number")
    return Finding(
        id=f"{requirement}.{name}",
        requirement=requirement,
        status=status,
        evidence=evidence,
        statement=f"{requirement} is {status}.",
        **more,
    )


def duty(
    requirement: str = "P1.1",
    *,
    weight: str = "required",
    needs: Sequence[str] = ("attested",),
    if_not_met: str = "block",
) -> Duty:
    return Duty(requirement=requirement, weight=weight, needs=needs, if_not_met=if_not_met, reason="")


def waiver(on: date = AS_OF, until: date = AS_OF) -> Waived:
    return Waived(by="Ben", role="chair", reason="a pilot", on=on, until=until)


def upstream(status: str = "ok", recommendation: str | None = "approve", **more: Any) -> Upstream:
    more = {"stage": "bias_testing", "use": "gate", **more}
    return Upstream(status=status, recommendation=recommendation, **more)


def obliged(*duties: Duty) -> Obligations:
    return Obligations(level="II", kind="scored", conditions={}, duties=list(duties))


def verdict(findings: Sequence[Finding], duties: Sequence[Duty] = (), records: Sequence[Upstream] = ()) -> str:
    return recommend(findings, obliged(*(duties or [duty()])), records, AS_OF).verdict


def record(**more: Any) -> Record:
    findings = more.pop("findings", [finding(), finding(requirement="C2.1", evidence="measured", value=0.1, n=100)])
    obligations = more.pop("obligations", complete(obliged(duty(), duty("C2.1", needs=("measured",)))))
    records = more.pop("upstream", [upstream()])
    content: dict[str, Any] = {
        "system": {"id": "churn_risk", "name": "Churn – größe", "model_version": "3.2"},
        "stage": "bias_testing",
        "as_of": AS_OF,
        "level": LevelResult(value="II", holds="II", best="I", worst="II"),
        "policy": {"version": "1"},
        "inputs": [Input(role="table decisions", address="data/decisions.csv", sha256="0" * 64, rows=3)],
        "upstream": records,
        "parameters": {"margin": 0.05},
        "tables": [Table(id="t", title="T", requirement="C2.1", columns=["a", "n"], rows=[["x", 1], ["y", math.nan]])],
        "findings": findings,
        "obligations": obligations,
        "recommendation": recommend(findings, obligations, records, AS_OF),
        "versions": {"ethics_kit": "0.1.0"},
    }
    return Record(**content | more).sealed()


def complete(obligations: Obligations) -> Obligations:
    """With the stage's other requirements, excluded, as a record names them all."""
    named = {d.requirement for d in obligations.duties}
    others = [duty(r, weight="excluded") for r in stage_requirements("bias_testing") if r not in named]
    return obligations.model_copy(update={"duties": [*obligations.duties, *others]})


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "record.json"
    path.write_bytes(record().to_bytes())
    return path


def refused(path: Path) -> str:
    found, why = read_record(path)
    assert found is None
    return why


def resealed(content: dict[str, Any]) -> bytes:
    """`content` as a careful forger would save it: canonical, with a fresh id."""
    body = {k: v for k, v in content.items() if k not in ("run", "record_id")}
    content["record_id"] = hashlib.sha256(rfc8785.dumps(body)).hexdigest()
    return rfc8785.dumps(content)


# --- numbers and findings -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None])
def test_a_number_that_is_not_finite_is_null(value: float | None) -> None:
    assert number(value) is None
    assert finding(value=value).value is None


def test_a_float_keeps_ten_significant_digits() -> None:
    assert number(0.1 + 0.2) == 0.3
    assert number(1 / 3) == 0.3333333333


@pytest.mark.parametrize(("value", "kept"), [(2**53 - 1, int), (-(2**53), float), (10**30, float)])
def test_an_integer_that_canonical_json_cannot_hold_becomes_a_float(value: int, kept: type) -> None:
    assert type(number(value)) is kept
    assert number(value) == pytest.approx(value, rel=1e-9)


def test_a_cell_that_is_not_a_number_is_null_in_the_file() -> None:
    assert json.loads(record().to_bytes())["tables"][0]["rows"] == [["x", 1], ["y", None]]


def test_a_measured_finding_without_a_value_says_why() -> None:
    with pytest.raises(ValidationError, match=r"P1\.1\.x: a measured finding without a value says why \(null_reason\)"):
        finding(evidence="measured", null_reason=None)
    with pytest.raises(ValidationError, match="says why"):
        finding(evidence="measured", null_reason=None, value=math.nan)


def test_a_measured_finding_with_the_value_zero_needs_no_reason() -> None:
    assert finding(evidence="measured", null_reason=None, value=0).value == 0


def test_the_id_of_a_finding_begins_with_its_requirement() -> None:
    with pytest.raises(ValidationError, match=r"P1\.10\.x: does not begin with its requirement P1\.1|pattern"):
        Finding(id="P1.10.x", requirement="P1.1", status="met", evidence="attested", statement="")
    with pytest.raises(ValidationError, match=r"P1\.2\.x: does not begin with its requirement P1\.1"):
        Finding(id="P1.2.x", requirement="P1.1", status="met", evidence="attested", statement="")


@pytest.mark.parametrize("part", ["P1.1.", "P1.1.a b", "P1.1.a/b", "P1.1.ä"])
def test_the_id_of_a_finding_is_plain(part: str) -> None:
    with pytest.raises(ValidationError, match="pattern"):
        Finding(id=part, requirement="P1.1", status="met", evidence="attested", statement="")


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        finding(colour="green")


def test_a_finding_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        finding().status = "met"


# --- the file and its id ------------------------------------------------------------------------------------------


def test_a_record_is_saved_in_rfc_8785_form() -> None:
    content = record().to_bytes()
    assert content == rfc8785.dumps(json.loads(content))
    # RFC 8785, 3.2: no white space, keys sorted, characters as they are, shortest numbers.
    assert content.startswith(b'{"as_of":"2026-11-01","findings":[')
    assert "Churn – größe".encode() in content
    assert (
        b'"level":0.95'
        in record(
            findings=[finding(), finding(requirement="C2.1", interval=Interval(low=0, high=1, level=0.95))]
        ).to_bytes()
    )


def test_the_record_id_is_the_sha256_of_the_file_without_run_and_id() -> None:
    content = json.loads(record(run={"by": "ann"}).to_bytes())
    claimed = content.pop("record_id")
    del content["run"]
    assert hashlib.sha256(rfc8785.dumps(content)).hexdigest() == claimed


def test_the_record_id_does_not_depend_on_the_run() -> None:
    one = record()
    two = one.model_copy(update={"run": {"by": "ann", "seconds": 3.5, "finished_at": "2026-11-01T10:00:00Z"}})
    assert two.digest() == one.record_id
    assert two.to_bytes() != one.to_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"system": {"id": "other"}},
        {"stage": "design_review"},
        {"as_of": AS_OF - DAY},
        {"level": LevelResult(value="I", holds="I", best="I", worst="I")},
        {"policy": {"version": "2"}},
        {"inputs": []},
        {"upstream": []},
        {"parameters": {"margin": 0.06}},
        {"tables": []},
        {"findings": [finding()]},
        {"obligations": obliged(duty())},
        {"recommendation": recommend([], obliged(duty()), [], AS_OF)},
        {"versions": {}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_record_id_changes_with_any_other_field(change: dict[str, Any]) -> None:
    assert record().model_copy(update=change).digest() != record().record_id


def test_every_field_but_run_and_id_is_tried_above() -> None:
    tried = {"system", "stage", "as_of", "level", "policy", "inputs", "upstream", "parameters", "tables", "findings"}
    tried |= {"obligations", "recommendation", "versions"}
    assert set(Record.model_fields) == tried | {"schema_", "record_id", "run"}


def test_the_folder_of_a_record_is_its_day_and_the_beginning_of_its_id() -> None:
    assert record().folder_name == f"2026-11-01_{record().record_id[:12]}"


def test_the_sha256_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")  # FIPS 180-2, B.1
    assert file_sha256(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


# --- reading ------------------------------------------------------------------------------------------------------


def test_a_saved_record_is_read_back_whole(saved: Path) -> None:
    found, why = read_record(saved)
    assert (found, why) == (record(), "")


@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_changed_byte_is_accepted_outside_the_run(tmp_path: Path, place: float, byte: int) -> None:
    original = record(run={"by": "ann", "seconds": 3.5})
    content = bytearray(original.to_bytes())
    content[int(place * len(content))] = byte
    path = tmp_path / "record.json"
    path.write_bytes(content)
    found, why = read_record(path)
    if found is None:
        assert why
    else:
        assert found.record_id == original.record_id
        assert found.model_copy(update={"run": original.run}) == original


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_a_record_that_was_cut_short_is_refused(saved: Path, cut: int) -> None:
    saved.write_bytes(saved.read_bytes()[:cut])
    assert refused(saved) == "record.json is not a record of this kit"


def test_a_record_in_another_layout_is_refused(saved: Path) -> None:
    saved.write_text(json.dumps(json.loads(saved.read_bytes()), indent=1), encoding="utf-8")
    assert refused(saved) == "record.json was changed after it was written"


def test_a_record_with_a_key_that_stands_twice_is_refused(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes().replace(b'"stage":', b'"stage":"design_review","stage":', 1))
    assert refused(saved) == "record.json was changed after it was written"


def test_an_edited_status_is_refused(saved: Path) -> None:
    bad = record(findings=[finding("not_met", **PLAN), finding(requirement="C2.1", evidence="measured")])
    saved.write_bytes(bad.to_bytes().replace(b'"status":"not_met"', b'"status":"met"'))
    assert refused(saved) == "record.json was changed after it was written"


def test_an_edited_status_is_refused_also_under_a_fresh_id(saved: Path) -> None:
    content = json.loads(
        record(findings=[finding("not_met"), finding("met", requirement="C2.1", evidence="measured")]).to_bytes()
    )
    content["findings"][0]["status"] = "met"
    saved.write_bytes(resealed(content))
    assert refused(saved) == "the recommendation does not follow from the findings"


def test_an_edited_recommendation_is_refused_also_under_a_fresh_id(saved: Path) -> None:
    content = json.loads(record(findings=[]).to_bytes())
    assert content["recommendation"]["verdict"] == "undetermined"
    content["recommendation"]["verdict"] = "approve"
    saved.write_bytes(resealed(content))
    assert refused(saved) == "the recommendation does not follow from the findings"


@pytest.mark.parametrize("status", ["ok", "missing", "failed", "altered", "stale", "other_model"])
def test_an_earlier_record_that_is_only_read_neither_blocks_nor_counts_as_missing(status: str) -> None:
    found = recommend([finding()], obliged(duty()), [upstream(status, "reject", use="read")], AS_OF)
    assert (found.verdict, found.missing, found.blocking) == ("approve", [], [])


def test_an_edited_upstream_status_is_refused_also_under_a_fresh_id(saved: Path) -> None:
    content = json.loads(record(upstream=[upstream("failed", None)]).to_bytes())
    content["upstream"][0]["status"] = "ok"
    content["upstream"][0]["recommendation"] = "approve"
    saved.write_bytes(resealed(content))
    assert refused(saved) == "the recommendation does not follow from the findings"


def test_a_duty_taken_out_is_refused_also_under_a_fresh_id(saved: Path) -> None:
    content = json.loads(record(findings=[finding()]).to_bytes())
    content["obligations"]["duties"] = [d for d in content["obligations"]["duties"] if d["requirement"] != "C2.1"]
    content["recommendation"] = recommend([finding()], obliged(duty()), [upstream()], AS_OF).model_dump(mode="json")
    assert content["recommendation"]["verdict"] == "approve"
    saved.write_bytes(resealed(content))
    assert refused(saved) == "requirements of the stage are left out of its obligations"


@pytest.mark.parametrize("system", [{"id": "", "name": "x"}, {"id": "x"}, {"name": "x"}, {"id": 1, "name": "x"}, {}])
def test_a_record_names_its_system(system: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="a system has an id and a name"):
        record(system=system)


def test_a_record_of_another_schema_is_refused(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes().replace(b"ethics-kit/record/1", b"ethics-kit/record/9"))
    assert refused(saved) == "record.json is not a record of this kit"


@pytest.mark.parametrize("number_", [b"1" + b"0" * 30, b"9007199254740993", b"1e400", b"NaN"])
def test_a_number_that_canonical_json_cannot_hold_is_refused_and_no_crash(saved: Path, number_: bytes) -> None:
    saved.write_bytes(saved.read_bytes().replace(b'"margin":0.05', b'"margin":' + number_))
    assert refused(saved)


def test_a_large_value_is_read_back(saved: Path) -> None:
    large = record(findings=[finding(), finding(requirement="C2.1", evidence="measured", value=1e17, threshold=10**17)])
    saved.write_bytes(large.to_bytes())
    assert read_record(saved)[1] == ""


def test_a_record_that_is_not_there_is_refused_in_words(tmp_path: Path) -> None:
    assert refused(tmp_path / "record.json") == "record.json is gone"


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\xff\xfe", b"{}", b"[" * 100_000])
def test_what_is_no_record_is_refused(saved: Path, content: bytes) -> None:
    saved.write_bytes(content)
    assert refused(saved) == "record.json is not a record of this kit"


# --- the status of a requirement ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statuses", "weakest"),
    [
        (["met", "inconclusive"], "inconclusive"),
        (["inconclusive", "not_assessed"], "not_assessed"),
        (["not_assessed", "not_met"], "not_met"),
        (["met", "inconclusive", "not_assessed", "not_met", "not_applicable"], "not_met"),
        (["met", "not_applicable"], "met"),
        (["not_applicable", "not_applicable"], "not_applicable"),
        (["met"], "met"),
    ],
)
def test_the_weakest_finding_decides(statuses: list[str], weakest: str) -> None:
    rows = [finding(s, name=f"x{i}") for i, s in enumerate(statuses)]
    assert requirement_status(rows, ("attested",)) == weakest
    assert requirement_status(reversed(rows), ("attested",)) == weakest


@pytest.mark.parametrize("needs", [(), ("attested",), ("attested", "measured")])
def test_no_finding_is_not_assessed(needs: tuple[Any, ...]) -> None:
    assert requirement_status([], needs) == "not_assessed"


def test_a_kind_of_evidence_that_is_missing_is_not_assessed() -> None:
    assert requirement_status([finding("met")], ("attested", "measured")) == "not_assessed"
    assert requirement_status([finding("not_applicable")], ("attested", "measured")) == "not_assessed"
    assert requirement_status([finding("not_met")], ("attested", "measured")) == "not_met"


# --- the rules of the recommendation ------------------------------------------------------------------------------


def test_everything_required_met_is_approved() -> None:
    found = recommend([finding()], obliged(duty()), [upstream()], AS_OF)
    assert (found.verdict, found.reason) == ("approve", "Every requirement that is required here is met.")


def test_a_not_met_that_blocks_is_rejected_even_with_a_plan() -> None:
    found = recommend([finding("not_met", **PLAN)], obliged(duty()), [], AS_OF)
    assert (found.verdict, found.blocking) == ("reject", ["P1.1.x"])
    assert found.reason == "P1.1.x: P1.1 is not_met."


def test_a_not_met_that_conditions_is_approved_with_its_plan() -> None:
    found = recommend([finding("not_met", **PLAN)], obliged(duty(if_not_met="condition")), [], AS_OF)
    assert (found.verdict, found.conditions) == ("approve_with_conditions", ["P1.1.x"])


@pytest.mark.parametrize("lacking", PLAN)
@pytest.mark.parametrize("empty", [None, ""])
def test_a_condition_without_action_owner_or_due_date_is_rejected(lacking: str, empty: str | None) -> None:
    plan = PLAN | {lacking: None if lacking == "due" else empty}
    assert verdict([finding("not_met", **plan)], [duty(if_not_met="condition")]) == "reject"


def test_an_overdue_action_is_rejected() -> None:
    overdue = PLAN | {"due": AS_OF - DAY}
    assert verdict([finding("not_met", **overdue)], [duty(if_not_met="condition")]) == "reject"


@pytest.mark.parametrize("if_not_met", ["block", "condition"])
@pytest.mark.parametrize(
    ("on", "until", "expected"),
    [
        (AS_OF, AS_OF, "approve_with_conditions"),
        (AS_OF - DAY, AS_OF + DAY, "approve_with_conditions"),
        (AS_OF - 2 * DAY, AS_OF - DAY, "reject"),
        (AS_OF + DAY, AS_OF + 2 * DAY, "reject"),
    ],
    ids=["one day", "in force", "expired", "not begun"],
)
def test_a_waiver_lifts_a_block_from_its_first_to_its_last_day(
    if_not_met: str, on: date, until: date, expected: str
) -> None:
    assert verdict([finding("not_met", waiver=waiver(on, until))], [duty(if_not_met=if_not_met)]) == expected


def test_a_waiver_does_not_settle_what_is_not_assessed() -> None:
    assert verdict([finding("not_assessed", waiver=waiver())]) == "undetermined"


@pytest.mark.parametrize("status", ["inconclusive", "not_assessed"])
def test_what_is_not_settled_is_undetermined(status: str) -> None:
    found = recommend([finding(status)], obliged(duty()), [], AS_OF)
    assert (found.verdict, found.missing) == ("undetermined", ["P1.1.x"])
    assert found.reason == f"1 required item is not settled. P1.1.x: P1.1 is {status}."


def test_the_reason_counts_what_is_not_settled() -> None:
    rows = [finding("inconclusive"), finding("not_assessed", requirement="P1.2")]
    found = recommend(rows, obliged(duty(), duty("P1.2")), [], AS_OF)
    assert found.reason == "2 required items are not settled. P1.1.x: P1.1 is inconclusive. (and 1 more)"


def test_a_block_weighs_more_than_what_is_not_settled() -> None:
    rows = [finding("not_met"), finding("inconclusive", requirement="P1.2")]
    assert verdict(rows, [duty(), duty("P1.2")]) == "reject"


def test_what_is_not_settled_weighs_more_than_a_condition() -> None:
    rows = [finding("not_met", **PLAN), finding("inconclusive", requirement="P1.2")]
    assert verdict(rows, [duty(if_not_met="condition"), duty("P1.2")]) == "undetermined"


@pytest.mark.parametrize(("given", "absent"), [("attested", "measured"), ("measured", "attested")])
def test_a_missing_kind_of_evidence_is_undetermined(given: str, absent: str) -> None:
    found = recommend([finding(evidence=given)], obliged(duty(needs=("attested", "measured"))), [], AS_OF)
    assert (found.verdict, found.missing) == ("undetermined", [f"P1.1 ({absent})"])


@pytest.mark.parametrize("needs", [(), ("attested",)])
def test_a_required_requirement_without_any_finding_is_undetermined(needs: tuple[str, ...]) -> None:
    assert verdict([finding(requirement="P1.2")], [duty(needs=needs), duty("P1.2")]) == "undetermined"


@pytest.mark.parametrize("weight", ["informative", "excluded"])
@pytest.mark.parametrize("status", ["not_met", "not_assessed", "inconclusive"])
def test_what_is_not_required_decides_nothing(weight: str, status: str) -> None:
    rows = [finding(status), finding(requirement="P1.2")]
    assert verdict(rows, [duty(weight=weight), duty("P1.2")]) == "approve"


def test_a_not_applicable_requirement_is_listed_and_stands_in_nobodys_way() -> None:
    rows = [finding("not_applicable"), finding(requirement="P1.2")]
    found = recommend(rows, obliged(duty(), duty("P1.2")), [], AS_OF)
    assert (found.verdict, found.not_applicable) == ("approve", ["P1.1"])


def test_nothing_but_not_applicable_is_undetermined() -> None:
    found = recommend([finding("not_applicable")], obliged(duty()), [], AS_OF)
    assert (found.verdict, found.reason) == ("undetermined", "Nothing required was assessed.")


def test_no_required_requirement_at_all_is_undetermined() -> None:
    assert verdict([finding()], [duty(weight="informative")]) == "undetermined"


def test_the_reason_says_what_is_wrong_with_an_earlier_record() -> None:
    found = recommend([finding()], obliged(duty()), [upstream("stale")], AS_OF)
    assert found.reason == (
        "1 required item is not settled. bias_testing: its record is older than the policy allows; see that stage"
    )
    found = recommend([finding()], obliged(duty()), [upstream(recommendation="reject")], AS_OF)
    assert found.reason == "bias_testing: recommendation reject; see that stage"


def test_the_reason_counts_what_is_met_only_because_it_is_not_applicable() -> None:
    rows = [finding("not_applicable"), finding(requirement="P1.2")]
    found = recommend(rows, obliged(duty(), duty("P1.2")), [], AS_OF)
    assert found.reason == "Every requirement that is required here is met (1 as not applicable)."


@pytest.mark.parametrize("use", ["gate", "level"])
@pytest.mark.parametrize("status", ["missing", "failed", "altered", "stale", "other_model"])
def test_an_earlier_record_that_cannot_be_relied_on_is_undetermined(status: str, use: str) -> None:
    found = recommend([finding()], obliged(duty()), [upstream(status, use=use)], AS_OF)
    assert (found.verdict, found.missing) == ("undetermined", ["bias_testing"])


@pytest.mark.parametrize(
    ("recommendation", "expected"),
    [
        ("reject", "reject"),
        ("undetermined", "undetermined"),
        (None, "undetermined"),
        ("approve_with_conditions", "approve_with_conditions"),
        ("approve", "approve"),
    ],
)
def test_the_gate_is_no_better_than_an_earlier_record(recommendation: str | None, expected: str) -> None:
    assert verdict([finding()], records=[upstream(recommendation=recommendation)]) == expected


def test_the_worst_of_the_earlier_records_counts_in_any_order() -> None:
    records = [
        upstream(stage=s, recommendation=r) for s, r in (("bias_testing", "reject"), ("design_review", "approve"))
    ]
    assert verdict([finding()], records=records) == verdict([finding()], records=records[::-1]) == "reject"


def test_a_second_entry_of_a_stage_does_not_hide_the_first() -> None:
    assert verdict([finding()], records=[upstream(recommendation="reject"), upstream()]) == "reject"


def test_a_record_that_gives_the_level_only_does_not_pass_on_its_verdict() -> None:
    assert verdict([finding()], records=[upstream(use="level", recommendation="reject")]) == "approve"


def test_a_stale_rejection_is_not_yet_settled_rather_than_rejected() -> None:
    assert verdict([finding()], records=[upstream("stale", "reject")]) == "undetermined"


# --- nothing missing makes it better ------------------------------------------------------------------------------

RANK = {"approve": 2, "approve_with_conditions": 1, "undetermined": 0, "reject": 0}
STATUSES = ["met", "not_met", "inconclusive", "not_assessed", "not_applicable"]
NAMES = ["P1.1", "P1.2", "C2.1"]
days = st.integers(-2, 2).map(lambda d: AS_OF + d * DAY)
waivers = st.builds(waiver, days, days) | st.none()
plans = st.fixed_dictionaries(
    {"action": st.sampled_from([None, "a"]), "owner": st.sampled_from([None, "o"]), "due": days | st.none()}
)
met_mostly = st.sampled_from(["met"] * 4 + STATUSES)
duties = st.builds(
    duty,
    weight=st.sampled_from(["required", "required", "informative", "excluded"]),
    needs=st.sampled_from([(), ("attested",), ("measured",), ("attested", "measured")]),
    if_not_met=st.sampled_from(["block", "condition"]),
)
upstreams = st.lists(
    st.builds(
        upstream,
        st.sampled_from(["ok", "ok", "ok", "missing", "failed", "altered", "stale", "other_model"]),
        st.sampled_from(["approve", "approve", "approve_with_conditions", "undetermined", "reject"]),
        use=st.sampled_from(["gate", "level"]),
        stage=st.sampled_from(["impact_analysis", "design_review", "bias_testing"]),
    ),
    max_size=3,
)


@st.composite
def assessments(draw: st.DrawFn, per_evidence: int = 2) -> tuple[list[Finding], Obligations, list[Upstream]]:
    """Random findings, up to `per_evidence` of each requirement and kind of evidence, duties and earlier records."""
    found = []
    for requirement in NAMES:
        for evidence in ("attested", "measured"):
            for i in range(draw(st.integers(0, per_evidence))):
                status, plan, lifted = draw(met_mostly), draw(plans), draw(waivers)
                more = {**plan, "waiver": lifted}
                found.append(finding(status, requirement=requirement, name=f"{evidence}{i}", evidence=evidence, **more))
    rows = [draw(duties).model_copy(update={"requirement": r}) for r in NAMES]
    return found, obliged(*rows), draw(upstreams)


def rank(findings: Sequence[Finding], obligations: Obligations, records: Sequence[Upstream]) -> int:
    return RANK[recommend(findings, obligations, records, AS_OF).verdict]


def reference(findings: Sequence[Finding], obligations: Obligations, records: Sequence[Upstream]) -> str:
    """DESIGN.md's four rules, written out plainly."""
    required = {d.requirement: d for d in obligations.duties if d.weight == "required"}
    gate = [u for u in records if u.use == "gate" and u.status == "ok"]

    def waived(f: Finding) -> bool:
        return bool(f.waiver and f.waiver.on <= AS_OF <= f.waiver.until)

    def planned(f: Finding) -> bool:
        return bool(f.action and f.owner and f.due and f.due >= AS_OF)

    own = {name: [f for f in findings if f.requirement == name] for name in required}
    failed = [f for rows in own.values() for f in rows if f.status == "not_met"]
    for f in failed:
        if not waived(f) and (required[f.requirement].if_not_met == "block" or not planned(f)):
            return "reject"
    if any(u.recommendation == "reject" for u in gate):
        return "reject"
    open_ = any(f.status in ("not_assessed", "inconclusive") for rows in own.values() for f in rows)
    for name, d in required.items():
        open_ |= not own[name] or not set(d.needs) <= {f.evidence for f in own[name]}
    open_ |= any(u.status != "ok" for u in records) or any(u.recommendation == "undetermined" for u in gate)
    open_ |= all(f.status == "not_applicable" for rows in own.values() for f in rows)
    if open_:
        return "undetermined"
    return "approve_with_conditions" if failed or any(u.recommendation != "approve" for u in gate) else "approve"


@given(assessments())
@settings(max_examples=400, deadline=None)
def test_the_recommendation_is_that_of_the_four_rules_written_out(drawn: Any) -> None:
    assert recommend(*drawn, AS_OF).verdict == reference(*drawn)


@given(assessments(per_evidence=1))
@settings(max_examples=300, deadline=None)
def test_removing_the_only_finding_of_an_evidence_that_is_needed_makes_nothing_better(drawn: Any) -> None:
    findings, obligations, records = drawn
    before = rank(*drawn)
    needs = {d.requirement: d.needs for d in obligations.duties}
    for f in findings:
        if f.evidence in needs[f.requirement]:
            assert rank([g for g in findings if g is not f], obligations, records) <= before


@given(assessments())
@settings(max_examples=300, deadline=None)
def test_removing_what_speaks_for_a_system_makes_nothing_better(drawn: Any) -> None:
    findings, obligations, records = drawn
    before = rank(*drawn)
    for f in findings:
        if f.status in ("met", "not_applicable"):
            assert rank([g for g in findings if g is not f], obligations, records) <= before


@given(assessments())
@settings(max_examples=200, deadline=None)
def test_removing_all_findings_of_a_requirement_makes_nothing_better(drawn: Any) -> None:
    findings, obligations, records = drawn
    before = rank(*drawn)
    for name in NAMES:
        assert rank([f for f in findings if f.requirement != name], obligations, records) <= before


@given(assessments())
@settings(max_examples=200, deadline=None)
def test_removing_every_finding_is_never_approved(drawn: Any) -> None:
    _, obligations, records = drawn
    assert rank([], obligations, records) == 0


@given(assessments(), st.sampled_from(["waiver", "action", "owner", "due"]))
@settings(max_examples=300, deadline=None)
def test_removing_a_waiver_or_a_part_of_a_plan_makes_nothing_better(drawn: Any, part: str) -> None:
    findings, obligations, records = drawn
    before = rank(*drawn)
    for i, f in enumerate(findings):
        without = [*findings[:i], f.model_copy(update={part: None}), *findings[i + 1 :]]
        assert rank(without, obligations, records) <= before


@given(assessments(), st.sampled_from(["missing", "failed", "altered", "stale", "other_model"]))
@settings(max_examples=300, deadline=None)
def test_losing_an_earlier_record_makes_nothing_better(drawn: Any, status: str) -> None:
    findings, obligations, records = drawn
    before = rank(*drawn)
    for i, u in enumerate(records):
        lost = Upstream(stage=u.stage, use=u.use, status=status)
        assert rank(findings, obligations, [*records[:i], lost, *records[i + 1 :]]) <= before


@given(assessments(), st.sampled_from(["not_assessed", "inconclusive", "not_met"]))
@settings(max_examples=300, deadline=None)
def test_a_weaker_status_makes_nothing_better(drawn: Any, weaker: str) -> None:
    findings, obligations, records = drawn
    before = rank(*drawn)
    for i, f in enumerate(findings):
        if f.status == "met":
            changed = [*findings[:i], f.model_copy(update={"status": weaker}), *findings[i + 1 :]]
            assert rank(changed, obligations, records) <= before


@given(assessments(), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_findings_changes_no_verdict(drawn: Any, random: Any) -> None:
    findings, obligations, records = drawn
    shuffled = findings[:]
    random.shuffle(shuffled)
    assert recommend(shuffled, obligations, records, AS_OF).verdict == recommend(*drawn, AS_OF).verdict


# --- what people did with earlier records -------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["returned", "withdrawn", "superseded", "unreadable"])
@pytest.mark.parametrize("use", ["gate", "level"])
def test_an_earlier_record_that_people_took_back_carries_nothing(state: str, use: str) -> None:
    earlier = upstream(review=state, use=use)
    assert verdict([finding()], records=[earlier]) == "undetermined"
    assert earlier.stage in recommend([finding()], obliged(duty()), [earlier], AS_OF).missing


@pytest.mark.parametrize("state", [None, "draft", "submitted", "decided"])
def test_an_earlier_record_that_waits_for_people_counts_as_it_stands(state: str | None) -> None:
    assert verdict([finding()], records=[upstream(review=state)]) == "approve"


def test_a_rejection_by_people_blocks_and_is_said() -> None:
    found = recommend([finding()], obliged(duty()), [upstream(review="decided", decision="reject")], AS_OF)
    assert (found.verdict, found.blocking) == ("reject", ["bias_testing"])
    assert found.reason == "bias_testing: recommendation approve; people decided reject; see that stage"


@pytest.mark.parametrize("kit", ["reject", "undetermined", "approve_with_conditions"])
def test_a_decision_better_than_its_recommendation_lifts_nothing(kit: str) -> None:
    assert verdict([finding()], records=[upstream(recommendation=kit, review="decided", decision="approve")]) == kit


def test_conditions_that_people_set_condition_what_rests_on_them() -> None:
    earlier = upstream(review="decided", decision="approve_with_conditions")
    assert verdict([finding()], records=[earlier]) == "approve_with_conditions"
