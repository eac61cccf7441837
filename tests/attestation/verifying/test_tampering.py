"""Whatever is changed in a record, its chain or what names it current: verify finds it and names the file."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner

from ethics_kit.attestation import folder as folders
from ethics_kit.attestation import keys, statement
from ethics_kit.attestation.chain import Chain, Entry
from ethics_kit.recommendation import recommend
from ethics_kit.record import Record, read_record

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
IN_RECORD = [
    "record.json",
    "notebook.ipynb",
    "report.html",
    "review.yaml",
    "attestation.json",
    "attestation_0001.json",
    "attestation_0005.json",
    "attestation_0006.json",
]
FILES = [*(f"impact_analysis/RECORD/{name}" for name in IN_RECORD), "impact_analysis/latest.json", "chain.json"]
CARD = "design_review/RECORD/model_card.md"


def at(history: Any, file: str) -> Path:
    """`file` of the system's folder; RECORD stands for October's record."""
    stage, inside, rest = file.partition("/RECORD")
    return history.folder(stage) / rest.lstrip("/") if inside else history.system / file


def named(history: Any, path: Path, **more: Any) -> list[str]:
    """What verify says of `path`; it has to say something."""
    place = path.relative_to(history.reports).as_posix()
    found = history.troubles(**more)
    told = [t.what for t in found if t.place == place]
    assert told, f"{place} is not named, only {[t.place for t in found]}"
    return told


def test_the_files_under_test_are_all_there_are(history: Any) -> None:
    assert sorted(p.name for p in history.folder().iterdir()) == sorted(IN_RECORD)
    assert at(history, CARD).is_file()


# --- every file ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", [*FILES, CARD])
def test_a_changed_byte_is_found_wherever_it_is(history: Any, file: str) -> None:
    path = at(history, file)
    content = path.read_bytes()
    for place in {0, len(content) // 3, len(content) // 2, len(content) - 1}:
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        named(history, path)
    path.write_bytes(content)
    assert history.troubles() == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_bit_of_any_file_counts(history: Any, data: st.DataObject) -> None:
    path = at(history, data.draw(st.sampled_from([*FILES, CARD])))
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    kept = path.read_bytes()
    path.write_bytes(content)
    try:
        named(history, path)
    finally:
        path.write_bytes(kept)


@pytest.mark.parametrize("file", [*FILES, CARD])
def test_a_file_that_is_gone_is_missed(history: Any, file: str) -> None:
    path = at(history, file)
    path.unlink()
    named(history, path)


@pytest.mark.parametrize("size", [0, 100])
@pytest.mark.parametrize("file", [*FILES, CARD])
def test_a_file_cut_short_is_found(history: Any, file: str, size: int) -> None:
    path = at(history, file)
    path.write_bytes(path.read_bytes()[:-1][:size])
    named(history, path)


@pytest.mark.parametrize("file", [f for f in FILES if f.rsplit("/", 1)[-1] not in ("review.yaml", "chain.json")])
def test_a_file_of_another_run_is_found_in_both_places(history: Any, file: str) -> None:
    one = at(history, file)
    other = history.system / "design_review" / "latest.json"
    if "RECORD" in file:
        name = "attestation.json" if one.name.startswith("attestation") else one.name
        other = history.folder("impact_analysis", NOVEMBER) / name
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)
    named(history, one)
    named(history, other)


@pytest.mark.parametrize(
    "name", ["notes.txt", ".hidden", "report (1).html", "attestation_0099.json", "figure.svg\n\x1b[2J"]
)
def test_a_file_that_is_not_listed_is_named(history: Any, name: str) -> None:
    path = history.folder() / name
    path.write_text("more")
    assert any("not listed" in what or "not an attestation" in what for what in named(history, path))


@pytest.mark.parametrize("place", ["notes.txt", "impact_analysis/notes.txt", "other_stage", ".chain.json.abc"])
def test_what_lies_between_the_records_is_named(history: Any, place: str) -> None:
    path = history.system / place
    path.write_text("more")
    assert "no part of the records" in named(history, path)[0]


def test_a_page_that_says_something_else_is_found_by_its_digest(history: Any) -> None:
    page = history.folder() / "report.html"
    page.write_text(page.read_text().replace("Undetermined", "Approve"))
    (told,) = named(history, page)
    assert told.startswith("was changed: attestation.json lists sha256 ")


# --- what cannot be read as a file -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", IN_RECORD)
def test_links_pipes_and_folders_are_told_and_not_followed(history: Any, name: str, tmp_path: Path) -> None:
    path = history.folder() / name
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert "is a link, which is not followed" in named(history, path)
    path.unlink()
    os.mkfifo(path)
    assert "is a pipe or device, not a file" in named(history, path)
    path.unlink()
    path.mkdir()
    assert "is a folder" in named(history, path)


@pytest.mark.parametrize("place", ["chain.json", "impact_analysis/latest.json"])
def test_a_chain_or_latest_that_is_a_link_or_pipe_is_told(history: Any, place: str, tmp_path: Path) -> None:
    path = history.system / place
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert named(history, path)[0].startswith("is a link")
    path.unlink()
    os.mkfifo(path)
    assert named(history, path)[0].startswith("is a pipe")


@pytest.mark.parametrize("place", [".", "impact_analysis", "impact_analysis/RECORD"])
def test_a_folder_that_is_a_link_is_not_followed(history: Any, place: str, tmp_path: Path) -> None:
    path = at(history, place)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert any("link" in what or "no folder of its own" in what for what in named(history, path))


@pytest.mark.parametrize(
    "garbage",
    [b"\x00" * 1000, b"[" * 100_000, b'{"payload": 5}', b"null", b"\xff\xfe", b'{"a": "\\ud800"}', b"9" * 5000, b"{}"],
    ids=["zeros", "deep", "types", "null", "no utf-8", "half a character", "huge number", "empty"],
)
@pytest.mark.parametrize("file", FILES)
def test_garbage_is_told_and_nothing_breaks(history: Any, file: str, garbage: bytes) -> None:
    path = at(history, file)
    path.write_bytes(garbage)
    named(history, path)


# --- the chain -------------------------------------------------------------------------------------------------------


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content, indent=1) + "\n")


def test_a_reordered_chain_is_named(history: Any) -> None:
    chain = history.system / "chain.json"
    rewrite(chain, lambda c: c["entries"].__setitem__(slice(0, 2), c["entries"][1::-1]))
    assert any("not in order" in what for what in named(history, chain))


def test_a_chain_reordered_and_numbered_anew_is_named_by_its_links(history: Any) -> None:
    chain = history.system / "chain.json"

    def swap(content: dict[str, Any]) -> None:
        content["entries"][:2] = content["entries"][1::-1]
        for number, entry in enumerate(content["entries"], start=1):
            entry["sequence"] = number

    rewrite(chain, swap)
    told = named(history, history.folder() / "attestation_0001.json")
    assert any("chain.json lists it as act 2" in what for what in told)
    assert any("as the attestation before" in what for what in told)


def test_a_chain_without_its_last_entry_leaves_an_attestation_outside(history: Any) -> None:
    chain = history.system / "chain.json"

    def drop(content: dict[str, Any]) -> None:
        content["entries"].pop()
        content["length"], content["head"] = len(content["entries"]), content["entries"][-1]["sha256"]

    rewrite(chain, drop)
    newest = history.folder("impact_analysis", NOVEMBER) / "attestation.json"
    assert any("is act 10 and stands outside chain.json, which ends with act 9" in w for w in named(history, newest))


def test_an_entry_taken_out_of_the_middle_is_named(history: Any) -> None:
    chain = history.system / "chain.json"
    rewrite(chain, lambda c: c["entries"].pop(4))
    told = named(history, chain)
    assert any("1, 2, 3, 4, 6, 7" in what for what in told)
    assert any("says that it has 10 entries, and has 9" in what for what in told)


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [("length", 99, "99 entries"), ("head", "0" * 64, "its head"), ("system", "other", "the chain of other")],
)
def test_a_chain_that_contradicts_itself_is_named(history: Any, key: str, value: object, word: str) -> None:
    chain = history.system / "chain.json"
    rewrite(chain, lambda c: c.__setitem__(key, value))
    assert any(word in what for what in named(history, chain))


def test_a_chain_written_with_other_spaces_is_named(history: Any) -> None:
    chain = history.system / "chain.json"
    chain.write_text(json.dumps(json.loads(chain.read_text())))
    assert named(history, chain) == ["was changed after it was written"]


def test_a_fork_is_named(history: Any) -> None:
    """A second act 10: the record is signed on a copy of the folder, as it was before."""
    folder = history.folder("impact_analysis", NOVEMBER)
    record, _ = read_record(folder / "record.json")
    attest(folder, record, 10, "0" * 64, None)
    told = named(history, folder / "attestation.json")
    assert any("stands outside chain.json, which has another act 10" in what for what in told)
    assert any("is not the attestation of act 10" in what for what in told)


def test_a_whole_record_taken_out_is_missed(history: Any) -> None:
    folder = history.folder()
    shutil.rmtree(folder)
    assert any("act 7 (review" in what and "is gone" in what for what in named(history, folder))


def test_a_record_hidden_as_set_aside_is_missed(history: Any) -> None:
    folder = history.folder("impact_analysis", NOVEMBER)
    folder.rename(folder.with_name(f"set_aside_1_{folder.name}"))
    latest = history.system / "impact_analysis" / "latest.json"
    latest.write_text(
        json.dumps({"status": "ok", "folder": history.folder().name, "as_of": "2026-10-01"}, indent=1) + "\n"
    )
    assert any("is gone" in what for what in named(history, folder))


# --- replay and copies -----------------------------------------------------------------------------------------------


def test_an_old_record_named_current_is_found(history: Any) -> None:
    latest = history.system / "impact_analysis" / "latest.json"
    old = history.folder().name
    latest.write_text(json.dumps({"status": "ok", "folder": old, "as_of": "2026-10-01"}, indent=1) + "\n")
    (told,) = named(history, latest)
    assert told == f"names {old}; by the chain the current one is {history.folder(day=NOVEMBER).name}"


def test_a_failed_run_that_is_not_there_is_found(history: Any) -> None:
    latest = history.system / "impact_analysis" / "latest.json"
    latest.write_text(
        json.dumps({"status": "failed", "folder": "failed_2026-11-02", "as_of": "2026-11-02"}, indent=1) + "\n"
    )
    assert named(history, latest) == ["names a failed run, failed_2026-11-02, that is not here"]


def test_an_old_records_bytes_in_the_current_folder_are_found(history: Any) -> None:
    old, current = history.folder(), history.folder(day=NOVEMBER)
    shutil.rmtree(current)
    shutil.copytree(old, current)
    assert any(
        "holds the same record as" in what or "not that of its record" in what for what in named(history, current)
    )
    named(history, current / "attestation.json")


def test_a_copy_of_a_record_is_named(history: Any) -> None:
    copy = history.system / "impact_analysis" / "2026-12-01_0123456789ab"
    shutil.copytree(history.folder(), copy)
    told = named(history, copy)
    assert any("the folder's name is not that of its record" in what for what in told)
    assert any("holds the same record as" in what for what in told)


def test_a_record_copied_to_another_system_is_named(history: Any) -> None:
    copy = history.reports / "other"
    shutil.copytree(history.system, copy)
    folder = copy / history.folder().relative_to(history.system)
    assert "is a record of demo, impact_analysis, and lies under other/impact_analysis" in named(
        history, folder / "record.json"
    )
    assert "is the chain of demo" in named(history, copy / "chain.json")


def test_a_record_copied_to_another_stage_is_named(history: Any) -> None:
    copy = history.system / "bias_testing" / history.folder().name
    shutil.copytree(history.folder(), copy)
    assert any("lies under demo/bias_testing" in what for what in named(history, copy / "record.json"))
    assert any("is there a second time" in what for what in named(history, history.folder() / "attestation.json"))


# --- signatures ------------------------------------------------------------------------------------------------------


def attest(
    folder: Path, record: Record, sequence: int, previous: str | None, signer: CryptoSigner | None
) -> tuple[Entry, str]:
    """An attestation of `folder` as somebody would make it who knows all but a key."""
    review = folder / "review.yaml"
    payload = statement.build(
        statement.digests(folder),
        record,
        act="run",
        sequence=sequence,
        previous=previous,
        at=datetime(2026, 11, 20, tzinfo=UTC),
        review_entries=statement.review_entries(review.read_bytes() if review.exists() else None),
    )
    content = statement.seal(payload, signer)
    (folder / "attestation.json").write_bytes(content)
    found, _ = statement.parse(content)
    return (
        Entry(
            sequence=sequence,
            sha256=found.sha256,
            act="run",
            stage=record.stage,
            record=folder.name,
            record_id=record.record_id,
        ),
        found.sha256,
    )


def attest_all(history: Any, signer: CryptoSigner | None = None) -> None:
    """A whole new chain: one act for each record, in the order of their days."""
    entries: list[Entry] = []
    for folder in sorted(history.system.glob("*/2026-*"), key=lambda p: p.name):
        for old in folder.glob("attestation*.json"):
            old.unlink()
        record = Record.model_validate_json((folder / "record.json").read_bytes())
        entry, _ = attest(folder, record, len(entries) + 1, entries[-1].sha256 if entries else None, signer)
        entries.append(entry)
    chain = Chain(system="demo", length=len(entries), head=entries[-1].sha256, entries=entries)
    (history.system / "chain.json").write_bytes(chain.to_bytes())


def strip(path: Path) -> None:
    envelope = json.loads(path.read_bytes()) | {"signatures": []}
    path.write_bytes(json.dumps(envelope, separators=(",", ":"), sort_keys=True).encode() + b"\n")


def test_a_signature_taken_away_changes_the_attestation_that_the_chain_lists(history: Any) -> None:
    signed = history.folder(day=NOVEMBER) / "attestation.json"
    strip(signed)
    assert any("is not the attestation of act 10" in what for what in named(history, signed))


def test_a_signature_moved_from_another_attestation_is_not_valid(history: Any) -> None:
    folder = history.folder(day=NOVEMBER)
    other = json.loads((history.folder() / "attestation_0005.json").read_bytes())["signatures"]
    path = folder / "attestation.json"
    envelope = json.loads(path.read_bytes()) | {"signatures": other}
    path.write_bytes(json.dumps(envelope, separators=(",", ":"), sort_keys=True).encode() + b"\n")
    assert "the signature with the key of Ona Officer is not valid" in named(history, path)


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> tuple[CryptoSigner, str]:
    path = tmp_path_factory.mktemp("stranger") / "key.pem"
    public = keys.generate(path, "mine")
    return keys.load_private(path, "mine"), public


def test_records_signed_anew_with_another_key_are_named(history: Any, stranger: tuple[CryptoSigner, str]) -> None:
    attest_all(history, stranger[0])
    for folder in history.system.glob("*/2026-*"):
        assert "is signed by an unknown key" in named(history, folder / "attestation.json")[0]


def test_with_the_key_in_organisation_yaml_too_only_a_list_of_ones_own_helps(
    history: Any, stranger: tuple[CryptoSigner, str], edit: Callable[..., None], tmp_path: Path
) -> None:
    (trusted := tmp_path / "trusted.yaml").write_bytes(b"")
    people = history.organisation.read_text()
    trusted.write_text(people[people.index("signers:") :])
    edit(history.organisation, ("signers", 0, "public_key"), stranger[1])
    attest_all(history, stranger[0])
    assert history.troubles() == []
    told = named(history, history.folder() / "attestation.json", key_file=trusted)
    assert told[0].startswith(f"is signed by an unknown key, {stranger[0].public_key.keyid}")


def test_a_key_does_not_count_before_its_first_and_after_its_last_day(history: Any, edit: Callable[..., None]) -> None:
    edit(history.organisation, ("signers", 0, "until"), date(2026, 2, 1))
    told = named(history, history.folder(day=NOVEMBER) / "attestation.json")
    assert "the key of Ona Officer counts from 2026-01-01 until 2026-02-01" in told[0]


def test_a_signer_taken_out_of_the_list_is_an_unknown_key(history: Any, edit: Callable[..., None]) -> None:
    edit(history.organisation, ("signers", 0), ...)
    assert "unknown key" in named(history, history.folder(day=NOVEMBER) / "attestation.json")[0]


def test_whoever_can_rebuild_a_whole_unsigned_chain_is_not_found_and_its_head_is_another(history: Any) -> None:
    """The limit that docs/verify.md states: only a head lodged elsewhere, or a signature one expects, shows it."""
    before = history.verify().systems[0].head
    attest_all(history)
    found = history.verify().systems[0]
    assert history.troubles() == []
    assert found.head != before
    assert not any(looked.signatures for looked in found.records)


# --- what a record says ----------------------------------------------------------------------------------------------


def reseal(history: Any, folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Edit a record and make everything else fit: its id, its folder's name, latest.json, attestations and chain."""
    content = json.loads((folder / "record.json").read_bytes())
    change(content)
    record = Record.model_validate(content).sealed()
    (folder / "record.json").write_bytes(record.to_bytes())
    new = folder.rename(folder.with_name(record.folder_name))
    latest = {"status": "ok", "folder": new.name, "as_of": record.as_of.isoformat()}
    (new.parent / "latest.json").write_text(json.dumps(latest, indent=1) + "\n")
    attest_all(history)
    return new


def met(content: dict[str, Any]) -> None:
    for finding in content["findings"]:
        finding["status"] = "met"


def follow(content: dict[str, Any]) -> None:
    record = Record.model_validate(content)
    content["recommendation"] = recommend(
        record.findings, record.obligations, record.upstream, record.as_of
    ).model_dump(mode="json")


def test_a_status_edited_plainly_is_found(history: Any) -> None:
    path = history.folder() / "record.json"
    path.write_bytes(path.read_bytes().replace(b'"status":"not_assessed"', b'"status":"met"', 1))
    assert "was changed after it was written" in named(history, path)


def test_a_status_edited_and_sealed_again_is_found_where_the_recommendation_does_not_follow(history: Any) -> None:
    new = reseal(history, history.folder(day=NOVEMBER), met)
    assert named(history, new / "record.json") == ["the recommendation does not follow from the findings"]


def as_before(content: dict[str, Any]) -> None:
    del content["obligations"]["preliminary"]


def as_later(content: dict[str, Any]) -> None:
    content["obligations"]["added_since"] = True


def write_sealed(path: Path, change: Callable[[dict[str, Any]], None]) -> Record:
    """The record as a version of the kit with other fields writes it."""
    content = json.loads(path.read_bytes())
    record = Record.model_validate(content)
    change(content)
    body = {key: value for key, value in content.items() if key not in ("run", "record_id")}
    content["record_id"] = hashlib.sha256(rfc8785.dumps(body)).hexdigest()
    path.write_bytes(rfc8785.dumps(content))
    return record.model_copy(update={"record_id": content["record_id"]})


@pytest.mark.parametrize("change", [as_before, as_later])
def test_a_record_with_the_fields_of_another_version_is_told_apart_where_its_attestation_names_it(
    history: Any, change: Callable[[dict[str, Any]], None]
) -> None:
    path = history.folder(day=NOVEMBER) / "record.json"
    record = write_sealed(path, change)
    plain = {"was changed after it was written", "is not a record of this kit"}
    assert plain & set(named(history, path)), "only an attestation can tell"
    attest(path.parent, record, 1, None, None)
    assert [what for what in named(history, path) if "has other fields than the records of this version" in what]
    assert not plain & set(named(history, path))
    assert read_record(path)[0] is None
    path.write_bytes(path.read_bytes().replace(b'"status":"not_assessed"', b'"status":"met"', 1))
    assert plain & set(named(history, path))


def test_duties_that_are_taken_out_are_found(history: Any) -> None:
    def cut(content: dict[str, Any]) -> None:
        content["obligations"]["duties"] = content["obligations"]["duties"][1:]
        follow(content)

    new = reseal(history, history.folder(day=NOVEMBER), cut)
    assert named(history, new / "record.json") == ["requirements of the stage are left out of its obligations"]


@pytest.mark.parametrize(
    "change",
    [{"weight": "informative"}, {"if_not_met": "condition"}, {"needs": []}, {"weight": "excluded", "reason": "no"}],
    ids=lambda c: next(iter(c)),
)
def test_a_duty_that_was_made_lighter_is_found_though_everything_follows_from_it(
    history: Any, change: dict[str, Any]
) -> None:
    touched = []

    def lighten(content: dict[str, Any]) -> None:
        for duty in content["obligations"]["duties"]:
            if any(duty[key] != value for key, value in change.items()):
                duty.update(change)
                touched.append(duty["requirement"])
        met(content)
        follow(content)

    new = reseal(history, history.folder(day=NOVEMBER), lighten)
    told = named(history, new / "record.json")
    assert touched
    assert told == [f"its duty {r} is not what level IV and the framework make of it" for r in touched]


def test_a_duty_named_twice_is_found(history: Any) -> None:
    def double(content: dict[str, Any]) -> None:
        content["obligations"]["duties"].append(content["obligations"]["duties"][0])
        follow(content)

    new = reseal(history, history.folder(day=NOVEMBER), double)
    assert named(history, new / "record.json") == ["its duties are not those of its stage, each once"]


def lowered(content: dict[str, Any]) -> None:
    from ethics_kit.duties import duties

    obligations = content["obligations"]
    obligations["level"] = content["level"]["holds"] = content["level"]["worst"] = content["level"]["best"] = "I"
    content["level"]["value"] = "I"
    owed = duties(content["stage"], kind="scored", level="I", conditions=obligations["conditions"])
    obligations["duties"] = [duty.model_dump(mode="json") for duty in owed]
    follow(content)


def test_a_lower_level_does_not_follow_from_the_points(history: Any) -> None:
    new = reseal(history, history.folder(day=NOVEMBER), lowered)
    assert named(history, new / "record.json") == ["its points give level IV, and it says I"]


def test_a_lower_level_in_a_later_stage_contradicts_the_impact_analysis(history: Any) -> None:
    new = reseal(history, history.folder("design_review", NOVEMBER), lowered)
    assert "it takes level I; the impact analysis it rests on says IV" in named(history, new / "record.json")


def test_a_level_taken_from_no_impact_analysis_is_found(history: Any) -> None:
    def missing(content: dict[str, Any]) -> None:
        content["upstream"][0] |= {"status": "missing", "record_id": None, "as_of": None, "recommendation": None}
        follow(content)

    new = reseal(history, history.folder("design_review", NOVEMBER), missing)
    told = named(history, new / "record.json")
    assert told == ["it takes a level although it had no impact analysis to rest on"]


def test_an_earlier_recommendation_that_was_bettered_is_found(history: Any) -> None:
    def better(content: dict[str, Any]) -> None:
        for earlier in content["upstream"]:
            earlier["recommendation"] = "approve"
        follow(content)

    new = reseal(history, history.folder("deployment_signoff"), better)
    told = named(history, new / "record.json")
    assert "it says that bias_testing recommends approve; that record recommends undetermined" in told


def test_earlier_records_left_out_of_the_gate_are_found(history: Any) -> None:
    def leave_out(content: dict[str, Any]) -> None:
        content["upstream"] = content["upstream"][:1]
        follow(content)

    new = reseal(history, history.folder("deployment_signoff"), leave_out)
    told = named(history, new / "record.json")
    assert "the earlier records it rests on are not those its stage rests on" in told


def test_an_approval_that_the_policy_does_not_have_is_found(history: Any) -> None:
    new = reseal(history, history.folder(day=NOVEMBER), lambda c: c["policy"].update(approved_by=None))
    assert "it says otherwise of the policy's approval" in named(history, new / "record.json")[0]


def test_an_attestation_with_other_inputs_than_the_record_is_found(history: Any) -> None:
    folder = history.folder(day=NOVEMBER)
    record = Record.model_validate_json((folder / "record.json").read_bytes())
    attest(folder, record.model_copy(update={"inputs": record.inputs[1:]}), 10, None, None)
    assert "lists other inputs than the record" in named(history, folder / "attestation.json")


def test_review_entries_taken_out_are_found(history: Any) -> None:
    path = history.folder() / "review.yaml"
    entry = path.read_text().index("  - act", path.read_text().index("  - act") + 1)
    path.write_text(path.read_text()[:entry])
    told = named(history, path)
    assert "its entries are not those that attestation.json lists" in told
    assert any(what.startswith("was changed") for what in told)


def test_review_entries_taken_out_and_attested_again_contradict_the_earlier_attestations(history: Any) -> None:
    folder = history.folder()
    text = (folder / "review.yaml").read_text()
    (folder / "review.yaml").write_text(text[: text.index("  - act")] + "  - act: other\n")
    record, _ = read_record(folder / "record.json")
    attest(folder, record, 7, folders.attestations(folder)["attestation_0006.json"].sha256, None)
    told = named(history, folder / "attestation.json")
    assert any("review.yaml does not begin with the entries that attestation_0006.json lists" in w for w in told)
