"""The JSON Schema of vendor.toml: an editor completes keys and marks what is wrong."""

from typing import Any

from finops_stack.vendors.manifest import Vendor


def vendor_schema() -> dict[str, Any]:
    """Made from the classes that read vendor.toml; what the folder itself says is left out."""
    schema = Vendor.model_json_schema()
    ours = ("name", "folder", "additions")
    for name in ours:
        schema["properties"].pop(name)
    schema["required"] = [name for name in schema["required"] if name not in ours]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "vendor.toml of Open FinOps Stack",
        "description": "docs/vendor-folders.md explains each key.",
    } | {key: value for key, value in schema.items() if key not in ("title", "description")}
