"""Pictures of a report, as wide as a desk's screen and as a phone's: `python -m tests.integration.report.pictures FROM TO`.

FROM is a folder of pages, such as .local/report after `make run`; TO is docs/reference/report.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

WIDTHS = (1280, 375)
LEAD = 1150  # pixels: what changed, headline figures, and the first two charts
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


def main(pages: Path, folder: Path) -> None:
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
                    picture.crop((0, 0, width, LEAD)).save(folder / f"{path.stem}-lead.png", optimize=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
