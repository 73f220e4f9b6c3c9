"""The pages for readers: each link leads to a file and a heading that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("packages/*/README.md"), ROOT / "benchmarks/README.md"]
)


def name_anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    """Links to the web are not followed."""
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)):
        if re.match(r"https?:|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.is_relative_to(ROOT):
            assert page.parent == ROOT and path.startswith("../../actions/workflows/"), (
                target
            )  # a page of GitHub about the repository
            continue
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in name_anchors(file)):
            broken.append(target)
    assert broken == []


def test_the_readme_is_short_and_leads_to_every_page():
    """What is not in it is one link away, or two."""
    readme = ROOT / "README.md"
    assert len(readme.read_text(encoding="utf-8").splitlines()) <= 110
    near = find_linked(readme)
    reached = near.union(*(find_linked(page) for page in near if page.suffix == ".md" and page.is_relative_to(ROOT / "docs")))
    pages = {page for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "decisions"}
    assert sorted(pages - reached) == []


def find_linked(page: Path) -> set[Path]:
    """Return the files that a page links to."""
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    return {(page.parent / target).resolve() for target in targets if not target.startswith("http")}


def test_a_secret_is_given_the_bundle_of_one_region():
    """A secret holds 65,536 characters (Secrets Manager API Reference, PutSecretValue), the bundle of all regions has more."""
    told = [ROOT / "docs/how-to/network.md", ROOT / "docs/how-to/deploy.md", ROOT / "docs/reference/errors.md"]
    source = ROOT / "layers/rental_pipeline/python/rental_pipeline/source/connection.py"
    for path in (*told, source):
        said = [line for line in path.read_text(encoding="utf-8").splitlines() if "bundle" in line.lower()]
        assert said and all("region" in line or "all regions" in line for line in said), path
    demo = (ROOT / "examples/demo.sh").read_text(encoding="utf-8")
    assert "rds.amazonaws.com/$region/$region-bundle.pem" in demo and "global-bundle" not in demo
