"""Write docs/images/report.png and docs/images/comparison.png: two reports as a browser shows them.

It trains the quickstart twice with few updates, writes the reports, and takes pictures with Chromium, which must be
installed, as must the font Noto Sans (on Debian: chromium, fonts-noto-core). It takes some minutes.

python docs/make_report_pictures.py            # train, and write the pictures
python docs/make_report_pictures.py FOLDER     # take the runs of an earlier call from a folder, or train them into it
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from browser_pictures import find_browser, shrink

import mtsmart

IMAGES = Path(__file__).resolve().with_name("images")
FEW = ["training.max_updates=60", "training.evaluate_every=12", "training.log_every=4"]
# The quickstart has its regularisers on each sixteenth update. In so few updates, that would give curves of two points.
RUNS = {
    "with-regularisers": [*FEW, "smart.every=2", "mbpp.every=2"],
    "plain": [*FEW, "smart=off", "mbpp=off"],
}
PICTURES = {"report": (1000, 1780), "comparison": (1000, 1760)}  # name -> width and height in pixels


def main() -> int:
    """Write both pictures."""
    browser = find_browser()
    if browser is None:
        print("Chromium is not installed", file=sys.stderr)
        return 1
    given = sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="mtsmart-pictures-")
    os.chdir(given)  # Reports show the paths of runs, so these are short.
    for name, settings in RUNS.items():
        if not Path(name, "results.json").exists():
            mtsmart.train("quickstart", settings, output_dir=name)
    pages = {"report": mtsmart.report(next(iter(RUNS))), "comparison": mtsmart.report(list(RUNS), "comparison.html")}
    for name, page in pages.items():
        take(browser, page.resolve(), Path(f"{name}.png").resolve(), *PICTURES[name])
        shrink(Path(f"{name}.png"), IMAGES / f"{name}.png")
    return 0


def take(browser: str, page: Path, file: Path, width: int, height: int) -> None:
    """Write the upper part of a page as PNG."""
    options = ["--headless=new", "--no-sandbox", "--hide-scrollbars", f"--window-size={width},{height}"]
    command = [browser, *options, f"--screenshot={file}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    sys.exit(main())
