"""The formulas of a delivery's form, made once for all its rows."""

from collections.abc import Callable
from dataclasses import replace

from finops_stack.errors import InputError
from finops_stack.explain.formula import FormFormulas
from finops_stack.explain.mapped_formula import mapped_formulas
from finops_stack.explain.model_formula import model_formulas
from finops_stack.explain.readme import words_of
from finops_stack.vendors.manifest import Form, Vendor


class Formulas:
    """Formulas by vendor, form and charge of a raw row. load: a vendor's folder by its name."""

    def __init__(self, load: Callable[[str], Vendor]) -> None:
        self._load = load
        self._vendors: dict[str, Vendor | InputError] = {}
        self._made: dict[tuple[str, str, int], FormFormulas] = {}

    def form(self, vendor_name: str, form_name: str) -> tuple[Vendor, Form] | InputError:
        """The folder and its form; why not, where the folder is gone or wrong."""
        vendor = self._vendor(vendor_name)
        if isinstance(vendor, InputError):
            return vendor
        for form in vendor.forms:
            if form.name == form_name:
                return vendor, form
        return InputError(f"the folder of {vendor_name} has no form {form_name} any more")

    def of(self, vendor_name: str, form_name: str, part: int) -> FormFormulas:
        """The four costs of a charge. part: its x_SourcePart."""
        found = self.form(vendor_name, form_name)
        if isinstance(found, InputError):
            return FormFormulas(vendor_name, form_name, "", {}, problem=found.message)
        vendor, form = found
        # Spreads are counted over all records of a row.
        number = part % (len(form.spread) + 1) if is_configured(vendor, form) else 0
        key = (vendor_name, form_name, number)
        if key not in self._made:
            self._made[key] = _made(vendor, form, number)
        return self._made[key]

    def _vendor(self, name: str) -> Vendor | InputError:
        if name not in self._vendors:
            try:
                self._vendors[name] = self._load(name)
            except InputError as error:
                self._vendors[name] = error
        return self._vendors[name]


def is_configured(vendor: Vendor, form: Form) -> bool:
    """Whether the form's FOCUS model is made from its mapping, not written in the folder."""
    return form.is_mapped and form.focus not in vendor.models()


def _made(vendor: Vendor, form: Form, number: int) -> FormFormulas:
    configured = is_configured(vendor, form)
    found = mapped_formulas(vendor, form, number) if configured else model_formulas(vendor, form)
    told = {
        name: replace(formula, words=words_of(vendor.folder, name))
        for name, formula in found.items()
    }
    part = number if configured and form.spread else None
    return FormFormulas(vendor.name, form.name, form.title, told, part)
