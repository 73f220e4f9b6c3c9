"""Rewrites a parsed Redshift query, expression by expression, into what PostgreSQL computes alike; refuses what it cannot."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from local.data_api.dialect import refuse_reserved
from local.data_api.refusal import Refused
from local.data_api.vocabulary import DATE_PARTS, FUNCTIONS, LEADER_FUNCTIONS, REFUSED_NODES, TYPES, UNKNOWN_FUNCTIONS


def rewrite_expressions(tree: exp.Expression) -> exp.Expression:
    """Return the tree with every expression rewritten (it is changed in place).

    Raises:
        Refused: something in it is no Redshift SQL, or would be computed otherwise here.
    """
    _refuse_foreign_syntax(tree)
    tree = tree.transform(_rewrite_call, copy=False)
    tree = tree.transform(_rewrite_cast, copy=False)
    _rewrite_qualify(tree)
    for name in tree.find_all(exp.Identifier):
        if not name.quoted:
            refuse_reserved(name.name)
        name.set("this", name.name.lower())
    return tree


def check_type(kind: exp.DataType) -> exp.DataType:
    """Return a Redshift type as PostgreSQL's, with Redshift's defaults written out.

    Raises:
        Refused: the type is not one of Redshift's, or not offered here.
    """
    if kind.this not in TYPES:
        raise Refused(f"the type {kind.sql(dialect='redshift')} is not Redshift's, or not offered here")
    if kind.this is exp.DType.DECIMAL:
        sizes = [int(parameter.name) for parameter in kind.expressions] or [18]
        precision, scale = (*sizes, 0)[:2]
        if precision > 38 or scale > precision:
            raise Refused(f"DECIMAL precision {precision} must be between 1 and 38, its scale at most the precision")
        return exp.DataType.build(f"decimal({precision},{scale})", dialect="postgres")
    if kind.this in (exp.DType.NVARCHAR, exp.DType.TEXT):
        return exp.DataType(this=exp.DType.VARCHAR, expressions=kind.expressions)
    if kind.this in (exp.DType.NCHAR, exp.DType.BPCHAR):
        return exp.DataType(this=exp.DType.CHAR, expressions=kind.expressions)
    return kind


def _refuse_foreign_syntax(tree: exp.Expression) -> None:
    for node in tree.walk():
        if reason := REFUSED_NODES.get(type(node)):
            raise Refused(f"{reason} (at: {node.sql(dialect='redshift')[:200]})")
        if isinstance(node, exp.Values) and not isinstance(node.parent, exp.Insert):
            raise Refused("VALUES stands only in INSERT; Redshift has no VALUES list as a table")
        if isinstance(node, exp.Distinct) and node.args.get("on"):
            raise Refused("DISTINCT ON is PostgreSQL's; number the rows with ROW_NUMBER() and QUALIFY")
        if isinstance(node, exp.Join) and str(node.args.get("side") or "").upper() == "LATERAL":
            raise Refused("LATERAL is not Redshift's")
        if (
            isinstance(node, exp.Window)
            and (node.args.get("spec") is not None)
            and str(node.args["spec"].args.get("kind")).upper() != "ROWS"
        ):
            raise Refused("a window frame is counted in ROWS; Redshift has no RANGE or GROUPS frames")
        if isinstance(node, exp.CTE) and node.args.get("materialized") is not None:
            raise Refused("MATERIALIZED on a WITH query is PostgreSQL's")


def _rewrite_call(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.Extract):
        return _call("redshift.extract_part", exp.Literal.string(_date_part(node.this)), node.expression)
    if isinstance(node, exp.CurrentTimestamp) and node.args.get("sysdate"):
        return exp.Anonymous(this="redshift.sysdate")
    if isinstance(node, exp.WithinGroup) and isinstance(node.this, exp.Anonymous) and node.this.name.lower() == "listagg":
        call = node.this
        return _listagg(call.expressions, node.expression)
    if not isinstance(node, exp.Anonymous) or isinstance(node.parent, exp.Dot):
        return node
    name = node.name.lower()
    if name in LEADER_FUNCTIONS and node.find_ancestor(exp.Select) is not None and _reads_user_tables(node):
        raise Refused(f'Specified types or functions (one per INFO message) not supported on Redshift tables: "{name}"')
    if rewrite := _CALLS.get(name):
        return rewrite(node)
    if name in UNKNOWN_FUNCTIONS:
        raise Refused(f"function {name} is not offered here: {UNKNOWN_FUNCTIONS[name]}")
    node.set("this", name)
    return node


def called_functions(tree: exp.Expression) -> set[str]:
    """Return the names of unqualified functions that are neither Redshift's nor this package's: a user's, or PostgreSQL's alone."""
    return {
        node.name.lower()
        for node in tree.find_all(exp.Anonymous)
        if not isinstance(node.parent, exp.Dot) and node.name.lower() not in FUNCTIONS and "." not in node.name
    }


def _reads_user_tables(node: exp.Expression) -> bool:
    select = node.find_ancestor(exp.Select)
    return any(not table.name.lower().startswith(("svv_", "pg_", "stl_", "stv_", "sys_")) for table in select.find_all(exp.Table))


def _call(name: str, *arguments: exp.Expression) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _date_part(node: exp.Expression) -> str:
    part = node.name.lower()
    if part not in DATE_PARTS:
        raise Refused(f"{part!r} is not a date part of Redshift (page r_Dateparts_for_datetime_functions)")
    return DATE_PARTS[part]


def _with_date_part(name: str) -> Callable[[exp.Anonymous], exp.Expression]:
    def rewrite(node: exp.Anonymous) -> exp.Expression:
        part, *rest = node.expressions
        return _call(name, exp.Literal.string(_date_part(part)), *rest)

    return rewrite


def _listagg(arguments: list[exp.Expression], order: exp.Expression | None) -> exp.Expression:
    distinct = isinstance(arguments[0], exp.Distinct)
    value, *separator = arguments[0].expressions if distinct else arguments
    text: exp.Expression = exp.Cast(this=value, to=exp.DataType.build("text"))
    last = separator[0] if separator else exp.Literal.string("")
    if order is not None:
        order.set("this", last)
        last = order
    if distinct:
        return _call("string_agg", exp.Distinct(expressions=[text]), last)
    return _call("string_agg", text, last)


def _rewrite_nvl2(node: exp.Anonymous) -> exp.Expression:
    value, present, absent = node.expressions
    return exp.Case(ifs=[exp.If(this=exp.Not(this=exp.Is(this=value, expression=exp.Null())), true=present)], default=absent)


def _rewrite_concat(node: exp.Anonymous) -> exp.Expression:
    if len(node.expressions) != 2:
        raise Refused("CONCAT takes two arguments in Redshift; use || for more")
    left, right = (exp.Cast(this=argument, to=exp.DataType.build("text")) for argument in node.expressions)
    return exp.Paren(this=exp.DPipe(this=left, expression=right))


def _rewrite_median(node: exp.Anonymous) -> exp.Expression:
    value = exp.Cast(this=node.expressions[0], to=exp.DataType.build("double precision", dialect="postgres"))
    return exp.WithinGroup(
        this=_call("percentile_cont", exp.Literal.number("0.5")), expression=exp.Order(expressions=[exp.Ordered(this=value)])
    )


def _rename(name: str) -> Callable[[exp.Anonymous], exp.Expression]:
    return lambda node: _call(name, *node.expressions)


_CALLS: dict[str, Callable[[exp.Anonymous], exp.Expression]] = {
    "dateadd": _with_date_part("redshift.dateadd"),
    "date_add": _with_date_part("redshift.dateadd"),
    "datediff": _with_date_part("redshift.datediff"),
    "date_diff": _with_date_part("redshift.datediff"),
    "date_part": _with_date_part("redshift.extract_part"),
    "pgdate_part": _with_date_part("redshift.extract_part"),
    "listagg": lambda node: _listagg(node.expressions, None),
    "nvl": _rename("coalesce"),
    "nvl2": _rewrite_nvl2,
    "concat": _rewrite_concat,
    "median": _rewrite_median,
    "sysdate": lambda node: _call("redshift.sysdate"),
}


def _rewrite_cast(node: exp.Expression) -> exp.Expression:
    if not isinstance(node, exp.Cast) or isinstance(node, exp.TryCast):
        return node
    if node.meta.get("done"):
        return node
    kind = check_type(node.to)
    size = kind.expressions[0].name if kind.this in (exp.DType.VARCHAR, exp.DType.CHAR) and kind.expressions else None
    value = node.this
    if kind.this is exp.DType.CHAR and size is None:
        size = "1"
    if size is not None and size.lower() == "max":
        size, kind = "65535", exp.DataType.build("varchar(65535)")
    cast = exp.Cast(this=value, to=kind)
    if size is not None:
        text = exp.Cast(this=value, to=exp.DataType.build("text"))
        text.meta["done"] = True
        cast = exp.Cast(this=_call("redshift.cut_bytes", text, exp.Literal.number(size)), to=kind)
    cast.meta["done"] = True
    if isinstance(node.parent, exp.Select) and node.arg_key == "expressions" and isinstance(value, exp.Column):
        return exp.alias_(cast, value.name, quoted=value.this.quoted)
    return cast


def _rewrite_qualify(tree: exp.Expression) -> None:
    """QUALIFY (page r_QUALIFY_clause): compute the rows, then keep those whose condition, computed beside them, holds."""
    for select in list(tree.find_all(exp.Select)):
        qualify = select.args.get("qualify")
        if qualify is None:
            continue
        select.set("qualify", None)
        order, limit, offset, cte = (select.args.pop(part, None) for part in ("order", "limit", "offset", "with_"))
        names = [_output_name(projection) for projection in select.expressions]
        kept: list[exp.Expression]
        if names == ["*"]:
            sources = [select.args["from_"].this, *(join.this for join in select.args.get("joins") or [])]
            if len(sources) != 1:
                raise Refused("SELECT * with QUALIFY over a join is not offered here: name the columns")
            source = sources[0].alias_or_name
            select.set("expressions", [exp.alias_(exp.column(source), "qualified_row")])
            kept = [exp.Dot(this=exp.Paren(this=exp.column("qualified_row", table="qualified")), expression=exp.Star())]
        elif None in names or "*" in names:
            raise Refused("QUALIFY needs every column of the SELECT to have a name")
        else:
            kept = [exp.column(name, table="qualified") for name in names if name]
        condition = _inline_aliases(qualify.this, select)
        select.append("expressions", exp.alias_(condition, "is_qualified"))
        inner = select.copy()
        outer = exp.select(*kept).from_(exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier("qualified"))))
        outer = outer.where(exp.column("is_qualified", table="qualified"))
        for part, value in (("order", order), ("limit", limit), ("offset", offset), ("with_", cte)):
            if value is not None:
                outer.set(part, value)
        for key in list(select.args):
            select.set(key, None)
        for key, value in outer.args.items():
            select.set(key, value)


def _output_name(projection: exp.Expression) -> str | None:
    if isinstance(projection, exp.Star):
        return "*"
    return projection.output_name.lower() or None


def _inline_aliases(condition: exp.Expression, select: exp.Select) -> exp.Expression:
    """QUALIFY may name an alias of the SELECT list: put its expression there."""
    aliases = {p.alias.lower(): p.this for p in select.expressions if isinstance(p, exp.Alias)}

    def inline(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Column) and not node.table and node.name.lower() in aliases:
            return exp.Paren(this=aliases[node.name.lower()].copy())
        return node

    return condition.transform(inline)
