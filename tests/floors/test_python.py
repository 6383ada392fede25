"""The package keeps its own rules: floors, sizes, annotations, docstrings."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "finops_stack"
MODULES = sorted(PACKAGE.rglob("*.py"))
# docs/decisions and design: a function fits half a screen, a module is one idea
FUNCTION_LINES = 60
MODULE_LINES = 400


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def functions(tree, inside=""):
    """Every function with its dotted name; functions inside functions are not public."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{inside}{node.name}", node
        elif isinstance(node, ast.ClassDef):
            yield from functions(node, f"{inside}{node.name}.")


def is_public(dotted: str) -> bool:
    return not any(part.startswith("_") for part in dotted.split("."))


def test_a_floor_uses_only_floors_below_it():
    """The contracts stand in .importlinter."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module(path):
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) <= MODULE_LINES
    assert ast.get_docstring(tree), "a module says what it is for"
    faults = []
    for dotted, node in functions(tree):
        lines = (node.end_lineno or 0) - node.lineno + 1
        if lines > FUNCTION_LINES:
            faults.append(f"{dotted} has {lines} lines")
        if not is_public(dotted):
            continue
        if not ast.get_docstring(node):
            faults.append(f"{dotted} has no docstring")
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        bare = [a.arg for a in arguments if a.annotation is None and a.arg not in ("self", "cls")]
        if bare or node.returns is None:
            faults.append(f"{dotted} is not annotated: {', '.join(bare) or 'return'}")
    assert faults == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_has_a_name_that_invites_anything(path):
    assert path.stem not in {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
