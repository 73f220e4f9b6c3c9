"""Correlated subqueries that Redshift cannot take apart, as PostgreSQL can (page r_correlated_subqueries)."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from local_redshift.refusal import Refused
from local_redshift.vocabulary import FRAMED_FUNCTIONS


def check_grouping(node: exp.Select) -> None:
    """Raise Refused where GROUP BY refers to the result of a correlated subquery, by name, number or text."""
    group = node.args.get("group")
    for key in group.expressions if group is not None else []:
        named = {column.alias_or_name.lower(): column for column in node.expressions}
        value = named.get(key.name.lower(), key) if isinstance(key, exp.Column) and not key.table else key
        if isinstance(key, exp.Literal) and key.is_int and 0 < int(key.name) <= len(node.expressions):
            value = node.expressions[int(key.name) - 1]
        for query in value.find_all(exp.Subquery, exp.Exists):
            inner = query.find(exp.Select)
            if inner is not None and _outer_columns(inner):
                raise _pattern(_outer_columns(inner)[0], "GROUP BY refers to its result")


def check_correlations(tree: exp.Expr) -> None:
    """Raise Refused where a statement has a pattern that Redshift cannot decorrelate."""
    if not tree.find(exp.Subquery, exp.Exists, exp.In):
        return
    for scope in traverse_scope(tree):
        outer = [column for column in scope.external_columns if column.table]
        if not outer or not scope.is_subquery:
            continue
        if scope.find(exp.Window):
            raise _pattern(outer[0], "it contains a window function")
        if scope.expression.args.get("limit") is not None:
            raise _pattern(outer[0], "it has a LIMIT")
        parent = _enclosing_query(scope)
        for column in outer:
            if parent is not None and column.table not in parent.sources:
                raise _pattern(column, "it refers to a query that is not the next one out")
        holder = scope.expression.parent.parent if isinstance(scope.expression.parent, exp.Subquery) else scope.expression.parent
        if isinstance(holder, exp.In) and scope.expression.args.get("group") and _aggregates(scope.expression):
            raise _pattern(outer[0], "it aggregates by GROUP BY and is connected by IN")
        join = scope.expression.find_ancestor(exp.Join, exp.Select)
        if isinstance(join, exp.Join) and join.side:
            raise _pattern(outer[0], "it stands in the ON of an outer join")


def _outer_columns(query: exp.Select) -> list[exp.Column]:
    """Return the columns of a query that name a table which stands outside of it."""
    inside = {table.alias_or_name.lower() for table in query.find_all(exp.Table, exp.Subquery)}
    return [column for column in query.find_all(exp.Column) if column.table and column.table.lower() not in inside]


def _aggregates(query: exp.Expr) -> bool:
    """Say whether a query aggregates otherwise than by MIN and MAX."""
    names = {call.name.lower() for call in query.find_all(exp.Anonymous)}
    return bool(names & (FRAMED_FUNCTIONS - {"first_value", "last_value", "max", "min", "nth_value"}))


def _enclosing_query(scope: Scope) -> Scope | None:
    parent = scope.parent
    while parent is not None and not isinstance(parent.expression, exp.Select):
        parent = parent.parent
    return parent


def _pattern(column: exp.Column, reason: str) -> Refused:
    return Refused(
        "This type of correlated subquery pattern is not supported due to internal error: "
        f"{reason} (the outer column is {column.sql(dialect='redshift')})",
        "r_correlated_subqueries",
        column.meta.get("line"),
    )
