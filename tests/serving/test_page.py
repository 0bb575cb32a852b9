"""The page: a real browser asks all heads, and nothing of a text or label acts as HTML."""

import re
import shutil

import pytest

from mtsmart.serving.page import page
from mtsmart.serving.requests.access import Access
from mtsmart.serving.run_engine import RunEngine
from tests.serving.at_work import serving
from tests.serving.engines import EchoEngine, task

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
EVIL = "<img src=x onerror=\"document.title='hurt'\"><script>document.title='hurt'</script>"


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"there is no browser: none of {', '.join(BROWSERS)}")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def opened(browser):
    """A page that notes what the browser complains about, and the addresses that it asks for."""
    context = browser.new_context()
    made = context.new_page()
    made.complaints = []
    made.asked = []
    made.on("console", lambda message: made.complaints.append(message.text) if message.type == "error" else None)
    made.on("pageerror", lambda error: made.complaints.append(str(error)))
    made.on("request", lambda request: made.asked.append(request.url))
    yield made
    context.close()


def address(client):
    return f"http://127.0.0.1:{client.port}/"


@pytest.mark.slow
def test_a_person_asks_every_head(opened, every_type):
    with serving(RunEngine(every_type)) as client:
        opened.goto(address(client))
        opened.get_by_label("Text", exact=True).fill("the red dog")
        opened.get_by_role("button", name="Ask").click()
        opened.wait_for_selector("section")
        cards = {card.get_attribute("data-task"): card for card in opened.query_selector_all("section")}
        assert list(cards) == ["multi_label", "ordinal", "regression", "tagging", "renamed"]
        expected = every_type.predict("ordinal", "the red dog")[0]
        assert cards["ordinal"].query_selector(".answer").inner_text() == expected["prediction"]
        shares = {row.query_selector("span").inner_text() for row in cards["ordinal"].query_selector_all(".share")}
        assert shares == {key[2:-1] for key in expected if key.startswith("p(")}

        opened.get_by_label("Second text").fill("a cat")
        opened.get_by_role("button", name="Ask").click()
        opened.wait_for_selector("section[data-task=span]")
        names = [card.get_attribute("data-task") for card in opened.query_selector_all("section")]
        assert names == ["classification", "span"]

        assert opened.query_selector(".warning") is None
        opened.get_by_label("Text", exact=True).fill("the red dog " * 40)
        opened.get_by_label("Second text").fill("")
        opened.get_by_role("button", name="Ask").click()
        told = opened.wait_for_selector("section[data-task=ordinal] .warning").inner_text()
        assert "1 input is cut to 24 tokens" in told
    assert opened.complaints == []
    assert all(url.startswith((address(client), "data:")) for url in opened.asked)


@pytest.mark.slow
def test_nothing_that_is_shown_acts_as_html(opened):
    with serving(EchoEngine({EVIL: task(EVIL)})) as client:
        opened.goto(address(client))
        opened.get_by_label("Text", exact=True).fill(EVIL)
        opened.get_by_role("button", name="Ask").click()
        opened.wait_for_selector("section")
        assert opened.inner_text(".answer") == EVIL
        assert opened.inner_text("h2").startswith(EVIL)
        assert opened.query_selector("section img, section script") is None
        opened.get_by_label("Text", exact=True).fill("bad")
        opened.get_by_role("button", name="Ask").click()
        opened.locator("#message", has_text="is bad").wait_for()
        assert opened.query_selector("section") is None
        assert opened.title() == "mtsmart"
        # The policy holds even for a script that something would put into the page.
        opened.evaluate("""() => {
            const script = document.createElement("script");
            script.textContent = "document.title = 'hurt'";
            document.body.append(script);
        }""")
        assert opened.title() == "mtsmart"
        assert any("Content Security Policy" in complaint for complaint in opened.complaints)


@pytest.mark.slow
def test_a_token_is_asked_for_when_it_is_needed(opened):
    with serving(EchoEngine(), access=Access(b"a-token-of-many-letters", is_local=True)) as client:
        opened.goto(address(client))
        opened.get_by_label("Token").fill("wrong-token-of-many-letters")
        opened.get_by_label("Text", exact=True).fill("a")
        with opened.expect_response(lambda response: response.status == 401):
            opened.get_by_role("button", name="Ask").click()
        opened.locator("#message", has_text="token").wait_for()
        opened.get_by_label("Token").fill("a-token-of-many-letters")
        opened.get_by_role("button", name="Ask").click()
        opened.wait_for_selector("section")
        assert opened.inner_text(".answer") == "a"
        assert opened.evaluate("() => localStorage.length + sessionStorage.length + document.cookie.length") == 0


def test_the_policy_lets_the_page_alone_act():
    shown = page()
    assert "unsafe" not in shown.policy and "default-src 'none'" in shown.policy
    assert shown.policy.count("'sha256-") == 2
    assert shown.text.count("<script") == shown.text.count("<style") == 1
    assert not re.search(
        r"""\son\w+=|style=|javascript:|innerHTML|outerHTML|insertAdjacent|document\.write|eval\(""", shown.text
    )
    assert "//" not in re.sub(r"^\s*// .*$", "", shown.text, flags=re.MULTILINE)  # no address of anything else


def test_the_page_carries_its_policy():
    with serving(EchoEngine()) as client:
        response = client.get("/")
    assert response.headers["content-security-policy"] == page().policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-type"].startswith("text/html")
