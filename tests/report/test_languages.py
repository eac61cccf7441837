"""Every string of the reports stands in one catalogue, and its translation says the same in the same places."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from ruamel.yaml import YAML

from ethics_kit import languages, yamlfile
from ethics_kit.languages import Fixed, Phrase
from ethics_kit.project import Project
from ethics_kit.report import extraction, html, translated
from ethics_kit.schema import Policy

TRANSLATIONS = languages.available()[1:]
CHROME = ("ethics_kit/report/", "ethics_kit/record.py", "ethics_kit/recommendation.py", "ethics_kit/schema/")
"""Where the words of the pages themselves come from. Questions and prose may stay in English, marked as such."""

HEAD = r"""msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

"""


def texts(message: Message) -> tuple[str, ...]:
    return message.id if isinstance(message.id, tuple) else (message.id,)


def ids(catalogue: Catalog) -> set[tuple[str, ...]]:
    return {texts(message) for message in catalogue if message.id}


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Puts a catalogue of a language of the test's own in place of those that are shipped."""
    monkeypatch.setattr(languages, "LOCALE", tmp_path)

    def put_one(code: str, content: str) -> None:
        path = languages.catalogue_file(code)
        path.parent.mkdir(parents=True)
        path.write_text(HEAD + content, encoding="utf-8")

    yield put_one
    languages._read.cache_clear()
    html._environment.cache_clear()


# --- what is shipped -------------------------------------------------------------------------------------------


def test_german_is_shipped() -> None:
    assert TRANSLATIONS == ["de"]


def test_the_template_holds_the_strings_of_the_code_and_no_others() -> None:
    shipped = extraction.TEMPLATE.read_bytes()
    assert shipped == extraction.written(extraction.extracted()), "run: python -m ethics_kit.report.extraction"


@pytest.mark.parametrize("code", TRANSLATIONS)
def test_a_catalogue_holds_the_strings_of_the_template_and_no_others(code: str) -> None:
    own = languages.read_catalogue(languages.catalogue_file(code))
    assert ids(own) == ids(languages.read_catalogue(extraction.TEMPLATE))
    assert not own.obsolete
    assert [m.id for m in own if m.id and m.fuzzy] == []


@pytest.mark.parametrize("code", TRANSLATIONS)
def test_the_words_of_pages_are_all_translated(code: str) -> None:
    own = languages.read_catalogue(languages.catalogue_file(code))
    pages = [m for m in own if m.id and any(place.startswith(CHROME) for place, _ in m.locations)]
    assert len(pages) > 200
    assert [m.id for m in pages if not all(m.string if isinstance(m.string, tuple) else (m.string,))] == []


@pytest.mark.parametrize("code", TRANSLATIONS)
def test_a_translation_has_the_places_and_the_markup_of_its_english(code: str) -> None:
    def marks(text: str) -> list[str]:
        return sorted(re.findall(r"%\(\w+\)s|%%|\{\w+\}|</?\w+[^>]*>", text))

    for message in languages.read_catalogue(languages.catalogue_file(code)):
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        for english, own in zip(texts(message), strings, strict=False):
            assert not own or not message.id or marks(own) == marks(english), english
        for own in strings[2:]:
            assert marks(own) == marks(texts(message)[-1]), message.id


@pytest.mark.parametrize("code", TRANSLATIONS)
def test_headings_of_notebooks_keep_their_level(code: str) -> None:
    def levels(text: str) -> list[str]:
        return re.findall(r"^#+(?= )", text, re.MULTILINE)

    for message in languages.read_catalogue(languages.catalogue_file(code)):
        if isinstance(message.id, str) and message.id and message.string:
            assert levels(str(message.string)) == levels(message.id), message.id


@pytest.mark.parametrize("code", TRANSLATIONS)
def test_a_catalogue_reads_and_writes_without_a_change(code: str) -> None:
    path = languages.catalogue_file(code)
    assert extraction.written(languages.read_catalogue(path)) == path.read_bytes()


def test_updating_keeps_translations_drops_strings_that_went_and_asks_for_new_ones(
    put: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    put("xx", 'msgid "Met"\nmsgstr "Erreicht"\n\nmsgid "Of old"\nmsgstr "Von früher"\n')
    monkeypatch.setattr(extraction, "TEMPLATE", languages.LOCALE / "ethics_kit.pot")
    extraction.main([])
    own = languages.read_catalogue(languages.catalogue_file("xx"))
    assert own["Met"].string == "Erreicht"
    assert own["Not met"].string == ""
    assert "Of old" not in own
    assert not own.obsolete


def test_a_language_is_begun_by_naming_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "LOCALE", tmp_path)
    monkeypatch.setattr(extraction, "TEMPLATE", tmp_path / "ethics_kit.pot")
    extraction.main(["fr"])
    assert languages.available() == ["en", "fr"]
    assert ids(languages.read_catalogue(languages.catalogue_file("fr"))) == ids(extraction.extracted())


# --- the policy's language -------------------------------------------------------------------------------------


def test_a_language_without_a_catalogue_is_a_problem(project: Callable[..., Path]) -> None:
    path = Project(project()).policy
    data = YAML(typ="safe").load(path)
    with path.open("w", encoding="utf-8") as file:
        YAML().dump({**data, "language": "fr"}, file)
    _, problems = yamlfile.validate(Policy, yamlfile.read(path))
    assert [(p.key, p.found, p.allowed) for p in problems] == [("language", '"fr" (text)', "one of en, de")]


@pytest.mark.parametrize("code", ["fr", "../de", "de/../de", "", None, 7, ["de"], {"de": 1}])
def test_a_record_that_names_an_unknown_language_is_shown_in_english(code: Any) -> None:
    assert languages.language(code).code == "en"


# --- how texts are shown ---------------------------------------------------------------------------------------


def test_a_known_text_is_translated_and_another_marked_as_english() -> None:
    known = translated.known(languages.language("de"))
    assert known("Impact analysis") == "Folgenabschätzung"
    assert known("Selection of <b>women</b>.") == '<span lang="en">Selection of &lt;b&gt;women&lt;/b&gt;.</span>'
    assert known("0.7 – 2026-10-31") == "0.7 – 2026-10-31"


def test_in_english_nothing_is_marked() -> None:
    known = translated.known(languages.language("en"))
    assert known("Impact <analysis>") == "Impact &lt;analysis&gt;"
    assert translated.known_prose(languages.language("en"))("## Unknown *prose*") == "<h3>Unknown <em>prose</em></h3>\n"


def test_prose_without_a_translation_is_marked_as_english() -> None:
    prose = translated.known_prose(languages.language("de"))
    assert prose("## Legal triggers\n") == "<h3>Rechtliche Auslöser</h3>\n"
    assert prose("## A new part") == '<div lang="en"><h3>A new part</h3>\n</div>'


def test_a_phrase_is_translated_with_what_stands_in_it() -> None:
    shown = translated.phrased(languages.language("de"))
    count = Phrase("%(num)s answer", {"num": 2}, "%(num)s answers")
    section = {"count": count, "section": Fixed("Human oversight"), "stage": Fixed("design review")}
    phrase = Phrase("%(count)s in the section “%(section)s” of the %(stage)s", section)
    assert str(phrase) == "2 answers in the section “Human oversight” of the design review"
    assert shown(phrase) == "2 Antworten im Abschnitt „Menschliche Aufsicht“ der Phase Entwurfsprüfung"


def test_what_stands_in_a_phrase_is_escaped() -> None:
    shown = translated.phrased(languages.language("de"))
    said = {"requirement": Fixed("<i>x</i>"), "what": "100% <script>"}
    told = shown(Phrase("%(requirement)s: %(what)s", said))
    assert told == '<span lang="en">&lt;i&gt;x&lt;/i&gt;</span>: 100% &lt;script&gt;'


def test_plural_forms_follow_the_language(put: Callable[[str, str], None]) -> None:
    put("xx", 'msgid "%(num)s answer"\nmsgid_plural "%(num)s answers"\nmsgstr[0] "%(num)s A"\nmsgstr[1] "%(num)s B"\n')
    shown = translated.phrased(languages.language("xx"))
    for number, told in {0: "0 B", 1: "1 A", 5: "5 B"}.items():
        assert shown(Phrase("%(num)s answer", {"num": number}, "%(num)s answers")) == told
