"""Package files in and out of folders and zip archives.

What comes in: a path of a folder or an archive, made by anybody. What goes out: bytes by relative path, or `Invalid` /
`MetadataError` when the archive tries to be something else: paths that leave it, links, encryption, more files or
bytes than allowed (counted while unpacking, whatever its headers say). Called by `reading` and the command line.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from fieldstone.platform.kernel.errors import Invalid, NotFound
from fieldstone.platform.metadata.limits import LIMITS

MANIFEST = "package.json"
# The same for every archive, so that the same files make the same bytes.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_ENCRYPTED = 0x1


def read_files(path: Path) -> dict[str, bytes]:
    """All files of a package folder or archive by relative path. Raises `NotFound`, `Invalid`, `MetadataError`."""
    if path.is_dir():
        return _collected(_in_folder(path))
    if path.is_file():
        with path.open("rb") as stream:
            return read_archive(stream)
    raise NotFound("There is no package at {path}.", path=str(path))


def read_archive(stream: io.BufferedIOBase | io.BytesIO) -> dict[str, bytes]:
    """All files of a zip archive. A single folder around everything is taken off."""
    try:
        with zipfile.ZipFile(stream) as archive:
            return _without_outer_folder(_collected(_in_archive(archive)))
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, OSError) as error:
        raise Invalid("This is not a readable zip archive: {reason}", code="archive", reason=str(error)) from None


def write_folder(files: Mapping[str, str], folder: Path) -> None:
    """Write exactly these files; definitions that are no longer among them are removed."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
    for old in folder.glob("*/*.json"):
        if old.relative_to(folder).as_posix() not in files:
            old.unlink()


def write_archive(files: Mapping[str, str]) -> bytes:
    """The files as a zip archive; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            info = zipfile.ZipInfo(path, date_time=_ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, files[path])
    return buffer.getvalue()


def _collected(files: Iterator[tuple[str, bytes]]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    size = 0
    for path, data in files:
        if path in found:
            raise Invalid("The file {path} is there twice.", code="archive", path=path)
        size += len(data)
        LIMITS.check("package_bytes", size)
        found[path] = data
        LIMITS.check("package_files", len(found))
    return found


def _in_folder(root: Path) -> Iterator[tuple[str, bytes]]:
    for current, folders, names in os.walk(root):
        here = Path(current)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            _refuse_link(here / name, root)
        for name in sorted(names):
            file = here / name
            if name.startswith("."):
                continue
            _refuse_link(file, root)
            LIMITS.check("file_bytes", file.stat().st_size, file.relative_to(root).as_posix())
            yield file.relative_to(root).as_posix(), file.read_bytes()


def _refuse_link(path: Path, root: Path) -> None:
    if path.is_symlink():
        raise Invalid("{path} is a link; a package holds its files itself.", path=path.relative_to(root).as_posix())


def _in_archive(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    entries = archive.infolist()
    LIMITS.check("package_files", len(entries))
    for entry in entries:
        _check_entry(entry)
        if entry.is_dir() or any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(entry.filename).parts):
            continue
        with archive.open(entry) as stream:
            data = stream.read(LIMITS.file_bytes + 1)
        LIMITS.check("file_bytes", len(data), entry.filename)
        yield entry.filename, data


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\x00" in name or ":" in name:
        raise Invalid("{path} would be outside of the package.", code="archive", path=name)
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise Invalid("{path} is a link; a package holds its files itself.", code="archive", path=name)
    if entry.flag_bits & _ENCRYPTED:
        raise Invalid("{path} is encrypted.", code="archive", path=name)


def _without_outer_folder(files: dict[str, bytes]) -> dict[str, bytes]:
    if MANIFEST in files:
        return files
    roots = {PurePosixPath(path).parts[0] for path in files}
    if len(roots) == 1 and f"{next(iter(roots))}/{MANIFEST}" in files:
        return {path.partition("/")[2]: data for path, data in files.items()}
    return files
