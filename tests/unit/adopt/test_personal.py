"""Which columns look personal: by name, by sampled values, by the table they stand in; and which are taken."""

from __future__ import annotations

import pytest

from local.adopt.catalogue import CatalogueTable
from local.adopt.personal import Policy, decide_columns, is_of_persons
from rental_pipeline.model.column_types import SourceColumn
from rental_pipeline.source.connection import SourceTable

TIMES, NUMBERS = ("date", "datetime", "timestamp"), ("int", "bigint", "tinyint", "decimal", "double")


def column(name: str, kind: str = "varchar") -> SourceColumn:
    return SourceColumn(name, kind, length=None if kind in (*TIMES, *NUMBERS) else 255)


def decide(table: str, name: str, kind: str = "varchar", values: tuple[str, ...] = (), **more: object) -> Policy:
    samples = {name.lower(): values}
    return decide_columns(CatalogueTable(SourceTable(table, (column(name, kind),)), samples=samples, **more))[name.lower()].policy


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "passwd",
        "user_pwd",
        "encrypted_password",
        "PasswordHash",
        "api_key",
        "apiSecret",
        "access_token",
        "reset_token",
        "salt",
        "otp",
        "session_id",
        "cvv",
        "iban",
        "bank_account_number",
        "card_number",
        "motDePasse",
    ],
)
def test_secrets_are_dropped(name):
    """Never hashed: a hash of a weak secret can be tried out."""
    assert decide("settings", name) is Policy.DROP


@pytest.mark.parametrize(
    "name",
    [
        "email",
        "EMail",
        "e_mail",
        "user_email",
        "contactEmail",
        "phone",
        "phone_mobile",
        "mobileNumber",
        "telephone",
        "fax",
        "username",
        "login",
        "facebook_id",
        "device_id",
        "skype",
        "whatsapp_number",
        "courriel",
        "correo_electronico",
    ],
)
def test_what_says_who_somebody_is_is_hashed(name):
    """So that two rows of one person stay equal."""
    assert decide("things", name) is Policy.HASH


@pytest.mark.parametrize(
    "name",
    [
        "first_name",
        "lastName",
        "surname",
        "fullname",
        "given_name",
        "prenom",
        "nachname",
        "apellidos",
        "guest_name",
        "name_of_owner",
        "cardholder",
        "street",
        "address",
        "address_line1",
        "zip",
        "postcode",
        "passport_number",
        "ssn",
        "tax_id",
        "driver_license",
        "gender",
        "nationality",
        "ip_address",
        "user_agent",
        "recipient",
        "dob",
        "place_of_birth",
        "date_of_birth",
        "avatar",
        "comment",
        "message",
        "guest_notes",
        "special_requests",
    ],
)
def test_what_names_or_places_somebody_is_dropped(name):
    """In whatever table it stands."""
    assert decide("things", name) is Policy.DROP


@pytest.mark.parametrize(
    "name",
    [
        "email_status",
        "is_email_verified",
        "address_id",
        "id_address",
        "phone_type",
        "has_phone",
        "email_count",
        "customer_id",
        "password_type",
    ],
)
def test_what_only_says_something_about_it_is_taken(name):
    """A reference, a flag or a count names nobody."""
    assert decide("things", name, "int") is Policy.TAKE


@pytest.mark.parametrize(
    "values",
    [
        ("anna@example.org", "b.c@example.com"),
        ("+351 912 345 678", "(030) 1234-567", "00 49 30 1234567"),
        ("Maria Costa", "John Smith", "Silva, Pedro"),
        ("12 Baker Street", "7 Park Avenue"),
        ("Hauptstraße 5", "Am Markt 3"),
        ("12 rue de la Paix, Lyon",),
        ("192.168.0.1", "10.0.0.2"),
        ("2001:db8::1", "fe80::1ff:fe23:4567:890a"),
        ("DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432"),
        ("4111 1111 1111 1111", "5500005555555559"),
        ("$2a$11$abcdefghijklmnopqrstuv",),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.abc",),
        ("write to me at anna@example.org please",),
        ('{"email": "x", "plan": 1}',),
    ],
)
def test_values_tell_where_names_do_not(values):
    """A column called x1."""
    assert decide("things", "x1", values=values) in (Policy.DROP, Policy.HASH)


@pytest.mark.parametrize(
    ("name", "kind", "values"),
    [
        ("status", "varchar", ("open", "closed")),
        ("currency", "char", ("EUR",)),
        ("currency", "varchar", ("EUR",) * 19 + ("US Dollar",)),
        ("checkin", "varchar", ("16/05/2024", "2024-05-17 10:00:00")),
        ("bathrooms", "varchar", ("1", "2.5")),
        ("flavour", "varchar", ("a", "b") * 20),
        ("kind", "enum", ()),
        ("listing_uuid", "binary", ()),
        ("created_at", "datetime", ()),
        ("price_cents", "int", ()),
    ],
)
def test_codes_numbers_and_times_are_taken(name, kind, values):
    """They say what something is, and not who."""
    assert decide("things", name, kind, values) is Policy.TAKE


@pytest.mark.parametrize("values", [(), ("Sunny Loft", "Old Mill"), ("Florence", "Max", "Sunny Loft", "Grace Kelly Suite")])
def test_any_other_text_waits_for_somebody(values):
    """It is not read until then."""
    assert decide("listings", "title", values=values) in (Policy.UNDECIDED, Policy.DROP)
    assert decide("listings", "title", values=values[:2]) is Policy.UNDECIDED


def test_a_table_of_persons_gives_less_away():
    """A city is a place elsewhere; a name is one of a thing."""
    assert decide("locations", "city") is Policy.TAKE and decide("customers", "city") is Policy.DROP
    assert decide("hotels", "name") is Policy.UNDECIDED and decide("customers", "name") is Policy.DROP
    assert decide("listings", "latitude", "double") is Policy.TAKE and decide("users", "latitude", "double") is Policy.DROP
    assert decide("users", "birth_date", "date") is Policy.DROP and decide("users", "phone", "bigint") is Policy.DROP
    assert decide("messages", "body", "text") is Policy.DROP
    # In a language that nobody taught it: few different names are no codes, and a day may be a birthday.
    names = ["Jan", "Ala"] * 20
    assert decide("things", "imie", values=names) is Policy.TAKE and decide("members", "imie", values=names) is Policy.UNDECIDED
    assert decide("things", "urodzony", "date") is Policy.TAKE and decide("members", "urodzony", "date") is Policy.UNDECIDED
    assert decide("members", "joined_on", "date") is Policy.TAKE
    assert decide("things", "uwagi", "mediumtext", values=names) is Policy.UNDECIDED


def test_a_table_is_of_persons_by_its_columns_too():
    """Two that only people have; a house has an address and a telephone, too."""
    table = SourceTable("t17", (column("first_name"), column("email"), column("city")))
    assert is_of_persons(CatalogueTable(table)) and decide_columns(CatalogueTable(table))["city"].policy is Policy.DROP
    assert not is_of_persons(CatalogueTable(SourceTable("hotels", (column("contact_name"), column("email")))))
    assert not is_of_persons(CatalogueTable(SourceTable("places", (column("street"), column("zip")))))


def test_what_others_refer_to_is_hashed_rather_than_dropped():
    """So that joins by it go on; a secret stays dropped."""
    assert decide("things", "street", parents={"street": ("streets", "name")}) is Policy.HASH
    assert decide("things", "token", keys=(("token",),)) is Policy.DROP


def test_no_reason_has_a_value():
    """A reason stands in a file that is committed."""
    secret = "anna.unusual@example.org"
    table = CatalogueTable(SourceTable("t", (column("x"), column("y", "text"))), samples={"x": (secret,), "y": (f"a {secret}",)})
    assert all(secret not in decision.reason for decision in decide_columns(table).values())
