"""What a model of the house reads about each customer: drawn to fit the scores and labels, which were there first.

Given its risk and its other columns, a customer has the one number of logins that makes risk a weighted sum of all of
them, apart from noise. So nothing else that is known of customers counts, and these columns tell of nothing else.
"""

from __future__ import annotations

import numpy as np

from ethics_kit.examples import drawing as draw
from ethics_kit.examples.drawing import Array, Frame
from ethics_kit.examples.events import People

SCALES = {"churn_risk": (0.39, 0.22), "health_score": (62, -26)}
"""The score at a risk of 0, and its step for a risk of 1. Many health points are little risk of trouble."""
PAYMENTS = ("direct debit", "invoice", "card")
"""From the safest to the riskiest."""
YEAR = np.timedelta64(31_557_600, "s")


def inputs_of_decisions(system: str, rng: np.random.Generator, people: People, since: Array, decisions: Frame) -> Frame:
    """Columns that determine the score; where the log lacks it, some score that led to the same decision."""
    score, decision, (middle, step) = decisions["score"].copy(), decisions["decision"], SCALES[system]
    lacking = np.isnan(score)
    for row in np.flatnonzero(lacking):
        score[row] = rng.choice(score[(decision == decision[row]) & ~lacking])
    risk, years = (score - middle) / step, (people.time - since[: len(score)]) / YEAR
    return _with_gaps(rng, READ[system](rng, risk, risk, years), people.facts["inputs_missing"]["decisions"])


def inputs_of_sample(system: str, rng: np.random.Generator, people: People, since: Array, sample: Frame) -> Frame:
    """Columns from which the label can be learned, as they stood when the first decision was made."""
    order = np.argsort(people.everyone)
    rows = order[np.searchsorted(people.everyone, sample["customer"], sorter=order)]
    risk = rng.normal(np.where(sample["outcome"] == "yes", 1.04, -0.26), 0.85)  # 0 on average, with a deviation of 1
    shown = risk
    for attribute, group in people.facts["training_sample"]["unlearned"].items():
        # Fewer logins than others who stay, and hardly fewer of those who leave.
        alike = rng.normal(0.3 + 0.1 * risk, 0.75)
        shown = draw.where(people.attributes[attribute][rows] == group, alike, shown)
    frame = READ[system](rng, risk, shown, (people.time[0] - since[rows]) / YEAR)
    return _with_gaps(rng, frame, people.facts["inputs_missing"]["training_sample"])


def _churn(rng: np.random.Generator, risk: Array, shown: Array, years: Array) -> Frame:
    """`risk` shows in tickets and payment, `shown` in logins."""
    tickets = rng.poisson(0.8 * np.exp(0.5 * risk))
    payment = np.digitize(0.4 * risk + rng.logistic(0, 1, len(risk)), [0, 1])
    fixed = 30 - (years - 5) + 2 * (tickets - 1) + 2 * (payment - 1)
    return {
        "tenure_years": np.round(years, 2),
        "logins_30d": _whole(fixed - 8 * shown + rng.normal(0, 4.5, len(risk))),
        "tickets_90d": tickets,
        "payment": draw.objects(PAYMENTS)[payment],
    }


def _health(rng: np.random.Generator, risk: Array, shown: Array, years: Array) -> Frame:
    """As `_churn`, of issues and a survey. A contract is renewed every two years."""
    issues = rng.poisson(0.7 * np.exp(0.5 * risk))
    survey = np.clip(_whole(rng.normal(6.5 - 1.2 * risk, 1.5)), 0, 10)
    fixed = 40 + 4 * (issues - 1) - 2 * (survey - 6.5) - 9 * (years % 2 - 1)
    return {
        "logins": _whole(fixed - 10 * shown + rng.normal(0, 4.5, len(risk))),
        "open_issues": issues,
        "survey": survey,
        "contract_age": np.round(years % 2, 2),
    }


READ = {"churn_risk": _churn, "health_score": _health}


def _whole(numbers: Array) -> Array:
    return np.maximum(np.rint(numbers), 0).astype(int)


def _with_gaps(rng: np.random.Generator, frame: Frame, missing: dict[str, int]) -> Frame:
    """The frame with as many empty cells in each column as planted, as real exports have them."""
    for name, count in missing.items():
        column = frame[name].astype(object)
        column[rng.choice(len(column), count, replace=False)] = None
        frame |= {name: column}
    return frame
