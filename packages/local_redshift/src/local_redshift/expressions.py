"""Rewrites a parsed statement, expression by expression, into what PostgreSQL computes alike."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from sqlglot import exp

from local_redshift.dialect import refuse_long, refuse_reserved
from local_redshift.refusal import NotOffered, Refused
from local_redshift.rules import check_precision, check_rules
from local_redshift.vocabulary import (
    CATALOG_TYPES,
    DATE_PARTS,
    FUNCTIONS,
    OTHER_FUNCTIONS,
    OTHER_TYPES,
    POSTGRES_FUNCTIONS,
    TYPES,
)

_WHOLE = (exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT)


def rewrite_expressions(tree: exp.Expr) -> exp.Expr:
    """Check a tree, then return it with every expression rewritten (it is changed in place).

    Raises:
        Refused: something in it is no Redshift SQL, or would be computed otherwise here.
    """
    check_rules(tree)
    tree = _rewrite_innermost_first(tree, _rewrite_call)
    tree = _rewrite_innermost_first(tree, _rewrite_cast)
    for select in list(tree.find_all(exp.Select)):
        _rewrite_qualify(select)
    for name in tree.find_all(exp.Identifier):
        if not name.quoted and not name.meta.get("is_free"):
            refuse_reserved(name.name, name.meta.get("line"), is_label=name.meta.get("is_label", False))
        refuse_long(name.name, name.meta.get("line"))
        name.set("this", name.name.lower())
    return tree


# As the guide prints the headings of its examples: a call is named by Redshift's own function, not by the word that was written.
_COLUMN_NAMES = {
    **dict.fromkeys(("date_add", "dateadd"), "date_add"),
    **dict.fromkeys(("date_diff", "datediff"), "date_diff"),
    **dict.fromkeys(("date_part", "pgdate_part"), "pgdate_part"),
    **{name: name for name in ("concat", "listagg", "median")},
}


def name_columns(tree: exp.Expr) -> None:
    """Give columns without a name the one that Redshift gives them, where PostgreSQL would give another (in place)."""
    for select in tree.find_all(exp.Select):
        for column in select.expressions:
            if name := _name_of(column):
                column.replace(exp.alias_(column.copy(), name, quoted=True))


def _name_of(column: exp.Expr) -> str | None:
    if isinstance(column, exp.Extract):
        return "date_part"
    if isinstance(column, exp.StrPosition):
        return "position"
    if isinstance(column, exp.CurrentDate):
        return "date"
    if isinstance(column, exp.CurrentTimestamp):
        return "timestamp"
    call = column.this if isinstance(column, exp.WithinGroup) else column
    return _COLUMN_NAMES.get(call.name.lower()) if isinstance(call, exp.Anonymous) else None


def called_functions(tree: exp.Expr) -> set[str]:
    """Return the unqualified functions of a tree as it was sent that are not Redshift's: a user's, or PostgreSQL's alone."""
    return {
        node.name.lower()
        for node in tree.find_all(exp.Anonymous)
        if not isinstance(node.parent, exp.Dot) and node.name.lower() not in FUNCTIONS
    }


def check_type(kind: exp.DataType) -> exp.DataType:
    """Return a Redshift type as PostgreSQL's, with the sizes of DECIMAL written out.

    Raises:
        Refused: the type is not one of Redshift's, or not offered here.
    """
    if kind.this not in TYPES:
        name = kind.sql(dialect="redshift").upper()
        if kind.this in OTHER_TYPES:
            raise NotOffered(f"the type {name} is not offered here")
        if name.strip('"') in CATALOG_TYPES:
            raise NotOffered(f"the type {name} is one of catalogs only", "c_unsupported-postgresql-datatypes")
        raise Refused(f"the type {name} is not Redshift's", "c_unsupported-postgresql-datatypes")
    check_precision(kind)
    if kind.this is exp.DType.DECIMAL:
        sizes = [int(parameter.name) for parameter in kind.expressions] or [18]
        precision, scale = (*sizes, 0)[:2]
        if not 1 <= precision <= 38 or scale > min(precision, 37):
            raise Refused(
                f"DECIMAL({precision},{scale}): the precision is 1 to 38, the scale at most it and 37", "r_Numeric_types201"
            )
        return _type(f"decimal({precision},{scale})")
    if kind.this in (exp.DType.NVARCHAR, exp.DType.TEXT):
        return exp.DataType(this=exp.DType.VARCHAR, expressions=kind.expressions)
    if kind.this in (exp.DType.NCHAR, exp.DType.BPCHAR):
        return exp.DataType(this=exp.DType.CHAR, expressions=kind.expressions)
    return kind


@cache
def _parse_type(text: str) -> exp.DataType:
    return exp.DataType.build(text, dialect="postgres")


def _type(text: str) -> exp.DataType:
    return _parse_type(text).copy()


def _call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _cast(value: exp.Expr, kind: exp.DataType) -> exp.Cast:
    cast = exp.Cast(this=value, to=kind)
    cast.meta["is_final"] = True  # PostgreSQL's own, not to be rewritten again
    return cast


def _rewrite_innermost_first(tree: exp.Expr, rewrite: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """Replace each node by what `rewrite` makes of it; what it makes is not rewritten again."""
    for node in reversed(list(tree.bfs())):
        rewritten = rewrite(node)
        if node is tree:
            tree = rewritten
        elif rewritten is not node:
            node.replace(rewritten)
    return tree


def _rewrite_call(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Extract):
        return _call("redshift.extract_part", exp.Literal.string(_date_part(node.this)), node.expression)
    if isinstance(node, exp.CurrentTimestamp):
        if not node.args.get("sysdate"):
            raise NotOffered("CURRENT_TIMESTAMP is deprecated and runs on the leader node only: use GETDATE() or SYSDATE")
        return _call("redshift.sysdate")
    if isinstance(node, exp.WithinGroup) and isinstance(node.this, exp.Anonymous) and node.this.name.lower() == "listagg":
        return _rewrite_listagg(node.this, node.expression)
    if not isinstance(node, exp.Anonymous) or isinstance(node.parent, exp.Dot) or "." in node.name:
        return node
    name = node.name.lower()
    if name == "listagg" and isinstance(node.parent, exp.WithinGroup):
        return node  # its parent rewrites it, with its order
    if rewrite := _CALLS.get(name):
        try:
            return rewrite(node)
        except (ValueError, IndexError) as error:  # each takes its arguments apart, and has no other
            raise NotOffered(f"the function {name} is not offered with {len(node.expressions)} arguments") from error
    if name in POSTGRES_FUNCTIONS:
        raise Refused(f"the function {name} does not exist: {POSTGRES_FUNCTIONS[name]}", "c_unsupported-postgresql-functions")
    if name in OTHER_FUNCTIONS:
        raise NotOffered(f"the function {name} is not offered here: {OTHER_FUNCTIONS[name]}")
    node.set("this", name)
    return node


def _date_part(node: exp.Expr) -> str:
    part = node.name.lower()
    if part not in DATE_PARTS:
        raise NotOffered(f"{part!r} is not a date part of Redshift, or not offered here", "r_Dateparts_for_datetime_functions")
    return DATE_PARTS[part]


def _with_date_part(name: str) -> Callable[[exp.Anonymous], exp.Expr]:
    def rewrite(node: exp.Anonymous) -> exp.Expr:
        part, *rest = node.expressions
        return _call(name, exp.Literal.string(_date_part(part)), *rest)

    return rewrite


def _rewrite_datediff(node: exp.Anonymous) -> exp.Expr:
    part, start, end = node.expressions
    if _date_part(part) == "week":
        raise NotOffered(
            "DATEDIFF of weeks is not offered here, as its documentation does not say on which day a week begins: "
            "use DATEDIFF(day, DATE_TRUNC('week', a), DATE_TRUNC('week', b)) / 7"
        )
    return _call("redshift.datediff", exp.Literal.string(_date_part(part)), start, end)


def _rewrite_listagg(node: exp.Anonymous, order: exp.Expr | None = None) -> exp.Expr:
    if not node.expressions:
        raise Refused("LISTAGG needs a value", "r_LISTAGG")
    is_distinct = isinstance(node.expressions[0], exp.Distinct)
    value, *rest = node.expressions[0].expressions if is_distinct else node.expressions
    separator = rest[0] if rest else exp.Literal.string("")
    if not is_distinct:
        return _call("string_agg", _cast(value, _type("text")), _in_order(separator, order))
    # PostgreSQL orders distinct values only by themselves, so they become text after they are ordered.
    values = _call("array_agg", _in_order(exp.Distinct(expressions=[value]), order))
    is_value = exp.Not(this=exp.Is(this=value.copy(), expression=exp.Null()))
    return _call("array_to_string", exp.Filter(this=values, expression=exp.Where(this=is_value)), separator)


def _in_order(value: exp.Expr, order: exp.Expr | None) -> exp.Expr:
    """Put an aggregate's ORDER BY behind its last argument."""
    if order is None:
        return value
    order.set("this", value)
    return order


def _rewrite_date_trunc(node: exp.Anonymous) -> exp.Expr:
    part, value = node.expressions
    if isinstance(value, exp.Literal):
        value = _cast(value, _type("timestamp"))
    return _call("redshift.date_trunc", exp.Literal.string(_date_part(part)), value)


def _rewrite_nvl2(node: exp.Anonymous) -> exp.Expr:
    value, present, absent = node.expressions
    return exp.Case(ifs=[exp.If(this=exp.Not(this=exp.Is(this=value, expression=exp.Null())), true=present)], default=absent)


def _rewrite_concat(node: exp.Anonymous) -> exp.Expr:
    if len(node.expressions) != 2:
        raise Refused("CONCAT takes two arguments in Redshift; use || for more", "r_CONCAT")
    left, right = (_cast(argument, _type("text")) for argument in node.expressions)
    return exp.Paren(this=exp.DPipe(this=left, expression=right))


def _rewrite_median(node: exp.Anonymous) -> exp.Expr:
    value = _cast(node.expressions[0], _type("double precision"))
    order = exp.Order(expressions=[exp.Ordered(this=value)])
    return exp.WithinGroup(this=_call("percentile_cont", exp.Literal.number("0.5")), expression=order)


_CALLS: dict[str, Callable[[exp.Anonymous], exp.Expr]] = {
    "dateadd": _with_date_part("redshift.dateadd"),
    "date_add": _with_date_part("redshift.dateadd"),
    "datediff": _rewrite_datediff,
    "date_diff": _rewrite_datediff,
    "date_part": _with_date_part("date_part"),
    "pgdate_part": _with_date_part("date_part"),
    "date_trunc": _rewrite_date_trunc,
    "listagg": _rewrite_listagg,
    "nvl": lambda node: _call("coalesce", *node.expressions),
    "nvl2": _rewrite_nvl2,
    "concat": _rewrite_concat,
    "median": _rewrite_median,
}


def _rewrite_cast(node: exp.Expr) -> exp.Expr:
    if not isinstance(node, exp.Cast) or node.meta.get("is_final"):
        return node
    kind, value = check_type(node.to), node.this
    is_constant = isinstance(value.unnest(), (exp.Literal, exp.Placeholder, exp.Null)) or (
        isinstance(value, exp.Neg) and isinstance(value.this, exp.Literal)
    )
    if kind.this in (exp.DType.VARCHAR, exp.DType.CHAR):
        cast = _cast_to_text(value if is_constant else _call("redshift.to_text", value), kind)
    elif kind.this is exp.DType.DECIMAL and not is_constant:
        cast = _cast(_call("redshift.exact", value, exp.Literal.number(kind.expressions[1].name)), kind)
    elif kind.this is exp.DType.BOOLEAN and not is_constant:
        cast = _cast(_call("redshift.to_boolean", value), kind)
    elif kind.this in _WHOLE and not is_constant:
        cast = _cast(_call("redshift.exact", value, exp.Literal.number(0)), kind)
    else:
        cast = _cast(value, kind)
    if isinstance(node.parent, exp.Select) and node.arg_key == "expressions" and isinstance(value, exp.Column):
        return exp.alias_(cast, value.name, quoted=value.this.quoted)
    return cast


def _cast_to_text(value: exp.Expr, kind: exp.DataType) -> exp.Cast:
    """VARCHAR(n) cuts at n bytes; VARCHAR in an expression takes the size of its input (page r_Character_types)."""
    size = kind.expressions[0].name.lower() if kind.expressions else ("1" if kind.this is exp.DType.CHAR else None)
    if size is None:
        return _cast(value, kind)
    if size == "max":
        size = "65535" if kind.this is exp.DType.VARCHAR else "4096"
    cut = _call("redshift.cut_bytes", _cast(value, _type("text")), exp.Literal.number(size))
    return _cast(cut, _type(f"{'varchar' if kind.this is exp.DType.VARCHAR else 'char'}({size})"))


def _rewrite_qualify(select: exp.Select) -> None:
    """QUALIFY (page r_QUALIFY_clause): compute the rows, then keep those whose condition, computed beside them, holds."""
    qualify = select.args.get("qualify")
    if qualify is None:
        return
    source = select.args["from_"].this
    joins = select.args.get("joins") or []
    if not (select.args.get("where") or select.args.get("group") or joins or source.alias):
        raise Refused("QUALIFY straight after FROM needs an alias of the table", "r_QUALIFY_clause")
    outside = {part: select.args.pop(part) for part in ("order", "limit", "offset", "with_") if select.args.get(part) is not None}
    names = [_output_name(projection) for projection in select.expressions]
    select.set("qualify", None)
    if names == ["*"]:
        if joins:
            raise NotOffered("SELECT * with QUALIFY over a join is not offered here: name the columns")
        whole_row = exp.column("qualified_row", table="qualified")
        kept: list[exp.Expr] = [exp.Dot(this=exp.Paren(this=whole_row), expression=exp.Star())]
        select.set("expressions", [exp.alias_(exp.column(source.alias_or_name), "qualified_row")])
    elif None in names or "*" in names:
        raise NotOffered("QUALIFY needs every column of its SELECT to have a name")
    else:
        kept = [exp.column(exp.Identifier(this=name, quoted=True), table="qualified") for name in names]
    select.append("expressions", exp.alias_(_inline_aliases(qualify.this, select), "is_qualified"))
    rows = exp.Subquery(this=select.copy(), alias=exp.TableAlias(this=exp.to_identifier("qualified")))
    outer = exp.select(*kept).from_(rows).where(exp.column("is_qualified", table="qualified"))
    for key in list(select.args):
        select.set(key, None)
    for key, value in (outer.args | outside).items():
        select.set(key, value)


def _output_name(projection: exp.Expr) -> str | None:
    if isinstance(projection, exp.Star) or (isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star)):
        return "*"
    return projection.output_name.lower() or None


def _inline_aliases(condition: exp.Expr, select: exp.Select) -> exp.Expr:
    """QUALIFY may name an alias of the SELECT list: put its expression there."""
    aliases = {
        projection.alias.lower(): projection.this for projection in select.expressions if isinstance(projection, exp.Alias)
    }

    def inline(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and not node.table and node.name.lower() in aliases:
            return exp.Paren(this=aliases[node.name.lower()].copy())
        return node

    return condition.transform(inline)
