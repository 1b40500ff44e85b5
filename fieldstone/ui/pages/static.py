"""The one route of the static files: versioned addresses, cached for ever, compressed where it helps."""

from __future__ import annotations

from flask import Response

from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import OPEN
from fieldstone.platform.http.routes import Pages
from fieldstone.platform.kernel.errors import NotFound
from fieldstone.ui.assets import Assets


def make_static_pages(assets: Assets) -> Pages:
    """The route."""
    pages = Pages("static_pages")

    @pages.get("/static/<version>/<path:path>", policy=OPEN)
    def static_file(call: Call, version: str, path: str) -> Response:
        asset = assets.read(path)
        if asset is None:
            raise NotFound
        packed = asset.gzipped if "gzip" in call.request.headers.get("Accept-Encoding", "") else None
        answer = Response(packed or asset.body, mimetype=asset.mimetype)
        if packed:
            answer.headers["Content-Encoding"] = "gzip"
        answer.headers["Vary"] = "Accept-Encoding"
        fresh = version == assets.version
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if fresh else "no-cache"
        return answer

    return pages
