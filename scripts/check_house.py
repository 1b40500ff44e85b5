"""The house rules that no linter knows. Run by `make lint`; exits 1 and lists what is wrong.

- a source file has at most 400 lines, a function at most 60;
- no import inside a function;
- nothing outside `objects/fieldtypes` branches on a field type's name;
- nobody but the unit of work commits or rolls back;
- `__init__.py` files are empty;
- SQL text is made in few files only; no `eval`, `exec` or `pickle` outside the expression compiler.

`ALLOWED` names the places where a rule does not hold yet, each with its reason. It may only shrink: an entry
that is no longer needed is an error too.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "fieldstone"
MAX_FILE = 400
MAX_FUNCTION = 60

TYPE_NAMES = frozenset(
    [
        "long_text",
        "markdown",
        "decimal",
        "currency",
        "percent",
        "datetime",
        "multi_select",
        "auto_number",
        "lookup",
        "child",
        "many_to_many",
        "signature",
        "geolocation",
        "barcode",
        "rating",
        "formula",
        "roll_up",
    ]
)
DANGEROUS = frozenset({"eval", "exec"})
DANGEROUS_IMPORTS = frozenset({"pickle", "marshal", "shelve"})

# (rule, path or path:function) -> why it is allowed for now.
ALLOWED: dict[tuple[str, str], str] = {}


def findings() -> Iterator[tuple[str, str, str]]:
    """(rule, place, words) of everything that breaks a rule."""
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        text = path.read_text(encoding="utf-8")
        if path.name == "__init__.py":
            if text.strip():
                yield "empty-init", name, "__init__.py is not empty"
            continue
        if "/migrations/" in name:
            continue
        lines = text.count("\n") + 1
        if lines > MAX_FILE:
            yield "file-length", name, f"{lines} lines, at most {MAX_FILE}"
        yield from _in_tree(name, ast.parse(text))


def _in_tree(name: str, tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _in_function(name, node)
        elif isinstance(node, ast.Compare):
            yield from _branch_on_type(name, node)
        elif isinstance(node, ast.Call):
            yield from _calls(name, node)
        elif isinstance(node, ast.Import) and any(a.name.split(".")[0] in DANGEROUS_IMPORTS for a in node.names):
            yield "dangerous", name, f"line {node.lineno}: {ast.unparse(node)}"


def _in_function(name: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, str, str]]:
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    if length > MAX_FUNCTION:
        yield "function-length", f"{name}:{node.name}", f"{length} lines, at most {MAX_FUNCTION}"
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import | ast.ImportFrom):
            yield "import-in-function", f"{name}:{node.name}", f"line {inner.lineno}: {ast.unparse(inner)}"


def _branch_on_type(name: str, node: ast.Compare) -> Iterator[tuple[str, str, str]]:
    if name.startswith("fieldstone/objects/fieldtypes/"):
        return
    sides = [node.left, *node.comparators]
    about_type = any(
        (isinstance(side, ast.Attribute) and side.attr in {"type", "type_name"})
        or (isinstance(side, ast.Attribute) and side.attr == "name" and ast.unparse(side).endswith("type.name"))
        or (isinstance(side, ast.Subscript) and ast.unparse(side).endswith("['type']"))
        for side in sides
    )
    if not about_type:
        return
    constants = {c.value for side in sides for c in ast.walk(side) if isinstance(c, ast.Constant)}
    if constants & TYPE_NAMES:
        yield "branch-on-type", name, f"line {node.lineno}: {ast.unparse(node)}"


def _calls(name: str, node: ast.Call) -> Iterator[tuple[str, str, str]]:
    function = node.func
    if isinstance(function, ast.Attribute) and function.attr in {"commit", "rollback"} and not node.args:
        if not name.startswith(("fieldstone/platform/database/", "fieldstone/platform/units")):
            yield "commit", name, f"line {node.lineno}: {ast.unparse(node)}"
    elif isinstance(function, ast.Name) and function.id in DANGEROUS:
        yield "dangerous", name, f"line {node.lineno}: {function.id}()"


def main() -> int:
    """Print every finding that is not allowed, and every allowance that is not needed."""
    found = list(findings())
    wrong = [f"{rule}: {place}: {words}" for rule, place, words in found if (rule, place) not in ALLOWED]
    present = {(rule, place) for rule, place, _ in found}
    stale = [f"not needed any more: {key}" for key in ALLOWED if key not in present]
    for line in wrong + stale:
        print(line)
    print(f"{len(wrong)} findings, {len(stale)} stale allowances, {len(ALLOWED)} allowed")
    return 1 if wrong or stale else 0


if __name__ == "__main__":
    sys.exit(main())
