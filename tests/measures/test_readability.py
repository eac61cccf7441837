"""Reading ease against published scores and against counts made by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethics_kit.measures.readability import ADDRESS, FORMULAS, base_language, readability, syllables_of

ONE_SYLLABLE_IN_13_WORDS = 84.6 / 13

PUBLISHED = [  # Wikipedia, "Flesch–Kincaid readability tests": 116, 69 and 37.5; "reptilian" may have three or four
    ("The cat sat on the mat.", 116, 0.5),
    ("This sentence, taken as a reading passage unto itself, is being used to prove a point.", 69, 0.5),
    (
        "The Australian platypus is seemingly a hybrid of a mammal and reptilian creature.",
        37.5,
        ONE_SYLLABLE_IN_13_WORDS + 0.1,
    ),
]


@pytest.mark.parametrize(("text", "score", "within"), PUBLISHED)
def test_english_scores_are_those_published(text, score, within):
    assert readability(text, "en").score == pytest.approx(score, abs=within)


BY_HAND = [  # words, sentences, syllables, as a person counted them; then the formula as its author wrote it
    ("de", "Punkt, Punkt, Komma, Strich, fertig ist das Mondgesicht.", 8, 1, 12, 180 - 8 - 58.5 * 12 / 8),
    (
        "de",
        "Über die Idee wird heute neu entschieden. Ihre Antwort zählt.",
        10,
        2,
        2 + 1 + 2 + 1 + 2 + 1 + 3 + 2 + 2 + 1,
        180 - 10 / 2 - 58.5 * 17 / 10,
    ),
    (
        "es",
        "La guía explica qué oyó cada pingüino. El país ahora lee.",
        11,
        2,
        1 + 2 + 3 + 1 + 2 + 2 + 3 + 1 + 2 + 3 + 2,
        206.84 - 60 * 22 / 11 - 1.02 * 11 / 2,
    ),
    (
        "fr",
        "Une personne lit votre dossier avant l'appel. Qu'une idée !",
        9,
        2,
        1 + 2 + 1 + 1 + 2 + 2 + 2 + 1 + 2,
        207 - 1.015 * 9 / 2 - 73.6 * 14 / 9,
    ),
]


@pytest.mark.parametrize(("language", "text", "words", "sentences", "syllables", "score"), BY_HAND)
def test_other_languages_follow_their_own_formula_and_a_persons_count(
    language, text, words, sentences, syllables, score
):
    found = readability(text, language)
    assert (found.words, found.sentences, found.syllables) == (words, sentences, syllables)
    assert found.score == pytest.approx(score)


def test_the_same_counts_give_another_score_in_each_language():
    assert len({(f.base, f.per_sentence, f.per_word) for f in FORMULAS.values()}) == len(FORMULAS)


def test_a_language_without_a_formula_is_counted_and_not_judged():
    found = readability("Program wybiera, do kogo dzwonimy. Decyduje człowiek.", "pl")
    assert (found.words, found.sentences, found.score, found.formula) == (7, 2, None, None)


def test_a_region_does_not_change_the_language():
    assert base_language("en-GB") == base_language("EN_us") == "en"
    assert readability("You can say no.", "en-GB") == readability("You can say no.", "en")


@pytest.mark.parametrize(
    "text",
    ["", "   ", "0800 5551", "northwick.example/offers", "**", "https://example.org/a?b=c#d or info@example.org"],
)
def test_a_text_without_words_has_no_score(text):
    found = readability(text.replace(" or ", " "), "en")
    assert (found.words, found.score) == (0, None)


def test_addresses_numbers_and_marks_are_no_words_and_end_no_sentence():
    plain = readability("Ask a person at any time. You may also write.", "en")
    marked = readability("**Ask** a person at any time: www.a.example/b.c/d. You may also write 2 x@y.example.", "en")
    assert (marked.words, marked.sentences, marked.syllables) == (plain.words, plain.sentences, plain.syllables)


def test_list_items_and_headings_are_sentences_of_their_own():
    assert readability("How we choose\n\nWe look at:\n- bills\n- faults and calls", "en").sentences == 4


def test_an_abbreviation_of_single_letters_ends_no_sentence():
    assert readability("Wir rufen z. B. Kunden an. Sie sagen Nein.", "de").sentences == 2


@pytest.mark.parametrize("word", ["client", "ciudad", "über", "a", "xyz"])
@pytest.mark.parametrize("language", FORMULAS)
def test_every_word_has_a_syllable(word, language):
    assert syllables_of(word, language) >= 1


WORDS = ["we", "call", "you", "when", "your", "line", "has", "faults", "and", "help"]


@given(st.lists(st.sampled_from(WORDS), min_size=4, max_size=40))
def test_cutting_a_sentence_in_two_makes_a_text_easier(words):
    whole = readability(" ".join(words) + ".", "en").score
    half = len(words) // 2
    cut = readability(f"{' '.join(words[:half])}. {' '.join(words[half:]).capitalize()}.", "en").score
    assert whole is not None
    assert cut is not None
    assert cut > whole


@given(st.text(max_size=400), st.sampled_from([*FORMULAS, "pl"]))
def test_any_text_is_counted_without_an_error(text, language):
    found = readability(text, language)
    assert found.sentences <= found.words
    assert (found.score is None) == (found.words == 0 or language == "pl")


def test_a_long_row_of_letters_takes_no_time_to_speak_of():
    for text in ("a" * 20_000, "a." * 10_000, "a@" * 10_000, "www." * 5_000):
        ADDRESS.findall(text)
        readability(text, "en")
