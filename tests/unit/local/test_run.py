"""What `make run` is told, and remembers."""

from __future__ import annotations

import pytest

from local.commands.run import Journal, RunFailed, read_parameters, run_pipeline


def test_a_currency_is_remembered(tmp_path):
    """The next run of the same state is in it, too; without one, it is the template's default."""
    assert read_parameters(tmp_path) == {}
    Journal(tmp_path).note(currency="EUR")
    assert read_parameters(tmp_path) == {"ReportingCurrency": "EUR"}


@pytest.mark.parametrize("currency", ["eur", "EURO", "€"])
def test_what_is_no_currency_is_refused_at_once(tmp_path, currency):
    """And not remembered."""
    with pytest.raises(RunFailed, match="is no currency: give its ISO 4217 code"):
        run_pipeline(tmp_path, "apartments", None, None, None, None, currency)
    assert list(tmp_path.iterdir()) == []
