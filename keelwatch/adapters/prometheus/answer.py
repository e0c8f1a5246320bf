"""Answers of the query API as frozen values. What is not a finite number says what it is instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite, isnan
from typing import cast

from keelwatch.workspace.errors import SourceError


class Missing(StrEnum):
    """What stands where a finite number should be."""

    NAN = "NaN"
    INFINITE = "infinite"
    NATIVE_HISTOGRAM = "a native histogram"


@dataclass(frozen=True, slots=True)
class Sample:
    labels: Mapping[str, str]
    value: float | Missing


@dataclass(frozen=True, slots=True)
class Vector:
    """An instant answer. `warnings` holds infos too. `ahead_s` is how far the server's clock is ahead of
    ours, to the second, when it said so."""

    samples: tuple[Sample, ...]
    warnings: tuple[str, ...] = ()
    ahead_s: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """`points` are (Unix seconds, value), oldest first; only finite ones, the others are counted."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Matrix:
    series: tuple[Series, ...]
    warnings: tuple[str, ...] = ()
    ahead_s: float | None = None


class Malformed(SourceError):
    """JSON that is no answer of the query API."""


def vector(document: object, ahead_s: float | None = None) -> Vector:
    """The vector (or scalar) in a decoded answer. Raises `Malformed`."""
    kind, result = _result(document)
    match kind:
        case "vector":
            return Vector(tuple(_sample(one) for one in _items(result)), warnings_of(document), ahead_s)
        case "scalar":
            return Vector((Sample({}, _point(result)[1]),), warnings_of(document), ahead_s)
        case _:
            raise Malformed(f"the source answered with a {kind}, where a vector was asked for")


def matrix(document: object, ahead_s: float | None = None) -> Matrix:
    """The matrix in a decoded answer. Raises `Malformed`."""
    kind, result = _result(document)
    if kind != "matrix":
        raise Malformed(f"the source answered with a {kind}, where a matrix was asked for")
    return Matrix(tuple(_series(one) for one in _items(result)), warnings_of(document), ahead_s)


def warnings_of(document: object) -> tuple[str, ...]:
    """Warnings and infos: partial data (Thanos) says so only here."""
    if not isinstance(document, dict):
        return ()
    return tuple(
        text
        for key in ("warnings", "infos")
        if isinstance(document.get(key), list)
        for text in document[key]
        if isinstance(text, str)
    )


def error_of(document: object) -> str:
    """What the server said went wrong, or an empty text."""
    match document:
        case {"error": str(text)}:
            return text
        case _:
            return ""


def _result(document: object) -> tuple[str, object]:
    match document:
        case {"status": "success", "data": {"resultType": str(kind), "result": result}}:
            return kind, result
        case {"status": "error"}:
            raise Malformed(f"the source answered 200 with an error: {error_of(document)}")
        case _:
            raise Malformed("the source answered with JSON that is no query answer", "is `url` a Prometheus?")


def _items(result: object) -> list[object]:
    if not isinstance(result, list):
        raise Malformed("the source answered with a result that is no list")
    return cast("list[object]", result)


def _labels(item: object) -> Mapping[str, str]:
    match item:
        case {"metric": dict(labels)} if all(isinstance(value, str) for value in labels.values()):
            return cast("Mapping[str, str]", labels)
        case _:
            raise Malformed("the source answered with a series without labels")


def _sample(item: object) -> Sample:
    match item:
        case {"value": value}:
            return Sample(_labels(item), _point(value)[1])
        case {"histogram": _}:
            return Sample(_labels(item), Missing.NATIVE_HISTOGRAM)
        case _:
            raise Malformed("the source answered with a sample without a value")


def _series(item: object) -> Series:
    labels = _labels(item)
    match item:
        case {"values": list(values)}:
            points = _points(values)
        case {"histograms": list(histograms)}:
            return Series(labels, (), len(histograms))
        case _:
            raise Malformed("the source answered with a series without values")
    finite = tuple(point for point in points if isfinite(point[1]))
    return Series(labels, finite, len(points) - len(finite))


def _points(values: list[tuple[float, str]]) -> list[tuple[float, float]]:
    """A month of history has millions of these: shape and type are checked by what float() refuses."""
    try:
        return [(float(at), float(text)) for at, text in values]
    except (TypeError, ValueError):
        raise Malformed("the source answered with a point that is no [time, text] pair") from None


def _point(pair: object) -> tuple[float, float | Missing]:
    match pair:
        case [int() | float() as at, str(text)]:
            return float(at), number(text)
        case _:
            raise Malformed("the source answered with a point that is no [time, text] pair")


def number(text: str) -> float | Missing:
    try:
        value = float(text)
    except ValueError:
        raise Malformed(f"the source answered with the number {text[:40]!r}") from None
    if isnan(value):
        return Missing.NAN
    return value if isfinite(value) else Missing.INFINITE
