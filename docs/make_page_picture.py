"""Write docs/images/page.png: the page of `mtsmart serve` in a browser, after a question.

It trains the quickstart with few updates, serves it, types a pair of texts, and takes the picture with Chromium, which
must be installed, as must the package playwright and the extra serve. It takes some minutes.

python docs/make_page_picture.py           # train, and write the picture
python docs/make_page_picture.py FOLDER    # serve the run in FOLDER/quickstart, or train it there
"""

from __future__ import annotations

import sys
import tempfile
import threading
from pathlib import Path

from browser_pictures import find_browser, shrink
from playwright.sync_api import sync_playwright

import mtsmart
from mtsmart.serving.application import application
from mtsmart.serving.limits import Limits
from mtsmart.serving.requests.access import Access
from mtsmart.serving.run_engine import RunEngine
from mtsmart.serving.server import Server, address_of, bound_socket

PICTURE = Path(__file__).resolve().with_name("images") / "page.png"
SETTINGS = ["training.max_updates=150", "smart=off", "mbpp=off"]
PAIR = ("They lost my suitcase and laughed about it.", "My suitcase was lost by them.")
SIZE = {"width": 900, "height": 860}  # pixels


def main() -> int:
    """Write the picture."""
    browser = find_browser()
    if browser is None:
        print("Chromium is not installed", file=sys.stderr)
        return 1
    given = sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="mtsmart-pictures-")
    run = Path(given, "quickstart")
    if not (run / "results.json").exists():
        mtsmart.train("quickstart", SETTINGS, output_dir=run)
    with bound_socket("127.0.0.1", 0) as bound:
        served = application(RunEngine(mtsmart.load(run)), Limits(), Access(None, is_local=True))
        server = Server(served, bound)
        ready = threading.Event()
        thread = threading.Thread(target=server.run, args=(ready.set,))
        thread.start()
        ready.wait()
        try:
            take(browser, address_of(bound))
        finally:
            server.stop()
            thread.join()
    shrink(PICTURE, PICTURE)
    return 0


def take(browser: str, address: str) -> None:
    """Ask on the page, and write it as PNG."""
    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = opened.new_page(viewport=SIZE, color_scheme="light")
        page.goto(address)
        page.get_by_label("Text", exact=True).fill(PAIR[0])
        page.get_by_label("Second text").fill(PAIR[1])
        page.get_by_role("button", name="Ask").click()
        page.wait_for_selector("section")
        page.screenshot(path=PICTURE)
        opened.close()


if __name__ == "__main__":
    sys.exit(main())
