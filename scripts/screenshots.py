"""The pictures of the README and the docs, taken of the running demonstration. Run by `make screenshots`.

In: a fresh demonstration in a temporary folder (about a minute), Debian's Chromium. Out: `docs/images/*.png`.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@contextmanager
def demonstration() -> Iterator[dict[str, Any]]:
    """A running demonstration, as its `demo.json` describes it."""
    with tempfile.TemporaryDirectory() as folder:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        surroundings = {**os.environ, "FIELDSTONE_DATA_DIR": folder}
        command = [str(Path(sys.executable).parent / "fieldstone"), "demo", "--port", str(port)]
        server = subprocess.Popen(command, env=surroundings, stdout=subprocess.DEVNULL)
        try:
            _wait(f"http://127.0.0.1:{port}/healthz")
            yield json.loads((Path(folder) / "demo.json").read_text(encoding="utf-8"))
        finally:
            server.terminate()
            server.wait(20)


def _wait(address: str) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(1)
    raise TimeoutError(address)


def first(demo: dict[str, Any], name: str, condition: str) -> str:
    """The id of the newest record of an object that fulfils a condition."""
    address = f"{demo['base_url']}/api/v1/records/{name}?limit=1&fields=id&sort=-created_at&filter={quote(condition)}"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {demo['api_token']}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return str(json.load(answer)["data"][0]["id"])


def signed_in(browser: Browser, demo: dict[str, Any], role: str, **more: Any) -> Page:
    """A page of whoever has the role."""
    account = next(each for each in demo["accounts"] if each["role"] == role)
    page = browser.new_context(**{"viewport": DESK, **more}).new_page()
    page.goto(f"{demo['base_url']}/sign-in")
    page.locator(".signin input[name=email]").fill(account["email"])
    page.locator(".signin input[name=password]").fill(account["password"])
    page.locator(".signin button[type=submit]").click()
    page.wait_for_url(f"{demo['base_url']}/")
    return page


def take(page: Page, demo: dict[str, Any], path: str, name: str) -> None:
    """One picture, when everything has arrived."""
    page.goto(demo["base_url"] + path)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / f"{name}.png")
    print(f"docs/images/{name}.png")


def main() -> None:
    """All pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with demonstration() as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("FIELDSTONE_CHROMIUM", "/usr/bin/chromium"), args=FLAGS
        )
        order = first(demo, "work_order", 'status == "new"')
        done = first(demo, "work_order", 'status == "completed"')
        waiting = first(demo, "quote", 'status == "submitted"')
        desk = signed_in(browser, demo, "dispatcher")
        take(desk, demo, "/o/work_order", "list")
        take(desk, demo, f"/o/work_order/{order}", "dispatch")
        take(desk, demo, "/o/work_order?view=work_orders_board", "board")
        take(desk, demo, "/o/work_order/new", "form")
        manager = signed_in(browser, demo, "manager")
        take(manager, demo, "/approvals", "inbox")
        take(manager, demo, f"/o/quote/{waiting}", "record")
        dark = signed_in(browser, demo, "manager", color_scheme="dark", locale="zh-CN")
        take(dark, demo, f"/o/quote/{waiting}", "dark")
        phone = signed_in(browser, demo, "dispatcher", viewport=PHONE, device_scale_factor=2)
        take(phone, demo, f"/o/work_order/{done}", "phone")
        browser.close()


if __name__ == "__main__":
    main()
