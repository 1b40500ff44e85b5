"""Names of the jobs that a plan may start. Who calls it: plans (which start them) and `jobs` (which run them)."""

from __future__ import annotations

from typing import Final

BUILD_INDEX: Final = "build_index"
CONVERT_FIELD: Final = "convert_field"
FILL_FORMULA: Final = "fill_formula"
RECOUNT: Final = "recount_roll_up"
