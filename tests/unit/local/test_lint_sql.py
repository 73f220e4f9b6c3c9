"""`make lint` looks at the style of every SQL file."""

from local.commands.lint_sql import find_faults, list_paths


def test_a_fault_of_style_is_told_with_file_and_line(tmp_path):
    """The line is the file's, not the statement's."""
    path = tmp_path / "bookings.sql"
    path.write_text("-- grain: one row a booking\n\n-- name: rows\nselect\n    Booking_Id\nFROM bookings\n", encoding="utf-8")
    told = "\n".join(find_faults(path))
    assert "bookings.sql:6: CP01" in told


def test_every_marketplace_is_looked_at():
    """With all its layers."""
    found = {(path.parts[-3], path.parts[-2]) for path in list_paths()}
    assert {(name, layer) for name in ("apartments", "cars") for layer in ("curated", "presentation", "checks")} <= found
