"""The record: one canonical form, one id, every change found; and a recommendation that nothing missing improves."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ethics_kit.recommendation import recommend
from ethics_kit.record import (
    Finding,
    Interval,
    LevelResult,
    Record,
    file_sha256,
    number,
    read_record,
)
from tests.made import AS_OF, DAY, PLAN, duty, finding, obliged, record, upstream


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


def test_a_record_is_read_anew_once_its_file_has_changed(saved: Path) -> None:
    content = saved.read_bytes()
    assert read_record(saved)[0] == read_record(saved)[0] == record()
    saved.write_bytes(content.replace(b'"met"', b'"not_met"', 1))
    assert refused(saved) == "record.json was changed after it was written"
    saved.write_bytes(content)
    assert read_record(saved)[0] == record()


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
