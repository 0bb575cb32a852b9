"""Pictures say what they show, and nothing in them covers or pushes out something else."""

import re
from xml.etree import ElementTree

import pytest

from mtsmart.evaluation.details.parts import Calibration
from mtsmart.metrics.calibration import Bin
from mtsmart.reporting.report.figures import as_svg, curves, reliability_diagram

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

BINS = [Bin(2, 0.2, 0.9), Bin(40, 0.5, 0.4), Bin(300, 0.9, 0.95)]


def read(picture):
    """The height of a picture, and the texts in it with their heights above its lower edge."""
    (svg,) = as_svg([picture])
    tree = ElementTree.fromstring(svg)
    height = float(tree.get("viewBox").split()[3])
    texts = {}
    for node in tree.iter("{http://www.w3.org/2000/svg}text"):
        place = re.search(r"translate\([-\d.]+ ([-\d.]+)\)", node.get("transform", ""))
        texts["".join(node.itertext())] = height - float(place[1] if place else node.get("y"))
    return height, texts


def test_small_numbers_stand_beside_the_axis_and_the_title_is_whole():
    height, texts = read(curves("rate", "learning rate", {"learning_rate": [(0, 0.0), (5, 2e-5), (2_000_000, 1e-5)]}))
    assert {"1e-5", "2e-5", "1,000,000"} <= set(texts)
    assert max(texts.values()) == texts["learning rate"] <= height - 9  # points, the size of the title's letters


def test_a_legend_stands_below_the_axis():
    height, texts = read(curves("loss", "loss", {f"run {n}": [(0, 1.0), (9, n)] for n in range(5)}))
    lowest = texts["updates"]
    assert all(0 < texts[f"run {n}"] < lowest < height for n in range(5))


def test_a_single_value_is_explained():
    assert "updates (a dot: the only value)" in read(curves("score", "score", {"accuracy": [(9, 0.5)]}))[1]
    assert "updates" in read(curves("score", "score", {"accuracy": [(9, 0.5), (10, 0.6)]}))[1]


def test_calibration_says_what_its_dots_are_and_joins_none():
    picture = reliability_diagram("r", Calibration(1.5, 0.5, 0.4, BINS, BINS))
    _, texts = read(picture)
    assert {"observed rate", "predicted probability (larger dots: more rows)", "as trained"} <= set(texts)
    assert "temperature 1.50" in texts and texts["as trained"] < texts["predicted probability (larger dots: more rows)"]


def test_a_temperature_of_one_has_nothing_to_gain():
    _, texts = read(reliability_diagram("r", Calibration(1.002, 0.5, 0.5, BINS, BINS)))
    assert "temperature 1.00: nothing to gain" in texts and "as trained" not in texts
