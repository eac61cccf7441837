"""Plain controls: drop-down, text, text area, date, button. They have accessible names and work by keyboard."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import date
from html import escape
from typing import Any

import ipywidgets as widgets
from traitlets import Any as AnyTrait

SILENT = (
    "NOT SAVED YET: the notebook’s kernel has not taken in what you typed last. While it is busy, wait. If it has "
    "stopped, copy your text, choose Kernel > Restart Kernel and Run All Cells, and paste it."
)

STYLE = """<style>
.ethics-kit { max-width: 60rem; font-size: var(--jp-content-font-size1); }
.ethics-kit .widget-html-content { line-height: 1.5; white-space: normal; }
.ethics-kit h3, .ethics-kit h4, .ethics-kit p { margin: 0 0 0.3rem; }
.ethics-kit h4 { font-size: 1em; }
.ethics-kit .question { border-top: 1px solid var(--jp-border-color1); margin-top: 1rem; padding-top: 0.8rem; }
.ethics-kit .widget-label { text-align: left; white-space: normal; overflow-wrap: anywhere; height: auto;
  line-height: 1.3; padding-top: 0.3rem; }
.ethics-kit .widget-dropdown, .ethics-kit .widget-text { height: auto; min-height: var(--jp-widgets-inline-height); }
.ethics-kit .widget-dropdown > select { height: var(--jp-widgets-inline-height); }
.ethics-kit .jupyter-widgets :focus-visible { outline: 2px solid var(--jp-brand-color1) !important; }
.ethics-kit textarea { font-family: var(--jp-ui-font-family); }
.ethics-kit .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.ethics-kit .said { border-left: 4px solid var(--jp-border-color1); padding-left: 0.6rem; }
.ethics-kit .said.good { border-color: var(--jp-success-color1); }
.ethics-kit .said.bad, .ethics-kit .silent { border-left: 4px solid var(--jp-error-color1); font-weight: 600; }
.ethics-kit .said pre { white-space: pre-wrap; margin: 0.2rem 0; user-select: all; }
.ethics-kit .rows { overflow-x: auto; max-height: 24rem; margin: 0.4rem 0; }
.ethics-kit table { border-collapse: collapse; width: max-content; min-width: 100%; }
.ethics-kit caption { display: none; }
.ethics-kit .jupyter-button { border: 1px solid var(--jp-border-color0); padding: 0 1rem; margin: 0.3rem 0; }
.ethics-kit th, .ethics-kit td { text-align: left; vertical-align: top; padding: 0.2rem 0.6rem 0.2rem 0;
  border-bottom: 1px solid var(--jp-border-color2); max-width: 20rem; white-space: normal; }
.ethics-kit .hint { margin-top: 0.6rem; }
.ethics-kit .silent { display: none; padding-left: 0.6rem; }
.ethics-kit .foot .silent { position: fixed; bottom: 2.5rem; right: 1.5rem; max-width: 34rem; z-index: 100;
  padding: 0.6rem; background: var(--jp-layout-color1); border: 2px solid var(--jp-error-color1); }
.ethics-kit .heard { height: 0; margin: 0; overflow: hidden; }
.ethics-kit:has(> .heard > .widget-label:not([title="heard"])) > .foot .silent,
.ethics-kit:has(> .heard > .widget-label:not([title="heard"])) .question:focus-within .silent {
  display: block; animation: ethics-kit-late 0s 3s both; }
@keyframes ethics-kit-late { from { visibility: hidden; } to { visibility: visible; } }
</style>"""
"""Shows `SILENT` once what was typed stays unheard for three seconds, which needs no kernel."""


class Heard(widgets.HTML):  # type: ignore[misc]
    """What was typed last, copied by the browser, until the kernel has heard of it and says so.

    The copy is made without a kernel. When there is none, it stays, and the style sheet shows `SILENT`.
    """

    tooltip = AnyTrait(None, allow_none=True).tag(sync=True)

    HEARD = "heard"

    def __init__(self) -> None:
        super().__init__(tooltip=self.HEARD)
        self.add_class("heard")
        self.links: list[widgets.Widget] = []
        self.observe(self._hear, names="tooltip")

    def follow(self, controls: Iterable[widgets.Widget]) -> None:
        """Copy whatever is put into these controls."""
        for control in controls:
            source = "index" if isinstance(control, widgets.Dropdown) else "value"
            self.links.append(widgets.jsdlink((control, source), (self, "tooltip")))

    def _hear(self, _: Any) -> None:
        if self.tooltip != self.HEARD:
            self.tooltip = self.HEARD


class Signature:
    """Who is answering: two controls that all forms of a workbook show."""

    def __init__(self, signed: Callable[[], None]) -> None:
        self.by, self.role = (text(label, continuous_update=False) for label in ("Your name", "Your role"))
        for control in (self.by, self.role):
            control.observe(lambda _: signed(), names="value")

    def given(self) -> dict[str, str | None]:
        """Name and role, or None where they are not given."""
        return {"by": clean(self.by.value), "role": clean(self.role.value)}

    @property
    def complete(self) -> bool:
        return all(self.given().values())


def _common(label: str, of: str) -> dict[str, Any]:
    """A short label for the eye; for a screen reader it goes on with what it is of."""
    return {
        "description": f'{escape(label)}<span class="unseen">: {escape(of)}</span>' if of else escape(label),
        "description_allow_html": True,
        "tooltip": "",
        "style": {"description_width": "12rem"},
        "layout": {"width": "auto"},
    }


def text(label: str, of: str = "", value: Any = None, **more: Any) -> widgets.Widget:
    """A line of text."""
    return widgets.Text(value=str(value or ""), **_common(label, of), **more)


def lines(label: str, of: str = "", value: Any = None, *, rows: int = 2, **more: Any) -> widgets.Widget:
    """Text of several lines."""
    return widgets.Textarea(value=str(value or ""), rows=rows, **_common(label, of), **more)


def choice(label: str, of: str, value: Any, options: Iterable[tuple[Any, str]]) -> widgets.Widget:
    """One of `options`, values with their words. What is none of them is shown as it is, to be corrected."""
    known = list(options)
    if value not in (None, "", *(v for v, _ in known)):
        known.append((value, f"{value} (not on the list)"))
    chosen = next((v for v, _ in known if v == value and type(v) is type(value)), "")
    return widgets.Dropdown(
        options=[("– choose –", ""), *((words, v) for v, words in known)], value=chosen, **_common(label, of)
    )


def day(label: str, of: str, value: Any) -> widgets.Widget:
    """A date."""
    return widgets.DatePicker(value=value if isinstance(value, date) else None, **_common(label, of))


def button(words: str, pressed: Callable[[], None]) -> widgets.Widget:
    """A button that says what it does."""
    made = widgets.Button(description=words, tooltip="", layout={"width": "auto", "align_self": "flex-start"})
    made.on_click(lambda _: pressed())
    return made


def put(control: widgets.Widget, value: Any) -> None:
    """Put a value, or nothing, into any of these controls."""
    if isinstance(control, widgets.DatePicker):
        control.value = date.fromisoformat(value) if isinstance(value, str) and value else value or None
    elif isinstance(control, widgets.Dropdown):
        found = next((v for _, v in control.options if str(v) == str(value)), "" if value is None else value)
        if found not in [v for _, v in control.options]:
            control.options = (*control.options, (f"{found} (not on the list)", found))
        control.value = found
    else:
        control.value = "" if value is None else str(value)


def clean(value: Any) -> Any:
    """Text without blanks at the ends of lines, which YAML could not show as lines; nothing as None."""
    return "\n".join(line.rstrip() for line in value.splitlines()).strip() or None if isinstance(value, str) else value


def said(words: str, more: Iterable[str] = (), kept: Iterable[tuple[str, str]] = ()) -> str:
    """What a form says under a field. What went wrong interrupts a screen reader; the rest waits its turn.

    `more` are further lines; `kept` is text that is not saved, by its label, to be seen and copied.
    """
    bad = "NOT SAVED" in words
    kind, role = ("bad", "alert") if bad else ("good" if words.startswith(("Saved", "Answered")) else "", "status")
    shown = [f'<p class="said {kind}" role="{role}">{escape(words)}</p>'] if words else []
    shown += [f'<p class="said">{escape(line)}</p>' for line in more]
    shown += [
        f'<div class="said bad">Your text, not saved: {escape(label)}<pre tabindex="0">{escape(typed)}</pre></div>'
        for label, typed in kept
    ]
    return "".join(shown) + f'<p class="silent" role="alert">{SILENT}</p>'


def close(widget: widgets.Widget, *, but: Collection[widgets.Widget]) -> None:
    """Take a form away with all that is in it `but` what others show, so that a page does not load it again."""
    if widget in but:
        return
    for below in getattr(widget, "children", ()):
        close(below, but=but)
    for link in getattr(widget, "links", ()):
        link.close()
    widget.close()
