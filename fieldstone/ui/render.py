"""Templates to HTML: one Jinja environment a language, so that macros know their words without being told.

In: a template's name, a locale, values. Out: HTML responses. Autoescape is always on; an unknown name is an error.
Called by every page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Response
from jinja2 import ChainableUndefined, Environment, FileSystemLoader

from fieldstone.platform.i18n import catalogue
from fieldstone.platform.kernel.text import LOCALES
from fieldstone.ui.assets import Assets

TEMPLATES = Path(__file__).resolve().parent / "templates"


class Renderer:
    """All templates of the pages; other rooms add folders of theirs before the first page is drawn."""

    def __init__(self, assets: Assets) -> None:
        self._assets = assets
        self._folders = [str(TEMPLATES)]
        self._environment = lru_cache(maxsize=len(LOCALES))(self._make_environment)

    def add_folder(self, folder: Path) -> None:
        """Look for templates there as well."""
        self._folders.append(str(folder))

    def html(self, template: str, locale: str, values: Mapping[str, Any]) -> str:
        """The template in that language."""
        return self._environment(locale if locale in LOCALES else "en").get_template(template).render(values)

    def page(self, template: str, locale: str, values: Mapping[str, Any], status: int = 200) -> Response:
        """The template as a response."""
        return Response(self.html(template, locale, values), status, content_type="text/html; charset=utf-8")

    def _make_environment(self, locale: str) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(self._folders),
            autoescape=True,
            undefined=ChainableUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=400,
        )
        environment.globals.update({"static": self._assets.url, "_": words(locale), "locale": locale})
        return environment


def words(locale: str) -> Callable[..., str]:
    """The function `_` of templates: an English text, in `locale`, its `%(name)s` places filled."""
    known = catalogue(locale)

    def translate(text: str, **facts: object) -> str:
        found = known.get(text, text)
        return found % facts if facts else found

    return translate
