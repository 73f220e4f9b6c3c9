"""Statements that differ by a word at most: of users, DROP, ALTER, TRUNCATE, SET, LOCK, GRANT, COMMENT, VACUUM, ANALYZE."""

from __future__ import annotations

from sqlglot.tokenizer_core import Token, TokenType

from local_redshift import routines
from local_redshift.alter_table import read_alter
from local_redshift.dialect import fold_name
from local_redshift.function_calls import call
from local_redshift.grants import check_grant, render_grant
from local_redshift.parameters import quote_text
from local_redshift.reading import Reader, render, split_list, word_of
from local_redshift.refusal import NotOffered, Refused
from local_redshift.translation import Translation
from local_redshift.vocabulary import OTHER_OBJECTS, POSTGRES_OBJECTS


def translate_principal(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    kind, reader = words[1], Reader(sql, tokens[2:])
    if words[0] == "DROP":
        exists = kind == "USER" and reader.take("IF", "EXISTS")
        names = [reader.name()]
        while kind == "USER" and reader.take(","):
            names.append(reader.name())
        if kind == "ROLE" and reader.take("FORCE"):
            raise NotOffered("DROP ROLE … FORCE is not offered here")
        kind == "ROLE" and reader.take("RESTRICT")
        _require_end(reader)
        return Translation(f"drop role {'if exists ' if exists else ''}{', '.join(names)}")
    name = reader.name()
    if kind == "USER":
        reader.take("WITH")
        has_options = reader.word() != "PASSWORD"
        if has_options:
            reader.until("PASSWORD")
        reader.require("PASSWORD")
        password = reader.next()
        if password.token_type is not TokenType.STRING and password.text.upper() != "DISABLE":
            raise Refused("PASSWORD takes a text, or DISABLE")
        reader.at -= has_options
    if not reader.ended:
        raise NotOffered(f"CREATE {kind} is offered as CREATE {kind} name{' PASSWORD …' if kind == 'USER' else ''}")
    return Translation(f"create role {name}")


def translate_alter(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    if words[1] == "TABLE":
        change = read_alter(sql, tokens)
        return Translation(change.text, change.before, change.after, alone=change.alone)
    if words[1:3] == ["DEFAULT", "PRIVILEGES"]:
        return Translation(render_grant(sql, tokens))
    if words[1] == "SCHEMA":
        return Translation(render(sql, tokens))
    raise refuse_object("ALTER", words[1])


def translate_drop(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    if words[1] in ("GROUP", "ROLE", "USER"):
        return translate_principal(sql, tokens, words)
    if words[1] not in ("TABLE", "VIEW", "SCHEMA", "PROCEDURE", "FUNCTION"):
        raise refuse_object("DROP", words[1])
    reader = Reader(sql, tokens[2:])
    # Pages r_DROP_FUNCTION and r_DROP_PROCEDURE: no IF EXISTS, one a statement, its arguments in parentheses.
    if words[1] in ("FUNCTION", "PROCEDURE"):
        page = f"r_DROP_{words[1]}"
        if reader.take("IF", "EXISTS"):
            raise Refused(f"DROP {words[1]} has no IF EXISTS", page)
        reader.name()
        if reader.word() != "(":
            raise Refused(f"DROP {words[1]} names the types of the arguments in parentheses, () for none", page)
        routines.read_parameters(sql, reader.parenthesized())
        if words[1] == "FUNCTION":
            reader.take("CASCADE") or reader.take("RESTRICT")
    else:
        reader.take("IF", "EXISTS")
        reader.name()
        while reader.take(","):
            reader.name()
        reader.take("CASCADE") or reader.take("RESTRICT")
    _require_end(reader)
    return Translation(render(sql, tokens))


def translate_truncate(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    reader = Reader(sql, tokens[1:])
    reader.take("TABLE")
    if reader.word() in ("ONLY", "MATERIALIZED"):
        raise Refused("TRUNCATE takes one table and no option")
    name = reader.name()
    if not reader.ended:
        raise Refused("TRUNCATE takes one table and no option")
    alone = "TRUNCATE commits the transaction it stands in (page r_TRUNCATE): use DELETE in a batch"
    return Translation(f"truncate {name}", (call("require_table", name, "TRUNCATE", "r_TRUNCATE"),), alone=alone)


def translate_set(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    if len(tokens) < 4:
        raise Refused("SET names a parameter and its value")
    if words[1] == "SEARCH_PATH":
        names = [
            fold_name(token) if token.token_type is not TokenType.STRING else quote_text(token.text)
            for token in tokens[3:]
            if token.text != ","
        ]
        # The schema of Redshift's functions comes last of the named and before pg_catalog, so that they win.
        return Translation(f"set search_path to {', '.join([*names, 'redshift', 'pg_catalog'])}")
    if words[1] in ("QUERY_GROUP", "STATEMENT_TIMEOUT", "TIMEZONE", "ENABLE_RESULT_CACHE_FOR_SESSION"):
        if words[1] in ("STATEMENT_TIMEOUT", "TIMEZONE"):
            return Translation(render(sql, tokens))
        return Translation()
    raise NotOffered(f"SET {words[1].lower()} is not offered here")


def translate_lock(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    if word_of(tokens[-1]) in ("MODE", "NOWAIT") or "ONLY" in words:
        raise Refused("LOCK names tables only; its one mode is ACCESS EXCLUSIVE", "r_LOCK")
    reader = Reader(sql, tokens[1:])
    reader.take("TABLE")
    names = [reader.name()]
    while reader.take(","):
        names.append(reader.name())
    _require_end(reader)
    # Asked afterwards: a question before would take the transaction's snapshot before the lock is held.
    return Translation(render(sql, tokens), after=tuple(call("require_table", name, "LOCK", "r_LOCK") for name in names))


def translate_grant(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    check_grant(Reader(sql, tokens[1:]), words[0])
    return Translation(render_grant(sql, tokens))


def translate_comment(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    if words[1] != "ON" or words[2] not in ("TABLE", "COLUMN", "CONSTRAINT", "DATABASE", "VIEW"):
        raise Refused("COMMENT ON is about a table, column, constraint, database or view", "r_COMMENT")
    if words[2] == "CONSTRAINT":
        raise NotOffered("COMMENT ON CONSTRAINT is not offered here")
    return Translation(render(sql, tokens))


def translate_vacuum(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    reader = Reader(sql, tokens[1:])
    kinds = (("FULL",), ("SORT", "ONLY"), ("DELETE", "ONLY"), ("REINDEX",), ("RECLUSTER",))
    any(reader.take(*kind) for kind in kinds)
    before = () if reader.ended or reader.word() == "BOOST" else require_relation(reader.name(), "VACUUM", "r_VACUUM_command")
    if reader.take("TO"):
        reader.next()
        reader.require("PERCENT")
    reader.take("BOOST")
    _require_end(reader)
    return Translation("", before, alone="VACUUM cannot run inside a transaction block (page r_VACUUM_command)")


def translate_analyze(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    reader = Reader(sql, tokens[1:])
    if reader.take("COMPRESSION"):
        raise NotOffered("ANALYZE COMPRESSION is not offered here")
    reader.take("VERBOSE")
    before: tuple[str, ...] = ()
    if not reader.ended:
        name = reader.name()
        before = require_relation(name, "ANALYZE", "r_ANALYZE")
        if reader.word() == "(":
            columns = [fold_name(item[0]) for item in split_list(reader.parenthesized())]
            before += (call("require_columns", name, columns, "r_ANALYZE"),)
        reader.take("PREDICATE", "COLUMNS") or reader.take("ALL", "COLUMNS")
    _require_end(reader)
    return Translation("", before)


def refuse_transaction(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    raise Refused(f"{words[0]} has no place in the Data API: a statement or batch is a transaction by itself")


def refuse_object(action: str, kind: str) -> Refused:
    if kind in POSTGRES_OBJECTS:
        return Refused(f"{action} {kind} is not Redshift's", "c_unsupported-postgresql-features")
    if kind in OTHER_OBJECTS:
        return NotOffered(f"{action} {kind} is not offered here")
    near = f'at or near "{kind}"' if kind else "at end of statement"
    return Refused(f"syntax error {near}: {' '.join((action, kind)).strip()} is no statement of Redshift", "c_SQL_commands")


def _require_end(reader: Reader) -> None:
    if not reader.ended:
        token = reader.next()
        raise Refused(f'syntax error at or near "{token.text}"', line=token.line)


def require_relation(name: str, action: str, page: str) -> tuple[str, ...]:
    return (call("require_table", name, action, page),)
