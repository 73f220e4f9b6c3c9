"""mapping.yaml: what it may say, and how a mistake in it is answered."""

from __future__ import annotations

import pytest

from local.adopt.mapping import Choice, Column, Join, MappingRefused, Money, read_mapping

STAY = """
listing: {table: houses, id: id}
stay:
  table: bookings
  joins:
    - id -> transitions.booking_id, latest by sort_key
    - order_id -> orders.id
    - orders.currency_id -> currencies.id
  id: id
  listing: house_id
  made_at: orders.Created_At
  amount: {column: total, divide_by: 100}
  currency: {column: orders.currency_id, EUR: [1], USD: [2, 3]}
  state: {column: transitions.to_state, confirmed: [Paid, 5], ignored: [null]}
  only: {deleted: [0], orders.void: [false], orders.paid_at: [present]}
"""


def test_a_mapping_is_read():
    """Names in lower case, values as the warehouse's texts of them."""
    stay = read_mapping(STAY).roles["stay"]
    assert stay.joins == (
        Join(Column("id"), "transitions", "booking_id", "sort_key"),
        Join(Column("order_id"), "orders", "id"),
        Join(Column("currency_id", "orders"), "currencies", "id"),
    )
    assert stay.columns["made_at"] == Column("created_at", "orders") and stay.money == Money(Column("total"), 100)
    assert stay.currency == Choice(Column("currency_id", "orders"), {"EUR": ("1",), "USD": ("2", "3")})
    assert stay.state == Choice(Column("to_state", "transitions"), {"confirmed": ("paid", "5"), "ignored": (None,)})
    assert stay.conditions == {
        Column("deleted"): ("0",),
        Column("void", "orders"): ("0",),
        Column("paid_at", "orders"): ("present",),
    }


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("house_id", "orders.house_id", "stay, listing: orders.house_id is of a joined table; it has to be a column of bookings"),
        ("made_at: orders.Created_At", "made_at: others.at", "made_at: others.at is of a table that no join leads to"),
        ("divide_by: 100", "divide_by: 60", "divide_by is one of 1, 10, 100, 1000"),
        ("  made_at: orders.Created_At\n", "", "stay, made_at: is required"),
        ("confirmed: [Paid, 5]", "confirmed: []", "no value means confirmed"),
        ("ignored: [null]", "pending: [paid]", "state: paid is given twice"),
        ("ignored: [null]", "done: [x]", "'done' is none of confirmed, pending, canceled, ignored"),
        ("EUR: [1]", "euro: [1]", "'euro' is no code of three capitals"),
        ("order_id -> orders.id", "order_id = orders.id", "write `column -> table.column`"),
        ("    - order_id -> orders.id\n", "", "leads from orders, to which no line before it leads"),
        ("  id: id\n  listing", "  ids: id\n  id: id\n  listing", "there is no such field (did you mean 'id'?)"),
        ("stay:", "stays:", "there is no field stays (did you mean 'stay'?)"),
        ("deleted: [0]", "deleted: [[0]]", "is no list of values"),
        ("  currency: {column: orders.currency_id, EUR: [1], USD: [2, 3]}\n", "", "stay: no column says in which currency"),
    ],
)
def test_a_mistake_is_named_by_role_and_field(before, after, says):
    """With what may stand there instead."""
    assert STAY.count(before) == 1, before
    with pytest.raises(MappingRefused) as refused:
        read_mapping(STAY.replace(before, after))
    assert says in str(refused.value)
