"""The model card: what it says, what it leaves open, and that nothing in it can do more than be read."""

import re
from datetime import date
from html.parser import HTMLParser

import mistune
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethics_kit import dossier as dossiers
from ethics_kit.project import Project
from ethics_kit.record import read_record
from ethics_kit.report import card
from ethics_kit.report.html import inline
from ethics_kit.runner.assessment import Job
from ethics_kit.runner.assessment import assess as assess_stage
from ethics_kit.runner.job import run_job
from ethics_kit.stages import design_review
from ethics_kit.stages.case import Case
from ethics_kit.stages.conclude import conclude
from tests.inprocess import run_here

BY = {"by": "Wei Zhang", "on": date(2026, 9, 1)}
CARD = {
    "model_type": "A logistic regression.",
    "users": "The retention desk.",
    "training_data": "Customers of 2025.",
    "evaluation_data": "A quarter held back.",
    "limits": ["Weak for new customers", "Silent on calls"],
    "advice": "Look first.",
    **BY,
}
SYSTEM = {"intended_use": "Whom to call first.", "out_of_scope": ["Prices", "Appraisals"]}


def case_of(root, as_of=date(2026, 11, 1)):
    dossier = dossiers.load(Project(root), root / "parameters/demo", tables=False)
    return Case(dossier, "design_review", as_of, root / "reports")


def assess(root, **options):
    outcome = design_review.model_card(case_of(root, **options))
    (table,) = outcome.tables
    return {f.id: f for f in outcome.findings}, {(row[0], row[1]): row[2] for row in table.rows}


def test_what_is_missing_is_named_and_counted(project):
    findings, says = assess(
        project(system=SYSTEM, design_review={"model_card": CARD | {"users": "TBD", "advice": None}})
    )
    complete = findings["P1.3.model_card_complete"]
    missing = ["users", "fairness constraint", "impact", "people affected", "largest risks left"]
    missing += ["where a person decides", "advice to users"]
    assert (complete.status, complete.n) == ("not_met", 20)
    assert complete.value == pytest.approx(13 / 20)
    assert complete.statement.endswith(f"missing: {', '.join(missing)}.")
    assert complete.interval is None
    assert says["Intended use", "Users"] == card.NOT_STATED
    assert says["Caveats and recommendations", "Known limits"] == "Weak for new customers; Silent on calls"


def test_what_was_written_after_the_day_does_not_count(project):
    root = project(system=SYSTEM, design_review={"model_card": CARD})
    early, _ = assess(root, as_of=date(2026, 8, 1))
    late, _ = assess(root)
    assert late["P1.3.model_card_complete"].value > early["P1.3.model_card_complete"].value
    assert (early["P1.4.card_states_limits"].status, late["P1.4.card_states_limits"].status) == ("not_assessed", "met")


@pytest.mark.parametrize(
    ("system", "review", "status"),
    [
        ({}, {}, "not_assessed"),
        ({"preliminary": True}, {"model_card": CARD}, "not_assessed"),
        ({}, {"model_card": CARD}, "not_met"),
    ],
    ids=["nobody wrote a card", "nobody was asked for one yet", "what was written lacks fields"],
)
def test_a_card_that_was_not_asked_for_is_silence_and_not_a_fault(project, system, review, status):
    complete = assess(project(system=system, design_review=review))[0]["P1.3.model_card_complete"]
    assert complete.status == status
    assert complete.value < complete.threshold
    assert complete.action


@pytest.mark.parametrize(
    ("system", "own", "told"),
    [
        ({"out_of_scope": []}, {}, "uses that are out of scope"),
        ({"intended_use": ...}, {}, "the intended use"),
        ({}, {"limits": ["n/a"]}, "known limits"),
    ],
)
def test_each_part_of_the_limits_is_needed(project, system, own, told):
    root = project(system=SYSTEM | system, design_review={"model_card": CARD | own})
    finding = assess(root)[0]["P1.4.card_states_limits"]
    assert (finding.status, finding.evidence) == ("not_assessed", "attested")
    assert told in finding.statement


REQUEST = {"what": "The training data", "about": "training_data", "asked_on": date(2026, 2, 1)}


@pytest.mark.parametrize(
    ("answer", "stated"),
    [
        ({"answer": "refused", "answered_on": date(2026, 3, 1)}, True),
        ({"answer": "refused"}, False),
        ({"answer": "pending"}, False),
        ({"answer": "received", "answered_on": date(2026, 3, 1)}, False),
    ],
)
def test_a_suppliers_refusal_is_a_statement_and_what_was_received_has_to_be_told(project, answer, stated):
    system = SYSTEM | {"supplier": {"name": "Optivane", "requests": [REQUEST | answer]}}
    root = project(system=system, design_review={"model_card": CARD | {"training_data": None}})
    says = assess(root)[1]["Training data", "Training data"]
    assert says.startswith("Not known: Optivane was asked for “The training data”") is stated
    assert (says == card.NOT_STATED) is not stated


@pytest.mark.parametrize(
    ("model", "status", "told"),
    [
        ({"version": "m-1"}, "met", "The card describes m-1"),
        ({"version": "m-2"}, "not_met", "by it, others by m-1"),
        ({"version": ..., "released": ...}, "not_assessed", "the model's version"),
    ],
)
def test_the_card_describes_the_version_in_use(project, model, status, told):
    finding = assess(project(system={"model": model}))[0]["P1.3.card_describes_deployed_version"]
    assert finding.status == status
    assert told in finding.statement


def test_rules_have_no_training_data_and_an_assistant_no_selection(project):
    def fields(kind):
        case = case_of(project())
        object.__setattr__(case.dossier, "system", case.dossier.system.model_copy(update={"kind": kind}))
        return {row[1] for row in design_review.model_card(case).tables[0].rows}

    assert "Training data" not in fields("rules")
    assert not {"Selection", "Fairness constraint"} & fields("generative")


# --- Markdown --------------------------------------------------------------------------------------------------


class Seen(HTMLParser):
    """The tags and the text of a piece of HTML."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, _):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


def rendered(markdown):
    plugins = ["table", "strikethrough", "url", "task_lists", "footnotes", "math"]
    return Seen(mistune.create_markdown(escape=False, plugins=plugins)(markdown))


NASTY = [
    "<script>alert(1)</script>",
    "[press](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "<https://evil.example> https://evil.example www.evil.example",
    "**bold** _em_ `code` ~~gone~~ $x$",
    "line\n\n# Heading\n- [ ] item\n\n```\nfence",
    "a | b\n--|--\n1 | 2",
    "&lt;b&gt; &#60;i&#62; \\<b>",
    "\u202eevil\x07 [^1]: note",
]


@pytest.mark.parametrize("text", NASTY)
def test_text_from_a_dossier_is_shown_as_it_is_and_nothing_more(text):
    seen = rendered(f"- **field:** {card.escaped(text)}\n")
    assert seen.tags == ["ul", "li", "strong"]
    assert " ".join(seen.text.split()) == " ".join(f"field: {inline(text)}".split())


@given(st.text(alphabet=st.sampled_from("ab <>&[]()!*_`~#|\\\"'$^:/.-+={}1\n\thtps:w"), max_size=40))
def test_no_text_makes_markup(text):
    seen = rendered(f"- **field:** {card.escaped(text)}\n")
    assert seen.tags == ["ul", "li", "strong"]
    assert "".join(seen.text.split()) == "".join(f"field: {text}".split())


def test_the_document_of_a_record_has_every_field_and_no_markup_of_its_dossier(project):
    nasty = CARD | {"users": "<script>x</script> [y](http://z)", "limits": ["# Not a heading", "a\n\n## b"]}
    root = project(system=SYSTEM | {"name": "Demo <b>#1</b>"}, design_review={"model_card": nasty})
    case = case_of(root)
    record = conclude(case, {"model_card": design_review.model_card(case)})
    text = card.markdown(record)
    assert text == card.markdown(type(record).model_validate_json(record.to_bytes()))
    assert re.findall(r"(?m)^#+ .*$", text)[0] == r"# Model card: Demo &lt;b&gt;\#1&lt;/b&gt;"
    assert re.findall(r"(?m)^## (.*)$", text) == list(dict.fromkeys(row[0] for row in _rows(record)))
    assert text.count("\n- **") == len(_rows(record))
    assert set(rendered(text).tags) == {"h1", "h2", "p", "ul", "li", "strong"}


def _rows(record):
    return next(t.rows for t in record.tables if t.id == card.TABLE)


def test_a_record_without_a_card_has_no_document(project):
    case = case_of(project())
    assert card.markdown(conclude(case, {})) is None


# --- beside the record -----------------------------------------------------------------------------------------


def assessed(root, stage, run=run_job):
    result = assess_stage(Job(Project(root), root / "parameters/demo", stage, date(2026, 10, 1), root / "reports"), run)
    assert result.ok, result.reason
    return result.folder


def test_the_card_lies_beside_the_record_and_tells_of_bias_tests_of_earlier_days_only(project):
    root = project(system=SYSTEM, design_review={"model_card": CARD})
    bias = assessed(root, "bias_testing", run_here)
    review = assessed(root, "design_review")
    text = (review / card.FILE).read_text()
    assert "Not yet assessed: no bias testing before this day" in text
    assert "Silent on calls" in (review / "report.html").read_text()
    assert card.markdown(read_record(bias / "record.json")[0]) is None
    told = assess(root)[1]
    assert ("Quantitative analyses", "Performance by group") not in told
    record = f"As of 2026-10-01, record {bias.name.split('_')[1]}"
    assert told["Quantitative analyses", "Bias testing"].startswith(record)
    assert any(name.startswith("C2.1.") for _, name in told)
