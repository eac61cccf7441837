"""A figure's drawing with each class spelled out as the style it stands for."""

import re


def styled(figure):
    svg = figure.svg.decode()
    rules = dict(re.findall(r"\.(s[0-9a-f]+){([^}]*)}", svg))
    body = re.sub(r"<style>.*?</style>", "", svg)
    return re.sub(r"class='(s[0-9a-f]+)'", lambda name: f"style='{rules[name[1]]}'", body)
