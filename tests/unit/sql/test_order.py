"""Every ordered read ends in what tells its rows apart: else two runs over the same rows could give two results.

It holds of what ranks, numbers or looks at neighbours, and of what is shown in an order; in the files of sql/ and in what the
steps compose. Places that are shared by equals (rank) need none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from rental_pipeline.definitions.sql_files import read_sql_file
from tests.fixtures.composed_steps import KEY, compose_all_steps

ROOT = Path(__file__).parents[3]
MARKETPLACES = sorted(path.parent.name for path in (ROOT / "sql").glob("*/source.yaml"))
FOLDERS = ("curated", "presentation", "checks", "views", "report", "lake")
PATHS = [path for name in MARKETPLACES for folder in FOLDERS for path in sorted((ROOT / "sql" / name / folder).glob("*.sql"))]

# Columns that together stand once in whatever is read in their order.
TELL_APART = [
    # A row's versions: a run adds one at most.
    {"id", "run_sequence"},
    {"booking_id", "run_sequence"},
    {"vehicle_id", "run_sequence"},
    *({key, "_run_sequence"} for key in (KEY, "booking_id", "location_id", "rental_id", "user_id", "vehicle_id")),
    {"currency", "valid_from"},
    # Keys of the rows themselves, or of the groups that the query has made of them.
    {KEY},
    {"booking_id"},
    {"rental_id"},
    {"vehicle_id"},
    {"row_key"},
    {"apartment_id"},
    {"user_id"},
    {"location_id"},
    {"vehicle_type"},
    {"city", "state", "city_key", "state_key"},
    {"city_key", "state_key"},
    {"city_key", "state_key", "period_start"},
    {"place"},
    {"place", "period_start"},
    {"price_unit"},
    {"week"},
    {"month"},
    {"day"},
    {"edge_day"},
    {"calendar_date"},
    {"moment"},
    {"hour_of_week"},
    {"week_start"},
    # Of the control schema, in a run.
    {"table_name"},
    {"name"},
    {"check_name"},
    {"metric"},
    {"item"},
    {"table_name", "broken_rule", "currency"},
    {"table_name", "broken_rule"},
    {"table_name", "column_name"},
    {"table_name", "run_sequence"},
    {"table_name", "stale_year"},
    {"table_name", "ordinal_position"},
    {"_rp_key_range"},
    {"parent_hash"},
    {"_event_day"},
    # Rows that are equal in these are equal in everything that is taken of them.
    {"_event_day", "_row_hash"},
    {"stay_from", "stay_to"},
    {"taken_from", "taken_to"},
    # Pieces of one vehicle's time never overlap.
    {"vehicle_id", "out_from"},
    {"started_at", "ended_at"},
    # The days of a month's books, each once.
    {"stay_month", "known_on"},
    # The months of a cohort, each once.
    {"cohort_month", "month_start"},
    # A customer's group, by how often they came: one row for each number.
    {"rental_count"},
    # The lengths of rentals.
    {"hours_from"},
]
# Intervals of one row never overlap, and so have different beginnings: where they are read, and not yet where they are made.
INTERVALS = [{"id", "valid_from"}, {"vehicle_id", "valid_from"}]
_RANKS = {"RANK", "DENSE_RANK"}


def list_orders(tree: exp.Expression) -> Iterator[tuple[str, set[str], set[str]]]:
    """Yield each ordered read with the columns by which it is divided, and those by which it is ordered."""
    for window in tree.find_all(exp.Window):
        if (order := window.args.get("order")) and window.this.sql_name() not in _RANKS and not is_rank(window.this):
            divided = window.args.get("partition_by") or ()
            yield window.sql(dialect="redshift"), name_columns(divided), name_columns(order.expressions)
    for select in tree.find_all(exp.Select):
        if order := select.args.get("order"):
            names: set[str] = set()
            for ordered in order.expressions:
                place = ordered.this
                shown = select.expressions[int(place.name) - 1] if isinstance(place, exp.Literal) else place
                names |= {column.name for column in shown.find_all(exp.Column)} | {shown.alias_or_name}
            yield order.sql(dialect="redshift"), set(), names


def name_columns(expressions: Iterable[exp.Expression]) -> set[str]:
    return {column.name for each in expressions for column in each.find_all(exp.Column)}


def is_rank(function: exp.Expression) -> bool:
    return isinstance(function, exp.Anonymous) and function.name.upper() in _RANKS


def find_unsure(sql: str, are_intervals_made: bool = False) -> list[str]:
    """Return the ordered reads of a statement whose rows their columns do not tell apart."""
    tell_apart = TELL_APART if are_intervals_made else [*TELL_APART, *INTERVALS]
    (tree,) = sqlglot.parse(sql, read="redshift")
    return [
        text
        for text, divided, ordered in list_orders(tree)
        # What only divides tells nothing apart within its part.
        if not any(known <= divided | ordered and known & ordered for known in tell_apart)
    ]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(ROOT / "sql").with_suffix("")))
def test_a_file_orders_by_what_tells_rows_apart(path):
    """In each of its sections."""
    is_curated = path.parent.name == "curated"
    sections = read_sql_file(path).sections.items()
    assert {name: unsure for name, sql in sections if (unsure := find_unsure(sql, is_curated))} == {}


@pytest.mark.parametrize("marketplace", MARKETPLACES)
@pytest.mark.parametrize("is_new_shape", [True, False])
def test_a_step_orders_by_what_tells_rows_apart(marketplace, is_new_shape):
    """In what it writes and in what it reads: newest versions, days, messages, figures."""
    orders = 0
    for title, step in compose_all_steps(marketplace, is_new_shape).steps.items():
        snapshot = step.snapshot.selects if step.snapshot else ()
        for sql in [*(sql for each in step.submissions for sql in each.statements), *step.reads, *snapshot]:
            if "order by" in sql and not sql.lstrip().startswith(("create or replace procedure", "unload")):
                assert find_unsure(sql) == [], title
                orders += 1
    assert orders > 20


@pytest.mark.parametrize(
    "sql",
    [
        "select row_number() over (partition by price order by title) as place from t",
        "select lead(valid_from) over (partition by id order by price) as ends_at from t",
        "select max(stay_to) over (partition by id order by stay_from rows unbounded preceding) as until from t",
        "select title from t order by price limit 3",
    ],
)
def test_an_order_that_leaves_it_open_is_found(sql):
    """A row number by a title, a neighbour by a price: equals come in any order."""
    assert len(find_unsure(sql)) == 1
