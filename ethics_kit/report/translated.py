"""Filters that show the kit's own texts in the language of a page, and mark what stays in English."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup, escape

from ethics_kit import languages
from ethics_kit.languages import Fixed, Language, Phrase
from ethics_kit.report.text import inline, plain, prose


def filters(language: Language) -> Mapping[str, Callable[[Any], str]]:
    """The filters by the names that templates use."""
    return {
        "known": known(language),
        "known_prose": known_prose(language),
        "words": lambda text: plain(language.fixed.get(str(text), text)),
        "translated": lambda text: language.fixed.get(text, text),
        "phrase": phrased(language),
        "upper_first": lambda text: text[:1].upper() + text[1:],
    }


def known(language: Language) -> Callable[[object], Markup]:
    """For text that the kit wrote and a record, a notebook or the framework carries.

    It gives the translation, escaped, or else the English, marked as such. Where no language can be marked, and for
    text that a person may have written instead, there is ``words``, which marks nothing.
    """

    def shown(text: object) -> Markup:
        own = language.fixed.get(str(text))
        if own is None and language.code != languages.SOURCE and any(map(str.isalpha, str(text))):
            return Markup('<span lang="en">{}</span>').format(inline(text))
        return escape(inline(own or text))

    return shown


def known_prose(language: Language) -> Callable[[str], Markup]:
    """The same for the prose of the kit's notebooks, which is Markdown."""

    def shown(markdown: str) -> Markup:
        own = language.fixed.get(markdown.strip())
        if own is None and language.code != languages.SOURCE:
            return Markup('<div lang="en">{}</div>').format(prose(markdown))
        return prose(own or markdown)

    return shown


def phrased(language: Language) -> Callable[[Phrase], Markup]:
    """For a sentence with places: translated, with what stands in them escaped."""
    text = known(language)

    def shown(phrase: Phrase) -> Markup:
        if phrase.plural:
            words = language.translations.ngettext(phrase.text, phrase.plural, int(str(phrase.values["num"])))
        else:
            words = language.translations.gettext(phrase.text)
        return escape(words) % {name: value_of(value) for name, value in phrase.values.items()}

    def value_of(value: object) -> Markup:
        if isinstance(value, Phrase):
            return shown(value)
        return text(value) if isinstance(value, Fixed) else escape(inline(value))

    return shown
