"""The JSON shapes in docs/architecture.md, made of the types of model/ by `make json-shapes`; a test holds the two together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from rental_pipeline.model.archive_document import Archive
from rental_pipeline.model.arrivals import Pending, PeriodRange
from rental_pipeline.model.document import json_name
from rental_pipeline.model.events import ChangeDetection, PlanSummary
from rental_pipeline.model.figures_document import Figures
from rental_pipeline.model.fingerprints import KnownDay, KnownRange, Span
from rental_pipeline.model.lake_document import Lake
from rental_pipeline.model.ledger import Ledger
from rental_pipeline.model.load_document import Replay, ReplayedLoad, SliceResult, TableLoad
from rental_pipeline.model.plan_document import Plan
from rental_pipeline.model.state_document import State
from rental_pipeline.model.table_plan import Slice

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"
DOCUMENTS: dict[str, Any] = {
    "ledger.json": Ledger,
    "state.json": State,
    "fingerprints.json": dict[str, list[KnownRange | KnownDay]],
    "plan.json": Plan,
    "slices.json, and the event of extract_slice": tuple[Slice, ...],
    "compared.json": dict[str, list[Span]],
    "the result of a slice": SliceResult,
    "loads.json": dict[str, TableLoad],
    "replay/<table>.json": Replay,
    "replay/<table>/<first>.json": tuple[ReplayedLoad, ...],
    "pending.json": Pending,
    "dirty.json": dict[str, PeriodRange],
    "archive.json": Archive,
    "lake.json": Lake,
    "unloads.json": dict[str, int],
    "newest.json": dict[str, str],
    "figures.json": Figures,
    "what plan_run returns": PlanSummary,
    "what plan_run returns before a run is opened": ChangeDetection,
}
_BEGIN, _END = "<!-- BEGIN json shapes: `make json-shapes` -->\n", "<!-- END json shapes -->\n"
_PLAIN = {str: "text", int: "integer", float: "number", bool: "boolean", NoneType: "null"}
_WIDTH = 128


def write_page(page: str) -> str:
    """Return the page with its generated part made again."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"docs/architecture.md has no part between {_BEGIN.strip()} and {_END.strip()}")
    return f"{before}{_BEGIN}\n```text\n{describe_documents()}```\n\n{_END}{after}"


def describe_documents() -> str:
    """Return the text of all documents, and after each of the parts that it is the first to have."""
    lines: list[str] = []
    shown: set[Any] = set()
    for name, kind in DOCUMENTS.items():
        lines += [f"{name}: {_name_type(kind)}", ""]
        for part in _list_parts(kind):
            if part not in shown:
                shown.add(part)
                lines += [*_describe(part), ""]
    return "\n".join(lines)


def _describe(part: Any) -> Iterator[str]:
    meanings, summary = _read_docstring(part)
    yield from _fill(f"{part.__name__}:", summary, "    ")
    hints = get_type_hints(part)
    for field in fields(part):
        kind = hints[field.name]
        meaning = meanings.get(field.name, "")
        if "flat" in field.metadata:
            yield from _fill(f"    … the fields of {_name_type(kind)}", meaning and f" {meaning}", "        ")
            continue
        shape = '"integer"' if "as_text" in field.metadata else _name_type(kind)
        is_required = "required" in field.metadata or (field.default is MISSING and field.default_factory is MISSING)
        mark = "" if is_required else "?"
        yield from _fill(f'    "{json_name(field)}"{mark}: {shape}', meaning and f" {meaning}", "        ")


def _fill(head: str, text: str, indent: str) -> Iterator[str]:
    """Yield a line, with a meaning behind it that goes on in lines of its own."""
    line = f"{head} {text}" if text else head
    while len(line) > _WIDTH:
        cut = line.rfind(" ", 0, _WIDTH)
        yield line[:cut]
        line = indent + line[cut + 1 :]
    yield line


def _name_type(kind: Any) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return str(getattr(kind, "__name__", kind))
    if origin in (Union, UnionType):
        return " | ".join(_name_type(each) for each in arguments)
    if origin is Literal:
        return " | ".join(f'"{word}"' for word in arguments)
    if origin is dict:
        return f"{{name: {_name_type(arguments[1])}}}"
    if origin in (tuple, list):
        items = [_name_type(each) for each in arguments if each is not Ellipsis]
        is_one = origin is list or arguments[-1] is Ellipsis
        text = " | ".join(items) if is_one else ", ".join(items)
        return f"[{text}, …]" if is_one else f"[{text}]"
    return "any value" if kind is Any else _PLAIN[kind]


def _list_parts(kind: Any) -> Iterator[Any]:
    """Yield the dataclasses that a type is made of, outer ones first."""
    if is_dataclass(kind):
        yield kind
        for hint in get_type_hints(kind).values():
            yield from _list_parts(hint)
    else:
        for argument in get_args(kind):
            yield from _list_parts(argument)


def _read_docstring(part: Any) -> tuple[dict[str, str], str]:
    """Return what a dataclass says of its fields under "Attributes", and of itself."""
    summary, _, listed = (part.__doc__ or "").partition("Attributes:")
    names = {field.name for field in fields(part)}
    found = re.split(r"(?:^|(?<=\. ))((?:\w+, )*\w+): ", " ".join(listed.split()).replace("None", "null"))
    shown = {field.name: json_name(field) for field in fields(part)}
    meanings: dict[str, str] = {}
    last = ""
    for heading, text in zip(found[1::2], found[2::2], strict=True):
        headed = heading.split(", ")
        if set(headed) <= names:
            last = headed[0]
            meanings[last] = text.strip()
            meanings |= dict.fromkeys(headed[1:], f"see {shown[last]}")
        else:
            meanings[last] += f" {heading}: {text.strip()}"
    return meanings, " ".join(summary.split())


def _main() -> None:
    PAGE.write_text(write_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    _main()
