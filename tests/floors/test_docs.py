"""Docs are tests: each verb and each setting occurs in README.md or docs/*.md."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from finops_stack.cli.main import app
from finops_stack.config import Config, LakeSettings, S3Settings, Source

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINES = [line for page in PAGES for line in page.read_text(encoding="utf-8").splitlines()]
VERBS = sorted(
    command.name or command.callback.__name__.replace("_", "-")
    for command in app.registered_commands
)
# The lake reaches S3 by a profile, which may assume a role: session.py refuses these two.
REFUSED = {("lake.s3", "role_arn"), ("lake.s3", "external_id")}


def settings(model: type[BaseModel], section: str = "") -> list[tuple[str, str]]:
    """(section, key) of every setting; a section of its own gives its keys."""
    found = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        below = f"{section}.{name}" if section else name
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found += settings(inner, below)
        else:
            found.append((section, name))
    return found


SETTINGS = [
    *settings(Config),
    *settings(Source, "sources"),
]


def test_there_is_something_to_check():
    assert {"init", "add", "run", "plan", "status"} <= set(VERBS)
    assert ("lake", "path") in SETTINGS
    assert ("sources.s3", "profile") in SETTINGS
    assert set(S3Settings.model_fields) | set(LakeSettings.model_fields)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_documented(verb):
    assert any(re.search(rf"\bfinops {verb}\b", line) for line in LINES)


@pytest.mark.parametrize(("section", "key"), [s for s in SETTINGS if s not in REFUSED])
def test_every_setting_is_documented_on_the_line_of_its_section(section, key):
    named = [line for line in LINES if not section or f"[{section}]" in line]
    written = re.compile(rf"[`\s]{key}`|`\[+{key}\]+`")
    assert any(written.search(line) for line in named), f"[{section}] {key}"


def test_every_setting_has_a_description_in_the_code():
    def bare(model):
        for name, field in model.model_fields.items():
            inner = field.annotation
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from bare(inner)
            elif not field.description:
                yield f"{model.__name__}.{name}"

    assert [*bare(Config), *bare(Source)] == []
