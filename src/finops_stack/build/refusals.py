"""Why a bill of a form is not loaded at all, as its vendor.toml says: SQL over the bill's rows."""

from finops_stack.build.bill_rows import BillFiles, relation_sql
from finops_stack.vendors.expressions import parse_expression
from finops_stack.vendors.manifest import Vendor
from finops_stack.vendors.mapping_check import expression_columns


def refusal_sql(vendor: Vendor, bill: BillFiles) -> dict[str, str]:
    """Reason → a select of the rows for which it holds: their file and row."""
    columns = {"": expression_columns(vendor, bill.form)[""]} if bill.form.refuse else {}
    return {
        refuse.because: (
            f"select x_SourceFile, x_SourceRow from ({relation_sql(bill)}) as source"
            f" where {parse_expression(refuse.when, columns).sql('duckdb')}"
        )
        for refuse in bill.form.refuse
    }
