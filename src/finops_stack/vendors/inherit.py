"""A form that says only what differs from another form of its folder: extends = "that form"."""

from collections.abc import Mapping, Sequence
from typing import Any


def with_inherited(forms: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every form with what it takes over from the one it extends, which stands before it.

    Tables are merged, its own keys first; of lists of tables its own come first, merged with the
    other's entry of the same name or file; lists of columns are joined; anything else it says
    itself replaces the other's word.
    Raises: ValueError for a form that extends one that does not stand before it.
    """
    whole: dict[str, dict[str, Any]] = {}
    for form in forms:
        said = dict(form)
        base = said.pop("extends", None)
        if base is not None:
            if base not in whole:
                known = ", ".join(whole) or "none"
                raise ValueError(f'no form "{base}" stands before it to extend; there: {known}')
            said = _merged(_inheritable(whole[base]), said)
        whole[str(said.get("name"))] = said
    return list(whole.values()) if len(whole) == len(forms) else list(forms)


def _inheritable(form: Mapping[str, Any]) -> dict[str, Any]:
    """All but the form's own name and what it is recognised by."""
    own = ("name", "title", "recognised_by", "required", "focus", "control")
    return {key: value for key, value in form.items() if key not in own}


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in own.items():
        there = merged.get(key)
        if isinstance(value, dict) and isinstance(there, dict):
            merged[key] = _merged(there, value)
        elif isinstance(value, list) and isinstance(there, list):
            merged[key] = _joined(there, value)
        else:
            merged[key] = value
    return merged


def _joined(base: Sequence[Any], own: Sequence[Any]) -> list[Any]:
    others = {_called(entry): entry for entry in base if _called(entry)}
    said = [_merged(others.get(_called(e), {}), e) if isinstance(e, dict) else e for e in own]
    names = {_called(entry) for entry in own} - {""}
    return [*said, *(e for e in base if e not in said and _called(e) not in names)]


def _called(entry: Any) -> str:
    """What an entry of a list of tables is told apart by, where it has a name."""
    return str(entry.get("name") or entry.get("file") or "") if isinstance(entry, dict) else ""
