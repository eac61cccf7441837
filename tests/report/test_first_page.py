"""Page one in thirty seconds, and the findings list that everything else leads to."""

import html as entities
import re
from datetime import date, timedelta

import nbformat
import pytest

from ethics_kit.attestation.identities import Reviewed
from ethics_kit.attestation.proof import Proof
from ethics_kit.framework import catalogue
from ethics_kit.record import IN_THE_WAY, Table
from ethics_kit.report import html, page
from ethics_kit.report.first import CONDITIONS_SHOWN, first
from ethics_kit.review import replayed
from ethics_kit.schema.review import Entry
from tests.made import AS_OF, DAY, PLAN, SHARE, complete, duty, finding, obliged, record, upstream, waiver

DAYS = {"gate.decide_within_days": 30}
AMOUNT = "Measured, share of customers: 0.87 (95% interval 0.78 to 0.92), n = 90, limit 0.9"
OWNER = {"name": "Ann Ax", "role": "product owner"}
SYSTEM = {"id": "demo", "name": "Demo", "kind": "scored", "organisation": "Org", "owner": OWNER, "deputy": None}


def made(*findings, if_not_met="block", records=(), **more):
    """A record of bias testing that asks for the requirements of `findings`."""
    duties = [duty(r, needs=(), if_not_met=if_not_met) for r in dict.fromkeys(f.requirement for f in findings)]
    policy = {
        "version": "1",
        "confidentiality": "Internal",
        "approved_by": {"name": "Eve"},
        "approved_on": "2026-01-01",
    }
    level = more.pop("level", "II")
    obligations = complete(obliged(*duties)).model_copy(update={"level": level})
    content = {"findings": list(findings), "obligations": obligations, "upstream": list(records), "tables": []}
    return record(**content | {"system": SYSTEM, "policy": policy, "parameters": DAYS} | more)


def entry(act, by, role="analyst", **more):
    return Entry(act=act, by=by, role=role, on=AS_OF, **more)


def reviewed(of, *entries):
    found, faults = replayed(of, entries)
    assert not any(faults)
    return Reviewed(found, (False,) * len(entries))


def shown(of, *entries):
    notebook = nbformat.v4.new_notebook()
    return page.render(notebook, of, Proof({}, []), reviewed(of, *entries))


def told(text):
    """What a reader reads of a piece of a page."""
    return " ".join(entities.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def page_one(text):
    start = text.index('<div class="first">')
    return told(text[start : text.index("</div>\n<nav", start)])


SUBMITTED = entry("submit", "Cy")
APPROVED = entry("decide", "Ann Ax", "owner", decision="approve")


def test_page_one_is_in_the_order_in_which_it_is_read():
    of = made(finding("not_met", **SHARE), finding("not_assessed", requirement="P1.2"))
    one = page_one(shown(of))
    order = [
        "Recommendation: Reject",
        "No decision taken.",
        of.recommendation.reason,
        "Asked of you Mend what blocks and assess again, or submit this record for a decision.",
        "By whom the owner (Ann Ax, product owner)",
        "By when 2026-12-01",
        "Requirements Not assessed: 1 of 2 Not met : 1",
        "Worst findings",
        f"P1.1 AI use is disclosed to customers: P1.1 is not_met. {AMOUNT}. P1.1.x",
        "Conditions None.",
        "Unsigned.",
    ]
    assert [words for words in order if words not in one] == []
    assert [one.index(words) for words in order] == sorted(one.index(words) for words in order)


def test_undetermined_is_as_loud_as_reject():
    rejected, unsettled = (shown(made(finding(status))) for status in ("not_met", "not_assessed"))
    assert '<section class="verdict reject"' in rejected
    assert '<section class="verdict undetermined"' in unsettled
    assert "No decision taken. This is the kit's recommendation" in page_one(unsettled)
    assert re.search(r"\.verdict\.reject,\.verdict\.undetermined[^{]*\{border-color:var\(--red\)", html.style())


@pytest.mark.parametrize(
    ("entries", "asked", "whom"),
    [
        ((), "Submit this record for a decision.", "the owner (Ann Ax, product owner)"),
        ((SUBMITTED,), "Decide on this record.", "owner (Ann Ax, product owner), ethics officer"),
        ((SUBMITTED, APPROVED), "Decide on this record.", "ethics officer"),
        (
            (SUBMITTED, entry("return", "Bo", "ethics officer", reason="Unclear.")),
            "Settle what it was returned for, and submit it again or assess again.",
            "the owner (Ann Ax, product owner)",
        ),
    ],
)
def test_what_is_asked_follows_from_the_state_of_the_review(entries, asked, whom):
    one = page_one(shown(made(finding()), *entries))
    assert f"Asked of you {asked} By whom {whom} By when 2026-12-01" in one


@pytest.mark.parametrize(
    ("entries", "asked"),
    [
        ((SUBMITTED, APPROVED, entry("decide", "Bo", "ethics officer", decision="approve")), "Nothing: it is decided."),
        ((entry("withdraw", "Cy", reason="A slip."),), "Nothing: this record no longer counts."),
        ((entry("supersede", "Cy", reason="A newer one."),), "Nothing: this record no longer counts."),
    ],
)
def test_nothing_is_asked_of_a_record_that_is_settled_or_gone(entries, asked):
    assert f"Asked of you {asked} By whom – By when – " in page_one(shown(made(finding()), *entries))


def test_a_decision_that_lacks_a_second_person_says_so_and_not_that_all_have_decided():
    of = made(finding(), level="I")
    one = page_one(shown(of, entry("submit", "Ann Ax"), APPROVED))
    assert "No decision taken." in one
    assert "A second person is missing: everybody who has decided (1 of 1 roles) also made this record." in one
    assert "Asked of you Decide as a second person" in one
    assert "By whom somebody who did not make this record: owner" in one


def test_conditions_that_were_decided_on_are_due_when_the_first_of_them_is():
    plans = [PLAN | {"due": AS_OF + days * DAY, "owner": who} for days, who in ((9, "Ann"), (4, "Ben"))]
    rows = [finding("not_met", name=f"x{i}", **plan) for i, plan in enumerate(plans)]
    of = made(*rows, if_not_met="condition", level="I")
    one = page_one(shown(of, SUBMITTED, entry("decide", "Ann Ax", "owner", decision="approve_with_conditions")))
    assert "Asked of you Nothing more to decide. The conditions are to be carried out." in one
    assert f"By when {AS_OF + 4 * DAY}" in one
    assert "Conditions Mend it. Owner: Ann, due 2026-11-10 P1.1.x0 Mend it. Owner: Ben, due 2026-11-05 P1.1.x1" in one


def test_a_policy_that_sets_no_time_sets_no_date():
    assert "By when – " in page_one(shown(made(finding(), parameters={})))


def test_the_worst_findings_are_of_different_requirements_and_first_those_that_lead_to_the_verdict():
    planned = finding("not_met", requirement="P1.3", **PLAN)
    rows = [
        finding("inconclusive"),
        finding("not_assessed", name="y"),
        finding("inconclusive", requirement="P1.2"),
        finding("met", requirement="P1.2", name="y"),
        planned,
    ]
    of = made(*rows, if_not_met="condition")
    assert of.recommendation.verdict == "undetermined"
    worst = first(of, reviewed(of).review).worst
    assert [(f.id, more) for f, more in worst] == [("P1.1.y", 1), ("P1.2.x", 0), ("P1.3.x", 0)]
    assert "P1.1.y and 1 more finding on this requirement" in page_one(shown(of))


def test_conditions_say_by_whom_and_when_or_until_when_they_are_waived_and_how_many_follow():
    rows = [finding("not_met", name=f"x{i}", **PLAN) for i in range(CONDITIONS_SHOWN)]
    rows += [finding("not_met", requirement="P1.2", waiver=waiver(until=AS_OF + DAY))]
    of = made(*rows, if_not_met="condition", records=[upstream(recommendation="approve_with_conditions")])
    one = page_one(shown(of))
    assert one.count("Owner: Ann, due 2026-11-01") == CONDITIONS_SHOWN
    assert "1 more, among the findings below" in one
    assert "The conditions of an earlier record: Bias testing" in one
    waived = made(rows[-1], if_not_met="condition")
    assert "Conditions P1.2 is not_met. waived until 2026-11-02 P1.2.x" in page_one(shown(waived))


def test_requirements_are_counted_and_not_findings():
    rows = [finding("not_assessed", name=f"x{i}") for i in range(5)] + [finding(requirement="P1.2")]
    of = made(*rows)
    assert first(of, reviewed(of).review).requirements == {"not_assessed": 1, "met": 1}
    assert "Not assessed: 1 of 2" in page_one(shown(of))


def test_every_finding_has_one_place_and_every_id_that_is_named_leads_to_it():
    rows = [
        finding("not_met", **SHARE),
        finding("met", name="y"),
        finding("not_applicable", requirement="P1.2"),
        finding("not_met", requirement="P1.3", **PLAN),
    ]
    of = made(*rows)
    below = finding("inconclusive", requirement="C2.1", name="below")
    of = record(**dict(of) | {"findings": [*of.findings, below]})
    text = shown(of, entry("comment", "Bo", "ethics officer", text="Look here.", findings=["P1.1.y"]))
    places = re.findall(r'id="(f-[^"]*)"', text)
    assert sorted(places) == sorted(f"f-{f.id}" for f in of.findings)
    links = re.findall(r'href="#([^"]*)"', text)
    assert 'href="#f-P1.3.x">P1.3</a>' in text.partition('id="supply"')[2]
    assert 'href="#f-P1.1.y"><code>P1.1.y</code></a>' in text.partition('id="appendix"')[2]
    assert set(links) <= set(re.findall(r'id="([^"]*)"', text))
    row = told(text[text.index('id="f-P1.1.y"') :].partition("</tr>")[0])
    assert "Comment by Bo, 2026-11-01, self-declared : Look here." in row


@pytest.mark.parametrize("status", ["not_met", "inconclusive", "not_assessed", "met"])
@pytest.mark.parametrize("weight", ["required", "informative"])
def test_every_row_tells_measured_from_attested_with_what_shows_it(status, weight):
    rows = [
        finding(status, name="counted", method="count of all rows", **SHARE),
        finding(status, name="said", author="Ann, owner", stated_on=AS_OF, source="levels.yaml"),
    ]
    of = made(*rows)
    duties = [d.model_copy(update={"weight": weight} if d.weight == "required" else {}) for d in of.obligations.duties]
    of = record(**dict(of) | {"obligations": of.obligations.model_copy(update={"duties": duties})})
    text = shown(of)
    counted, said = (told(text[text.index(f'id="f-{f.id}"') :].partition("</tr>")[0]) for f in rows)
    assert f"{AMOUNT} method 1" in counted.replace("Measured ,", "Measured,")
    assert "Attested Ann, owner, 2026-11-01 Source: levels.yaml" in said
    assert f"{html.STATUS_WORDS[status]}" in counted
    assert '<li id="m-1">count of all rows' in text


def test_what_is_met_stands_by_itself_and_a_waived_finding_says_so():
    text = shown(made(finding("not_met", waiver=waiver(), **SHARE), finding("met", requirement="P1.2")))
    unsettled, settled = (
        re.search(rf"<caption>{words}.*?</table>", text, re.S)[0]
        for words in ("Required here, and not", "Required here, and met")
    )
    assert "P1.1.x" in unsettled
    assert "P1.2.x" not in unsettled
    assert "Waived by Ben (chair) until 2026-11-01: a pilot" in told(unsettled)
    assert "P1.2.x" in settled


def test_where_nothing_is_open_it_is_said():
    assert "Nothing that is required here is open." in shown(made(finding()))


def test_what_stands_in_the_way_is_counted_by_stage_and_effect_without_the_records_themselves():
    rows = [
        ["blocks", "Impact analysis", "P4.1.x", "…"],
        ["blocks", "Impact analysis", "its record", "recommendation reject"],
        ["is missing", "Bias testing", "P1.1.x", "…"],
        ["conditions an approval", "Bias testing", "P1.2.x", "…"],
        ["conditions an approval", "Bias testing", "P1.2.y", "…"],
    ]
    columns = ["effect", "stage", "finding", "in words"]
    table = Table(id=IN_THE_WAY, title="What stands in the way", requirement="G3", columns=columns, rows=rows)
    records = [upstream(stage="impact_analysis", recommendation="reject")]
    way = told(shown(made(finding(), records=records, tables=[table])).partition('id="way"')[2])
    assert "Impact analysis recommendation reject; see that stage 1 0 0" in way
    assert "Bias testing this record 0 1 2" in way
    empty = table.model_copy(update={"rows": []})
    assert "Nothing stands in the way, here" in told(shown(made(finding(), tables=[empty])))


def test_what_is_missing_besides_findings_is_listed():
    lost = [upstream("missing", None, stage="impact_analysis", use="level")]
    way = told(shown(made(finding(), records=lost)).partition('id="way"')[2])
    assert "Missing besides findings: Impact analysis: there is no record; see that stage" in way


def test_a_hostile_statement_is_shown_as_text_and_loses_nothing_in_the_list():
    statement = "<script>alert(1)</script> 100% %(title)s %s {{ x }} \x07" + "long" * 2500
    of = made(finding("not_met", **SHARE).model_copy(update={"statement": statement}))
    text = shown(of).replace("<wbr>", "")
    assert "<script" not in text
    listed = text[text.index('<tr id="f-P1.1.x"') :].replace("<wbr>", "")
    assert entities.escape(statement.replace("\x07", "\ufffd"), quote=False) in listed
    one = page_one(text)
    assert one.count("(words left out: 1)") == 2
    assert len(one) < 3000
    assert "\x07" not in text


def test_the_reason_on_the_page_is_that_of_the_record():
    rows = [finding("not_met", **SHARE).model_copy(update={"statement": "Müller & “Söhne” <b> 5%"})]
    of = made(*rows, records=[upstream(recommendation="reject", stage="impact_analysis")])
    lead = re.findall(r'<p class="lead">(.*?)<dl', shown(of), re.S)[0].split('<p class="lead">')[1]
    assert entities.unescape(lead) == of.recommendation.reason


def test_the_reason_is_said_in_the_language_of_the_page():
    template = html.environment().from_string("{{ reason(r) }}")
    german = {"Every requirement that is required here is met.": "Alle Anforderungen sind <b>erfüllt</b>."}
    context = {"r": made(finding()), "gettext": lambda text, **_: german[text]}
    assert template.render(context) == "Alle Anforderungen sind &lt;b&gt;erfüllt&lt;/b&gt;."


def test_every_role_that_signs_off_has_words_and_stages_have_names():
    assert set(catalogue.signoff_roles()) <= set(html.ROLE_WORDS)


def test_a_due_date_counts_from_the_day_that_the_record_describes():
    of = made(finding(), as_of=date(2026, 10, 1))
    assert first(of, reviewed(of).review).due == date(2026, 10, 1) + timedelta(days=30)
