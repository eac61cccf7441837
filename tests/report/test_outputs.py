"""Whatever a notebook's cell puts out is on the page, and nothing of it runs."""

import base64
import re
from datetime import date

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_notebook, new_output

from ethics_kit.attestation.proof import Proof
from ethics_kit.recommendation import recommend
from ethics_kit.record import LevelResult, Obligations, Record
from ethics_kit.report import page

PIXEL = base64.b64encode(b"\x89PNG not really").decode()
SVG = "<svg xmlns='http://www.w3.org/2000/svg'><script>window.ran = 1</script><text>drawn</text></svg>"

OUTPUTS = {
    "stream": (new_output("stream", name="stdout", text="printed <b>\x1b[31mred"), ["printed <b>\ufffd[31mred"]),
    "error": (new_output("error", ename="ValueError", evalue="<script>x</script>"), ["ValueError: <script>x</script>"]),
    "html": ({"text/html": "<p onclick=x>one <i>two</i></p><script>window.ran = 1</script>"}, ["one two"]),
    "html of nothing but script": ({"text/html": "<script>draw()</script>", "text/plain": "<Chart>"}, ["<Chart>"]),
    "html of a picture": ({"text/html": "<img src=x onerror=y>", "text/plain": "a picture"}, ["a picture"]),
    "svg": ({"image/svg+xml": SVG, "text/plain": "two bars"}, ["alt:two bars", "src:image/svg+xml"]),
    "png": ({"image/png": PIXEL, "text/plain": "a dot"}, ["alt:a dot", "src:image/png"]),
    "jpeg": ({"image/jpeg": PIXEL}, ["alt:Figure without a description", "src:image/jpeg"]),
    "markdown": ({"text/markdown": "# Head\n\n*soft* [x](javascript:y)"}, ["Head", "soft [x](javascript:y)"]),
    "latex": ({"text/latex": "$a < b$", "text/plain": "a < b"}, ["$a < b$"]),
    "json": ({"application/json": {"a<b": [1, "é"]}, "text/plain": "<JSON>"}, ['{"a<b": [1, "é"]}', "<JSON>"]),
    "plain": ({"text/plain": "{{ 7 * 7 }} <&>"}, ["{{ 7 * 7 }} <&>"]),
    "unknown": ({"application/x-<b>": "what <i>", "text/plain": "obj"}, ["application/x-<b>", "what <i>", "obj"]),
    "script": ({"application/javascript": "window.ran = 1"}, ["application/javascript", "window.ran = 1"]),
    "widget": (
        {"application/vnd.jupyter.widget-view+json": {"model_id": "12ab"}, "text/plain": "IntSlider(value=3)"},
        ["12ab", "IntSlider(value=3)"],
    ),
    "marker of nothing": (
        {"application/vnd.ethics-kit+json": {"part": "table", "id": "gone"}, "text/html": "<p>kept</p>"},
        ["kept"],
    ),
    "nothing": ({}, []),
}  # fmt: skip


def shown(*outputs):
    obligations = Obligations(level="I", kind="scored", conditions={}, duties=[])
    record = Record(
        system={"id": "demo", "name": "Demo", "kind": "scored", "model_version": "1", "organisation": "Test"},
        stage="impact_analysis",
        as_of=date(2026, 11, 1),
        level=LevelResult(value="I", holds="I", best="I", worst="I"),
        policy={
            "version": "1",
            "confidentiality": "Internal",
            "approved_by": {"name": "A"},
            "approved_on": "2026-01-01",
        },
        inputs=[],
        upstream=[],
        parameters={},
        tables=[],
        findings=[],
        obligations=obligations,
        recommendation=recommend([], obligations, [], date(2026, 11, 1)),
        versions={"ethics_kit": "1"},
    ).sealed()
    cells = [new_code_cell("x", execution_count=1, outputs=[o]) for o in outputs]
    notebook = nbformat.from_dict(new_notebook(cells=cells))
    html = page.render(notebook, record, Proof({}, []))
    return BeautifulSoup(html[html.index('aria-labelledby="assessment"') :], "html.parser")


def made(output):
    return output if "output_type" in output else new_output("display_data", data=output)


@pytest.mark.parametrize("kind", OUTPUTS)
def test_an_output_of_any_kind_is_on_the_page_and_does_not_run(kind):
    output, expected = OUTPUTS[kind]
    soup = shown(made(output))
    text = " ".join(soup.get_text().split())
    types = [re.match(r"data:([^;,]+)", i["src"])[1] for i in soup("img")]
    pictures = [f"alt:{i['alt']}" for i in soup("img")] + [f"src:{t}" for t in types]
    assert [e for e in expected if e not in (pictures if e.startswith(("alt:", "src:")) else text)] == []
    assert not soup(["script", "svg", "iframe"])
    assert not [tag for tag in soup(True) if any(name.startswith("on") for name in tag.attrs)]


def test_all_outputs_of_a_notebook_stand_in_their_order():
    soup = shown(*(made(output) for output, _ in OUTPUTS.values()))
    text = " ".join(soup.get_text().split())
    firsts = [expected[0] for _, expected in OUTPUTS.values() if expected and not expected[0].startswith("alt:")]
    places = [text.index(first) for first in firsts]
    assert places == sorted(places)
