"""Whether a column may leave the source: what looks personal is dropped or hashed, secrets are dropped, every other text waits
until somebody has decided. Nothing is forgotten: each column has a decision and its reason.

A name is evidence, and so are sampled values; either is enough to keep a column back, and only codes are taken unasked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from local.adopt import words
from local.adopt.catalogue import CatalogueTable
from rental_pipeline.model.column_types import SourceColumn, is_character, is_long

_FEW_VALUES = 15  # different ones, of a code
_ENOUGH_ROWS = 20  # to say that there are few different ones
_SOME, _MOST, _NEARLY_ALL = 0.1, 0.6, 0.9  # parts of the sampled values
_LONG_TEXT = 120  # characters, of a text that somebody wrote
_PERSONAL_COLUMNS = 2  # that make a table one of persons

_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+\.[\w.-]+")
_PHONE = re.compile(r"(?=(?:\D*\d){7,15}\D*$)(?:\+|00|0|\()[\d ().\-/]+|\d{3}[ .\-]\d{3,4}[ .\-]\d{4}")
_IN_TEXT = re.compile(rf"{_EMAIL.pattern}|(?:\+|\b00)\d[\d ().\-/]{{7,}}\d")
_IP = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)|(?=(?:[^:]*:){2})[0-9a-fA-F:]{6,39}")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[ ]?(?:[A-Z0-9]{4}[ ]?){2,7}[A-Z0-9]{1,4}")
_CARD = re.compile(r"(?:\d[ -]?){13,19}")
_SECRET = re.compile(
    r"\$(?:2[abxy]?|argon2\w*|1|5|6|P|S)\$.{8,}|ey[\w-]{8,}\.ey[\w-]{8,}\.[\w-]*|-----BEGIN [A-Z ]+-----.*"
    r"|(?:sk|pk|rk|ghp|xox[abp])[_-]\w{8,}|(?:pbkdf2|bcrypt|scrypt|sha\d+)[_$:].{8,}|AKIA[A-Z0-9]{16}",
    re.DOTALL,
)
_HEX = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{56,128}")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_STREET = re.compile(
    r"\d+[a-zA-Z]? .*\b(?:st|street|ave|avenue|rd|road|ln|lane|blvd|boulevard|dr|drive|ct|court|way|place|square|terrace)\b\.?.*"
    r"|(?:\d+[ ,]+)?(?:rue|avenue|boulevard|place|chemin|allée|calle|plaza|paseo|via|viale|piazza|rua|avenida)\b.*"
    r"|\S*(?:straße|strasse|str\.|weg|platz|allee|gasse|straat|laan|plein)\b.*\d+.*",
    re.IGNORECASE,
)
# Times and small numbers that an application keeps as texts. Longer numbers may be somebody's.
_TIME = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?")
_SMALL_NUMBER = re.compile(r"[-+]?\d{1,6}(?:[.,]\d{1,6})?")
_CODE = re.compile(r"[\w.:/+\-]{1,60}")
_OPAQUE = re.compile(r"[\w.:+/=\-]{1,80}")
_PERSONAL_KEYS = re.compile(
    r"[\"':]\s*(?:e-?mail|phone|(?:first|last|full)[_-]?name|address|street|iban|password|token|birth\w*)\b", re.I
)
_SECRET_NAME, _SECRET_VALUES = "a secret by its name", "a secret by its sampled values"
_ADDRESS_NAME, _ADDRESS_VALUES = "an address by its name", "sampled values are addresses of houses"
_FREE_TEXT = "free text, in which people write of themselves"
_NOT_OF_PERSONS = (_SECRET_NAME, _SECRET_VALUES, _ADDRESS_NAME, _ADDRESS_VALUES, _FREE_TEXT)
_NUMBERS = ("int", "bigint", "mediumint", "decimal", "double", "float", "bit")


class Policy(Enum):
    """What becomes of a column; the values are those of `personal` in source.yaml."""

    TAKE = "take"
    HASH = "hash"
    DROP = "drop"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Decision:
    """What becomes of a column, and why."""

    policy: Policy
    reason: str


_STRICTER = (Policy.TAKE, Policy.UNDECIDED, Policy.HASH, Policy.DROP)
_SHOWN = {Policy.UNDECIDED: "undecided", Policy.HASH: "hashed, so that equal values stay equal", Policy.DROP: "dropped"}


def decide_all_columns(catalogue: Mapping[str, CatalogueTable]) -> dict[str, dict[str, Decision]]:
    """Return the decision on every column of all tables.

    What refers, by a foreign key, to a column that is kept back has the same values, and is kept back too, however it is called.
    """
    decisions = {name: decide_columns(table) for name, table in catalogue.items()}
    references = [
        (decisions[name], column, catalogue[parent], referred)
        for name, table in catalogue.items()
        for column, (parent, referred) in table.parents.items()
        if referred in decisions.get(parent, {})
    ]
    # As often as a chain of references can be long: each time one link more is told.
    for _ in references:
        for columns, column, parent, referred in references:
            policy = decisions[parent.name][referred].policy
            if policy is Policy.UNDECIDED and referred in {name for key in parent.keys[:1] for name in key}:
                policy = Policy.TAKE  # as every key that is not known to be personal
            if _STRICTER.index(policy) > _STRICTER.index(columns[column].policy):
                columns[column] = Decision(policy, f"refers to {parent.name}.{referred}, which is {_SHOWN[policy]}")
    return decisions


def decide_columns(table: CatalogueTable) -> dict[str, Decision]:
    """Return the decision on every column of a table, by its lower-cased name."""
    of_persons = is_of_persons(table)
    return {name: _decide(table, column, of_persons) for name, column in table.columns.items()}


def is_of_persons(table: CatalogueTable) -> bool:
    """Whether the table's rows are, or are about, single people: by its name, or by two columns or more that only people have.

    A house has an address, too, and a service secrets.
    """
    named = {words.singular(word) for word in words.split_name(table.name)}
    if named & words.PERSON_TABLES:
        return True
    if named & words.PLACE_TABLES:
        return False
    found = [
        _judge_name(name) or _judge_values(table.samples.get(name, ()))
        for name, column in table.columns.items()
        if is_text(column)
    ]
    return sum(decision is not None and decision.reason not in _NOT_OF_PERSONS for decision in found) >= _PERSONAL_COLUMNS


def is_text(column: SourceColumn) -> bool:
    """Whether a column can hold what somebody wrote."""
    return is_character(column.data_type) or is_long(column.data_type) or column.data_type in ("binary", "varbinary")


def _decide(table: CatalogueTable, column: SourceColumn, of_persons: bool) -> Decision:
    name = column.name.lower()
    if not is_text(column):
        return _decide_number(column, of_persons)
    if column.data_type in ("enum", "set") and set(words.split_name(name)).isdisjoint(("gender", "sex", "civility")):
        return Decision(Policy.TAKE, "one of the values that its type lists")
    values = table.samples.get(name, ())
    named, valued = _judge_name(column.name), _judge_values(values)
    if valued and valued.policy is Policy.DROP and "secret" in valued.reason and not _is_reference(table, name):
        return valued
    if named:
        return _keep_equal(table, name, named)
    if valued:
        return _keep_equal(table, name, valued)
    parts = set(words.split_name(name))
    if _is_reference(table, name) or (_ends_as_id(name) and _is_opaque(column, values)):
        return Decision(Policy.TAKE, "a number or reference of the application's own, which names nobody")
    if of_persons and _belongs_to_person(name, values):
        return Decision(Policy.DROP, "in a table of persons, and so of a person")
    if values and _share(values, _TIME) >= _NEARLY_ALL:
        return Decision(Policy.TAKE, "times by its sampled values")
    if values and _share(values, _SMALL_NUMBER) >= _NEARLY_ALL:
        return Decision(Policy.TAKE, "numbers by its sampled values")
    if _is_letter(table, column, values):
        return Decision(Policy.DROP, _FREE_TEXT)
    if parts & words.PLACE_WORDS and not of_persons and column.length and column.length <= 255:
        return Decision(Policy.TAKE, "a place, in a table that is not of persons")
    is_code = not values or _share(values, _CODE) >= _NEARLY_ALL
    if parts & words.CODE_WORDS and is_code and column.length and column.length <= 255:
        return Decision(Policy.TAKE, "a code by its name" + (", and by its values" if values else ""))
    is_few = len(values) >= _ENOUGH_ROWS and len(set(values)) <= _FEW_VALUES
    if is_few and not of_persons and not is_long(column.data_type) and all(_CODE.fullmatch(value) for value in values):
        return Decision(Policy.TAKE, f"a code: {len(set(values))} different values in {len(values)} sampled rows")
    return Decision(Policy.UNDECIDED, _describe(column, values))


def _decide_number(column: SourceColumn, of_persons: bool) -> Decision:
    """Decide on a number or a time: only names tell what they are, and most are about something."""
    name = column.name.lower()
    parts = set(words.split_name(column.name))
    squeezed = words.squeeze(name)
    if "birth" in squeezed or parts & {"dob", "born", "geburtsdatum", "naissance"}:
        return Decision(Policy.DROP, "of a person's birth")
    if of_persons and column.data_type == "date" and not parts & words.DATE_WORDS:
        return Decision(Policy.UNDECIDED, "a day in a table of persons, which may be somebody's birthday")
    is_time = column.data_type in ("date", "datetime", "timestamp", "time", "year")
    if is_time or parts & words.ABOUT_WORDS or (parts & {"id"} and not _is_foreign_identity(squeezed)):
        return Decision(Policy.TAKE, "a time" if is_time else "a number")
    if of_persons and parts & words.NUMBERS_OF_PERSONS:
        return Decision(Policy.DROP, "in a table of persons, and so of a person")
    if parts & {"pin", "cvv", "cvc", "otp"}:
        return Decision(Policy.DROP, _SECRET_NAME)
    if column.data_type in _NUMBERS:
        named = _judge_name(column.name)
        if named and "free text" not in named.reason:
            return Decision(Policy.DROP, named.reason)
    if column.data_type in ("inet4", "inet6"):
        return Decision(Policy.DROP, "an address in the internet")
    return Decision(Policy.TAKE, "a number")


def _judge_name(name: str) -> Decision | None:
    """Return what a text column's name says, None where it says nothing."""
    parts, squeezed = set(words.split_name(name)), words.squeeze(name)
    if _is_about(name):
        return None
    if parts & words.SECRET_WORDS or any(part in squeezed for part in words.SECRET_PARTS):
        return Decision(Policy.DROP, _SECRET_NAME)
    if any(part in squeezed for part in ("ipaddr", "macaddr", "remoteaddr")):
        return Decision(Policy.DROP, "of somebody's device, by its name")
    if parts & words.HASHED_WORDS or any(part in squeezed for part in words.HASHED_PARTS):
        return Decision(Policy.HASH, "says who somebody is, by its name; equal values stay equal")
    if parts & words.DROPPED_WORDS or any(part in squeezed for part in words.DROPPED_PARTS):
        return Decision(Policy.DROP, "personal by its name")
    if parts & words.ADDRESS_WORDS or any(part in squeezed for part in words.ADDRESS_PARTS):
        return Decision(Policy.DROP, _ADDRESS_NAME)
    people = {words.singular(part) for part in parts} & words.PEOPLE_WORDS
    if (people and (parts & {"name", "nom", "nombre", "contact"} or len(parts) == 1)) or squeezed in _joined_names():
        return Decision(Policy.DROP, "somebody's name")
    if parts & words.LETTER_WORDS or any(part in squeezed for part in words.LETTER_PARTS):
        return Decision(Policy.DROP, _FREE_TEXT)
    return None


def _joined_names() -> frozenset[str]:
    """Return names such as guestname, written without anything between."""
    return frozenset(f"{word}name" for word in words.PEOPLE_WORDS - {"host"})


def _is_about(name: str) -> bool:
    """Whether a name only says something about what is personal: email_status, is_phone_visible, address_id, id_address."""
    parts = words.split_name(name)
    if not parts:
        return False
    if parts[0] in ("is", "has", "can", "show", "hide", "num") or parts[-1] in ("count", "status", "type", "format", "locale"):
        return True
    is_id = parts[0] == "id" or parts[-1] in ("id", "uuid", "guid")
    return is_id and not _is_foreign_identity(words.squeeze(name))


def _is_foreign_identity(squeezed: str) -> bool:
    """Whether an id is one by which others know somebody, too."""
    known = ("facebook", "google", "apple", "twitter", "linkedin", "skype", "wechat", "device", "national", "tax", "passport")
    more = (
        "idcard",
        "iddocument",
        "idnumber",
        "vat",
        "stripe",
        "payer",
        "paypal",
        "advertis",
        "session",
        "wechat",
        "card",
        "tele",
    )
    return any(part in squeezed for part in (*known, *more))


def _judge_values(values: Sequence[str]) -> Decision | None:
    """Return what sampled values say, None where they say nothing."""
    if not values:
        return None
    if _share(values, _SECRET) >= _SOME:
        return Decision(Policy.DROP, _SECRET_VALUES)
    if _share(values, _EMAIL) >= _SOME:
        return Decision(Policy.HASH, "sampled values are email addresses; equal values stay equal")
    if _share(values, _IP) >= _MOST:
        return Decision(Policy.DROP, "sampled values are addresses in the internet")
    if _share(values, _IBAN) >= _MOST or sum(_is_card(value) for value in values) >= _MOST * len(values):
        return Decision(Policy.DROP, "sampled values are numbers of cards or accounts")
    if _share(values, _PHONE) >= _MOST and not _share(values, _UUID):
        return Decision(Policy.HASH, "sampled values are telephone numbers; equal values stay equal")
    if any(_IN_TEXT.search(value) for value in values):
        return Decision(Policy.DROP, "sampled values hold an email address or a telephone number")
    if any(_PERSONAL_KEYS.search(value) for value in values):
        return Decision(Policy.DROP, "sampled values hold fields of persons")
    if _share(values, _STREET) >= _SOME:
        return Decision(Policy.DROP, _ADDRESS_VALUES)
    names = [value for value in values if _is_persons_name(value)]
    # A place or a thing may be called Florence or Max; hardly all of them are.
    if sum(" " in value.strip() for value in names) >= max(_SOME * len(values), 1) or len(names) >= _MOST * len(values):
        return Decision(Policy.DROP, "sampled values are names of people")
    if _share(values, _HEX) >= _MOST and len(set(values)) >= _MOST * len(values) and len(values) > 1:
        return Decision(Policy.DROP, "a secret by its sampled values, or a digest")
    return None


def _share(values: Sequence[str], pattern: re.Pattern[str]) -> float:
    return sum(pattern.fullmatch(value.strip()) is not None for value in values) / len(values)


def _is_card(value: str) -> bool:
    """Whether a number passes the check that card numbers pass (ISO/IEC 7812-1, Luhn)."""
    if not _CARD.fullmatch(value):
        return False
    digits = [int(digit) for digit in reversed(value) if digit.isdigit()]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0 and len(set(digits)) > 1


def _is_persons_name(value: str) -> bool:
    """Whether a text is one to four capitalised words that begin (or, behind a comma, go on) with a common first name."""
    parts = re.split(r"[ ,]+", value.strip())
    if not 1 <= len(parts) <= 4 or not all(re.fullmatch(r"[^\W\d_][\w.'\u2019\-]*", part) for part in parts):
        return False
    firsts = parts[:2] if "," in value else parts[:1]
    is_capital = parts[0][0].isupper() and parts[-1][0].isupper() and len(parts[0]) > 2
    return is_capital and any(re.split(r"-", part)[0].lower() in words.FIRST_NAMES for part in firsts)


def _keep_equal(table: CatalogueTable, name: str, decision: Decision) -> Decision:
    """Hash rather than drop what refers to something, or is referred to: joins by it go on. A secret is never hashed."""
    is_unique = any(key == (name,) for key in table.keys)
    if decision.policy is Policy.DROP and "secret" not in decision.reason and (is_unique or _is_reference(table, name)):
        return Decision(Policy.HASH, f"{decision.reason}; it tells rows apart or refers to others, so equal values stay equal")
    return decision


def _is_reference(table: CatalogueTable, name: str) -> bool:
    return name in table.parents


def _ends_as_id(name: str) -> bool:
    parts = words.split_name(name)
    return bool(parts) and (parts[-1] in words.ID_WORDS or parts[0] in ("id", "uuid"))


def _is_opaque(column: SourceColumn, values: Sequence[str]) -> bool:
    """Whether values are numbers or tokens that mean nothing outside of the application."""
    if column.data_type in ("binary", "varbinary"):
        return True
    if not values:
        return column.length is not None and column.length <= 64
    return all(_OPAQUE.fullmatch(value) for value in values)


def _belongs_to_person(name: str, values: Sequence[str]) -> bool:
    parts = set(words.split_name(name))
    if parts & words.CODE_WORDS - words.PLACE_WORDS and all(_CODE.fullmatch(value) for value in values):
        return False
    if parts & {"country"} and all(len(value) <= 3 for value in values):
        return False
    return bool(parts & words.OF_PERSONS)


def _is_letter(table: CatalogueTable, column: SourceColumn, values: Sequence[str]) -> bool:
    of_letters = {words.singular(word) for word in words.split_name(table.name)} & words.LETTER_TABLES
    is_written = is_long(column.data_type) or any(len(value) > _LONG_TEXT for value in values)
    if is_of_persons(table) and is_long(column.data_type):
        return True
    is_subject = set(words.split_name(column.name)) & {"subject", "title", "body", "text", "content"}
    return bool(of_letters) and (is_written or bool(is_subject))


def _describe(column: SourceColumn, values: Sequence[str]) -> str:
    """Say what an undecided text is, by lengths and counts: never by a value, which may be personal."""
    if column.data_type in ("json",):
        return "JSON, which may hold anything"
    if not values:
        return "a text, and no row to look at has one"
    longest = max(len(value) for value in values)
    return f"a text: {len(set(values))} different values of up to {longest} characters in {len(values)} sampled rows"
