"""Files: any file, an image, a signature. The value is the id of an uploaded file.

Files are uploaded first (`POST /files`) and then named by id; the file rows and their bytes belong to the record
service, which checks on save that the file exists, that its size and kind fit and that the caller uploaded it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from fieldstone.objects.fieldtypes.base import Field, Scope
from fieldstone.objects.fieldtypes.declaration import USUAL, Declaration
from fieldstone.objects.fieldtypes.lookups import PointerType
from fieldstone.objects.fieldtypes.operators import PRESENCE
from fieldstone.platform.kernel.metadata import Reference
from fieldstone.rules.expressions.types import STRING, Type

MAX_BYTES = 50 * 2**20


class FileType(PointerType):
    """Any file."""

    name = "file"
    label = MappingProxyType({"en": "File", "zh-Hans": "文件", "zh-Hant": "檔案"})
    group = "file"
    icon = "file"
    sort = "none"
    groupable = False
    indexed = False
    operators = PRESENCE
    aggregates = ("count",)
    common = USUAL - {"default", "placeholder"}
    default_accept: ClassVar[tuple[str, ...]] = ()
    options: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "max_bytes": {
                "title": "Largest size",
                "description": "In bytes.",
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_BYTES,
                "default": 20 * 2**20,
            },
            "accept": {
                "title": "Kinds of files",
                "description": "Media types such as application/pdf or image/*; none means any.",
                "type": "array",
                "items": {"type": "string", "pattern": r"^[a-z]+/([a-z0-9.+\-]+|\*)$"},
                "maxItems": 30,
            },
        }
    )

    def __init__(self, declaration: Declaration, scope: Scope) -> None:
        super().__init__(declaration, scope)
        self.max_bytes: int = self.option("max_bytes", 20 * 2**20)
        self.accept: tuple[str, ...] = tuple(self.option("accept", self.default_accept))

    @property
    def targets(self) -> tuple[str, ...]:
        return ()

    @property
    def holds_file(self) -> bool:
        """Whether the value is the id of a file row."""
        return True

    def accepts(self, media_type: str) -> bool:
        """Whether a file of that media type may be put here."""
        family = media_type.split("/")[0]
        return not self.accept or media_type in self.accept or f"{family}/*" in self.accept

    def variable(self, value: Any) -> Any:
        return value

    def expression_type(self) -> Type:
        return STRING

    def references(self) -> Iterable[Reference]:
        return ()

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": self.name, "accept": list(self.accept), "max_bytes": self.max_bytes}


class ImageType(FileType):
    """An image that is shown."""

    name = "image"
    label = MappingProxyType({"en": "Image", "zh-Hans": "图片", "zh-Hant": "圖片"})
    icon = "photo"
    default_accept = ("image/jpeg", "image/png", "image/gif", "image/webp")


class SignatureType(FileType):
    """A signature drawn on the screen, kept as an image."""

    name = "signature"
    label = MappingProxyType({"en": "Signature", "zh-Hans": "签名", "zh-Hant": "簽名"})
    icon = "signature"
    default_accept = ("image/png", "image/svg+xml")
    options = MappingProxyType({})

    def __init__(self, declaration: Declaration, scope: Scope) -> None:
        super().__init__(declaration, scope)
        self.max_bytes = 2**20
