"""The gallery in a real browser: looks (axe, overflow, policy, weight) and behaviour of the fs-* elements.

Runs ``scripts/gallery.py`` in a thread under the product's content security policy; nothing else is started.
"""

from __future__ import annotations

import gzip
import importlib.util
import logging
import os
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect, sync_playwright
from werkzeug.serving import make_server

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
PAGES = ["/"] + [
    f"/page/{name}"
    for name in ("list", "record", "form", "inbox", "dispatch", "signin", "error", "import", "jobs", "empty")
]
FIRST_LOAD = 100 * 1024


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    spec = importlib.util.spec_from_file_location("gallery", ROOT / "scripts" / "gallery.py")
    assert spec
    assert spec.loader
    gallery = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gallery)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, gallery.create_app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One context for the tests, so that files are fetched once."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A desktop page which fails the test when the console has an error or the policy blocks something."""
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    yield page
    page.close()
    assert [line for line in complaints if "status of 5" not in line and "status of 4" not in line] == []


def violations(page: Page, *rules: str) -> list[str]:
    page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished.catch(() => null)))")
    options = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
    found = Axe().run(page, options=options).response["violations"]
    return [f"{item['id']}: {node['html'][:160]} {node['failureSummary']}" for item in found for node in item["nodes"]]


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_in_light_and_dark(page: Page, address: str, path: str) -> None:
    for theme in ("light", "dark"):
        page.goto(f"{address}{path}?theme={theme}", wait_until="networkidle")
        assert violations(page) == [], theme


def test_axe_finds_nothing_on_a_phone_in_chinese(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    for path in ("/page/list", "/page/record", "/page/form"):
        page.goto(f"{address}{path}?theme=light&lang=zh-Hans", wait_until="networkidle")
        assert violations(page) == []
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_tenant_hue_keeps_its_contrast(page: Page, address: str, theme: str) -> None:
    for hue in (0, 75, 150, 300):
        page.goto(f"{address}/page/record?theme={theme}&hue={hue}", wait_until="networkidle")
        assert violations(page, "color-contrast") == [], hue


def test_no_page_overflows_sideways_at_any_width(page: Page, address: str) -> None:
    too_wide = []
    for path in PAGES:
        page.goto(address + path, wait_until="networkidle")
        for width in (320, 390, 820, 1440):
            page.set_viewport_size({"width": width, "height": 800})
            extra = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            too_wide += [(path, width, extra)] if extra > 0 else []
    assert too_wide == []


@pytest.mark.parametrize("path", ["/page/list", "/page/record", "/page/signin"])
def test_the_first_load_stays_below_its_budget(browser: Browser, address: str, path: str) -> None:
    page = browser.new_page()
    sizes: dict[str, int] = {}

    def weigh(response: Response) -> None:
        body = response.body()
        sizes[response.url] = len(body) if response.url.endswith("woff2") else len(gzip.compress(body, 6))

    page.on("response", weigh)
    page.goto(address + path, wait_until="networkidle")
    page.close()
    assert sum(sizes.values()) <= FIRST_LOAD, sizes
    assert not [url for url in sizes if not url.startswith(address)]


def test_the_palette_opens_by_keyboard_and_goes_to_the_choice(page: Page, address: str) -> None:
    page.goto(f"{address}/")
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Search or jump to")
    expect(field).to_be_focused()
    field.fill("approv")
    expect(page.locator("#palette-list").get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/page/inbox"))


def test_slash_searches_the_list_and_question_mark_shows_the_shortcuts(page: Page, address: str) -> None:
    page.goto(f"{address}/page/list", wait_until="networkidle")
    page.keyboard.press("/")
    expect(page.locator("#list-search")).to_be_focused()
    page.locator("#list-search").blur()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()


def test_a_refused_drawer_keeps_the_input_and_a_saved_one_closes_with_a_toast(page: Page, address: str) -> None:
    page.goto(f"{address}/page/list", wait_until="networkidle")
    page.keyboard.press("c")
    drawer = page.get_by_role("dialog", name="New work order")
    expect(drawer.get_by_label("Subject")).to_be_focused()
    drawer.get_by_label("Notes").fill("ring first")
    drawer.get_by_role("button", name="Save").click()
    expect(drawer.get_by_role("alert")).to_be_focused()
    expect(drawer.get_by_label("Notes")).to_have_value("ring first")
    assert violations(page) == []
    drawer.get_by_label("Subject").fill("Pump")
    drawer.get_by_role("button", name="Save").click()
    expect(drawer).to_be_hidden()
    expect(page.locator("#toasts")).to_contain_text("Saved")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()


def test_escape_asks_before_it_throws_input_away(page: Page, address: str) -> None:
    page.goto(f"{address}/page/list", wait_until="networkidle")
    page.keyboard.press("c")
    drawer = page.get_by_role("dialog", name="New work order")
    drawer.get_by_label("Subject").fill("Pump")
    page.keyboard.press("Escape")
    question = page.get_by_role("dialog", name="Please confirm")
    question.get_by_role("button", name="Cancel").click()
    expect(drawer.get_by_label("Subject")).to_have_value("Pump")
    page.keyboard.press("Escape")
    question.get_by_role("button", name="OK").click()
    expect(drawer).to_be_hidden()


def test_a_question_is_asked_and_a_server_error_becomes_a_toast_with_its_trace(page: Page, address: str) -> None:
    page.goto(f"{address}/", wait_until="networkidle")
    before = page.locator("#main").inner_text()
    page.get_by_role("button", name="Server error").click()
    expect(page.locator("#toasts")).to_contain_text("01JD3V7Z-42")
    assert page.locator("#main").inner_text() == before
    page.get_by_role("button", name="Ask first").click()
    question = page.get_by_role("dialog", name="Please confirm")
    expect(question).to_contain_text("Really?")
    with page.expect_request("**/part/undo") as sent:
        question.get_by_role("button", name="OK").click()
    assert sent.value.headers["x-csrftoken"] == "sample-token"


def test_a_cell_is_edited_in_place_with_enter_escape_and_tab(page: Page, address: str) -> None:
    page.goto(f"{address}/page/list", wait_until="networkidle")
    cells = page.locator("td[data-edit]")
    cells.nth(0).dblclick()
    editor = page.locator("form[data-inline] input[name=subject]")
    expect(editor).to_be_focused()
    page.keyboard.press("Escape")
    expect(cells.nth(0)).to_contain_text("冷水机组")
    cells.nth(0).dblclick()
    editor.fill("Pump one")
    page.keyboard.press("Enter")
    expect(cells.nth(0)).to_contain_text("Pump one")
    cells.nth(0).dblclick()
    editor.fill("")
    page.keyboard.press("Enter")
    expect(page.locator("form[data-inline]")).to_contain_text("Subject is required.")
    editor.fill("Pump two")
    page.keyboard.press("Tab")
    expect(cells.nth(0)).to_contain_text("Pump two")
    expect(cells.nth(1).locator("input[name=subject]")).to_be_focused()


def test_selecting_rows_shows_the_bulk_bar_and_offers_all_that_match(page: Page, address: str) -> None:
    page.goto(f"{address}/page/list", wait_until="networkidle")
    bar = page.get_by_role("group", name="Selected records")
    expect(bar).to_contain_text("2 selected")
    page.get_by_label("Select all on this page").click()
    expect(bar).to_contain_text("11 selected")
    bar.get_by_role("button", name="Select all 86 matching").click()
    expect(bar).to_contain_text("All 86 selected")
    expect(page.locator("input[name=all_matching]")).to_have_value("true")
    bar.get_by_role("button", name="Clear").click()
    expect(bar).to_be_hidden()
    boxes = page.locator("input[name=ids]")
    boxes.nth(1).click()
    boxes.nth(4).click(modifiers=["Shift"])
    expect(bar).to_contain_text("4 selected")


def test_a_click_on_a_row_opens_the_record(page: Page, address: str) -> None:
    page.goto(f"{address}/page/list", wait_until="networkidle")
    page.get_by_role("cell", name="Nam Fung Plaza").first.click()
    expect(page).to_have_url(re.compile("/page/record"))


def test_a_menu_opens_at_its_button_and_is_walked_with_the_arrows(page: Page, address: str) -> None:
    page.goto(f"{address}/page/record", wait_until="networkidle")
    button = page.get_by_role("button", name="More actions")
    button.focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Edit E")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Clone")).to_be_focused()
    menu, at = page.locator("#menu-record").bounding_box(), button.bounding_box()
    assert menu
    assert at
    assert menu["x"] + menu["width"] <= 1440
    assert menu["y"] >= at["y"] + at["height"]
    assert violations(page) == []


def test_child_rows_are_added_and_removed_with_their_own_names(page: Page, address: str) -> None:
    page.goto(f"{address}/page/form", wait_until="networkidle")
    page.get_by_role("button", name="Add part").click()
    expect(page.locator("[data-row]")).to_have_count(3)
    expect(page.locator("[name='lines.2.quantity']")).to_have_value("1")
    expect(page.locator("[name='lines.rows']").last).to_have_value("2")
    page.get_by_role("button", name="Remove this row").first.click()
    expect(page.locator("[data-row]")).to_have_count(2)
    expect(page.locator("[name='lines.0.quantity']")).to_have_count(0)
    assert violations(page) == []


def test_a_lookup_searches_the_server_and_sends_the_id(page: Page, address: str) -> None:
    page.goto(f"{address}/page/form", wait_until="networkidle")
    field = page.get_by_role("combobox", name="Account")
    field.click()
    field.press_sequentially("Kestrel")
    page.get_by_role("option", name="Kestrel Foods").click()
    expect(page.locator("select[name=customer]")).to_have_value("Kestrel Foods")
    assert violations(page) == []


def test_the_order_can_be_changed_without_dragging(page: Page, address: str) -> None:
    page.goto(f"{address}/", wait_until="networkidle")
    page.get_by_role("button", name="Move Overview down").click()
    expect(page.locator("[data-item]").nth(1)).to_contain_text("Overview")
    expect(page.locator("#toasts")).to_contain_text("Overview moved to place 2 of 3")


def test_a_signature_is_drawn_or_typed_and_cleared(page: Page, address: str) -> None:
    page.goto(f"{address}/", wait_until="networkidle")
    canvas = page.locator("fs-signature canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    page.mouse.move(box["x"] + 40, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 90, steps=6)
    page.mouse.up()
    expect(page.locator("input[name=h2]")).to_have_value(re.compile("^data:image/png;base64,"))
    page.locator("fs-signature").get_by_role("button", name="Clear").click()
    expect(page.locator("input[name=h2]")).to_have_value("")
    page.locator("fs-signature").get_by_label("Or type your name").fill("Wong Siu Ming")
    expect(page.locator("input[name=h2]")).to_have_value(re.compile("^data:image/png;base64,"))


def test_a_changed_value_asks_the_server_for_the_form_as_it_must_look_now(page: Page, address: str) -> None:
    page.goto(f"{address}/page/form", wait_until="networkidle")
    with page.expect_request("**/part/conditional") as sent:
        page.get_by_label("Priority").select_option("low")
    assert "priority" in (sent.value.post_data or "")
    expect(page.locator("#f-notes-field")).to_contain_text("conditional")


def test_going_back_after_a_swap_that_pushed_its_url_shows_the_page_before(page: Page, address: str) -> None:
    page.goto(f"{address}/page/inbox", wait_until="networkidle")
    page.get_by_role("link", name="Next").click()
    expect(page).to_have_url(re.compile("cursor=2"))
    page.locator("#main").evaluate("main => main.dataset.old = 'yes'")
    page.go_back()
    expect(page).to_have_url(re.compile("/page/inbox$"))
    expect(page.locator("#main[data-old]")).to_have_count(0)
    expect(page.get_by_role("heading", name="Approvals")).to_be_visible()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Search or jump to")).to_be_focused()


def test_the_phone_has_a_bottom_bar_whose_more_opens_the_navigation(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True, reduced_motion="reduce")
    page.goto(f"{address}/page/list", wait_until="networkidle")
    expect(page.get_by_role("link", name="Dashboards")).to_be_hidden()
    page.get_by_role("button", name="More", exact=True).click()
    expect(page.get_by_role("link", name="Dashboards")).to_be_visible()
    assert violations(page) == []
    page.close()
