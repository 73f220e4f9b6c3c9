"""Refuses, by name, what PostgreSQL would run and Redshift would not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp
from sqlglot.errors import ErrorLevel

from local_redshift.correlations import check_correlations, check_grouping
from local_redshift.refusal import NotOffered, Refused
from local_redshift.vocabulary import (
    FRAMED_FUNCTIONS,
    KNOWN_NODES,
    KNOWN_PARTS,
    LEADER_FUNCTIONS,
    OTHER_NODES,
    RANKING_FUNCTIONS,
    REFUSED_NODES,
)

_SYSTEM_PREFIXES = ("svv_", "svl_", "stl_", "stv_", "sys_")
_ROW_COLUMNS = frozenset(("cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"))
_LEADER_WORDS = (exp.CurrentSchema, exp.CurrentTime, exp.CurrentTimestamp, exp.Localtime, exp.Localtimestamp)
_OTHER_CATALOGS = frozenset(
    """
    check_constraints constraint_column_usage constraint_table_usage key_column_usage pg_constraint referential_constraints
    table_constraints
    """.split()  # noqa: SIM905 - a list of words reads better than a list of quoted words
)
_TIMES = (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ, exp.DType.TIME, exp.DType.TIMETZ)
_NO_ROWS = "c_unsupported-postgresql-datatypes"
_CATALOG_PREFIXES = (*_SYSTEM_PREFIXES, "pg_")


def check_rules(tree: exp.Expr) -> None:
    """Raise Refused where a statement, as it was sent, is not Redshift's."""
    _check_catalog_join(tree)
    for node in tree.walk():
        try:
            _check_node(node)
        except Refused as refusal:
            refusal.line = refusal.line or _line_of(node)
            raise
    check_correlations(tree)


def _check_node(node: exp.Expr) -> None:
    kind = type(node)
    if reason := REFUSED_NODES.get(kind):
        raise Refused(f"{reason}{_show(node)}")
    if reason := OTHER_NODES.get(kind):
        raise NotOffered(f"{reason}{_show(node)}")
    if check := _CHECKS.get(kind):
        check(node)
    if kind not in KNOWN_NODES:
        raise NotOffered(f"{_call_it(node.key)} is not offered here{_show(node)}")
    known = KNOWN_PARTS.get(kind)
    if known is not None and (parts := [name for name in _parts(node) if name not in known]):
        raise NotOffered(f"{_call_it(parts[0])} of {_call_it(node.key)} is not offered here{_show(node)}")


def _show(node: exp.Expr) -> str:
    """Return a node's text in parentheses; nothing where sqlglot writes none for Redshift."""
    text = node.sql(dialect="redshift", unsupported_level=ErrorLevel.IGNORE)
    return f" (at: {text[:200]})" if text else ""


def _parts(node: exp.Expr) -> list[str]:
    """Return what is said of a node, without what is refused by a name of its own."""
    named = (*REFUSED_NODES, *OTHER_NODES)
    return [
        name
        for name, value in node.args.items()
        if value and not isinstance(value[0] if isinstance(value, list) else value, named)
    ]


def _call_it(key: str) -> str:
    return key.rstrip("_").replace("_", " ").upper()


def _line_of(node: exp.Expr) -> int | None:
    """Return the line of the first name or call in a node; sqlglot keeps no other places."""
    return next((found.meta["line"] for found in node.walk() if "line" in found.meta), None)


def _check_values(node: exp.Values) -> None:
    if not isinstance(node.parent, exp.Insert):
        raise Refused("VALUES stands only in INSERT; Redshift has no list of VALUES as a table")
    if len(node.expressions) > 1 and node.find(exp.Query):
        raise Refused("can't use subqueries in multi-row VALUES", "c_Examples_of_INSERT_30")


def _check_select(node: exp.Select) -> None:
    if node.args.get("windows"):
        raise Refused("Redshift has no WINDOW clause: write each window in its OVER")
    _check_untyped_columns(node)
    check_grouping(node)


def _check_set_operation(node: exp.SetOperation) -> None:
    if not isinstance(node, exp.Union) and node.args.get("distinct") is False:
        raise Refused(f"{node.key.upper()} ALL is not Redshift's: only UNION takes ALL", "r_UNION")


def _check_column(node: exp.Column) -> None:
    if node.name.lower() in _ROW_COLUMNS:
        raise Refused(f"{node.name} is a system column of PostgreSQL's", "c_unsupported-postgresql-features")
    if isinstance(node.this, exp.Star) and not isinstance(node.parent, exp.Select):
        raise Refused(f"{node.sql(dialect='redshift')} as one value is a row value of PostgreSQL's", _NO_ROWS)
    if node.args.get("join_mark"):
        raise NotOffered("the outer join by (+) is not offered here: use LEFT JOIN", "r_WHERE_oracle_outer")


def _check_dot(node: exp.Dot) -> None:
    if isinstance(node.this, (exp.Paren, exp.Subquery)):
        raise Refused(f"{node.sql(dialect='redshift')}: a field of a row value is PostgreSQL's", _NO_ROWS)


def _check_comparison(node: exp.Binary) -> None:
    """Page c_unsupported-postgresql-features: row constructors. A list of columns may stand before IN, and nowhere else."""
    if isinstance(node.this, exp.Tuple) or isinstance(node.expression, exp.Tuple):
        if isinstance(node.parent, exp.Update):
            raise Refused("SET takes one column at a time", "r_UPDATE")
        raise Refused("row constructors are PostgreSQL's: compare column by column", "c_unsupported-postgresql-features")


def _check_quantified(node: exp.Any | exp.All) -> None:
    if not isinstance(node.this.unnest(), exp.Query):
        raise Refused(f"{node.key.upper()} of an array is PostgreSQL's: use IN", "c_unsupported-postgresql-datatypes")


def _check_limit(node: exp.Limit) -> None:
    """Page r_ORDER_BY_clause: LIMIT is a number or ALL."""
    value = node.expression
    if not (isinstance(value, (exp.Literal, exp.Placeholder)) or (isinstance(value, exp.Var) and value.name.upper() == "ALL")):
        raise Refused("LIMIT and OFFSET take a number", "r_ORDER_BY_clause")


def _check_offset(node: exp.Offset) -> None:
    if not isinstance(node.expression, (exp.Literal, exp.Placeholder)):
        raise Refused("LIMIT and OFFSET take a number", "r_ORDER_BY_clause")


def _check_order(node: exp.Order) -> None:
    if isinstance(node.parent, exp.Anonymous):
        raise Refused("ORDER BY within the arguments of an aggregate is PostgreSQL's: use WITHIN GROUP", "r_LISTAGG")


def _check_between(node: exp.Between) -> None:
    if node.args.get("symmetric"):
        raise Refused("BETWEEN SYMMETRIC is PostgreSQL's", "r_range_condition")


def _check_table(node: exp.Table) -> None:
    if node.name.lower() in _OTHER_CATALOGS:
        raise NotOffered(f"{node.name} is not offered here: it would show PostgreSQL's constraints, which are not Redshift's")
    if node.args.get("only"):
        raise Refused("ONLY is PostgreSQL's, as is inheritance", "c_unsupported-postgresql-features")
    if isinstance(node.this, exp.Anonymous) and node.this.name.lower() not in ("generate_series",):
        raise Refused(f"{node.this.name}: table functions are PostgreSQL's", "c_unsupported-postgresql-features")


def _check_insert(node: exp.Insert) -> None:
    target = node.this.this if isinstance(node.this, exp.Schema) else node.this
    if isinstance(target, exp.Table) and target.alias:
        raise Refused("the target of INSERT takes no alias", "r_INSERT_30")
    if node.args.get("with_"):
        raise Refused("WITH stands behind the target of INSERT: INSERT INTO … WITH … SELECT", "r_INSERT_30")


def _check_placeholder(node: exp.Placeholder) -> None:
    if node.args.get("jdbc") or isinstance(node.this, exp.Identifier) or node.arg_key == "alias":
        raise Refused("syntax error: a parameter is written :name, and stands where a value may", "r_SELECT_synopsis")


def _check_in(node: exp.In) -> None:
    if not node.expressions and node.args.get("query") is None:
        raise Refused('syntax error at or near ")": IN needs a value', "r_in_condition")


def _check_tuple(node: exp.Tuple) -> None:
    """A list stands where it is one of several: elsewhere it is a row value."""
    if isinstance(node.parent, (exp.Select, exp.Alias, exp.Anonymous, exp.Case, exp.If, exp.Ordered, exp.Between, exp.Is)):
        raise Refused("row constructors are PostgreSQL's: compare column by column", "c_unsupported-postgresql-features")


def _check_interval(node: exp.Interval) -> None:
    if not isinstance(node.this, exp.Literal):
        raise Refused("an interval is a text: multiply one for a number that varies", "r_interval_literals")


def check_precision(node: exp.DataType) -> None:
    """Raise NotOffered where a type has a precision that no page shows (r_Datetime_types, r_Numeric_types201)."""
    if node.this in _TIMES and node.expressions:
        raise NotOffered(f"{node.sql(dialect='redshift')}: Redshift documents no precision of a time", "r_Datetime_types")
    if node.this in (exp.DType.FLOAT, exp.DType.DOUBLE) and node.expressions:
        raise NotOffered(f"{node.sql(dialect='redshift')}: Redshift documents REAL and DOUBLE PRECISION", "r_Numeric_types201")


def _check_with(node: exp.With) -> None:
    """Page r_WITH_clause: no WITH in a WITH query; a recursive query stands outermost, names its columns and is a UNION ALL."""
    if node.find_ancestor(exp.CTE):
        raise Refused("a WITH clause cannot be specified inside a WITH clause subquery", "r_WITH_clause")
    if node.args.get("recursive") and node.find_ancestor(exp.Subquery, exp.In, exp.Exists):
        raise Refused("WITH RECURSIVE cannot be specified inside a subquery", "r_WITH_clause")
    for cte in node.expressions if node.args.get("recursive") else []:
        references = [table for table in cte.this.find_all(exp.Table) if table.name.lower() == cte.alias.lower()]
        if not references:
            continue
        if not cte.args["alias"].columns:
            raise Refused(f"the recursive query {cte.alias} needs a list of columns", "r_WITH_clause")
        if not isinstance(cte.this, exp.Union) or cte.this.args.get("distinct") is not False:
            raise Refused(f"the recursive query {cte.alias} is a UNION ALL of its seed and its recursive part", "r_WITH_clause")
        if cte.this.expression.find(exp.Limit, exp.Order):
            raise Refused(f"the recursive part of {cte.alias} takes neither ORDER BY nor LIMIT", "r_WITH_clause")


def _check_distinct(node: exp.Distinct) -> None:
    if isinstance(node.parent, exp.Anonymous) and node.parent.name.lower() != "listagg" and len(node.expressions) > 1:
        raise Refused(f"{node.parent.name} takes one value after DISTINCT", "r_COUNT")
    if node.args.get("on"):
        raise Refused("DISTINCT ON is PostgreSQL's; number the rows with ROW_NUMBER() and QUALIFY")


def _check_cte(node: exp.CTE) -> None:
    if node.args.get("materialized") is not None:
        raise Refused("MATERIALIZED on a WITH query is PostgreSQL's")
    if not isinstance(node.this, exp.Query):
        raise Refused("a WITH query is a SELECT; changes of rows in it are PostgreSQL's")


def _check_untyped_columns(node: exp.Select) -> None:
    """A bare literal or NULL is of type "unknown"; as a column of an inner query it can become no other type further out
    (calogica/dbt-expectations#99, snowplow/dbt-snowplow-attribution#9). In a UNION it takes the type of the other branches."""
    outer = node.parent
    is_inner = isinstance(outer, exp.CTE) or (isinstance(outer, exp.Subquery) and isinstance(outer.parent, (exp.From, exp.Join)))
    for column in node.expressions if is_inner else []:
        value = column.unalias()
        if isinstance(value, (exp.Null, exp.Placeholder)) or (isinstance(value, exp.Literal) and value.is_string):
            raise Refused(
                f'failed to find conversion function from "unknown" to text: cast {column.sql(dialect="redshift")} to its type, '
                "as it is a column of an inner query"
            )


def _check_window(node: exp.Window) -> None:
    """Page r_Window_function_synopsis: frames are ROWS, needed by ordered aggregates, and not taken by ranking functions."""
    call = node.this.this if isinstance(node.this, (exp.IgnoreNulls, exp.WithinGroup)) else node.this
    name = call.name.lower()
    frame, is_ordered = node.args.get("spec"), node.args.get("order") is not None
    if node.args.get("alias") is not None:
        raise Refused("Redshift has no WINDOW clause: write each window in its OVER")
    if frame is not None and str(frame.args.get("kind")).upper() != "ROWS":
        raise Refused("a window frame is counted in ROWS; Redshift has no RANGE or GROUPS frames")
    if frame is not None and frame.args.get("exclude") is not None:
        raise Refused("a window frame has no EXCLUDE in Redshift")
    if name in ("lag", "lead") and len(call.expressions) > 2:
        raise Refused(f"the window function {name} takes no default: use NVL", f"r_WF_{name.upper()}")
    if frame is None and is_ordered and name in FRAMED_FUNCTIONS:
        raise Refused("Aggregate window functions with an ORDER BY clause require a frame clause")
    if frame is not None and name in RANKING_FUNCTIONS:
        raise Refused(f"the window function {name} takes no frame clause")
    if frame is not None and not is_ordered:
        raise Refused("a window frame needs an ORDER BY clause")
    if not is_ordered and name in ("lag", "lead"):
        raise Refused(f"the window function {name} needs an ORDER BY clause")
    order = node.args["order"].expressions if is_ordered else []
    for key in [*(node.args.get("partition_by") or []), *(ordered.this for ordered in order)]:
        if isinstance(key, exp.Literal):
            raise Refused("constants are not supported in the PARTITION BY and ORDER BY of a window")


def _check_update(node: exp.Update) -> None:
    source = node.args.get("from_")
    for join in source.this.args.get("joins") or [] if source is not None else []:
        if join.side:
            raise Refused("Target table must be part of an equijoin predicate: an UPDATE takes no outer join", "r_UPDATE")
    for change in node.expressions:
        if isinstance(change, exp.EQ) and isinstance(change.this, exp.Column) and change.this.table:
            raise Refused("SET names a column without its table", "r_UPDATE")


def _check_delete(node: exp.Delete) -> None:
    if node.this is not None and node.this.alias:
        raise Refused("the target of DELETE takes no alias", "r_DELETE")


def _check_join(node: exp.Join) -> None:
    if node.method not in ("", "NATURAL") or node.kind.upper() not in ("", "CROSS", "INNER", "OUTER"):
        raise Refused(f"{node.method or node.kind} JOIN is not Redshift's", "r_FROM_clause30")
    if node.side.upper() == "FULL" and not (node.args.get("using") or node.find(exp.EQ)):
        raise Refused("FULL JOIN is only supported with merge-joinable join conditions")


def _check_merge(node: exp.Merge) -> None:
    """Page r_MERGE: its one form, and what may stand in it."""
    if not isinstance(node.this, exp.Table) or node.this.alias:
        raise Refused("the target of MERGE is a table without an alias")
    source = node.args["using"]
    if not isinstance(source, exp.Table):
        raise Refused("the source of MERGE is a table (a temporary one may be made first), not a query")
    if (source.name.lower(), source.db.lower()) == (node.this.name.lower(), node.this.db.lower()):
        raise Refused("the source and the target of MERGE cannot be the same table")
    if node.args.get("with_"):
        raise Refused("WITH does not stand before MERGE")
    condition = node.args["on"]
    parts = list(condition.unnest().flatten()) if isinstance(condition.unnest(), exp.And) else [condition.unnest()]
    if not any(isinstance(part.unnest(), exp.EQ) for part in parts):
        raise Refused("the condition of MERGE needs an equality of a source column and a target column")
    clauses = node.args["whens"].expressions
    if [bool(clause.args.get("matched")) for clause in clauses] != [True, False]:
        raise Refused(
            "MERGE has WHEN MATCHED THEN UPDATE or DELETE, then WHEN NOT MATCHED THEN INSERT: both, once, in this order"
        )
    if any(clause.args.get("condition") is not None or clause.args.get("source") for clause in clauses):
        raise Refused("WHEN takes no further condition in MERGE")
    if not isinstance(clauses[1].args.get("then"), exp.Insert):
        raise Refused("WHEN NOT MATCHED takes INSERT")
    change = clauses[0].args["then"]
    if isinstance(change, exp.Var) and change.name.upper() != "DELETE":
        raise Refused("WHEN MATCHED takes UPDATE or DELETE")
    if any(isinstance(part.this, exp.Column) and part.this.table for part in change.expressions):
        raise Refused("SET in MERGE names a column without its table")


def _check_pattern(node: exp.RegexpLike) -> None:
    """Page pattern-matching-conditions-posix: the pattern is a literal."""
    if node.expression.find(exp.Column, exp.Placeholder):
        raise Refused("The pattern must be a valid UTF-8 literal character expression")


def _check_call(node: exp.Anonymous) -> None:
    """Pages REGEXP_SUBSTR, REGEXP_REPLACE, REGEXP_INSTR and REGEXP_COUNT: the pattern is a literal; SPLIT_PART counts from 1."""
    if node.name.lower() == "split_part" and len(node.expressions) == 3 and isinstance(node.expressions[2], exp.Neg):
        raise Refused("SPLIT_PART: field position must be greater than zero", "SPLIT_PART")
    if (
        node.name.lower().startswith("regexp_")
        and len(node.expressions) > 1
        and node.expressions[1].find(exp.Column, exp.Placeholder)
    ):
        raise Refused(f"{node.name}: the pattern must be a valid UTF-8 literal character expression")


_CHECKS: dict[type[exp.Expr], Callable[[Any], None]] = {
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE), _check_comparison),
    **dict.fromkeys((exp.Any, exp.All), _check_quantified),
    exp.Dot: _check_dot,
    exp.Limit: _check_limit,
    exp.Offset: _check_offset,
    exp.Order: _check_order,
    exp.Between: _check_between,
    exp.Table: _check_table,
    exp.Insert: _check_insert,
    exp.In: _check_in,
    exp.Interval: _check_interval,
    exp.Placeholder: _check_placeholder,
    exp.Tuple: _check_tuple,
    exp.DataType: check_precision,
    exp.Anonymous: _check_call,
    exp.RegexpLike: _check_pattern,
    exp.Column: _check_column,
    exp.Except: _check_set_operation,
    exp.Intersect: _check_set_operation,
    exp.Select: _check_select,
    exp.With: _check_with,
    exp.Values: _check_values,
    exp.Distinct: _check_distinct,
    exp.CTE: _check_cte,
    exp.Window: _check_window,
    exp.Update: _check_update,
    exp.Delete: _check_delete,
    exp.Join: _check_join,
    exp.Merge: _check_merge,
}


def _check_catalog_join(tree: exp.Expr) -> None:
    """Page c_SQL_functions_leader_node_only: catalogs and some functions cannot be used with users' tables."""
    names = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    tables = [table for table in tree.find_all(exp.Table) if table.db or table.name.lower() not in names]
    catalog = [table.name for table in tables if is_catalog(table)]
    others = [table.name for table in tables if not is_catalog(table)]
    if catalog and others:
        raise Refused(
            "Specified types or functions (one per INFO message) not supported on Redshift tables: "
            f'"{catalog[0]}" lives on the leader node and cannot be used with "{others[0]}"',
            "c_SQL_functions_leader_node_only",
        )
    # Page r_CURRENT_SCHEMA: such a function is an error beside a user's table, and beside the STL, STV, SVV and SVL views, too.
    others += [name for name in catalog if name.lower().startswith(_SYSTEM_PREFIXES)]
    for call in tree.find_all(exp.Anonymous):
        if others and call.name.lower() in LEADER_FUNCTIONS:
            raise Refused(
                "Specified types or functions (one per INFO message) not supported on Redshift tables: "
                f'the function "{call.name}" runs on the leader node and cannot be used with "{others[0]}"',
                "c_SQL_functions_leader_node_only",
                call.meta.get("line"),
            )
    for word in tree.find_all(*_LEADER_WORDS) if others else []:
        if not word.args.get("sysdate"):
            raise Refused(
                f"Specified types or functions not supported on Redshift tables: {word.sql(dialect='redshift')}",
                "c_SQL_functions_leader_node_only",
            )


def is_catalog(table: exp.Table) -> bool:
    """Say whether a table is one of the leader node's."""
    return table.db.lower() in ("information_schema", "pg_catalog") or (
        not table.db and table.name.lower().startswith(_CATALOG_PREFIXES)
    )
