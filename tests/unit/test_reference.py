"""docs/reference is what the code says, and lineage finds what a column is made of."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import pytest

from local.docs_site import rewrite_links, widen_lists
from local.reference.lineage import Lineage, Origin, trace
from local.reference.markdown import read_attributes, write_table
from local.reference.pages import FOLDER, MARKETPLACES, list_pages
from rental_pipeline.model.run_request import EXAMPLES, read_run_input

ROOT = Path(__file__).parents[2]
PAGES = list_pages()


# The list of messages follows every edit of one: by night is soon enough.
SLOW = [FOLDER / "errors.md"]
METRICS = [FOLDER / f"metrics-{name}.md" for name in MARKETPLACES]


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=[pytest.mark.slow] if page in SLOW else [], id=page.stem) for page in PAGES if page not in METRICS],
)
def test_a_page_is_what_the_code_says(page: Path) -> None:
    """If this fails: `make reference`, and look at the difference."""
    assert PAGES[page]() == page.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("page", METRICS, ids=lambda page: page.stem)
def test_a_metric_is_described_as_its_file_is(page: Path) -> None:
    """If this fails: `make reference`. A metric that was added needs no page to be published; a warning names it."""
    made, shown = (divide(text) for text in (PAGES[page](), page.read_text(encoding="utf-8")))
    assert {name: made.get(name) for name in shown} == shown
    if added := made.keys() - shown.keys():
        warnings.warn(f"`make reference` would describe {', '.join(sorted(added))} in {page.name}", stacklevel=1)


def divide(page: str) -> dict[str, str]:
    """Return the parts of a page by their headings; what stands before the first by none."""
    first, *parts = re.split(r"^## ", page, flags=re.MULTILINE)
    return {"": first.rstrip(), **{part.partition("\n")[0]: part.rstrip() for part in parts}}


def test_every_example_of_an_input_is_one() -> None:
    """In the table that is written by hand, too."""
    text = (FOLDER / "inputs.md").read_text(encoding="utf-8")
    examples = [example.replace("…, ", "") for example in re.findall(r"^\| `(\{.*?\})`", text, re.MULTILINE)]
    told = set()
    for example in examples:
        read_run_input(json.loads(example), ["bookings"])
        told |= json.loads(example).keys()
    assert told == EXAMPLES.keys()


def test_a_metric_is_followed_to_the_source() -> None:
    """Through a curated table and its rules, whatever names a column has on the way."""
    lineage = Lineage(ROOT / "sql", "apartments")
    revenue = lineage.trace_metric(lineage.files.metric("top_listings_weekly"))["revenue"]
    assert lineage.find_sources(revenue) == {Origin("bookings", "total_price"), Origin("exchange_rate", "rate")}
    guests = frozenset({Origin("apartments_curated.bookings", "guests")})
    assert lineage.find_sources(guests) == {Origin("bookings", "num_guests")}


def test_what_a_query_counts_has_no_origin() -> None:
    """And columns are followed through joins, sub-queries and queries that stand for tables."""
    found = trace(
        "with paid as (select orders.id, cheap.price * 2 as twice from shop.orders inner join cheap on orders.id = cheap.id)"
        " select max(paid.twice) as most, count(*) as rows_of_it from paid",
        {"shop.orders": {"id": "int"}, "shop.prices": {"id": "int", "price": "int"}},
        {"cheap": "select prices.id, prices.price from shop.prices"},
    )
    assert found == {"most": {Origin("shop.prices", "price")}, "rows_of_it": frozenset()}


def test_a_cell_of_a_table_is_text() -> None:
    """What would be Markdown or HTML outside of code is escaped; a bar would end the cell."""
    assert write_table(["a"], [["<b> *x* `<i>` | \n y"]]).splitlines()[2] == r"| \<b> \*x\* `<i>` \| y |"


def test_attributes_are_read_with_their_names() -> None:
    """Several may share a meaning, which may go on in the next line."""
    text = "Settings.\n\n    Attributes:\n        one, two: What\n            they say.\n        three: Another.\n"
    assert read_attributes(text) == {"one": "What they say.", "two": "What they say.", "three": "Another."}


def test_links_out_of_the_pages_lead_to_the_repository() -> None:
    """Or are no links, where nobody knows it; those to other pages stay."""
    page = "[a](../sql/bootstrap.sql), [b](how-to/deploy.md#deploy), [`c`](https://example.com), ![d](architecture.svg)"
    kept = "[b](how-to/deploy.md#deploy), [`c`](https://example.com), ![d](architecture.svg)"
    assert rewrite_links(page, ROOT / "docs", None) == f"a, {kept}"
    repository = "https://github.com/somebody/rental-pipeline"
    assert rewrite_links(page, ROOT / "docs", repository) == f"[a]({repository}/blob/HEAD/sql/bootstrap.sql), {kept}"


def test_lists_look_as_on_github() -> None:
    """Python-Markdown wants a blank line before a list, and four blanks before what belongs to a numbered item."""
    page = "Text:\n- one\n  more\n- two\n\n1. first\n\n   ```console\n   make run\n   ```\n2. second\n   goes on\n"
    code = "\nText\n\n```text\n- kept\n   kept\n```\n"
    wide = "Text:\n\n- one\n  more\n- two\n\n1. first\n\n    ```console\n    make run\n    ```\n2. second\n    goes on\n"
    assert widen_lists(page + code) == wide + code


def test_every_metric_that_is_described_is_there() -> None:
    """On a page of the site, under its file's name."""
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for marketplace in MARKETPLACES:
        assert f"reference/metrics-{marketplace}.md" in navigation
        page = (FOLDER / f"metrics-{marketplace}.md").read_text(encoding="utf-8")
        folders = (ROOT / "sql" / marketplace / folder for folder in ("presentation", "views"))
        files = {path.stem for folder in folders for path in folder.glob("*.sql")}
        described = set(re.findall(r"^## (\w+)$", page, re.MULTILINE))
        assert described and described <= files
