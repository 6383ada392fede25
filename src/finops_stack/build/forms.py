"""Which forms a lake needs models for: those that ever had a bill.

DuckLake keeps no statistics of a table without rows and asks its catalogue for each column anew:
one empty FOCUS table makes every query of the focus view 0.1 s slower, readers' too.
"""

from collections.abc import Collection

from finops_stack.vendors.manifest import Form, Vendor


def with_forms(vendor: Vendor, landed: Collection[tuple[str, str]]) -> Vendor:
    """The vendor with only the forms of (vendor, form) in `landed`, and those that these need."""
    texts = vendor.models()
    return vendor.model_copy(
        update={
            "forms": tuple(
                form
                for form in vendor.forms
                if (vendor.name, form.name) in landed or _is_read_by_others(form, texts)
            )
        }
    )


def models_left_out(vendor: Vendor, used: Vendor) -> set[str]:
    """Tables of the vendor that none of the used forms fills."""
    kept = {model for form in used.forms for model in form.models}
    return {model for form in vendor.forms for model in form.models} - kept


def _is_read_by_others(form: Form, texts: dict[str, str]) -> bool:
    """Whether a model that is not the form's own names one of its tables."""
    own = set(form.models)
    return any(
        f'"{model}"' in text or f"'{model}'" in text
        for model in own
        for name, text in texts.items()
        if name not in own
    )
