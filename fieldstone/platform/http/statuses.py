"""Which error is which HTTP status: the one table.

Classes of the error tree are looked up along their inheritance; whatever is not in the tree is a 500 and says
nothing about itself. Called by `problems`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fieldstone.platform.kernel.errors import (
    Conflict,
    DuplicateName,
    FieldstoneError,
    Forbidden,
    Frozen,
    Invalid,
    Locked,
    Misconfigured,
    NotFound,
    NotSignedIn,
    PreconditionRequired,
    StaleRevision,
    TooLarge,
    TooManyRequests,
    Unavailable,
    Unreadable,
    UnsupportedMedia,
)
from fieldstone.platform.kernel.metadata import MetadataError

STATUSES: Mapping[type[FieldstoneError], int] = MappingProxyType(
    {
        Unreadable: 400,
        NotSignedIn: 401,
        Forbidden: 403,
        NotFound: 404,
        Conflict: 409,
        StaleRevision: 412,
        TooLarge: 413,
        UnsupportedMedia: 415,
        Invalid: 422,
        MetadataError: 422,
        Locked: 423,
        PreconditionRequired: 428,
        TooManyRequests: 429,
        Misconfigured: 500,
        DuplicateName: 500,
        Frozen: 500,
        Unavailable: 503,
        FieldstoneError: 422,
    }
)


def status_of(error: FieldstoneError) -> int:
    """The HTTP status of an error, by its class or the nearest class above that has one."""
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
