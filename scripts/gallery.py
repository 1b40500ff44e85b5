"""The gallery: every component of the pages with sample data, and whole sample pages, on plain Flask.

In: the templates and static files of ``fieldstone/ui``; nothing else of Fieldstone is started. Out: http://127.0.0.1:8190/
(``?theme=dark&lang=zh-Hans&density=comfy&hue=150``), under the same content security policy as the product.
Run as ``python -m scripts.gallery [PORT]``; the browser tests start ``create_app()`` in a thread.
"""

from __future__ import annotations

import json
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, make_response, render_template, request
from jinja2 import ChainableUndefined

from fieldstone.platform.i18n import catalogue
from fieldstone.ui.assets import Assets

UI = Path(__file__).resolve().parent.parent / "fieldstone" / "ui"
PAGES = ["list", "record", "form", "inbox", "dispatch", "signin", "error", "import", "jobs", "empty"]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def create_app() -> Flask:
    """The gallery as a Flask application, ready to be served."""
    app = Flask("gallery", static_folder=None, template_folder=str(UI / "templates"))
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True, "undefined": ChainableUndefined}
    assets = Assets()
    app.jinja_env.globals["static"] = assets.url
    app.jinja_env.globals["_"] = _translate
    app.after_request(_headers)
    app.add_url_rule(f"/static/{assets.version}/<path:path>", "static_file", lambda path: _static(assets, path))
    app.add_url_rule("/", "gallery", lambda: render_template("gallery.html", **_context("gallery")))
    app.add_url_rule("/page/<name>", "page", _page, methods=["GET", "POST"])
    app.add_url_rule("/part/<name>", "part", _part, methods=["GET", "POST"])
    app.add_url_rule("/search", "search", _search)
    app.add_url_rule("/lookup", "lookup", _lookup)
    app.add_url_rule("/status/<int:code>", "status", _status, methods=["GET", "POST"])
    return app


def _static(assets: Assets, path: str) -> Response:
    asset = assets.read(path)
    if asset is None:
        return Response("no such file", 404)
    packed = asset.gzipped if "gzip" in request.headers.get("Accept-Encoding", "") else None
    answer = Response(packed or asset.body, mimetype=asset.mimetype)
    if packed:
        answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer


def _headers(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Vary"] = "HX-Request"
    return response


def _translate(text: str, **facts: object) -> str:
    translated = _words(request.args.get("lang", "en")).get(text, text) if request else text
    return translated % facts if facts else translated


@cache
def _words(locale: str) -> dict[str, str]:
    """The product's catalogue and, for the sample texts, one of the gallery's own."""
    samples = UI / "templates" / "gallery" / f"{locale}.json"
    return {**(json.loads(samples.read_text("utf-8")) if samples.is_file() else {}), **catalogue(locale)}


def _page(name: str) -> Response | str | tuple[str, int]:
    if name not in PAGES:
        return "no such page", 404
    return render_template(f"gallery/{name}.html", **_context(name))


def _part(name: str) -> Response:
    """Fragments that htmx asks for: the drawer, dialogs, an inline editor, a re-rendered form part."""
    status = 422 if name in ("drawer_save", "cell_save") and not request.form.get("subject", "x").strip() else 200
    answer = make_response(
        render_template("gallery/parts.html", part=name, status=status, form=request.form, **_context(name)), status
    )
    if name == "drawer_save" and status == 200:
        answer = make_response("", 204)
        answer.headers["HX-Trigger"] = json.dumps(
            {"fs:close": True, "fs:toast": {"text": "Saved", "kind": "ok", "undo_url": "/part/undo"}}
        )
    return answer


def _search() -> dict[str, Any]:
    query = request.args.get("q", "").lower()
    rows = [
        {"label": "Work orders", "href": "/page/list", "icon": "clipboard-list", "kind": "Page"},
        {
            "label": "WO-00418 Chiller pump vibration",
            "href": "/page/record",
            "icon": "clipboard-list",
            "kind": "Work order",
        },
        {"label": "Harbour Tower C", "href": "/page/record", "icon": "building", "kind": "Customer"},
        {"label": "New work order", "href": "/page/form", "icon": "plus", "kind": "Action"},
        {"label": "Approvals", "href": "/page/inbox", "icon": "circle-check", "kind": "Page"},
    ]
    return {"results": [row for row in rows if query in row["label"].lower()]}


def _lookup() -> dict[str, Any]:
    names = ["Harbour Tower A", "Harbour Tower C", "Kestrel Foods", "Nam Fung Plaza", "St. Anne Hospital", "南豐廣場"]
    query = request.args.get("q", "").lower()
    return {"results": [{"id": name, "label": name, "note": "Kowloon East"} for name in names if query in name.lower()]}


def _status(code: int) -> tuple[str, int, dict[str, str]]:
    time.sleep(0.05)
    return "<p>refused</p>", code, {"X-Request-Id": "01JD3V7Z-42"}


def _context(page: str) -> dict[str, Any]:
    args = request.args
    return {
        "shell": {
            "app": {"name": "service", "label": _translate("Field service"), "icon": "headset"},
            "apps": [
                {
                    "name": "service",
                    "label": _translate("Field service"),
                    "icon": "headset",
                    "href": "/",
                    "color": "blue",
                },
                {"name": "sales", "label": _translate("Sales"), "icon": "report", "href": "/", "color": "green"},
                {"name": "setup", "label": _translate("Setup"), "icon": "settings", "href": "/", "color": "grey"},
            ],
            "nav": _navigation(page),
            "user": {"name": "Jo Dean", "email": "jo.dean@harbour.example", "initials": "JD"},
            "tenant": {"label": "Fieldstone", "hue": int(args["hue"]) if "hue" in args else None},
            "locale": args.get("lang", "en"),
            "theme": args.get("theme", "auto"),
            "density": args.get("density", "compact"),
            "unread": 3,
            "search_url": "/search",
            "csrf_token": "sample-token",
            "create_links": [
                {
                    "label": _translate("Work order"),
                    "icon": "clipboard-list",
                    "href": "/page/form",
                    "drawer_url": "/part/drawer",
                },
                {"label": _translate("Customer"), "icon": "building", "href": "/page/form", "drawer_url": ""},
            ],
            "urls": {
                "home": "/",
                "profile": "/",
                "notifications": "/page/inbox",
                "jobs": "/page/jobs",
                "bin": "/",
                "setup": "",
                "sign_out": "/page/signin",
            },
            "flashes": [],
            "palette_url": "/search",
        },
        "csrf": "sample-token",
        "query": request.query_string.decode(),
        "pages": PAGES,
    }


def _navigation(page: str) -> list[dict[str, Any]]:
    items = [
        ("Home", "home", "/", page == "gallery"),
        ("Work orders", "clipboard-list", "/page/list", page in ("list", "record", "form", "empty")),
        ("Cases", "headset", "/page/list", False),
        ("Dispatch board", "calendar-clock", "/page/dispatch", page == "dispatch"),
        ("Accounts", "building-community", "/page/list", False),
        ("Assets", "engine", "/page/list", False),
        ("Inventory", "package", "/page/import", page == "import"),
        ("Approvals", "circle-check", "/page/inbox", page == "inbox"),
        ("Dashboards", "chart-bar", "/", False),
    ]
    query = f"?{request.query_string.decode()}" if request.query_string else ""
    links = [
        {
            "label": _translate(label),
            "icon": icon,
            "href": href + query,
            "active": active,
            "count": 4 if icon == "circle-check" else None,
        }
        for label, icon, href, active in items
    ]
    stars = [
        {"label": _translate(label), "icon": "star", "href": "/page/list" + query, "active": False, "count": None}
        for label in ("Overdue today", "Kowloon East")
    ]
    return [{"label": _translate("Service"), "items": links}, {"label": _translate("Favourites"), "items": stars}]


if __name__ == "__main__":
    create_app().run(port=int(sys.argv[1]) if len(sys.argv) > 1 else 8190)
