"""How easy a text reads: Flesch's score and its counterparts, from words, sentences and syllables.

Scores run from about 0 (hard) to 100 (easy). They see the length of sentences and words, not what these say, and were
made for samples of about 100 words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Formula:
    """score = base - per_sentence * words per sentence - per_word * syllables per word."""

    name: str
    base: float
    per_sentence: float
    per_word: float


FORMULAS = {
    "en": Formula("Flesch 1948", 206.835, 1.015, 84.6),
    "de": Formula("Amstad 1978", 180.0, 1.0, 58.5),
    "es": Formula("Fernández Huerta 1959", 206.84, 1.02, 60.0),
    "fr": Formula("Kandel and Moles 1958", 207.0, 1.015, 73.6),
}
"""By language; the constants of the others are Flesch's, fitted anew to each language."""


@dataclass(frozen=True)
class Reading:
    """What was counted in a text. `score` and `formula` are None for a language without a formula."""

    words: int
    sentences: int
    formula: str | None = None
    syllables: int | None = None
    score: float | None = None


ADDRESS = re.compile(
    r"""\b[\w.+-]{1,64}@[\w.-]{1,255}\w                             # a mail address
    | (?:https?://|www\.)[^\s<>"']*[\w/]                            # an address by its beginning
    | \b[^\W\d_][\w-]{0,62}(?:\.[\w-]{1,63}){0,4}\.[^\W\d_]{2,63}(?:/[\w/-]*(?:[.?=&%\#][\w/-]+)*)?""",
    re.VERBOSE,
)
MARKS = re.compile(r"[*_#>`]")
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
END = re.compile(
    r"""(?<!\b\w)[.!?…]+["”»’)\]]*\s+(?=\W*[A-ZÀ-Þ0-9])             # not after a single letter: z. B., e. g.
    | \n\s*\n | \n\s*[-•]\s+""",
    re.VERBOSE,
)


def readability(text: str, language: str) -> Reading:
    """The reading ease of `text` in `language` (an ISO 639 code; a region after it does not matter).

    Addresses, numbers and marks of Markdown are no words; a blank line and a bullet end a sentence. Syllables of
    English words come from a word list (syllapy), those of German, Spanish and French from the rules of their spelling.
    """
    plain = MARKS.sub("", ADDRESS.sub(" ", text))
    found = [words for part in END.split(plain) if (words := WORD.findall(part))]
    words = [word.lower().replace("’", "'") for sentence in found for word in sentence]
    formula = FORMULAS.get(base_language(language))
    if formula is None or not words:
        return Reading(len(words), len(found))
    syllables = sum(syllables_of(word, base_language(language)) for word in words)
    score = formula.base - formula.per_sentence * len(words) / len(found) - formula.per_word * syllables / len(words)
    return Reading(len(words), len(found), formula.name, syllables, score)


def base_language(code: str) -> str:
    """The language of a code with or without a region: `en` for `en-GB`."""
    return re.split("[-_]", code.strip().lower())[0]


NUCLEI = {
    "de": re.compile("aa|ee|oo|ie|ei|ai|au|äu|eu|[aeiouyäöü]"),
    "es": re.compile("[iuü]*[aeoáéó][iu]?|[íú]|[iuü]+"),
    "fr": re.compile("é|[aeiouyàâèêëîïôûùüœæ]+"),
}
"""What is spoken as one vowel: two strong vowels of Spanish are two, a diphthong is one."""


def syllables_of(word: str, language: str) -> int:
    """Syllables of a lower-case word in English, German, Spanish or French; at least one."""
    if language == "en":
        import syllapy

        return max(1, int(syllapy.count(word)))
    spoken = word
    if language in ("es", "fr"):
        spoken = re.sub("qu(?=[eiéèêíaoâà'])|gu(?=[eiéèêí])", "q", spoken)  # here u is not spoken
    if language == "fr":
        spoken = re.sub("es?$", "", spoken)
    return max(1, len(NUCLEI[language].findall(spoken)))
