"""The contract with the source: `sql/<marketplace>/source.yaml`, read and checked.

Its fields are explained in the header of sql/apartments/source.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.model.strategies import STRATEGIES, Append, Merge, Snapshot, Strategy, cursor_of, key_of

EVOLVE, FREEZE = "evolve", "freeze"
DROP, HASH, UNDECIDED = "drop", "hash", "undecided"
REFUSE, SET_ASIDE = "refuse", "set_aside"

_DEFAULT_OVERLAP = {Merge.name: timedelta(minutes=10), Append.name: timedelta(days=3), Snapshot.name: timedelta(0)}
_FIELDS = (
    "source_table",
    "strategy",
    "key",
    "cursor",
    "cursor_time_zone",
    "overlap",
    "drift",
    "personal",
    "requires",
    "max_delete_fraction",
    "max_rejected_fraction",
    "bad_rows",
)
_MOST_NAMES = 20  # in a message
_TABLE_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_DURATION = re.compile(r"(\d+) (second|minute|hour|day|week)s?")


@dataclass(frozen=True)
class TableContract:
    """How one table is taken.

    Attributes:
        name: The table's name in the warehouse, and (in any case of letters) in the source, unless `source_table` says otherwise.
        strategy: What tells its rows apart, and what is new.
        cursor_time_zone: Zone of the clock that a DATETIME cursor shows.
        overlap: How far before the watermark a run reads again.
        drift: EVOLVE or FREEZE: whether a column that neither raw, nor `requires`, nor `personal` has is taken or refused.
        personal: Column to DROP or HASH; one that nobody has decided on yet is to DROP, too.
        undecided: Columns on which nobody has decided whether they are personal.
        requires: Columns that must be there, key and cursor included.
        source_table: The source's name of the table, exactly as it spells it; None where it is `name`.
        max_delete_fraction: Largest part of a snapshot table that a run may delete unasked.
        max_rejected_fraction: Largest part of the rows, or of the published money, that a publication may newly leave out.
        bad_rows: What becomes of a row with a value that Redshift cannot hold: REFUSE (the run stops) or SET_ASIDE.
    """

    name: str
    strategy: Strategy
    cursor_time_zone: str = "UTC"
    overlap: timedelta = timedelta(0)
    drift: str = EVOLVE
    personal: dict[str, str] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    max_delete_fraction: float = 0.5
    source_table: str | None = None
    max_rejected_fraction: float = 0.05
    bad_rows: str = REFUSE
    undecided: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that identify a row; events have none."""
        return key_of(self.strategy)

    @property
    def hashes_key(self) -> bool:
        """Whether the key is personal: no slice is cut by its values, which would stand in plans and events."""
        return any(self.personal.get(column) == HASH for column in self.key)

    @property
    def cursor(self) -> str | None:
        """The column that tells what is new; a snapshot has none."""
        return cursor_of(self.strategy)


def read_contract(path: Path) -> dict[str, TableContract]:
    """Return the tables of a source.yaml by name, in the order of the file.

    Raises:
        FixConfiguration: the file is missing, is no YAML, or breaks a rule; one line for each mistake, with table and field.
    """
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)
    except FileNotFoundError:
        raise FixConfiguration(f"{path} does not exist: it says which tables to take (see sql/apartments/source.yaml)") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FixConfiguration(f"{path} is no valid YAML: {error}") from error
    if not isinstance(document, dict) or set(document) != {"tables"} or not isinstance(document["tables"], dict):
        raise FixConfiguration(f"{path}: the file must hold one field `tables:`, and under it one entry for each table")
    mistakes: list[str] = []
    read = [_read_table(name, fields, mistakes) for name, fields in document["tables"].items()]
    tables = {table.name: table for table in read if table}
    if not document["tables"]:
        mistakes.append("no table is named")
    if mistakes:
        raise FixConfiguration("\n".join(f"{path}: {mistake}" for mistake in mistakes))
    return tables


def suggest(unknown: str, known: list[str] | tuple[str, ...]) -> str:
    """Return how a message goes on after a name that is not known: ` (did you mean 'x'?)`, or the known ones."""
    close = get_close_matches(str(unknown), known, n=1)
    if close:
        return f" (did you mean {close[0]!r}?)"
    more = f" and {len(known) - _MOST_NAMES} more" if len(known) > _MOST_NAMES else ""
    return f" (known: {', '.join(known[:_MOST_NAMES])}{more})"


def _read_table(name: Any, fields: Any, mistakes: list[str]) -> TableContract | None:
    """Check one table; add what is wrong to `mistakes`, return None where something is."""
    before = len(mistakes)

    def refuse(field_name: str, message: str) -> None:
        mistakes.append(f"table {name}, field {field_name}: {message}")

    if not isinstance(name, str) or not _TABLE_NAME.fullmatch(name):
        # Unquoted, YAML reads no, on and 2024 as something else.
        mistakes.append(
            f"table {name}: a table's name in the warehouse is lower-case letters, digits and _, a letter first (quoted where"
            f' YAML reads it otherwise); where the source calls it {name}, choose one and say `source_table: "{name}"` under it'
        )
        return None
    if not isinstance(fields, dict):
        mistakes.append(f"table {name}: expected fields such as `strategy: merge`, found {fields!r}")
        return None
    for unknown in [given for given in fields if given not in _FIELDS]:
        refuse(unknown, f"there is no such field{suggest(unknown, _FIELDS)}")

    strategy = fields.get("strategy")
    if strategy not in STRATEGIES:
        refuse("strategy", f"must be one of {', '.join(STRATEGIES)}; found {strategy!r}")
        return None
    key = _read_columns(fields.get("key"), "key", refuse)
    if strategy == Append.name and key:
        refuse("key", "append tables have no key: leave it out, or choose merge")
    if strategy != Append.name and not key:
        refuse("key", f"is required by strategy {strategy}: the column(s) that identify a row")
    cursor = _read_columns(fields.get("cursor"), "cursor", refuse)
    if len(cursor) > 1:
        refuse("cursor", "must be a single column")
    if strategy == Snapshot.name and cursor:
        refuse("cursor", "snapshot tables are read whole: leave it out, or choose merge")
    if strategy != Snapshot.name and not cursor:
        what = "the time of the last change" if strategy == Merge.name else "the time of the event"
        refuse("cursor", f"is required by strategy {strategy}: the column that holds {what}; without one choose snapshot")
    decided = _read_personal(fields.get("personal"), refuse)
    personal = {column: DROP if policy == UNDECIDED else policy for column, policy in decided.items()}
    for column in [column for column in personal if column in cursor]:
        refuse("personal", f"{column} is the cursor, by whose values changes are found: it cannot be dropped or hashed")
    for column in [column for column, policy in personal.items() if column in key and policy == DROP]:
        refuse("personal", f"{column} is of the key, by which rows are told apart: write hash, or choose another key")
    requires = _read_columns(fields.get("requires"), "requires", refuse)
    for column in [column for column in requires if personal.get(column) == DROP]:
        refuse("requires", f"{column} is {'dropped' if decided[column] == DROP else 'undecided, and so not read,'} by `personal`")
    contract = TableContract(
        name=name,
        strategy=_make_strategy(strategy, key, "".join(cursor)),
        cursor_time_zone=_read_time_zone(fields.get("cursor_time_zone", "UTC"), refuse),
        overlap=_read_duration(fields["overlap"], refuse) if "overlap" in fields else _DEFAULT_OVERLAP[strategy],
        drift=_read_choice(fields.get("drift", EVOLVE), "drift", (EVOLVE, FREEZE), refuse),
        personal=personal,
        requires=tuple(dict.fromkeys((*key, *cursor, *requires))),
        source_table=_read_source_table(fields.get("source_table"), refuse),
        max_delete_fraction=_read_fraction("max_delete_fraction", fields, 0.5, refuse),
        max_rejected_fraction=_read_fraction("max_rejected_fraction", fields, 0.05, refuse),
        bad_rows=_read_choice(fields.get("bad_rows", REFUSE), "bad_rows", (REFUSE, SET_ASIDE), refuse),
        undecided=tuple(column for column, policy in decided.items() if policy == UNDECIDED),
    )
    return contract if len(mistakes) == before else None


def _make_strategy(name: str, key: tuple[str, ...], cursor: str) -> Strategy:
    if name == Append.name:
        return Append(cursor)
    return Merge(key, cursor) if name == Merge.name else Snapshot(key)


def _read_source_table(value: Any, refuse: Any) -> str | None:
    if value is not None and not (isinstance(value, str) and value):
        refuse("source_table", f"{value!r} is no table name (names that YAML reads as something else need quotes)")
        return None
    return value


def _read_columns(value: Any, field_name: str, refuse: Any) -> tuple[str, ...]:
    """Return the lower-cased names of a column or a list of columns (source columns are matched in any case of letters)."""
    columns = value if isinstance(value, list) else [] if value is None else [value]
    for column in columns:
        if not isinstance(column, str) or not column:
            refuse(field_name, f"{column!r} is no column name (names that YAML reads as something else need quotes)")
            return ()
    if len({column.lower() for column in columns}) < len(columns):
        refuse(field_name, "names a column twice")
    return tuple(column.lower() for column in columns)


def _read_personal(value: Any, refuse: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        refuse("personal", "expected `column: drop`, `column: hash` or `column: undecided` for each column")
        return {}
    for column, policy in value.items():
        if policy not in (DROP, HASH, UNDECIDED):
            refuse("personal", f"{column} must be drop, hash or undecided; found {policy!r}")
    return {str(column).lower(): policy for column, policy in value.items()}


def _read_duration(value: Any, refuse: Any) -> timedelta:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not match:
        refuse("overlap", f"expected a number and a unit, such as 10 minutes or 3 days; found {value!r}")
        return timedelta(0)
    return timedelta(**{f"{match[2]}s": int(match[1])})


def _read_time_zone(value: Any, refuse: Any) -> str:
    try:
        return "UTC" if value == "UTC" else ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        refuse("cursor_time_zone", f"{value!r} is no time zone; write UTC or a name such as Europe/Berlin")
        return "UTC"


def _read_choice(value: Any, field_name: str, choices: tuple[str, ...], refuse: Any) -> str:
    if value in choices:
        return str(value)
    refuse(field_name, f"must be {' or '.join(choices)}; found {value!r}")
    return choices[0]


def _read_fraction(field_name: str, fields: dict[str, Any], default: float, refuse: Any) -> float:
    value = fields.get(field_name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        refuse(field_name, f"must be a number from 0 to 1; found {value!r}")
        return default
    return float(value)


class _UniqueKeys(yaml.SafeLoader):
    """YAML that refuses a key given twice, where PyYAML would keep the last: the second entry of a table would hide the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                break  # PyYAML's own error says it well
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is given twice", key_node.start_mark)
            seen.add(key)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return mapping


# Of its own, because other libraries in the process (the SAM CLI among them) put theirs into SafeLoader.
_UniqueKeys.add_constructor("tag:yaml.org,2002:map", _UniqueKeys.construct_yaml_map)  # type: ignore[type-var]  # the stub binds the loader to its base
