"""The kinds of metadata that this room understands.

`app.py` registers them; the room itself knows no frame, since it may import the kernel only.
"""

from __future__ import annotations

from fieldstone.platform.kernel.metadata import MetadataKind
from fieldstone.rules.kinds import approval_process, automation, decision_table, validation_rule

KINDS: tuple[MetadataKind, ...] = (
    validation_rule.KIND,
    decision_table.KIND,
    automation.KIND,
    approval_process.KIND,
)
