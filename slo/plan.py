"""Packing the questions of a tick into few queries. Pure: streams in, query texts out, answers back.

Counters whose selectors differ only in the values of equality matchers are asked together: those labels
are summed `by` and matched as alternatives. What remains is joined with `or`, each part under its number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from slo.objective import Stream
from slo.promql import WINDOW, Counter, Expression, Query, Scale
from slo.selector import Matcher, Op, Selector, duration, label_name, le_spellings, literal

MAX_QUERY_BYTES = 12 * 1024
"""VictoriaMetrics refuses more than 16 KiB; a POST body has no other limit."""

TERM = "keelwatch_term"
"""The label that tells the parts of a packed query apart."""


@dataclass(frozen=True, slots=True)
class Increase:
    """How many events within the last `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Newest:
    """The time of the newest sample."""


Question = Increase | Newest


@dataclass(frozen=True, slots=True)
class Term:
    """One expression that answers one question for several streams, told apart by the labels `by`."""

    question: Question
    text: str
    by: tuple[str, ...]
    members: Mapping[tuple[str, ...], Stream]

    def owner(self, labels: Mapping[str, str]) -> Stream | None:
        """The stream that a row of the answer belongs to; None for a row nobody asked for."""
        return self.members.get(tuple(_canonical(name, labels.get(name, "")) for name in self.by))


@dataclass(frozen=True, slots=True)
class Packed:
    """Several terms in one query."""

    text: str
    terms: tuple[Term, ...]

    def owner(self, labels: Mapping[str, str]) -> tuple[Term, Stream] | None:
        """The term and the stream that a row of the answer belongs to; None for a row nobody asked for."""
        number = labels.get(TERM, "")
        if not number.isdigit() or int(number) >= len(self.terms):
            return None
        term = self.terms[int(number)]
        stream = term.owner(labels)
        return (term, stream) if stream else None


@dataclass(frozen=True, slots=True)
class Family:
    """Streams that one term can ask about: counters of one merged selector, or picks of one expression."""

    query: Query
    newest: Selector | None
    by: tuple[str, ...]
    members: Mapping[tuple[str, ...], Stream]

    def text(self, question: Question) -> str:
        """The expression that asks `question` of every member; empty if it cannot be asked."""
        match question, self.query:
            case Newest(), _:
                return f"max {_by(self.by)}(timestamp({self.newest}))" if self.newest else ""
            case Increase(seconds), Counter(selector):
                return f"sum {_by(self.by)}(increase({selector}[{duration(seconds)}]))"
            case Increase(), Expression() as expression:
                return _expression(expression, question)
        raise AssertionError(question)


def families(streams: Iterable[Stream]) -> list[Family]:
    """The fewest families of these streams, each small enough for one query."""
    groups: defaultdict[object, list[Stream]] = defaultdict(list)
    for stream in dict.fromkeys(streams):
        groups[_shape(stream)].append(stream)
    return [family for group in groups.values() for family in _families(group)]


def ask(wanted: Iterable[Family], questions: Sequence[Question]) -> list[Term]:
    """One term for each family and question that it can answer."""
    found = list(wanted)
    return [
        Term(question, text, family.by, family.members)
        for question in questions
        for family in found
        if (text := family.text(question))
    ]


def terms(streams: Iterable[Stream], questions: Sequence[Question]) -> list[Term]:
    """The fewest terms that ask every question of every stream."""
    return ask(families(streams), questions)


def pack(wanted: Iterable[Term]) -> list[Packed]:
    """The terms in as few queries as the size limit allows, in order."""
    batches: list[list[Term]] = []
    size = MAX_QUERY_BYTES
    for term in wanted:
        length = len(_numbered(term, 999).encode()) + len(" or ")
        if size + length > MAX_QUERY_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(term)
        size += length
    return [_packed(batch) for batch in batches]


def _packed(batch: Sequence[Term]) -> Packed:
    text = " or ".join(_numbered(term, number) for number, term in enumerate(batch))
    return Packed(text, tuple(batch))


def split(packed: Packed) -> tuple[Packed, ...]:
    """Halves of a packed query, to find the part that the source refuses; empty when it is only one."""
    if len(packed.terms) < 2:
        return ()
    middle = len(packed.terms) // 2
    return _packed(packed.terms[:middle]), _packed(packed.terms[middle:])


def _numbered(term: Term, number: int) -> str:
    return f'label_replace({term.text},"{TERM}","{number}","","")'


def _shape(stream: Stream) -> object:
    """Streams of the same shape can be asked in one term."""
    if not isinstance(stream.query, Counter):
        return (stream.query, stream.label[0] if stream.label else None)
    selector = stream.query.selector
    equal = tuple(m.name for m in selector.matchers if m.op is Op.EQUAL)
    return (selector.metric, equal, tuple(m for m in selector.matchers if m.op is not Op.EQUAL))


_ROOM = 128
"""Bytes around a merged selector: the aggregation, the range, the number of the term."""


def _families(group: Sequence[Stream]) -> Iterator[Family]:
    """One family, or several when the alternatives would not fit into one query."""
    query = group[0].query
    if isinstance(query, Expression):
        label = group[0].label
        members: dict[tuple[str, ...], Stream] = {
            (stream.label[1],) if stream.label else (): stream for stream in group
        }
        yield Family(query, query.newest, (label[0],) if label else (), members)
        return
    merged = _merge(group)
    if len(merged.text(Newest()).encode()) + _ROOM <= MAX_QUERY_BYTES or len(group) == 1:
        yield merged
        return
    middle = len(group) // 2
    yield from _families(group[:middle])
    yield from _families(group[middle:])


def _merge(group: Sequence[Stream]) -> Family:
    selectors = [stream.query.selector for stream in group if isinstance(stream.query, Counter)]
    names = [m.name for m in selectors[0].matchers if m.op is Op.EQUAL]
    values = {name: {s.equals(name) or "" for s in selectors} for name in names}
    by = tuple(name for name in names if len(values[name]) > 1)
    matchers = tuple(
        _alternatives(m.name, values[m.name]) if m.op is Op.EQUAL else m for m in selectors[0].matchers
    )
    merged = Selector(selectors[0].metric, matchers)
    members = {
        tuple(_canonical(name, selector.equals(name) or "") for name in by): stream
        for selector, stream in zip(selectors, group, strict=True)
    }
    return Family(Counter(merged), merged, by, members)


def _by(names: Sequence[str]) -> str:
    return f"by ({','.join(map(label_name, names))}) " if names else ""


def _expression(query: Expression, question: Increase) -> str:
    if query.range_s is None:
        return f"({query.text.replace(WINDOW, duration(question.seconds))})"
    # A subquery takes every multiple of its step, both ends included: a millisecond less excludes one.
    window = max(question.seconds, query.range_s) - 0.001
    return f"sum_over_time(({query.text})[{duration(window)}:{duration(query.range_s)}])"


def _alternatives(name: str, values: Iterable[str]) -> Matcher:
    if name == "le":
        bounds = sorted({spelling for value in values for spelling in _spellings(value)})
        return _one_of(name, bounds)
    return _one_of(name, sorted(values))


def _one_of(name: str, values: Sequence[str]) -> Matcher:
    if len(values) == 1:
        return Matcher(name, Op.EQUAL, values[0])
    return Matcher(name, Op.REGEX, "|".join(map(literal, values)))


def _spellings(value: str) -> tuple[str, ...]:
    try:
        return le_spellings(float(value))
    except ValueError:
        return (value,)


def _canonical(name: str, value: str) -> str:
    """Bucket bounds are numbers: `1` and `1.0` are one bound."""
    return min(_spellings(value)) if name == "le" else value


def events(stream: Stream, question: Increase, value: float) -> float:
    """The number of events that an answer's number stands for."""
    query = stream.query
    if isinstance(query, Counter):
        return value
    per_second = query.scale is Scale.PER_SECOND
    if query.range_s is None:
        return value * question.seconds if per_second else value
    integrated = value * query.range_s if per_second else value
    return integrated * min(1.0, question.seconds / query.range_s)


def alone(stream: Stream, question: Question) -> str:
    """The same question for this stream only, to be pasted into Prometheus; empty if it has none."""
    for term in terms([stream], [question]):
        picked = f'  # where {stream.label[0]}="{stream.label[1]}"' if stream.label else ""
        return term.text + picked
    return ""
