"""What the dashboard shows: a headline that says what there is to see, its chart for either screen, its numbers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from babel import Locale
from babel.numbers import format_decimal, format_percent
from markupsafe import Markup

from api.context import locale, service
from api.web.console import charts
from api.web.console.charts import NARROW, WIDE, Places, Said, Series, Size
from api.web.console.periods import Span, by_week, days_off, labels, partial
from api.web.words import DATES, t
from domain.calendar import LINKING_TIME
from infrastructure.statistics import Duration, Report

LABELS: Final[Mapping[Size, int]] = {WIDE: 10, NARROW: 4}  # that there is room for
LONGEST: Final = 8  # working days with a column of their own; the last one holds what took longer
SHORTEST: Final = 5
WAYS: Final = ("automatic", "linked", "rejected")
Draw = Callable[[Said, Size], Markup]


@dataclass(frozen=True)
class Figure:
    """title: the headline. lead: what is counted. key: classes of the chart, and their words. head, rows: its table.

    is_empty: there is nothing to draw.
    """

    name: str
    title: str
    lead: str
    key: Sequence[tuple[str, str]]
    is_empty: bool
    wide: Markup
    narrow: Markup
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def figures(report: Report, shown: Sequence[Span]) -> list[Figure]:
    """The most important one first."""
    return [_time(report), _backlog(shown), _requests(shown), _ways(shown), _mails(shown)]


def plural(path: str, count: int, **params: object) -> str:
    """The text at `path.one` or `path.other`, as the reader's grammar wants it."""
    form = Locale(locale()).plural_form(count)
    return t(f"dashboard.{path}.{'one' if form == 'one' else 'other'}", count=written(count), **params)


def written(count: int) -> str:
    return format_decimal(count, locale=DATES[locale()])


def share(part: int, whole: int) -> str:
    """In percent; never 100 where something is missing, nor 0 where there is something."""
    percent = round(100 * part / whole) / 100
    if part < whole:
        percent = min(percent, 0.99)
    if part:
        percent = max(percent, 0.01)
    return format_percent(percent, locale=DATES[locale()])


def _time(report: Report) -> Figure:
    """All but the links that were made on the day itself without a clerk, beside which nothing else could be seen."""
    at_once = sum(each.automatic for each in report.durations[:1])
    decided, on_time = report.decided - at_once, report.on_time - at_once
    counted = _lumped(report.durations)
    places = Places(
        len(counted),
        {days: f"{days}+" if days == LONGEST else str(days) for days in range(len(counted))},
        limit=(LINKING_TIME + 1, t("dashboard.time.limit", days=LINKING_TIME)),
    )
    by_way = {way: [getattr(each, way) for each in counted] for way in WAYS}
    later = by_way | {"automatic": [0, *by_way["automatic"][1:]]}
    series = [Series(way, values) for way, values in later.items() if any(values)]
    title = t("dashboard.time.nothing")
    if decided:
        title = t("dashboard.time.title", share=share(on_time, decided))
    return _figure(
        "time",
        title,
        t("dashboard.time.sum", total=written(decided), late=written(decided - on_time)),
        [each.kind for each in series],
        lambda said, size: charts.columns(series, places, said, size, marked="is-late"),
        (t("dashboard.time.column"), *map(_label, WAYS)),
        [(label, *(written(by_way[way][days]) for way in WAYS)) for days, label in places.labels.items()],
        besides=plural("time.at-once", at_once) if at_once else "",
        is_empty=not decided,
    )


def _lumped(durations: Sequence[Duration]) -> list[Duration]:
    """As many as there are columns: all that took very long in the last one."""
    own = list(durations[:LONGEST])
    own += [Duration(days, 0, 0, 0) for days in range(len(own), SHORTEST)]
    rest = durations[LONGEST:]
    if rest:
        own.append(Duration(LONGEST, *(sum(getattr(each, way) for each in rest) for way in WAYS)))
    return own


def _backlog(shown: Sequence[Span]) -> Figure:
    last, most = shown[-1], max(shown, key=lambda span: span.open)
    series = [
        Series("open", [span.open for span in shown], plural("backlog.end-open", last.open)),
        Series("late", [span.late for span in shown], plural("backlog.end-late", last.late)),
    ]
    return _figure(
        "backlog",
        plural("backlog.title", last.open, late=written(last.late)),
        t("dashboard.backlog.most", count=written(most.open), when=most.label),
        (),
        lambda said, size: charts.steps(series, _places(shown, size), said, size),
        (t("dashboard.column.when"), _label("open"), _label("late")),
        [(span.label, written(span.open), written(span.late)) for span in shown],
        is_empty=not most.open,
        besides=_unit(shown, columns=False),
    )


def _requests(shown: Sequence[Span]) -> Figure:
    return _by_span("requests", shown, ("requests",))


def _ways(shown: Sequence[Span]) -> Figure:
    by_matcher = sum(span.automatic for span in shown)
    links = by_matcher + sum(span.linked for span in shown)
    title = (
        t("dashboard.ways.title", share=share(by_matcher, links)) if links else t("dashboard.ways.nothing")
    )
    return _by_span("ways", shown, WAYS, title=title, key=WAYS)


def _mails(shown: Sequence[Span]) -> Figure:
    lost, sent = (sum(getattr(span, name) for span in shown) for name in ("undelivered", "sent"))
    title = plural("mails.title", lost, sent=written(sent))
    return _by_span("mails", shown, ("undelivered",), title=title, listed=("sent", "undelivered"))


def _by_span(
    name: str,
    shown: Sequence[Span],
    kinds: Sequence[str],
    *,
    title: str | None = None,
    key: Sequence[str] = (),
    listed: Sequence[str] | None = None,
) -> Figure:
    """Columns of one day or week each. kinds: fields of `Span`. listed: columns of the table, where it has others."""
    series = [Series(kind, [getattr(span, kind) for span in shown]) for kind in kinds]
    sums = [sum(values) for values in zip(*(each.values for each in series), strict=True)]
    highest = max(range(len(sums)), key=sums.__getitem__)
    description = t(
        "dashboard.sum", total=written(sum(sums)), most=written(sums[highest]), when=shown[highest].label
    )
    return _figure(
        name,
        title or plural(f"{name}.title", sum(sums)),
        description,
        key,
        lambda said, size: charts.columns(series, _places(shown, size), said, size),
        (t("dashboard.column.when"), *map(_label, listed or kinds)),
        [(span.label, *(written(getattr(span, kind)) for kind in listed or kinds)) for span in shown],
        is_empty=not sums[highest],
        besides=_unit(shown),
    )


def _places(shown: Sequence[Span], size: Size) -> Places:
    off = days_off(shown, service().institution.working_days)
    return Places(len(shown), labels(shown, LABELS[size]), shaded=off, partial=partial(shown))


def _unit(shown: Sequence[Span], *, columns: bool = True) -> str:
    """What a place stands for, and what its colour says besides."""
    if not by_week(shown):
        off = days_off(shown, service().institution.working_days)
        return t("dashboard.days-off") if off else ""
    weeks = t("dashboard.weeks")
    return f"{weeks} {t('dashboard.partial')}" if columns and partial(shown) else weeks


def _figure(
    name: str,
    title: str,
    description: str,
    key: Sequence[str],
    draw: Draw,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    is_empty: bool,
    besides: str = "",
) -> Figure:
    return Figure(
        name,
        title,
        t(f"dashboard.{name}.lead") + (f" {besides}" if besides and not is_empty else ""),
        [(kind, _label(kind)) for kind in key],
        is_empty,
        draw(Said(f"{name}-wide", title, description), WIDE),
        draw(Said(f"{name}-narrow", title, description), NARROW),
        head,
        rows,
    )


def _label(kind: str) -> str:
    return t(f"dashboard.column.{kind}")
