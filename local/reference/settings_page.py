"""docs/reference/settings.md: the stack's parameters, the contract's fields, the functions' variables."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import yaml

from local.reference.markdown import read_attributes, write_code, write_table
from rental_pipeline.base import settings


class _WithoutTags(yaml.CSafeLoader):
    """A template's YAML, of which parameters are read: they have none of CloudFormation's short tags."""


_WithoutTags.add_multi_constructor("!", lambda _loader, _name, _node: None)

_READERS: dict[Any, str] = {
    settings.PlanSettings: "plan_run",
    settings.SourceCheckSettings: "check_source",
    settings.ExtractSettings: "extract_slice",
    settings.WarehouseSettings: "run_sql, check_warehouse",
    settings.FailureSettings: "close_failed_run",
    settings.CatalogueSettings: "switch_catalogue",
    settings.OperationCheckSettings: "check_operation",
    settings.BucketSettings: "write_manifests, archive_slices, write_report",
}
_OPENING = """\
# Settings

Where something is set: the stack's parameters, the contract with the source, and, by them, the functions' environment.
This page is made of `template.yaml`, `sql/apartments/source.yaml` and `base/settings.py` (`make reference` writes it).

## Parameters of the stack

`make deploy` asks for them and keeps the answers in `samconfig.toml`. What has no default must be given.
"""
_VARIABLES = """\
## Variables of the functions

The template sets them by its parameters. A function that finds one unset, empty or malformed ends with `FixConfiguration`, which
names it. To run a function by itself, give it these.
"""


def write_page(root: Path) -> str:
    """Return the page."""
    template = yaml.load((root / "template.yaml").read_text(encoding="utf-8"), Loader=_WithoutTags)
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    parts = [_OPENING]
    for group in groups:
        rows = [_describe(name, template["Parameters"][name]) for name in group["Parameters"]]
        parts.append(f"### {group['Label']['default']}\n\n{write_table(['parameter', 'default', 'meaning'], rows)}\n")
    parts.append(
        "## Fields of the contract\n\n`sql/<marketplace>/source.yaml`, a table after the other.\n\n"
        + write_table(["field", "meaning"], _read_contract(root / "sql" / "apartments" / "source.yaml"))
        + "\n"
    )
    parts.append(f"{_VARIABLES}\n{write_table(['variable', 'read by', 'default', 'meaning'], _list_variables())}\n")
    return "\n".join(parts)


def _list_variables() -> list[list[str]]:
    readers: dict[str, list[str]] = {}
    defaults: dict[str, dict[str, None]] = {}
    meanings: dict[str, str] = {}
    for kind, functions in _READERS.items():
        told = read_attributes(kind.__doc__ or "")
        for field in fields(kind):
            readers.setdefault(field.name, []).append(functions)
            default = "needed" if field.default is MISSING else write_code(str(field.default or "")) or "none"
            defaults.setdefault(field.name, {})[default] = None
            if meanings.get(field.name, "As in").startswith("As in"):
                meanings[field.name] = told.get(field.name, "")
    return [
        [
            write_code(name.upper()),
            "all" if len(functions) == len(_READERS) else ", ".join(functions),
            " or ".join(sorted(defaults[name])),
            meanings[name],
        ]
        for name, functions in readers.items()
    ]


def _describe(name: str, parameter: dict[str, Any]) -> list[str]:
    default = "needed" if "Default" not in parameter else write_code(str(parameter["Default"])) or "empty"
    allowed = parameter.get("AllowedValues")
    least, most = parameter.get("MinValue"), parameter.get("MaxValue")
    limits = [f"One of {', '.join(write_code(str(value)) for value in allowed)}."] if allowed else []
    limits += [f"From {least} to {most}." if most is not None else f"At least {least}."] if least is not None else []
    return [write_code(name), default, " ".join([parameter["Description"], *limits])]


def _read_contract(path: Path) -> list[list[str]]:
    """Read the fields from the comment that opens a contract: a name, its meaning, and its values further to the right."""
    rows: list[list[str]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("tables:"):
            break
        if match := re.match(r"#   (\w+) +(\S.*)", line):
            value = re.match(r"([a-z_]+)(?: {2,}| (?=the row is))(.*)", match[2])
            rows.append([write_code(match[1]), f"{write_code(value[1])}: {value[2]}" if value else match[2]])
        elif rows and (match := re.match(r"# {20,}(\S.*)", line)):
            value = re.match(r"([a-z_]+)(?: {2,}| (?=the row is))(.*)", match[1])
            rows[-1][1] += f"; {write_code(value[1])}: {value[2]}" if value else f" {match[1]}"
    return rows
