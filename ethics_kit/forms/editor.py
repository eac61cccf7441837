"""The controls of one row, and how they hold its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from html import escape
from typing import Any

import ipywidgets as widgets

from ethics_kit.forms import choices, controls
from ethics_kit.forms.unfinished import Values
from ethics_kit.record import Finding
from ethics_kit.registers import KEY, OF, Field, Register
from ethics_kit.stages.case import Case


class Editor:
    """A control for each field of a register, with a hint above where there is one."""

    def __init__(self, register: Register, changed: Callable[[Field], None]) -> None:
        self.register = register
        self.controls: dict[str, widgets.Widget] = {}
        self.hints = {f.name: widgets.HTML() for f in register.fields}
        self.filling = False
        for field in register.fields:
            self.controls[field.name] = self._control(field, self._has_options(field))
            self.controls[field.name].observe(lambda _, f=field: self._changed(f, changed), names="value")
        self.box = widgets.VBox([w for name, c in self.controls.items() for w in (self.hints[name], c)])

    def _has_options(self, field: Field) -> bool:
        risk = field.name == "id" and self.register.path[0].startswith("risks")
        return field.kind == "choice" or risk or field.name == "finding"

    def _control(self, field: Field, listed: bool) -> widgets.Widget:
        label, of = f"{field.label}{' (needed)' if field.needed else ''}", self.register.title
        if listed:
            return controls.choice(label, of, None, field.options)
        if field.kind == "day":
            return controls.day(label, of, None)
        if field.kind in ("line", "number"):
            return controls.text(label, of)
        return controls.lines(label, of, rows=3)

    def _changed(self, field: Field, changed: Callable[[Field], None]) -> None:
        if not self.filling:
            changed(field)

    def offer(self, case: Case, data: Mapping[str, Any], findings: Sequence[Finding], *, fixed: bool) -> None:
        """Bring choices and hints up to date. What a row's place holds is `fixed` once the row is there."""
        for field in self.register.fields:
            control = self.controls[field.name]
            if isinstance(control, widgets.Dropdown):
                known = [(w, v) for v, w in choices.options(self.register, field, case, data, findings)]
                value = control.value
                if value not in ("", *(v for _, v in known)):
                    known.append((f"{value} (not on the list)", value))
                fresh = (("– choose –", ""), *known)
                if tuple(control.options) != fresh:
                    self.filling = True
                    control.options, control.value = fresh, value
                    self.filling = False
                control.disabled = fixed and field.name in (KEY, OF)
            words = choices.hint(self.register, field, case, control.value)
            self.hints[field.name].value = f'<p class="hint">{escape(words)}</p>' if words else ""
            self.hints[field.name].layout.display = None if words else "none"

    def put(self, typed: Mapping[str, Any]) -> None:
        """Show a row; fields that are not given are empty."""
        self.filling = True
        for name, control in self.controls.items():
            controls.put(control, typed.get(name))
        self.filling = False

    def typed(self) -> Values:
        """What the controls hold, without what is empty; in the terms of `as_typed`."""
        held = {name: controls.clean(control.value) for name, control in self.controls.items()}
        return {name: value for name, value in held.items() if value not in (None, "")}


def as_typed(field: Field, value: Any) -> Any:
    """A value of the file as its control holds it."""
    if value in (None, [], {}):
        return None
    if field.kind == "lines":
        return "\n".join(map(str, value)) if isinstance(value, list) else str(value)
    if field.kind == "pairs" and isinstance(value, Mapping):
        return "\n".join(f"{k}: {', '.join(map(str, v)) if isinstance(v, list) else v}" for k, v in value.items())
    if field.kind == "choice":
        words = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
        return value if value in [v for v, _ in field.options] else words
    return value if isinstance(value, date) else controls.clean(str(value))


def as_value(field: Field, typed: Any) -> Any:
    """What a control holds as a value of the file."""
    if typed is None or not isinstance(typed, str):
        return typed
    if field.kind == "lines":
        return [line.strip() for line in typed.splitlines() if line.strip()]
    if field.kind == "pairs":
        split = [line.partition(":") for line in typed.splitlines() if line.strip()]
        return {key.strip(): _after(field, rest) for key, _, rest in split}
    return _number(typed) if field.kind == "number" else typed


def _after(field: Field, rest: str) -> Any:
    return [part.strip() for part in rest.split(",") if part.strip()] if field.lists else rest.strip() or None


def _number(typed: str) -> Any:
    for kind in (int, float):
        try:
            return kind(typed)
        except ValueError:
            pass
    return typed
