"""The glossary's terms, and where a text is found to use one."""

import pytest

from ethics_kit.framework import glossary
from ethics_kit.framework.glossary import Term, mentions


def test_two_terms_that_share_a_spelling_are_told(monkeypatch):
    one = Term(term="recall", meaning="Who is found of those who matter.")
    other = Term(term="true positive rate", seen_as=("Recall",), meaning="Who is found of those who matter.")
    monkeypatch.setattr(glossary, "glossary", lambda: (one, other))
    assert glossary.problems() == ["glossary: Recall is a spelling of recall and of true positive rate"]


@pytest.mark.parametrize("meaning", ["No full stop", "Half (50%) of them.", "A <b>bold</b> one.", "One.\nTwo"])
def test_a_meaning_is_one_plain_sentence(meaning):
    with pytest.raises(ValueError, match="meaning"):
        Term(term="x", meaning=meaning)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Met: 3", True),
        ("not METRIC", False),
        ("a met-by", False),
        ("C2.1.met", False),
        ("it is met.", True),
        ("", False),
    ],
)
def test_a_spelling_counts_as_a_word_of_its_own(text, found):
    assert mentions(text, ("met",)) is found
