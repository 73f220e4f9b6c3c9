"""The fields of docs/reference/inputs.md, made of what reads an execution's input; the rest of the page is written by hand."""

from __future__ import annotations

from local.reference.markdown import read_attributes, write_code, write_table
from rental_pipeline.model.run_request import EXAMPLES, RunInput

_BEGIN, _END = "<!-- BEGIN fields: `make reference` -->\n", "<!-- END fields -->\n"


def write_page(page: str) -> str:
    """Return the page with its generated part made again.

    Raises:
        ValueError: the page has no such part.
    """
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"docs/reference/inputs.md has no part between {_BEGIN.strip()} and {_END.strip()}")
    meanings = read_attributes(RunInput.__doc__ or "")
    rows = [[write_code(name), write_code(example), meanings[name]] for name, example in EXAMPLES.items()]
    return f"{before}{_BEGIN}\n{write_table(['field', 'for example', 'meaning'], rows)}\n\n{_END}{after}"
