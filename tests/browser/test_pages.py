"""Pages of the real product in a real browser: create, edit, edit in place, conflict, and no faults on the way."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server

from fieldstone.platform.identity.services import Identity
from fieldstone.platform.units import Caller, SystemCredential
from tests.support.company import Company, company

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
PASSWORD = "a long enough pass phrase"
WIDTHS = (320, 390, 820, 1440)
PATIENCE = 20_000


@dataclass(frozen=True, kw_only=True)
class Site:
    """The company, served."""

    home: Company
    address: str


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with company(tmp_path_factory.mktemp("browser"), None) as made:
        caller = Caller(tenant="acme", credential=SystemCredential(), channel="system")
        made.frame.need(Identity).passwords.set_directly(caller, made.ids["user/admin"], PASSWORD)
        server = make_server("127.0.0.1", 0, made.app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Site(home=made, address=f"http://acme.localhost:{server.server_port}")
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """A signed-in page that fails the test when a script fails or the policy blocks something."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce", locale="en")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.goto(f"{site.address}/sign-in")
    page.fill("#f-email", _email(site))
    page.fill("#f-password", PASSWORD)
    page.click("main button[type=submit] >> nth=0")
    page.wait_for_url(f"{site.address}/")
    yield page
    context.close()
    assert [line for line in complaints if "status of 4" not in line] == []


def _email(site: Site) -> str:
    answer = site.home.as_("admin").get("/api/v1/me")
    return str(answer.json["data"]["email"])


def save(page: Page) -> None:
    page.click(".form-bar button[type=submit]")


def test_from_an_empty_form_to_a_solved_conflict(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/o/customer/new")
    save(page)
    expect(page.locator("#f-name-error")).to_be_visible(timeout=PATIENCE)
    page.fill("#f-name", "Pier Nine")
    save(page)
    expect(page.locator("h1")).to_have_text("Pier Nine", timeout=PATIENCE)
    record = page.url.partition("?")[0]

    page.hover("#d-name dd")
    page.click("#d-name .editable-btn")
    page.fill("#inline-name", "Pier Ten")
    page.keyboard.press("Enter")
    expect(page.locator("#d-name dd")).to_contain_text("Pier Ten", timeout=PATIENCE)

    page.goto(f"{record}/edit")
    identity = record.rpartition("/")[2]
    program = site.home.as_("admin")
    assert program.patch(f"/api/v1/records/customer/{identity}", {"name": "Pier Eleven"}).status_code == 200
    page.fill("#f-name", "Pier Twelve")
    save(page)
    expect(page.locator(".conflict")).to_contain_text("Pier Eleven", timeout=PATIENCE)
    expect(page.locator("#f-name")).to_have_value("Pier Twelve")
    page.check('input[name="choice.name"][value="theirs"]')
    save(page)
    expect(page.locator("#d-name dd")).to_contain_text("Pier Eleven", timeout=PATIENCE)


def test_a_selection_reaches_the_bulk_dialog(page: Page, site: Site) -> None:
    for n in range(2):
        site.home.add("customer", {"name": f"Chosen {n}"})
    page.goto(f"{site.address}/o/customer?q=Chosen")
    page.check("[data-select-all]")
    page.click(".bulkbar button:has-text('Edit fields')")
    expect(page.locator("#dialog")).to_contain_text("2 records are selected.", timeout=PATIENCE)


def test_no_page_is_wider_than_the_screen(page: Page, site: Site) -> None:
    order = site.home.add("work_order", {"subject": "Wide", "type": "repair", "customer": site.home.ids["customer"]})[
        "id"
    ]
    paths = ("/", "/o/work_order", f"/o/work_order/{order}", "/o/work_order/new", "/approvals", "/profile", "/bin")
    for path in paths:
        page.set_viewport_size({"width": WIDTHS[-1], "height": 900})
        page.goto(site.address + path)
        page.wait_for_load_state("networkidle")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            beyond = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert beyond <= 0, (path, width, beyond)
