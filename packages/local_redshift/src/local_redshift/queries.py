"""Queries and changes of rows: read as a tree, checked, rewritten, written for PostgreSQL."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from local_redshift.dialect import parse, write
from local_redshift.expressions import called_functions, name_columns, rewrite_expressions
from local_redshift.function_calls import call
from local_redshift.parameters import quote_text
from local_redshift.reading import Reader, word_of
from local_redshift.refusal import NotOffered, Refused
from local_redshift.translation import Translation


def translate_query(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    if words[0] == "DELETE" and words[1:2] != ["FROM"]:  # Redshift's FROM is optional, sqlglot's is not (page r_DELETE)
        sql = f"{sql[: tokens[0].end + 1]} from {sql[tokens[0].end + 1 :]}"
    elif words[0] == "INSERT":
        _check_insert(Reader(sql, tokens))
    elif words[0] == "MERGE" and [word_of(token) for token in tokens[-2:]] == ["REMOVE", "DUPLICATES"]:
        raise NotOffered("REMOVE DUPLICATES of MERGE is not offered here")
    return translate_tree(parse(sql))


def _check_insert(reader: Reader) -> None:
    """Page r_INSERT_30: sqlglot takes MySQL's INSERT INTO t SET, and VALUE, too."""
    reader.require("INSERT", "INTO")
    reader.name()
    if reader.word() == "(":
        reader.parenthesized()
    if reader.word() in ("SET", "VALUE"):
        reader.require("VALUES")


def translate_tree(tree: exp.Expr) -> Translation:
    if (parameter := tree.find(exp.Parameter)) and isinstance(parameter.this, exp.Literal):
        raise Refused(f"there is no parameter ${parameter.name}: a parameter is written :name", "r_PREPARE")
    returns_rows = isinstance(tree, exp.Query) and not tree.args.get("into")
    functions = frozenset(called_functions(tree))
    before = tuple(_require_tables(tree) + _require_columns(tree))
    name_columns(tree)
    tree = rewrite_expressions(tree)
    return Translation(write(tree), before=before, returns_rows=returns_rows, functions=functions)


# What each statement does to rows, and its page: none does it to a view (page r_CREATE_VIEW: views are read).
_CHANGES: dict[type[exp.Expr], tuple[str, str]] = {
    exp.Insert: ("INSERT", "r_INSERT_30"),
    exp.Update: ("UPDATE", "r_UPDATE"),
    exp.Delete: ("DELETE", "r_DELETE"),
    exp.Merge: ("MERGE", "r_MERGE"),
}


def _require_tables(tree: exp.Expr) -> list[str]:
    change = _CHANGES.get(type(tree))
    if change is None:
        return []
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    found = [target, tree.args["using"]] if isinstance(tree, exp.Merge) else [target]
    return [call("require_table", _qualified(table), *change) for table in found if isinstance(table, exp.Table)]


def _require_columns(tree: exp.Expr) -> list[str]:
    """A name that is also that of a table of its statement must be a column of one of them, or named so in it, and not a row."""
    queries = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    read = [table for table in tree.find_all(exp.Table) if table.db or table.name.lower() not in queries]
    named = {alias.alias.lower() for alias in tree.find_all(exp.Alias)}
    named |= {column.name.lower() for alias in tree.find_all(exp.TableAlias) for column in alias.columns}
    suspects = {table.alias_or_name.lower() for table in read} - named
    names = {column.name.lower() for column in tree.find_all(exp.Column) if not column.table and column.name.lower() in suspects}
    sources = sorted({_qualified(table) for table in read})
    return [f"select redshift.require_no_row_value({_texts(sources)}, {quote_text(name)})" for name in sorted(names)]


def _texts(values: list[str]) -> str:
    return f"array[{', '.join(map(quote_text, values))}]::pg_catalog.text[]"


def _qualified(table: exp.Table) -> str:
    return ".".join('"' + part.name.lower().replace('"', '""') + '"' for part in table.parts)
