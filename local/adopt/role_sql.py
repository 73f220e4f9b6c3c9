"""The SQL that every role's curated tables have in common: how its columns are read, parsed and judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from local.adopt.mapping import Choice, Column, Join, MappingFile, Role
from local.adopt.sql_text import (
    Draft,
    Rule,
    indent,
    is_among,
    name_alias,
    name_one,
    name_plainly,
    write_accepted,
    write_header,
    write_judged,
    write_table,
)
from local.adopt.taken import TakenTable, curated_type, quote

USER_BYTES, CODE_BYTES = 128, 128


@dataclass(frozen=True, kw_only=True)
class Heading:
    """What a curated file says of itself.

    Attributes:
        table: Its name. title: What it holds, in a sentence.
        joins: Whether it reads the tables that its role joins.
        facts: More lines of the header, in their order; those without a text are left out.
        notes: Comments under the header.
    """

    table: str
    title: str
    grain: str
    key: str
    storage: str
    input: str = "newest"
    references: str = "none"
    reads: str = "newest"
    joins: bool = False
    facts: Mapping[str, str]
    notes: str = ""


class RoleSql:
    """Writes the curated tables of one role."""

    def __init__(self, marketplace: str, mapping: MappingFile, tables: Mapping[str, TakenTable], role: Role):
        self.marketplace = marketplace
        self.control = f"{marketplace}_control"
        self.role = role
        self.fields = role.columns
        self.table = tables[role.table]
        self._mapping = mapping
        self._tables = tables

    @property
    def key_type(self) -> str:
        """The curated type of the role's id."""
        return curated_type(self.table.types[self.fields["id"].name])

    @property
    def currency(self) -> str | None:
        """The currency of money for which no column says it."""
        return self._mapping.currency

    def type_of(self, column: Column) -> str:
        """Return raw's type of a column of the role's table, or of one that it joins."""
        return self._tables[column.table or self.role.table].types[column.name]

    def clean(self, name: str) -> str:
        """Return the expression of a field that is a text, cleaned; empty where the mapping has none."""
        return f"{self.control}.clean_text(cast({self.ref(self.fields[name])} as varchar(65535)))" if name in self.fields else ""

    def begin(self, key: str, keeps_removed: bool = False) -> Draft:
        """Return the draft of a table with the role's id under a name."""
        removed = ["newest._removed_at"] if keeps_removed else []
        return Draft(
            texts=[name_alias(f"newest.{quote(self.fields['id'].name)}", key), "newest._row_key as row_key", *removed],
            rules=[Rule(f"no {key}", f"{key} is null", f"'missing_key: {key}='")],
        )

    def write_file(self, heading: Heading, draft: Draft, distkey: str, sortkey: str) -> str:
        """Return the text of a file that judges rows."""
        used = self.role.joins if heading.joins else ()
        ctes = [cte for join in used for cte in self._write_choice(join)]
        joined = "".join(
            f"\n    left join {name_one(join.table)} on {self.ref(join.left)} = {name_one(join.table)}.{quote(join.to)}"
            for join in used
        )
        return "\n".join(
            (
                *self.write_head(heading, draft, distkey, sortkey),
                write_judged(draft, ctes, joined),
                write_accepted(draft.columns),
            )
        )

    def write_head(self, heading: Heading, draft: Draft, distkey: str, sortkey: str) -> tuple[str, str]:
        """Return a file's header, and the definition of its table."""
        used = self.role.joins if heading.joins else ()
        relation = f"{self.marketplace}_curated.{heading.table}"
        of_versions = heading.input == "versions"
        lines = {
            "grain": heading.grain,
            "source": self.role.table,
            "input": heading.input,
            "key": heading.key,
            "references": heading.references,
            "joins": ", ".join(f"{join.left} -> {join.table}.{join.to}" for join in used),
            **heading.facts,
            "reads": heading.reads + "".join(f", joined_{join.table}" for join in used),
            "writes": relation,
            "parameters": "none",
            "rerun": "the same rows: a function of all raw versions of each key"
            if of_versions
            else "the same rows: a function of raw's newest versions",
            "storage": heading.storage,
        }
        return write_header(heading.title, lines, heading.notes), write_table(relation, draft.columns, distkey, sortkey)

    def ref(self, column: Column, rows: str = "newest") -> str:
        return f"{name_one(column.table) if column.table else rows}.{quote(column.name)}"

    def value(self, column: Column, rows: str = "newest") -> str:
        return f"{self.control}.clean_value(cast({self.ref(column, rows)} as varchar(256)))"

    def code(self, column: Column, rows: str = "newest") -> str:
        return f"lower(trim(cast({self.ref(column, rows)} as varchar(256))))"

    def moment(self, text: str, column: Column) -> str:
        """Return the UTC timestamp of a text; one of a DATETIME, or of a text, is of the mapping's zone."""
        parsed = f"{self.control}.parse_timestamp({text})"
        source = self._tables[column.table or self.role.table].source.columns[column.name]
        if self._mapping.time_zone == "UTC" or source.data_type in ("timestamp", "date"):
            return parsed
        return f"convert_timezone('{self._mapping.time_zone}', 'UTC', {parsed})"

    def moment_rules(self, field: str, value: str) -> list[Rule]:
        tell = f"{self.control}.tell_broken"
        return [
            Rule(f"no {field}", f"{field}_text is null", f"'missing_date: {field}='"),
            Rule(f"a {field} that is no date", f"{value} is null", f"{tell}('unparseable_date: {field}=', {field}_text)"),
            Rule(
                f"a {field} outside the calendar",
                f"not {self.control}.is_in_calendar(cast({value} as date))",
                f"{tell}('date_out_of_range: {field}=', {field}_text)",
            ),
        ]

    def tell_unreadable(self, name: str, value: str = "") -> str:
        column, value = self.fields[name], value or name
        return f"{self.control}.tell_unreadable('{name_plainly(column)}', case when {value} is null then {name}_text end)"

    def add_text(self, draft: Draft, name: str, most_bytes: int, text: str) -> None:
        """Add a text that only informs: one that is too long is NULL, and told."""
        if name not in self.fields:
            draft.parsed.append(f"cast(null as varchar({most_bytes})) as {name}")
            return
        draft.texts.append(f"{text} as {name}_text")
        draft.parsed.append(f"case when octet_length({name}_text) <= {most_bytes} then {name}_text end as {name}")
        draft.unreadable.append(self.tell_unreadable(name))

    def add_code(self, draft: Draft, name: str) -> None:
        """Add a code that only informs, written in one way whatever the case and the blanks of its words."""
        if name not in self.fields:
            draft.parsed.append(f"cast(null as varchar({CODE_BYTES})) as {name}")
            return
        draft.texts.append(f"{self.value(self.fields[name])} as {name}_text")
        draft.parsed.append(
            f"case\n            when octet_length({name}_text) <= {CODE_BYTES}\n"
            f"                then replace(replace(lower({name}_text), ' ', '_'), '-', '_')\n        end as {name}"
        )
        draft.unreadable.append(self.tell_unreadable(name))

    def add_money(self, draft: Draft, field: str, name: str = "") -> None:
        """Add an amount, under another name than its field's or not, and its currency, with their rules."""
        name = name or field
        draft.texts += self.money_texts(field)
        draft.parsed += self.money(field, name)
        if not self.role.money:
            return
        tell = f"{self.control}.tell_broken"
        told = "currency_text" if self.role.currency else "''"
        draft.rules += [
            Rule(f"no {field}", f"{field}_text is null", f"'missing_price: {field}='"),
            Rule(
                f"a {field} that is no number of at most ten digits before the point",
                f"{name} is null",
                f"{tell}('unparseable_number: {field}=', {field}_text)",
            ),
            Rule(f"a {field} below zero", f"{name} < 0", f"{tell}('negative_price: {field}=', {field}_text)"),
            Rule(
                "a currency that is not three letters, or none",
                "currency is null",
                f"{tell}('unknown_currency: currency=', {told})",
            ),
        ]

    def money_texts(self, field: str, rows: str = "newest") -> list[str]:
        money, currency = self.role.money, self.role.currency
        if not money:
            return []
        texts = [f"{self.value(money.column, rows)} as {field}_text"]
        if currency:
            column = currency.column if isinstance(currency, Choice) else currency
            texts.append(f"{self.code(column, rows)} as currency_text")
        return texts

    def money(self, field: str, name: str) -> list[str]:
        money, currency = self.role.money, self.role.currency
        if not money:
            return [f"cast(null as decimal(18, 2)) as {name}", "cast(null as varchar(3)) as currency"]
        factor = "" if money.divide_by == 1 else f" * {1 / money.divide_by:.10f}".rstrip("0")
        if isinstance(currency, Choice):
            lines = [
                f"            when {is_among('currency_text', values)} then '{code}'" for code, values in currency.values.items()
            ]
            code = "case\n" + "\n".join(lines) + "\n        end"
        elif currency:
            code = f"{self.control}.parse_currency(currency_text)"
        else:
            code = f"cast('{self._mapping.currency}' as varchar(3))" if self._mapping.currency else "cast(null as varchar(3))"
        return [f"{self.control}.parse_number({field}_text){factor} as {name}", f"{code} as currency"]

    def condition_texts(self, rows: str = "newest") -> list[str]:
        return [f"{self.code(column, rows)} as condition_{n}_text" for n, column in enumerate(self.role.conditions, start=1)]

    def condition(self) -> str:
        """Return the expression, never NULL, of whether all conditions hold."""
        if not self.role.conditions:
            return "true"
        parts = [is_among(f"condition_{n}_text", values) for n, values in enumerate(self.role.conditions.values(), start=1)]
        return f"(case when {' and '.join(parts)} then true else false end)"

    def _write_choice(self, join: Join) -> Iterator[str]:
        """Yield what makes one row of those of a joined table that fit: the one with the greatest `latest_by`, then key."""
        used = [column.name for _, column in self.role.list_columns() if column.table == join.table]
        names = list(dict.fromkeys([join.to, *used]))
        rows = f"joined_{join.table}"
        order = [*([join.latest_by] if join.latest_by else []), *self._tables[join.table].contract.key]
        rank = "link_rank" if "link_rank" not in names else "link_rank_"
        ordered = ", ".join(f"{rows}.{quote(name)} desc nulls last" for name in dict.fromkeys(order))
        columns = [f"{rows}.{quote(name)}" for name in names]
        columns.append(
            f"row_number() over (\n            partition by {rows}.{quote(join.to)}\n            order by {ordered}\n       "
            f" ) as {rank}"
        )
        yield f"{join.table}_ranked as (\n    select\n{indent(columns, 8)}\n    from {rows}\n)"
        yield (
            f"{name_one(join.table)} as (\n    select\n{indent([quote(name) for name in names], 8)}\n"
            f"    from {join.table}_ranked\n    where {rank} = 1\n)"
        )


class ReferringSql(RoleSql):
    """Writes the tables of a role whose rows refer to listings.

    Args:
        listing: The listings' own writer.

    Attributes:
        listing_column: How the column that refers to a listing is called here. listing_table: The listings' own table.
    """

    listing_column, listing_table = "listing_id", "listings"

    def __init__(self, marketplace: str, mapping: MappingFile, tables: Mapping[str, TakenTable], role: Role, listing: RoleSql):
        super().__init__(marketplace, mapping, tables, role)
        self.listing_type = listing.key_type
        self._listing_key = listing.fields["id"].name

    @property
    def references(self) -> str:
        return f"{self.fields['listing'].name} as {self.listing_column} -> {self.listing_table}.{self._listing_key}"

    def add_listing(self, draft: Draft) -> None:
        """Add the listing that a row refers to."""
        own, key = quote(self.fields["listing"].name), quote(self._listing_key)
        known = f"known_{self.listing_table}"
        draft.texts += [name_alias(f"newest.{own}", self.listing_column), f"{known}.{key} as known_listing_id"]
        draft.known = f"\n    left join {known} on newest.{own} = {known}.{key}"

    def add_listing_rule(self, draft: Draft) -> None:
        """Add the rule that the listing is there, or was once."""
        name = name_plainly(self.fields["listing"])
        draft.rules.append(
            Rule(
                f"the source never had a listing with this {name}",
                "known_listing_id is null",
                f"{self.control}.tell_broken('orphan_reference: {name}=', cast({self.listing_column} as varchar(64)))",
            )
        )
