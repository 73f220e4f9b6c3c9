"""What README and docs show of `make run`: its lines of output, and pictures of its pages, at a desk and on a phone.

`make pictures` runs both marketplaces in a folder of its own and writes README.md and docs/reference/report anew.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[3]
WIDTHS = (1280, 375)
_MARGIN = 16  # pixels
BROWSERS = ("chromium", "google-chrome", "chromium-browser")
# It runs as root in containers, and shall speak to nobody.
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_browser() -> str | None:
    """Return the path of the system's Chromium or Chrome, if there is one."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def open_browser(path: str) -> Iterator[Browser]:
    """Start a browser, headless and with a profile of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        browser.close()


def take_picture(page: Page) -> Image.Image:
    """Return the whole page, in few enough colours for a small file."""
    return Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB").quantize(64, dither=Image.Dither.NONE)


def run_market(state: Path, marketplace: str) -> str:
    """Run a marketplace's market from nothing; return what it printed."""
    command = [sys.executable, "-m", "local", "--state", str(state), "run", "--marketplace", marketplace]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


def choose_lines(printed: str) -> str:
    """Return what README shows of a run: the increment stage by stage, and the headline figures."""
    stages = re.search(r"^Increment\n(?:  .+\n)+", printed, re.MULTILINE)
    figures = re.search(r"^Headline figures.*\n(?:  .+\n)+", printed, re.MULTILINE)
    assert stages and figures, printed
    return f"{stages[0]}…\n{figures[0]}"


def write_lines(readme: Path, lines: str) -> None:
    """Put the lines in place of those that are there: the one block of text that begins with the increment."""
    text, blocks = re.subn(r"```text\nIncrement\n.*?```", lambda _: f"```text\n{lines}```", readme.read_text(), flags=re.DOTALL)
    assert blocks == 1
    readme.write_text(text)


def take_pictures(pages: Path, folder: Path) -> None:
    """Take pictures of every page of a folder, and of what a reader sees of it first."""
    folder.mkdir(parents=True, exist_ok=True)
    with open_browser(find_browser() or sys.exit(f"none of {', '.join(BROWSERS)} is installed")) as browser:
        for path in sorted(pages.glob("*.html")):
            for width in WIDTHS:
                page = browser.new_page(viewport={"width": width, "height": 800})
                page.goto(path.resolve().as_uri())
                picture = take_picture(page)
                picture.save(folder / f"{path.stem}-{width}.png", optimize=True)
                if width == max(WIDTHS):
                    # What changed, headline figures, and the first row of charts.
                    end = page.evaluate("document.querySelector('.charts .card').getBoundingClientRect().bottom")
                    picture.crop((0, 0, width, round(end) + _MARGIN)).save(folder / f"{path.stem}-lead.png", optimize=True)


def main() -> None:
    """Run, write, and take pictures."""
    with tempfile.TemporaryDirectory(prefix="rental-pipeline-") as folder:
        state = Path(folder)
        printed = {marketplace: run_market(state, marketplace) for marketplace in ("apartments", "cars")}
        take_pictures(state / "report", ROOT / "docs" / "reference" / "report")
    write_lines(ROOT / "README.md", choose_lines(printed["apartments"]))


if __name__ == "__main__":
    main()
