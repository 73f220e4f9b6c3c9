"""JSON documents as frozen dataclasses: the types of the fields say what is read and written.

What passes from one function to another is read here once, and is typed from then on. docs/architecture.md shows the documents as
their types are (local/commands/json_shapes.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from rental_pipeline.base.errors import FixConfiguration, FixData
from rental_pipeline.base.object_store import address, find_json, read_json

Json = dict[str, Any]
Kind = TypeVar("Kind")
Reader = Callable[[Any, str], Any]
# What helps where a run cannot read what it has written itself.
NEW_EXECUTION = "start a new execution, which writes its own objects"

# What a field's metadata may say of its place in the document.
FLAT = {"flat": True}  # the fields of the dataclass stand beside the others
AS_TEXT = {"as_text": True}  # a whole number, of more digits than a JSON number keeps elsewhere
IF_SET = {"if_set": True}  # left out where it is the default


class WrongShape(ValueError):
    """A document is not of its type; the message says where, and never what stands there."""


class Document:
    """A dataclass that is a JSON document, or a part of one."""

    def to_json(self) -> Json:
        """Return the document as JSON holds it."""
        written: Json = write(self)
        return written


def named(name: str) -> dict[str, Any]:
    """Return the metadata of a field that JSON calls by a word which Python has for itself, and that must be there."""
    return {"name": name, "required": True}


def read_as(kind: type[Kind], document: Any) -> Kind:
    """Return what a JSON value says, as a type of dataclasses, tuples, dictionaries and plain values.

    What a type does not name is left aside.

    Raises:
        WrongShape: a field is missing, or of another type.
    """
    described: Any = kind
    value: Kind = _reader(described)(document, "")
    return value


def read_event(kind: type[Kind], event: Any) -> Kind:
    """Return an event of a function as its type.

    Raises:
        FixConfiguration: it is not of that type.
    """
    try:
        return read_as(kind, event)
    except WrongShape as error:
        raise FixConfiguration(f"the event is not what the function takes: {error} (docs/architecture.md)") from error


def read_rows(kind: type[Kind], rows: Any) -> Kind:
    """Return rows of the control schema as their type.

    Raises:
        FixConfiguration: they are not of that type.
    """
    try:
        return read_as(kind, rows)
    except WrongShape as error:
        raise FixConfiguration(
            f"the warehouse's control schema is not of this version ({error}): was one of its tables altered by hand?"
        ) from error


def write(document: Any) -> Any:
    """Return JSON of dataclasses, tuples, dictionaries and plain values."""
    if is_dataclass(document):
        written: Json = {}
        for field in fields(document):
            value = getattr(document, field.name)
            if "flat" in field.metadata:
                written |= write(value)
            elif not ("if_set" in field.metadata and value == field.default):
                written[json_name(field)] = str(value) if "as_text" in field.metadata else write(value)
        return written
    if isinstance(document, Mapping):
        return {name: write(value) for name, value in document.items()}
    if isinstance(document, (tuple, list)):
        return [write(value) for value in document]
    return document.isoformat() if isinstance(document, datetime) else document


def parse_document(kind: type[Kind], content: bytes) -> Kind:
    """Return what the text of a JSON document says, as its type.

    Raises:
        ValueError: it is no JSON, or (WrongShape) not of that type.
    """
    return read_as(kind, json.loads(content))


def read_document(kind: type[Kind], bucket: str, key: str, way_out: str = NEW_EXECUTION) -> Kind:
    """Return an object of the bucket as its type.

    Args:
        way_out: What helps where it cannot be read. No new execution writes another run's objects.

    Raises:
        FixData: there is no such object, or it is not what this version of the code writes.
        FixConfiguration, RetryLater: as `read_json`.
    """
    try:
        document = read_json(bucket, key)
    except FixData as error:
        raise FixData(f"{error}: {way_out}") from error
    return read_object(kind, document, bucket, key, way_out)


def find_document(kind: type[Kind], bucket: str, key: str) -> Kind | None:
    """Return an object of the bucket as its type, None where there is none (raises as `read_document` else)."""
    found = find_json(bucket, key)
    return None if found is None else read_object(kind, found, bucket, key)


def json_name(field: Field[Any]) -> str:
    """Return what JSON calls a field."""
    return str(field.metadata.get("name", field.name))


def read_object(kind: type[Kind], document: Any, bucket: str, key: str, way_out: str = NEW_EXECUTION) -> Kind:
    """Return what was read from an object of the bucket as its type (arguments as of `read_document`).

    Raises:
        FixData: it is not of that type.
    """
    try:
        return read_as(kind, document)
    except WrongShape as error:
        raise FixData(f"{address(bucket, key)} is not of this version of the pipeline ({error}): {way_out}") from error


@cache
def _reader(kind: Any) -> Reader:
    """Return the function that reads a type; its second argument is the place in the document, for messages."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return lambda value, place: value
    if is_dataclass(kind):
        return _dataclass_reader(kind)
    if origin in (Union, UnionType):
        return _union_reader(arguments)
    if origin is Literal:
        return _checking(lambda value: value in arguments, f"one of {', '.join(map(str, arguments))}")
    if origin in (tuple, list):
        return _array_reader(origin, arguments)
    if origin is dict:
        read = _reader(arguments[1])
        is_object = _checking(lambda value: isinstance(value, dict), "an object")
        return lambda value, place: {name: read(each, f"{place}.{name}") for name, each in is_object(value, place).items()}
    if kind is datetime:
        return _read_moment
    if kind is float:
        return _checking(lambda value: isinstance(value, (int, float)) and not isinstance(value, bool), "a number")
    if kind is int:
        return _checking(lambda value: isinstance(value, int) and not isinstance(value, bool), "a whole number")
    return _checking(lambda value: isinstance(value, kind), {str: "a text", bool: "true or false", NoneType: "null"}[kind])


def _read_moment(value: Any, place: str) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise WrongShape(f"{place} is not a time") from None


def _checking(is_right: Callable[[Any], bool], expected: str) -> Reader:
    def read(value: Any, place: str) -> Any:
        if not is_right(value):
            raise WrongShape(f"{place or 'it'} is not {expected}")
        return value

    return read


def _array_reader(origin: Any, arguments: tuple[Any, ...]) -> Reader:
    is_array = _checking(lambda value: isinstance(value, (list, tuple)), "an array")
    if origin is list or arguments[-1] is Ellipsis:
        read = _reader(arguments[0])
        return lambda value, place: origin(read(each, f"{place}[]") for each in is_array(value, place))
    readers = [_reader(each) for each in arguments]

    def read_each(value: Any, place: str) -> Any:
        if len(is_array(value, place)) != len(readers):
            raise WrongShape(f"{place} has not {len(readers)} elements")
        return tuple(read(each, f"{place}[]") for read, each in zip(readers, value, strict=True))

    return read_each


def _union_reader(kinds: tuple[Any, ...]) -> Reader:
    """Read by the first type that fits: of dataclasses, the one whose fields are there, with the words that they must have."""
    readers = [_reader(kind) for kind in kinds]

    def read(value: Any, place: str) -> Any:
        failure = None
        for each in readers:
            try:
                return each(value, place)
            except WrongShape as error:
                failure = failure or error
        raise failure or WrongShape(f"{place} has no type")

    return read


def _dataclass_reader(kind: Any) -> Reader:
    hints = get_type_hints(kind)
    is_object = _checking(lambda value: isinstance(value, dict), "an object")
    parts = []
    for field in fields(kind):
        read = _reader(int if "as_text" in field.metadata else hints[field.name])
        has_default = field.default is not MISSING or field.default_factory is not MISSING
        may_lack = has_default and field.init and "required" not in field.metadata
        kinds = "flat" in field.metadata, "as_text" in field.metadata
        parts.append((field.name, json_name(field), *kinds, may_lack, field.init, read))

    def read_fields(value: Any, place: str) -> Any:
        document = is_object(value, place)
        given = {}
        for name, key, is_flat, is_text, may_lack, is_given, read in parts:
            if is_flat:
                given[name] = read(document, place)
            elif key in document:
                found = document[key]
                if is_text and isinstance(found, str) and found.lstrip("-").isdecimal():
                    found = int(found)
                found = read(found, f"{place}.{key}" if place else key)
                if is_given:
                    given[name] = found
            elif not may_lack:
                raise WrongShape(f"{place or 'it'} has no {key}")
        return kind(**given)

    return read_fields
