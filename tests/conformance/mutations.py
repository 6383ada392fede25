"""Rows that keep every rule, and for each rule a row that breaks it: worked out from the rule's own
expression by assignments, never by the predicates under test."""

import json
from typing import Any

from finops_stack.focus.rules import Rule

Row = dict[str, str | None]
Expression = list[Any]

_USAGE: Row = {
    "AllocatedMethodDetails": '{"Elements": [{"AllocatedRatio": 0.5, "UsageUnit": "Hours",'
    ' "UsageQuantity": 1}]}',
    "AllocatedMethodId": "by-hours",
    "AllocatedResourceId": "pod-1",
    "AllocatedResourceName": "Pod one",
    "AllocatedTags": '{"pod": "a"}',
    "AvailabilityZone": "eu-1a",
    "BilledCost": "2",
    "BillingAccountId": "acc-1",
    "BillingAccountName": "Company",
    "BillingAccountType": "Organization",
    "BillingCurrency": "EUR",
    "BillingPeriodEnd": "2026-10-01T00:00:00Z",
    "BillingPeriodStart": "2026-09-01T00:00:00Z",
    "CapacityReservationId": "cr-1",
    "CapacityReservationStatus": "Used",
    "ChargeCategory": "Usage",
    "ChargeClass": None,
    "ChargeDescription": "Virtual machine, an hour",
    "ChargeFrequency": "Usage-Based",
    "ChargePeriodEnd": "2026-09-01T02:00:00Z",
    "ChargePeriodStart": "2026-09-01T01:00:00Z",
    "CommitmentDiscountCategory": "Spend",
    "CommitmentDiscountId": "plan-1",
    "CommitmentDiscountName": "Plan one",
    "CommitmentDiscountQuantity": "1.5",
    "CommitmentDiscountStatus": "Used",
    "CommitmentDiscountType": "Savings plan",
    "CommitmentDiscountUnit": "EUR",
    "CommitmentProgramEligibilityDetails": '{"CommitmentPrograms": [{"ProgramType": "plan"}]}',
    "ConsumedQuantity": "4",
    "ConsumedUnit": "Hours",
    "ContractApplied": '{"Elements": [{"ContractId": "c-1", "ContractCommitmentId": "cc-1",'
    ' "ContractCommitmentAppliedCost": 1.5,'
    ' "ContractCommitmentAppliedQuantity": null, "ContractCommitmentAppliedUnit": null}]}',
    "ContractedCost": "3",
    "ContractedUnitPrice": "0.75",
    "EffectiveCost": "2",
    "HostProviderName": "Cloud",
    "InvoiceDetailId": "line-1",
    "InvoiceId": "inv-1",
    "InvoiceIssuerName": "Cloud",
    "ListCost": "4",
    "ListUnitPrice": "1",
    "PricingCategory": "Committed",
    "PricingCurrency": "USD",
    "PricingCurrencyContractedUnitPrice": "0.8",
    "PricingCurrencyEffectiveCost": "2.2",
    "PricingCurrencyListUnitPrice": "1.1",
    "PricingQuantity": "4",
    "PricingUnit": "Hours",
    "ProviderName": "Cloud",
    "PublisherName": "Cloud",
    "RegionId": "eu-1",
    "RegionName": "Europe One",
    "ResourceId": "vm-1",
    "ResourceName": "Machine one",
    "ResourceType": "Virtual machine",
    "ServiceCategory": "Compute",
    "ServiceName": "Machines",
    "ServiceProviderName": "Cloud",
    "ServiceSubcategory": "Virtual Machines",
    "SkuId": "sku-1",
    "SkuMeter": "Compute hours",
    "SkuPriceDetails": '{"CoreCount": 2, "x_Family": "small"}',
    "SkuPriceId": "sku-1",
    "SubAccountId": "sub-1",
    "SubAccountName": "Shop",
    "SubAccountType": "Project",
    "Tags": '{"team": "a"}',
}
_PRICING = [name for name in _USAGE if "UnitPrice" in name or name.startswith(("Pricing", "Sku"))]
_TAX: Row = (
    _USAGE
    | dict.fromkeys(
        [
            *(
                name
                for name in _PRICING
                if name not in ("PricingCurrency", "PricingCurrencyEffectiveCost")
            ),
            *(
                name
                for name in _USAGE
                if name.startswith(("Commitment", "Consumed", "Capacity", "Allocated"))
            ),
            "ContractApplied",
            "ResourceId",
            "ResourceName",
            "ResourceType",
            "Tags",
        ]
    )
    | {"ChargeCategory": "Tax", "ChargeFrequency": "One-Time"}
)
_PURCHASE: Row = (
    _USAGE
    | dict.fromkeys(
        [
            "CommitmentDiscountStatus",
            "ConsumedQuantity",
            "ConsumedUnit",
            "CapacityReservationId",
            "CapacityReservationStatus",
        ]
    )
    | {
        "ChargeCategory": "Purchase",
        "ChargeFrequency": "Recurring",
        "EffectiveCost": "0",
        "PricingCurrencyEffectiveCost": "0",
        "ResourceId": "plan-1",
        "PricingCategory": "Standard",
        "ContractApplied": None,
    }
)
_UNUSED: Row = _USAGE | {
    "CommitmentDiscountStatus": "Unused",
    "ConsumedQuantity": None,
    "ConsumedUnit": None,
    "CapacityReservationId": None,
    "CapacityReservationStatus": None,
    "ResourceId": "plan-1",
}
_CORRECTION: Row = _USAGE | {"ChargeClass": "Correction"}
CLEAN = (_USAGE, _TAX, _PURCHASE, _UNUSED, _CORRECTION)
_SPEND: Row = {
    "BillingCurrency": "EUR",
    "ContractCommitmentApplicability": '{"InclusionOperator": "And", "Inclusions": [{"Dimension":'
    ' "RegionId", "Operator": "In", "Values": ["eu-1"], "Applicability": {"Cost": 0.5}}],'
    ' "ExclusionOperator": "Or", "Exclusions": [{"Dimension": "SkuId", "Operator": "Exists",'
    ' "Values": ["*"]}], "Applicability": {"Usage": 1}}',
    "ContractCommitmentBenefitCategory": "Discount",
    "ContractCommitmentCategory": "Spend",
    "ContractCommitmentCost": "1000",
    "ContractCommitmentCreated": "2026-01-01T00:00:00Z",
    "ContractCommitmentDescription": "a thousand a month",
    "ContractCommitmentDiscountPercentage": "0.2",
    "ContractCommitmentDurationType": "12 Months",
    "ContractCommitmentFulfillmentInterval": "Monthly",
    "ContractCommitmentId": "cc-1",
    "ContractCommitmentLastUpdated": "2026-02-01T00:00:00Z",
    "ContractCommitmentLifecycleStatus": "Active",
    "ContractCommitmentModel": "Continuous",
    "ContractCommitmentOfferCategory": "Public",
    "ContractCommitmentPaymentInterval": "Monthly",
    "ContractCommitmentPaymentModel": "Partial Upfront",
    "ContractCommitmentPaymentUpfrontPercentage": "0.5",
    "ContractCommitmentPeriodEnd": "2027-01-01T00:00:00Z",
    "ContractCommitmentPeriodStart": "2026-01-01T00:00:00Z",
    "ContractCommitmentQuantity": None,
    "ContractCommitmentType": "Plan",
    "ContractCommitmentUnit": None,
    "ContractId": "c-1",
    "ContractPeriodEnd": "2027-01-01T00:00:00Z",
    "ContractPeriodStart": "2026-01-01T00:00:00Z",
    "InvoiceIssuerName": "Cloud",
    "PricingCurrency": "USD",
    "PricingCurrencyContractCommitmentCost": "1100",
    "ServiceProviderName": "Cloud",
}
_BY_QUANTITY: Row = _SPEND | {
    "BillingCurrency": None,
    "ContractCommitmentCategory": "Usage",
    "ContractCommitmentCost": None,
    "ContractCommitmentApplicability": '{"IsGlobalScope": true}',
    "ContractCommitmentId": "cc-2",
    "ContractCommitmentQuantity": "720",
    "ContractCommitmentUnit": "Core-Hours",
    "PricingCurrencyContractCommitmentCost": None,
}
_LINE: Row = {
    "BilledCost": "5",
    "BillingAccountId": "acc-1",
    "BillingCurrency": "EUR",
    "BillingPeriodEnd": "2026-10-01T00:00:00Z",
    "BillingPeriodStart": "2026-09-01T00:00:00Z",
    "ChargeCategory": "Usage",
    "InvoiceDetailCreated": "2026-10-02T00:00:00Z",
    "InvoiceDetailDescription": "machines in September",
    "InvoiceDetailGrain": '{"ServiceName": "Machines"}',
    "InvoiceDetailId": "line-1",
    "InvoiceDetailLastUpdated": "2026-10-02T00:00:00Z",
    "InvoiceId": "inv-1",
    "InvoiceIssueDate": "2026-10-03T00:00:00Z",
    "InvoiceIssueStatus": "Issued",
    "InvoiceIssuerName": "Cloud",
    "PaymentCurrency": "USD",
    "PaymentCurrencyBilledCost": "5.5",
    "PaymentCurrencyInvoiceDetailId": "line-1",
    "PaymentDueDate": "2026-11-03T00:00:00Z",
    "PaymentTerms": "Net 30",
    "PurchaseOrderNumber": "po-1",
    "ReferenceInvoiceId": "inv-1",
}
_TAX_LINE: Row = _LINE | {
    "ChargeCategory": "Tax",
    "InvoiceDetailId": "line-2",
    "PaymentCurrencyInvoiceDetailId": "line-2",
}
_PERIOD: Row = {
    "BillingPeriodCreated": "2026-09-01T00:00:00Z",
    "BillingPeriodEnd": "2026-10-01T00:00:00Z",
    "BillingPeriodLastUpdated": "2026-10-04T00:00:00Z",
    "BillingPeriodStart": "2026-09-01T00:00:00Z",
    "BillingPeriodStatus": "Closed",
    "InvoiceIssuerName": "Cloud",
}
CLEAN_OF: dict[str, tuple[Row, ...]] = {
    "CostAndUsage": CLEAN,
    "ContractCommitment": (_SPEND, _BY_QUANTITY),
    "InvoiceDetail": (_LINE, _TAX_LINE),
    "BillingPeriod": (_PERIOD,),
}
_BAD = "no such word "
# What a rule about the keys of a JSON document does not allow.
_BAD_KEYS = {
    "keys_pascal_case": '{"coreCount": 2}',
    "custom_keys_prefixed": '{"Own": 2}',
    "standard_keys_exact_case": '{"corecount": 2}',
    "standard_values_typed": '{"CoreCount": "2"}',
}
_ABOUT_VALUES = ("fraction_0_1", "wildcard_stands_alone", "is_cost_and_usage_column")
_BAD_VALUES = {
    "Applicability": {"Cost": 2, "Usage": -1},
    "Inclusions": [
        {"Dimension": "Shape", "Values": ["*", "a"], "Applicability": {"Cost": 2, "Usage": "x"}}
    ],
    "Exclusions": [{"Dimension": "Shape", "Values": ["*", "a"]}],
}


def bent(rule: Rule) -> list[Row]:
    """Rows one of which has to break a rule that looks at rows; none where none can be made."""
    clean = CLEAN_OF[rule.dataset]
    if documents := broken_json(rule.requirement):
        return documents
    if rule.requirement[0] in _ABOUT_VALUES:
        return broken_values(rule.requirement[1], clean)
    row = broken(rule.condition, rule.requirement, clean)
    return [row] if row else []


def broken(
    condition: Expression | None, requirement: Expression, clean: tuple[Row, ...] = CLEAN
) -> Row | None:
    """A row in scope that does not do what is asked; None when no clean row can be bent to it."""
    for base in clean:
        row = dict(base)
        for _ in range(3):
            _make(condition or ["and"], row)
            _break(requirement, row)
        if _true(condition or ["and"], row) and not _true(requirement, row):
            return row
    return None


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _true(expression: Expression, row: Row) -> bool:
    """The rule's own meaning in Python; formats and types only by the bad word we put there."""
    operator, arguments = expression[0], expression[1:]
    if operator in ("and", "or"):
        return (all if operator == "and" else any)(_true(part, row) for part in arguments)
    if operator == "not":
        return not _true(arguments[0], row)
    value = row.get(arguments[0])
    if operator in ("is_null", "not_null"):
        return (value is None) == (operator == "is_null")
    if operator in ("eq", "ne"):
        return _is(value, arguments[1]) == (operator == "eq")
    return value is None or _compares(operator, value, arguments[1:], row)


def _is(value: str | None, wanted: object) -> bool:
    return _number(value) == wanted if isinstance(wanted, int | float) else value == wanted


def _compares(operator: str, value: str, others: list[Any], row: Row) -> bool:
    if operator == "ge":
        return (_number(value) or 0) >= others[0]
    if operator in ("between", "between_exclusive"):
        return others[0] < (_number(value) or 0) < others[1]
    if operator in ("same", "not_same"):
        other = row.get(others[0])
        return other is None or (value == other) == (operator == "same")
    if operator == "product_eq":
        return value != "7.77"
    if operator == "ge_col":
        return value >= (row.get(others[0]) or "")
    if operator == "disjoint_keys":
        return value != row.get(others[0])
    return value not in (_BAD, "{bad", *_BAD_KEYS.values())


def _sample(name: str) -> str:
    rows = [row for clean in CLEAN_OF.values() for row in clean]
    return next((str(row[name]) for row in rows if row.get(name) is not None), "x")


def _make(expression: Expression, row: Row) -> None:
    """Assign what makes the expression true."""
    operator, arguments = expression[0], expression[1:]
    if operator in ("and", "or"):
        for part in arguments if operator == "and" else arguments[:1]:
            if not _true(expression, row):
                _make(part, row)
    elif operator == "not":
        _break(arguments[0], row)
    elif not _true(expression, row):
        row[arguments[0]] = _MADE[operator](row, *arguments)


_MADE = {
    "is_null": lambda row, name: None,
    "not_null": lambda row, name: _sample(name),
    "eq": lambda row, name, value: str(value),
    "ne": lambda row, name, value: None,
    "same": lambda row, name, other: row.get(other),
    "not_same": lambda row, name, other: "another",
}


def _break(expression: Expression, row: Row) -> None:
    """Assign what makes the expression false."""
    operator, arguments = expression[0], expression[1:]
    if operator in ("and", "or"):
        for part in arguments if operator == "or" else arguments[:1]:
            _break(part, row)
    elif operator == "not":
        _make(arguments[0], row)
    elif operator == "product_eq":
        row |= {arguments[0]: "7.77", arguments[1]: "10", arguments[2]: "1"}
    elif operator in _BAD_KEYS:
        row[arguments[0]] = _BAD_KEYS[operator]
    elif operator in _BROKEN:
        row[arguments[0]] = _BROKEN[operator](row, *arguments)
    else:
        row[arguments[0]] = (
            "{bad" if "Object" in str(arguments) or "Key" in str(arguments) else _BAD
        )


_BROKEN = {
    "not_null": lambda row, name: None,
    "is_null": lambda row, name: row.get(name) or _sample(name),
    "eq": lambda row, name, value: "5" if isinstance(value, int | float) else _BAD,
    "ne": lambda row, name, value: str(value),
    "ge": lambda row, name, bound: "-1",
    "between": lambda row, name, low, high: "2",
    "between_exclusive": lambda row, name, low, high: "2",
    "same": lambda row, name, other: "another",
    "not_same": lambda row, name, other: row.get(other),
    "ge_col": lambda row, name, other: "1999-01-01T00:00:00Z",
    "disjoint_keys": lambda row, name, other: row.get(other) or _sample(other),
}


def broken_values(path: str, clean: tuple[Row, ...]) -> list[Row]:
    """For rules about values inside a JSON document, by path."""
    return [clean[0] | {path.split(".")[0]: json.dumps(_BAD_VALUES)}]


def broken_groups(requirement: Expression, clean: tuple[Row, ...]) -> list[Row]:
    """Two rows that a group must not hold together: alike, or with two parents."""
    operator, name, *others = requirement
    first = clean[0]
    if operator == "unique":
        return [first, first]
    if operator == "json_distinct_parent" or ".Elements" in name:
        column = name.split(".")[0]
        documents = [{"ContractId": each, "ContractCommitmentId": "cc"} for each in ("a", "b")]
        return [first | {column: json.dumps({"Elements": [each]})} for each in documents]
    parent = name if operator == "stable_over_time_per" else others[0]
    return [first, first | {parent: "another"}]


def broken_json(requirement: Expression) -> list[Row]:
    """For rules about elements of a JSON column: documents that are wrong in every way there is."""
    column = next((str(p[1]) for p in _flat(requirement) if str(p[0]).startswith("json_")), None)
    return [] if column is None else [_USAGE | {column: json.dumps(bad)} for bad in _DOCUMENTS]


_WRONG = {
    "ContractId": 1,
    "ContractCommitmentID": 2,
    "ContractCommitmentAppliedCost": "x",
    "ContractCommitmentAppliedQuantity": "x",
    "ContractCommitmentAppliedUnit": 5,
    "AllocatedRatio": "x",
    "UsageUnit": 3,
    "UsageQuantity": "x",
    "Odd": 1,
}
_DOCUMENTS: tuple[Any, ...] = (
    {"Elements": "x"},
    {"Elements": [1]},
    {"Elements": [{}]},
    {"Elements": [_WRONG]},
    {"Elements": [{"UsageQuantity": 1}]},
)


def _flat(expression: Expression) -> list[Expression]:
    found = [expression] if expression and isinstance(expression[0], str) else []
    for part in expression:
        if isinstance(part, list):
            found += _flat(part)
    return found
