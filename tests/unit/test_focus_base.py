"""Which FOCUS version a bill is, told by its columns."""

import pytest

from finops_stack.focus.spec import VERSIONS, columns
from finops_stack.vendors.focus_base import focus_version


@pytest.mark.parametrize("version", VERSIONS)
def test_a_file_with_every_column_of_a_version_is_of_that_version(version):
    assert focus_version(column.name for column in columns(version)) == version


@pytest.mark.parametrize(
    ("names", "version"),
    [
        (["BilledCost", "ProviderName", "ChargeSubcategory"], "1.0-preview"),
        (["BilledCost", "Provider", "Region"], "1.0-preview"),
        (["BilledCost", "ProviderName", "x_Anything"], "1.0"),
        (["billedcost", "providername", "skumeter"], "1.1"),
        (["BilledCost", "ProviderName", "SkuMeter", "InvoiceId"], "1.2"),
        (["BilledCost", "InvoiceIssuer", "ServiceProviderName", "ProviderName"], "1.3"),
        (["BilledCost", "HostProviderName", "InvoiceIssuerName"], "1.3"),
        (["BilledCost", "ServiceProviderName", "HostProviderName", "InvoiceIssuerName"], "1.4"),
        (["BilledCost", "ProviderName", "InvoiceDetailId"], "1.4"),
    ],
)
def test_the_newest_column_tells(names, version):
    assert focus_version(names) == version
