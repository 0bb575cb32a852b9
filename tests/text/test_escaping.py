"""Text of strangers has no effect on a terminal, in Markdown and HTML, in JSON and YAML, and in a spreadsheet."""

import html
import json
import re
import unicodedata

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mtsmart.config.document import dump_yaml
from mtsmart.text.escaping import code_span, each_line, markdown, one_line, spreadsheet_field, visible_json

# Control codes, marks of direction, characters without width, separators of lines, and half characters.
BAD = "\x00\x07\x08\x1b\x7f\x9b\x85\u200b\u200d\u202e\u2066\u2028\u2029\ufeff\u00ad\u061c\u3164\u034f\U000e0041\ud800"
texts = st.text(st.one_of(st.sampled_from(BAD + "\r\n\t #+-=*_`~|[]()<>&!\\@:.$1a/w"), st.characters()))
renderer = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def plain(text: str) -> str:
    return one_line(" ".join(text.split()))


@given(texts)
@example(BAD)
def test_a_line_for_a_terminal_has_no_code(text):
    line = one_line(text)
    assert line.isprintable() and not set(line) & set(BAD)
    assert not {unicodedata.category(character) for character in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert each_line(text).replace("\n", "").isprintable()


def test_a_visible_text_stays_as_it_is():
    for text in ("a red cat", "caf\u00e9 \u732b \U0001f408", "[bold]x[/]", "C:\\x"):
        assert one_line(text) == text


@given(texts)
@example("# a")
@example("1) a")
@example("- a")
@example("+ a")
@example("===")
@example("---")
@example("~~~")
@example("```python\nimport os\n```")
@example("![a](b) [c](d) [e]: f")
@example("<script>alert(1)</script> <!-- &copy; <a@b.cc>")
@example("__a__ *b* ~~c~~ a|b")
@example("    code")
@example("a  \nb\\\n")
def test_markdown_shows_each_character(text):
    shown = html.escape(plain(text), quote=False)
    for before, after in (("a ", ""), ("x (", ")")):
        found = html.unescape(renderer.render(f"{before}{markdown(text)}{after}"))
        assert found == html.unescape(f"<p>{f'{before}{shown}{after}'.strip()}</p>\n")
    if shown:
        assert html.unescape(renderer.render(markdown(text))) == html.unescape(f"<p>{shown}</p>\n")
        table = renderer.render(f"| a |\n|---|\n| {markdown(text)} |\n")
        assert f"<td>{shown}</td>" in table.replace("&quot;", '"') and table.count("<td>") == 1
        item = renderer.render(f"- {markdown(text)}\n").replace("&quot;", '"')
        assert item == f"<ul>\n<li>{shown}</li>\n</ul>\n"


@pytest.mark.parametrize("address", ["https://a.b", "http://a.b", "www.a.b", "WWW.a.b", "mailto:a@b.cc", "ftp://a.b"])
def test_an_address_is_no_link_for_github(address):
    assert not re.search(r"(?i)((?<!\\):|www\.)", markdown(f"see {address}"))
    assert "@" not in markdown(address)


@given(texts)
@example("``")
@example("`")
@example(" a ")
@example("")
@example("a`` b ` c")
def test_code_shows_each_character(text):
    found = re.fullmatch(r"<p>a <code>(.*)</code> b</p>\n", renderer.render(f"a {code_span(text)} b"))
    assert found is not None
    assert html.unescape(found[1]).strip() == one_line(text).strip()


@given(texts)
@example(BAD)
def test_json_and_yaml_mean_the_same_and_have_no_code(text):
    line = visible_json(json.dumps({text: [text]}, ensure_ascii=False))
    assert line.isprintable() and json.loads(line) == {text: [text]}
    if not re.search("[\ud800-\udfff]", text):  # YAML has no half characters
        shown = dump_yaml({"a": [text], text: 1})
        assert shown.replace("\n", "").isprintable() and yaml.safe_load(shown) == {"a": [text], text: 1}


@pytest.mark.parametrize(
    "field",
    [
        "=1+1",
        "+1+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\ra",
        "  =1",
        '"=1"',
        "'=1",
        "\n=1",
        "\u200b=1",
        "\ufeff@x",
        "\uff1d1",
        "\u00a0-x",
        "-0.5x",
        "--1",
        "-",
    ],
)
def test_what_a_spreadsheet_computes_is_text(field):
    assert spreadsheet_field(field) == f"'{field}"


@pytest.mark.parametrize(
    "field", ["-0.5", "+1", "-1e-05", "-.5", "3.", "a=b", "", " ", "a cat", "'a'", '["=1"]', "1-2"]
)
def test_numbers_and_other_text_stay(field):
    assert spreadsheet_field(field) == field


@pytest.mark.parametrize("number", ["0.0003135", "1.5", "12.", "-0.5", "3) x", "1.x"])
def test_a_decimal_number_is_no_item_of_a_list_and_stays_as_it_is(number):
    is_item = number in ("12.", "3) x")
    assert ("\\" in markdown(number)) == (is_item or number.startswith("-"))
    assert renderer.render(markdown(number)) == f"<p>{number}</p>\n"
