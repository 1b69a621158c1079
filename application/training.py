"""The matcher learns from people whose record is known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from application.ports import Records
from domain.comparing import Likeness, Verdicts, compare
from domain.matching import Matcher
from domain.persons import Declared, Record
from domain.training import count_levels, fit
from domain.weighing import Model

STRANGERS: Final = 200_000  # pairs at most that tell how often strangers agree
SAMPLE: Final = 20_000  # records that they are drawn from
LEAST: Final = 100  # examples; fewer say nothing of how often something is wrong

# What is linked without a clerk is as good as certain, and a thousand times likelier than the next.
THRESHOLD: Final = 0.999
MARGIN: Final = 10.0


class TooFew(Exception):
    """Not enough examples, or records, to learn from."""


@dataclass(frozen=True)
class Example:
    """record_number: of the person's own record; None: the register has none."""

    declared: Declared
    email: str
    record_number: str | None


def train(
    examples: Sequence[Example], records: Records, likeness: Likeness, *, version: str, today: date
) -> Model:
    """Count what agrees among examples and among strangers, then fit the probability. Raises TooFew."""
    same = [
        compare(example.declared, example.email, record, likeness)
        for example, record in _own(examples, records)
    ]
    sample = records.sample(SAMPLE)
    if len(same) < LEAST or len(sample) < LEAST:
        raise TooFew
    levels = count_levels(same, _strangers(examples, sample, likeness))
    model = Model(
        version=version,
        trained_on=today,
        trained_with=f"{len(examples)} examples, {len(sample)} records",
        levels=levels,
        coverage=min(len(same) / len(examples), 0.999),
        slope=1.0,
        offset=0.0,
        threshold=THRESHOLD,
        margin=MARGIN,
    )
    slope, offset = fit(*_scored(examples, records, Matcher(model, likeness)))
    return replace(model, slope=slope, offset=offset)


def _own(examples: Sequence[Example], records: Records) -> Iterator[tuple[Example, Record]]:
    for example in examples:
        record = records.get(example.record_number) if example.record_number else None
        if record:
            yield example, record


def _strangers(
    examples: Sequence[Example], sample: Sequence[Record], likeness: Likeness
) -> Iterator[Verdicts]:
    """Each example with so many others, a stride apart, so that all records have their turn."""
    each = max(STRANGERS // len(examples), 1)
    for number, example in enumerate(examples):
        for turn in range(min(each, len(sample))):
            record = sample[(number * each + turn) % len(sample)]
            if record.record_number != example.record_number:
                yield compare(example.declared, example.email, record, likeness)


def _scored(
    examples: Sequence[Example], records: Records, matcher: Matcher
) -> tuple[list[float], list[bool]]:
    """Of all candidates of all examples: score with prior, and whether it was the person's record."""
    bits, right = [], []
    for example in examples:
        census = records.census(example.declared)
        prior = matcher.model.prior(census.people)
        for record in records.candidates(example.declared, example.email):
            found = matcher.compare(example.declared, example.email, record, census)
            bits.append(found.score + prior)
            right.append(record.record_number == example.record_number)
    return bits, right
