"""How tables are named and taken, and what the contract says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.adopt.catalogue import CatalogueTable
from local.adopt.contract_file import split_blocks, write_block, write_head
from local.adopt.personal import Policy
from local.adopt.tables import TableDecision, decide_tables, find_prefix, name_tables
from rental_pipeline.model.column_types import SourceColumn
from rental_pipeline.model.contract import read_contract
from rental_pipeline.model.strategies import MOST_COMPARED_ROWS
from rental_pipeline.source.connection import SourceTable


def table(name: str, columns: dict[str, str], keys: tuple[tuple[str, ...], ...] = (("id",),), **more: object) -> CatalogueTable:
    listed = tuple(
        SourceColumn(each, kind.rstrip("?"), length=40 if "char" in kind or kind == "enum" else None, nullable=kind.endswith("?"))
        for each, kind in columns.items()
    )
    source = SourceTable(name, listed, frozenset(map(frozenset, keys)), frozenset(more.pop("indexed", ())))
    return CatalogueTable(source, keys=keys, **more)


def decide(one: CatalogueTable) -> TableDecision:
    (decision,) = decide_tables({one.name: one})
    return decision


def test_names_are_the_warehouses():
    """Lower case and plain, without a prefix that all have; equal ones are numbered."""
    tables = ["ps_orders", "ps_Order-Detail", "ps_order_detail", "ps_2024", "ps_cart", "ps_guest"]
    assert name_tables(tables) == {
        "ps_2024": "t_2024",
        "ps_Order-Detail": "order_detail",
        "ps_cart": "cart",
        "ps_guest": "guest",
        "ps_order_detail": "order_detail_2",
        "ps_orders": "orders",
    }
    assert find_prefix(["order_a", "order_b"]) == "" and find_prefix(["a_b", "c_d", "e", "f", "g"]) == ""


def test_what_refers_to_a_personal_column_is_kept_back_alike():
    """However it is called, over several references too: it has the same values. Two that refer to each other are no circle."""
    people = table("people", {"pesel": "char", "mail": "varchar"}, (("pesel",),))
    rents = table("rents", {"id": "int", "osoba": "char"}, parents={"osoba": ("people", "pesel")})
    bills = table("bills", {"id": "int", "kto": "char", "at": "date"}, parents={"kto": ("rents", "osoba")})
    boats = table("boats", {"no": "char", "at": "date"}, (("no",),), samples={"no": ("PL 1", "a b")})
    trips = table("trips", {"id": "int", "boat": "char"}, parents={"boat": ("boats", "no")})
    kept = {one.source.name: one for one in decide_tables({"boats": boats, "trips": trips})}
    assert kept["trips"].columns["boat"].policy is Policy.TAKE and kept["boats"].key == ("no",)
    loop = table("loop", {"id": "int", "mail": "varchar", "x": "varchar"}, parents={"mail": ("loop", "x"), "x": ("loop", "mail")})
    decided = {one.source.name: one for one in decide_tables({each.name: each for each in (bills, rents, people, loop)})}
    found = [decided[name].columns[column] for name, column in (("people", "pesel"), ("rents", "osoba"), ("bills", "kto"))]
    assert [each.policy for each in found] == [Policy.HASH] * 3 and "rents.osoba" in found[2].reason
    assert decided["rents"].drift == "freeze" and "osoba: hash" in write_block(decided["rents"], "UTC")
    assert {name: each.policy for name, each in decided["loop"].columns.items() if name != "id"} == {
        "mail": Policy.HASH,
        "x": Policy.HASH,
    }


def test_the_key_is_the_primary_one_or_else_a_unique_index():
    """The shortest of several; none that is personal, or by which slices cannot be cut."""
    assert decide(table("t", {"id": "int", "code": "varchar"}, (("id",), ("code",)))).key == ("id",)
    assert decide(table("t", {"a": "int", "b": "int", "code": "int"}, (("a", "b"), ("code",)))).key == ("a", "b")
    other = decide(table("t", {"email": "varchar", "code": "int"}, (("email",), ("code",))))
    assert other.key == ("code",) and "email" in other.key_reason
    assert decide(table("t", {"kind": "enum", "code": "int"}, (("kind",), ("code",)))).key == ("code",)


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (table("t", {"a": "int"}, ()), "no primary key, and no unique index over NOT NULL columns"),
        (table("t", {"email": "varchar"}, (("email",),), rows=MOST_COMPARED_ROWS + 1), "looks personal"),
        (table("t", {"password": "varchar"}, (("password",),)), "looks personal"),
        (table("v", {"a": "int"}, (), is_view=True), "a view"),
        (table("schema_migrations", {"id": "int"}), "a framework's own books"),
    ],
)
def test_what_cannot_be_taken_is_left_out_with_its_reason(one, why):
    """It stands in the head of source.yaml."""
    decision = decide(one)
    assert why in decision.left_out
    head = " ".join(write_head("m", [decision]).replace("#", " ").split())
    assert " ".join(decision.left_out.split()) in head


def test_a_key_that_is_somebodys_is_hashed_where_there_is_no_other(tmp_path: Path):
    """Not left out: other tables refer to it, by hashes that are equal."""
    decision = decide(table("t", {"email": "varchar", "size": "int"}, (("email",),)))
    path = tmp_path / "source.yaml"
    path.write_text(write_head("m", []) + write_block(decision, "UTC"), encoding="utf-8")
    contract = read_contract(path)["t"]
    assert contract.key == ("email",) and contract.hashes_key and "hashed" in decision.key_reason


def test_a_table_of_persons_takes_what_is_named_and_nothing_else(tmp_path: Path):
    """By an allow-list, which the first load keeps, too."""
    columns = {"id": "int", "email": "varchar", "size": "int", "updated_at": "timestamp"}
    decision = decide(table("users", columns, moves_itself=frozenset(["updated_at"])))
    path = tmp_path / "source.yaml"
    path.write_text(write_head("m", []) + write_block(decision, "UTC"), encoding="utf-8")
    contract = read_contract(path)["users"]
    assert contract.drift == "freeze" and set(contract.requires) | set(contract.personal) == set(columns)


def test_merge_is_for_a_cursor_that_the_server_moves():
    """With advice on its index, and on NULL."""
    decision = decide(table("t", {"id": "int", "updated_at": "timestamp?"}, moves_itself=frozenset(["updated_at"])))
    assert (decision.strategy, decision.cursor) == ("merge", "updated_at")
    assert any("ALTER TABLE `t` ADD INDEX (`updated_at`)" in advice for advice in decision.advice)
    assert any("NULL" in advice for advice in decision.advice)
    fine = table("t", {"id": "int", "updated_at": "timestamp"}, moves_itself=frozenset(["updated_at"]), indexed=("updated_at",))
    assert decide(fine).advice == ()


def test_a_cursor_that_the_application_keeps_is_not_relied_upon():
    """Compared whole while that is cheap; by merge with a daily reconcile where it is not."""
    columns = {"id": "int", "date_upd": "datetime"}
    small, large = table("t", columns, rows=1000), table("t", columns, rows=MOST_COMPARED_ROWS + 1)
    assert decide(small).strategy == "snapshot" and "only the application keeps date_upd" in decide(small).strategy_reason
    assert (decide(large).strategy, decide(large).cursor) == ("merge", "date_upd")
    assert any("reconcile" in advice for advice in decide(large).advice)
    without = decide(table("t", {"id": "int", "created_at": "datetime"}, rows=MOST_COMPARED_ROWS + 1))
    assert without.strategy == "snapshot" and "ADD COLUMN changed_at" in without.advice[0]


def test_a_table_of_persons_waits_with_new_columns():
    """And so does one with a text that nobody has decided on."""
    assert decide(table("users", {"id": "int"})).drift == "freeze"
    assert decide(table("t", {"id": "int", "title": "varchar"})).drift == "freeze"
    assert decide(table("t", {"id": "int", "price": "int"})).drift == "evolve"


def test_the_contract_that_is_written_is_the_contract_that_is_read(tmp_path: Path):
    """Names that YAML reads as something else, names of the pipeline's own, types that no column holds."""
    tables = [
        table(
            "order-items",
            {"id": "int", "off": "varchar", "on": "int", "_operation": "int", "shape": "geometry", "email": "varchar"},
        ),
        table("yes", {"id": "int", "updated": "timestamp"}, moves_itself=frozenset(["updated"])),
    ]
    decisions = decide_tables({each.name: each for each in tables})
    text = write_head("m", []) + "\n".join(write_block(each, "CET") for each in decisions)
    path = tmp_path / "source.yaml"
    path.write_text(text, encoding="utf-8")
    contract = read_contract(path)
    items = contract["order_items"]
    assert items.source_table == "order-items" and items.undecided == ("off",)
    assert items.personal == {"off": "drop", "_operation": "drop", "shape": "drop", "email": "hash"}
    assert contract["yes"].strategy.name == "merge"
    head, blocks = split_blocks(text)
    assert head + "\n".join(blocks.values()) == text and list(blocks) == ["order_items", "yes"]
