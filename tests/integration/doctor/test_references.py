"""The doctor on foreign keys: what refers to a personal column has the same values."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from rental_pipeline.model.contract import read_contract
from rental_pipeline.operate.doctor.reference_checks import check_references
from rental_pipeline.operate.doctor.report import Report

CONTRACT = """tables:
  people: {{strategy: snapshot, key: id, personal: {{{people}}}}}
  rents: {{strategy: snapshot, key: id, source_table: Rents, personal: {{{rents}}}}}
"""


@pytest.mark.parametrize(
    ("people", "rents", "says"),
    [
        ("id: hash", "", "rents.who leaves the source as it is, and refers to people.id, which is personal and hashed"),
        ("code: drop", "", "rents.code leaves the source as it is, and refers to people.code, which is personal and not read"),
        ("", "who: hash", "rents.who is hashed, and refers to people.id, which is not"),
        ("id: hash", "who: hash", ""),
        ("code: drop", "code: hash", ""),
        ("id: hash", "who: drop", ""),
        ("", "", ""),
    ],
)
def test_both_ends_of_a_reference_are_treated_alike(source_database, tmp_path: Path, people, rents, says):
    """Whatever the column is called; of a table that the contract does not take nothing is said."""
    source_database.make_table("people", "id varchar(20) primary key, code varchar(20) unique")
    made = "id int primary key, who varchar(20) references people (id), code varchar(20) references people (code)"
    source_database.make_table("Rents", made)
    source_database.make_table("others", "id int primary key, who varchar(20) references people (id)")
    path = tmp_path / "source.yaml"
    path.write_text(CONTRACT.format(people=people, rents=rents).replace(", personal: {}", ""))
    report = Report()
    with closing(source_database.connect_read_only()) as connection:
        check_references(report, connection, read_contract(path))
    found = [finding.says for finding in report.findings]
    assert len(found) == bool(says) and all(one.startswith(says) for one in found)
