"""The review of a record: a log whose state follows from its entries, and a sign-off that one person cannot give."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethics_kit import review, yamlfile
from ethics_kit.errors import InputError
from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import stage_requirements
from ethics_kit.recommendation import recommend
from ethics_kit.record import Duty, Finding, LevelResult, Obligations, Record
from ethics_kit.schema.fields import same_person
from ethics_kit.schema.review import Entry

DAY = date(2026, 11, 2)
OWNER, DEPUTY, OFFICER, ANALYST = "Olu Owner", "Dee Deputy", "Oda Officer", "Ann Lee"
ROLES = {"owner": OWNER, "ethics_officer": OFFICER, "committee": "Cy Chair", "executive": "Eve Exec"}


def record(level: str = "II", *, status: str = "met", **more: Any) -> Record:
    row = Finding(
        id="C2.1.gap",
        requirement="C2.1",
        status=status,
        evidence="attested",
        statement="It was stated.",
        author=f"{ANALYST}, analyst",
        null_reason="a statement",
    )
    owed = [
        Duty(
            requirement=r,
            weight="required" if r == "C2.1" else "excluded",
            needs=("attested",),
            if_not_met="block",
            reason="",
        )
        for r in stage_requirements("bias_testing")
    ]
    obligations = Obligations(level=level, kind="scored", conditions={}, duties=owed)
    system = {"id": "demo", "name": "Demo", "owner": {"name": OWNER}, "deputy": {"name": DEPUTY}}
    content: dict[str, Any] = {
        "system": system,
        "stage": "bias_testing",
        "as_of": date(2026, 11, 1),
        "level": LevelResult(value=level, holds=level, best=level, worst=level),
        "policy": {},
        "inputs": [],
        "upstream": [],
        "parameters": {},
        "tables": [],
        "findings": [row],
        "obligations": obligations,
        "recommendation": recommend([row], obligations, [], date(2026, 11, 1)),
        "versions": {},
        "run": {"by": "runner"},
    }
    return Record(**content | more).sealed()


def submit(by: str = ANALYST, **more: Any) -> dict[str, Any]:
    return {"act": "submit", "by": by, "role": "analyst", "on": DAY, **more}


def decide(role: str, by: str | None = None, decision: str = "approve", **more: Any) -> dict[str, Any]:
    return {"act": "decide", "by": by or ROLES[role], "role": role, "on": DAY, "decision": decision, **more}


def other(act: str, **more: Any) -> dict[str, Any]:
    return {"act": act, "by": "Bo Ek", "role": "reviewer", "on": DAY, **more}


class Log:
    """A review.yaml of one test."""

    def __init__(self, folder: Path, about: Record) -> None:
        self.folder, self.record = folder, about

    def add(self, *acts: dict[str, Any]) -> review.Review:
        for act in acts:
            path = self.folder / review.FILE
            before = path.read_bytes() if path.exists() else None
            content, _ = review.added(path, before, self.record, act, today=DAY + timedelta(days=30))
            path.write_bytes(content)
        return self.read()

    def read(self) -> review.Review:
        return review.read(self.folder, self.record)

    def refused(self, act: dict[str, Any]) -> str:
        path = self.folder / review.FILE
        before = path.read_bytes() if path.exists() else None
        with pytest.raises(InputError) as raised:
            self.add(act)
        assert (path.read_bytes() if path.exists() else None) == before
        return str(raised.value)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path, record())


# --- states -------------------------------------------------------------------------------------------------------


def test_without_a_file_a_record_is_a_draft_that_nobody_decided_on(log: Log) -> None:
    found = log.read()
    assert (found.state, found.decision, found.signoff.missing) == ("draft", None, ("owner", "ethics_officer"))


def test_it_is_decided_once_every_role_of_its_level_has_decided(log: Log) -> None:
    found = log.add(submit(), decide("owner"))
    assert (found.state, found.signoff.words) == (
        "submitted",
        "1 of 2 roles have decided; missing: ethics officer",
    )
    found = log.add(decide("ethics_officer"))
    assert (found.state, found.decision, found.agrees) == ("decided", "approve", True)


@pytest.mark.parametrize("level", ["I", "II", "III", "IV"])
def test_each_level_asks_for_its_own_roles(tmp_path: Path, level: str) -> None:
    log = Log(tmp_path, record(level))
    roles = list(catalogue.levels()[level].signoff)
    for role in roles[:-1]:
        assert log.add(*[submit()] * (role == roles[0]), decide(role)).state == "submitted"
    assert log.add(*[submit()] * (len(roles) == 1), decide(roles[-1])).state == "decided"


def test_a_rejection_by_one_role_is_not_outvoted(log: Log) -> None:
    found = log.add(submit(), decide("owner"), decide("ethics_officer", decision="reject", reason="Too early."))
    assert (found.state, found.decision, found.agrees) == ("decided", "reject", False)


def test_a_record_that_was_returned_has_to_be_decided_anew(log: Log) -> None:
    found = log.add(submit(), decide("owner"), other("return", reason="Which customers?"))
    assert found.state == "returned"
    found = log.add(submit())
    assert (found.state, found.decision, found.signoff.given) == ("submitted", None, {})


@pytest.mark.parametrize("act", ["withdraw", "supersede"])
def test_after_the_end_nothing_more_is_entered(log: Log, act: str) -> None:
    assert log.add(submit(), decide("owner"), decide("ethics_officer"), other(act, reason="Wrong table.")).state in (
        "withdrawn",
        "superseded",
    )
    assert "allowed: nothing more" in log.refused(other("comment", text="One more thing."))


@pytest.mark.parametrize(
    ("acts", "act", "told"),
    [
        ((), decide("owner"), "found decide of a record that is draft; allowed: submit, comment"),
        ((submit(),), submit(), "found submit of a record that is submitted"),
        ((submit(), other("return", reason="No.")), decide("owner"), "to do: submit the record again"),
    ],
    ids=["decided before it is submitted", "submitted twice", "decided after it was returned"],
)
def test_acts_that_the_state_does_not_allow_are_refused(
    log: Log, acts: tuple[dict[str, Any], ...], act: dict[str, Any], told: str
) -> None:
    log.add(*acts)
    assert told in log.refused(act)


# --- sign-off -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("by", "ran"), [(OWNER, "runner"), (ANALYST, OWNER.upper())], ids=["submitted it", "ran it"])
def test_who_made_a_record_cannot_be_its_only_approver(tmp_path: Path, by: str, ran: str) -> None:
    log = Log(tmp_path, record("I", run={"by": ran}))
    found = log.add(submit(by), decide("owner"))
    assert (found.state, found.signoff.missing) == ("submitted", ())
    assert "a second person is missing" in found.signoff.words
    assert log.add(decide("ethics_officer")).state == "decided"


def test_who_submitted_it_once_stays_one_of_its_makers(tmp_path: Path) -> None:
    log = Log(tmp_path, record("I"))
    log.add(submit(OWNER), other("return", reason="Which customers?"), submit())
    assert log.add(decide("owner")).state == "submitted"


def test_who_stated_what_a_record_rests_on_cannot_be_its_only_approver(tmp_path: Path) -> None:
    stated = record("I").findings[0].model_copy(update={"author": f"{OWNER}, product owner; Abe"})
    assert Log(tmp_path, record("I", findings=[stated])).add(submit(), decide("owner")).state == "submitted"


def test_the_owner_is_the_person_whom_the_dossier_names(log: Log) -> None:
    log.add(submit())
    told = log.refused(decide("owner", by="Somebody Else"))
    assert "allowed: the system's owner or deputy: Olu Owner or Dee Deputy" in told
    assert log.add(decide("Owner", by=" dee  DEPUTY ")).signoff.missing == ("ethics_officer",)


def test_one_person_does_not_decide_in_two_roles(log: Log) -> None:
    log.add(submit(), decide("owner"))
    assert "who decided as owner; allowed: one person, one role" in log.refused(decide("ethics_officer", by=OWNER))


def test_a_role_that_signs_off_nowhere_is_refused(log: Log) -> None:
    log.add(submit())
    told = log.refused(decide("intern", by="Ina"))
    assert 'found "intern"; allowed: owner, ethics_officer, committee, executive' in told


def test_an_officer_records_the_minute_of_a_committee(tmp_path: Path) -> None:
    log = Log(tmp_path, record("III"))
    log.add(submit(), decide("owner"), decide("ethics_officer"))
    minute = {"recorded_by": OFFICER, "minute": "https://minutes.example/7", "members": ["Cy Chair", ANALYST]}
    told = log.refused(decide("committee", recorded_by=OFFICER))
    assert "minute: found nothing; allowed: recorded_by, minute, members together" in told
    found = log.add(decide("committee", **minute))
    assert (found.state, review.people(found.entries[-1])) == ("decided", ("Cy Chair", ANALYST))


def test_who_made_the_record_does_not_record_the_minute_that_clears_it(tmp_path: Path) -> None:
    log = Log(tmp_path, record("III"))
    log.add(submit(), decide("owner"), decide("ethics_officer"))
    minute = {"recorded_by": ANALYST.upper(), "minute": "https://minutes.example/7", "members": ["Cy Chair"]}
    assert 'recorded_by: found "ANN LEE"; allowed: somebody who did not make' in log.refused(
        decide("committee", **minute)
    )


@pytest.mark.parametrize("name", ["Ann L\u0435e", "\u0410nn Lee", "Ann Le\u03b5"])
def test_a_name_that_only_looks_like_another_is_refused(log: Log, name: str) -> None:
    log.add(submit())
    assert "the letters of one alphabet in each word" in log.refused(decide("ethics_officer", by=name))


@pytest.mark.parametrize("name", ["Ольга Ким", "Ann Ли", "Ζωή Παππά", "山田 たろう", "José Müller", "Zoë O'Hara-Lee"])
def test_names_in_any_alphabet_are_names(log: Log, name: str) -> None:
    log.add(submit())
    assert log.add(decide("ethics_officer", by=name)).entries[-1].by == name


def test_a_minute_is_a_committees(log: Log) -> None:
    log.add(submit())
    minute = {"recorded_by": OFFICER, "minute": "https://minutes.example/7", "members": ["Cy Chair"]}
    assert "allowed: committee, where a minute is recorded" in log.refused(decide("executive", **minute))


def test_a_committee_of_people_who_signed_already_is_no_further_role(tmp_path: Path) -> None:
    log = Log(tmp_path, record("III"))
    log.add(submit(), decide("owner"))
    minute = {"recorded_by": OFFICER, "minute": "https://minutes.example/7", "members": [OWNER]}
    assert "one person, one role" in log.refused(decide("committee", **minute))


# --- what an act has to say ---------------------------------------------------------------------------------------


def test_a_comment_cites_findings_of_the_record_and_a_misspelt_one_is_told_with_the_nearest(log: Log) -> None:
    assert log.add(other("comment", text="Look.", findings=["C2.1.gap"])).state == "draft"
    told = log.refused(other("comment", text="Look.", findings=["C2.1.gpa"]))
    assert 'found "C2.1.gpa"' in told
    assert "to do: did you mean C2.1.gap?" in told


def test_a_decision_that_departs_gives_its_reason(tmp_path: Path) -> None:
    log = Log(tmp_path, record(status="not_met"))
    log.add(submit())
    told = log.refused(decide("owner"))
    assert "found nothing, though approve departs from the recommendation reject" in told
    found = log.add(decide("owner", reason="A pilot of ten customers."))
    assert (found.decision, found.agrees) == ("approve", False)


def test_all_problems_of_an_act_are_told_at_once(log: Log) -> None:
    log.add(submit(on=DAY + timedelta(days=1)))
    told = log.refused(decide("intern", by="Ina", text="Yes.", decision="reject")).splitlines()
    assert [line.split(": found")[0].rpartition(" ")[2] for line in told] == ["on", "reason", "role", "text"]


def test_an_act_of_tomorrow_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2026-11-02 or earlier"):
        review.added(tmp_path / review.FILE, None, record(), submit(on=DAY + timedelta(days=1)), today=DAY)


@pytest.mark.parametrize("missing", ["by", "role", "on"])
def test_who_in_which_role_and_when_are_never_left_out(log: Log, missing: str) -> None:
    assert f"{missing}: found nothing" in log.refused({k: v for k, v in submit().items() if k != missing})


# --- the file -----------------------------------------------------------------------------------------------------


def test_an_entry_leaves_those_before_it_as_they_are(log: Log) -> None:
    log.add(submit())
    path = log.folder / review.FILE
    path.write_text(path.read_text() + "    # agreed by telephone\n")
    before = path.read_text()
    log.add(other("comment", text="First line.\nSecond line: with a colon."))
    assert path.read_text().startswith(before)
    assert "    text: |-\n      First line.\n      Second line: with a colon.\n" in path.read_text()


def test_a_file_written_by_hand_is_held_to_the_same_rules(log: Log) -> None:
    log.add(submit(), decide("owner"))
    path = log.folder / review.FILE
    path.write_text(path.read_text().replace("act: submit", "act: comment"))
    with pytest.raises(InputError) as raised:
        log.read()
    told = str(raised.value)
    assert "entries.0.text: found nothing" in told
    assert "entries.1.act: found decide of a record that is draft" in told
    assert f"{review.FILE}:4" in told


def test_the_review_of_another_record_does_not_count(log: Log, tmp_path: Path) -> None:
    log.add(submit())
    with pytest.raises(InputError, match="the id of another record"):
        review.read(tmp_path, record("III"))


# --- any sequence -------------------------------------------------------------------------------------------------

NAMES = [OWNER, DEPUTY, OFFICER, ANALYST, "Cy Chair", "Bo Ek"]
ACTS = st.builds(
    lambda act, by, role, decision, members: Entry.model_validate(
        {
            "act": act,
            "by": by,
            "role": role,
            "on": DAY,
            "reason": "Because." if act in ("return", "decide", "withdraw", "supersede") else None,
            "text": "Look." if act == "comment" else None,
            "decision": decision if act == "decide" else None,
            **(
                {"members": members, "minute": "https://m.example", "recorded_by": OFFICER}
                if members and act == "decide"
                else {}
            ),
        }
    ),
    st.sampled_from(["submit", "submit", "comment", "return", "decide", "decide", "decide", "decide", "withdraw"]),
    st.sampled_from(NAMES),
    st.sampled_from([*ROLES, "analyst"]),
    st.sampled_from(["approve", "approve_with_conditions", "reject"]),
    st.lists(st.sampled_from(NAMES), max_size=2),
)


@given(st.lists(ACTS, max_size=12), st.sampled_from(["I", "II", "III"]))
def test_no_sequence_of_acts_is_decided_without_every_role_and_a_second_person(acts: list[Entry], level: str) -> None:
    about = record(level)
    found, faults = review.replayed(about, acts)
    sound = [entry for entry, wrong in zip(acts, faults, strict=True) if not wrong]
    assert found == review.replayed(about, acts)[0]
    if found.state != "decided":
        return
    last = max(i for i, entry in enumerate(sound) if entry.act == "submit")
    decided = {entry.role: entry for entry in sound[last:] if entry.act == "decide"}
    assert set(catalogue.levels()[level].signoff) <= set(decided)
    makers = {ANALYST, "runner", *(entry.by for entry in sound if entry.act == "submit")}
    seeing = {name for entry in decided.values() for name in review.people(entry)}
    assert seeing - makers
    assert any(same_person(decided["owner"].by, name) for name in (OWNER, DEPUTY))
    assert len({frozenset(review.people(entry)) for entry in decided.values()}) == len(decided)
    assert not any(entry.act in ("return", "withdraw", "supersede") for entry in sound[last:])


@given(st.lists(ACTS, max_size=6))
def test_what_breaks_a_rule_changes_nothing(acts: list[Entry]) -> None:
    about = record()
    _, faults = review.replayed(about, acts)
    sound = [entry for entry, wrong in zip(acts, faults, strict=True) if not wrong]
    whole, only_sound = review.replayed(about, acts)[0], review.replayed(about, sound)[0]
    assert (whole.state, whole.signoff.given) == (only_sound.state, only_sound.signoff.given)


@given(st.text(min_size=1, max_size=40))
def test_a_text_stands_in_the_file_as_it_was_given_or_is_refused(text: str) -> None:
    about, act = record(), other("comment", text=text)
    try:
        _, found = review.added(Path(review.FILE), None, about, act, today=DAY)
    except InputError:
        return
    assert found.entries[0].text == text


def test_lines_with_a_sign_that_cannot_be_seen_are_refused_in_words(log: Log) -> None:
    assert "a control character" in log.refused(other("comment", text="one\nbell \x07"))


def test_the_file_says_what_it_is(log: Log) -> None:
    log.add(submit())
    data = yamlfile.plain(yamlfile.read(log.folder / review.FILE).data)
    assert (data["schema"], data["record_id"]) == ("ethics-kit/review/1", log.record.record_id)


@pytest.mark.parametrize("text", ["a\u2028b", "a\x1b[2Jb", "a\r\nb", " a\n\nb ", "\U0001f468\u200d\U0001f469 \ufeff"])
def test_an_odd_text_is_kept_as_it_is_but_for_the_ends_of_its_lines(text: str) -> None:
    act = {"act": "comment", "by": OWNER, "role": "owner", "on": DAY, "text": text}
    content, after = review.added(Path("review.yaml"), None, record(), act, today=DAY)
    kept = review.parsed(Path("review.yaml"), content, record()).entries
    assert [e.text for e in kept] == [e.text for e in after.entries] == [text.replace("\r\n", "\n")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a\x85b", r'text: found "a\x85b"; allowed: text that the file keeps as it is; to do: leave out signs'),
        ("a\ud83d", r'text: found "a\ud83d" (text); allowed: text of whole characters'),
        ("\u200b\u202e", r'text: found "\u200b\u202e" (text); allowed: text that can be seen'),
    ],
)
def test_a_text_that_the_file_cannot_keep_or_nobody_see_is_refused_with_its_key(text: str, told: str) -> None:
    act = {"act": "comment", "by": OWNER, "role": "owner", "on": DAY, "text": text}
    with pytest.raises(InputError) as refused:
        review.added(Path("review.yaml"), None, record(), act, today=DAY)
    (problem,) = refused.value.problems
    assert told in str(problem)
