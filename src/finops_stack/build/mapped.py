"""A form's mapping as dbt models: what a practitioner would have written by hand.

source → one select per part of a row (look-ups joined, rules as `case`) → what is not mapped
filled in three steps, each seeing the one before → final.
"""

from collections.abc import Mapping, Sequence

from finops_stack.build.focus_form import (
    FILLED,
    FOCUS_DEFAULTS,
    delivered_columns,
    filled_sql,
    spelled,
)
from finops_stack.focus.spec import sql_type
from finops_stack.vendors.expressions import expression_sql, parse_expression
from finops_stack.vendors.focus_base import focus_columns
from finops_stack.vendors.manifest import Form, Vendor
from finops_stack.vendors.mapping import Lookup
from finops_stack.vendors.mapping_check import COSTS, expression_columns
from finops_stack.warehouse.sql import quote_name, quote_text

_LINEAGE = ("x_SourceName", "x_DeliveryId", "x_SourceFile", "x_SourceRow")
_PERIOD = ("BillingPeriodStart", "BillingPeriodEnd")
_QUANTITIES = (
    "PricingQuantity",
    "PricingUnit",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ListUnitPrice",
    "ContractedUnitPrice",
)
# A price is never negative: money given back for a quantity that is not has none.
_UNIT_PRICE = (
    "case when ChargeCategory in ('Usage', 'Purchase')"
    " and ({cost} >= 0) = (PricingQuantity >= 0)"
    " then {{{{ divide_money('{cost}', 'PricingQuantity') }}}} end"
)
# The same where prices are in the bill's own currency.
_OWN_PRICE = "case when PricingCurrency = BillingCurrency then coalesce({price}, {quotient}) end"
# What stands in a column that nothing fills, in the order in which one needs the other.
_DEFAULTS: tuple[dict[str, str], ...] = (
    {
        "ChargeCategory": "'Usage'",
        "ChargePeriodStart": "BillingPeriodStart",
        "ChargePeriodEnd": "BillingPeriodEnd",
        "EffectiveCost": "BilledCost",
        "PricingCurrency": "BillingCurrency",
        "RegionName": "RegionId",
        "ServiceCategory": "'Other'",
        "SkuPriceId": "SkuId",
        "SubAccountName": "SubAccountId",
    },
    {
        "ChargeFrequency": (
            "case ChargeCategory when 'Usage' then 'Usage-Based' else 'One-Time' end"
        ),
        "ConsumedQuantity": "case when ChargeCategory = 'Usage' then PricingQuantity end",
        "ConsumedUnit": "case when ChargeCategory = 'Usage' then PricingUnit end",
        "ContractedCost": "BilledCost",
        "ListCost": "BilledCost",
        "PricingCategory": "case when ChargeCategory in ('Usage', 'Purchase') then 'Standard' end",
        "PricingCurrencyEffectiveCost": (
            "case when PricingCurrency = BillingCurrency then EffectiveCost end"
        ),
        "ServiceSubcategory": "case when ServiceCategory = 'Other' then 'Other (Other)' end",
    },
    {
        "ContractedUnitPrice": _UNIT_PRICE.format(cost="ContractedCost"),
        "ListUnitPrice": _UNIT_PRICE.format(cost="ListCost"),
        "PricingCurrencyContractedUnitPrice": _OWN_PRICE.format(
            price="ContractedUnitPrice", quotient=_UNIT_PRICE.format(cost="ContractedCost")
        ),
        "PricingCurrencyListUnitPrice": _OWN_PRICE.format(
            price="ListUnitPrice", quotient=_UNIT_PRICE.format(cost="ListCost")
        ),
    },
)
_NAMES = {"BillingAccountName": "BillingAccountId", "SubAccountName": "SubAccountId"}


def mapped_models(vendor: Vendor) -> dict[str, str]:
    """Model name → SQL, for every form of the vendor that has a mapping."""
    models: dict[str, str] = {}
    for form in vendor.forms:
        if form.is_mapped:
            there = vendor.models()
            made = {form.focus: focus_model, form.control: control_model}
            models |= {name: make(vendor, form) for name, make in made.items() if name not in there}
    return models


class _Sql:
    """Expressions of one form as SQL over `source` and its look-ups."""

    def __init__(self, vendor: Vendor, form: Form) -> None:
        self._columns = expression_columns(vendor, form)

    def __call__(self, text: str) -> str:
        tree = parse_expression(text, self._columns)
        return expression_sql(tree)


def focus_model(vendor: Vendor, form: Form) -> str:
    """The model that turns rows of this form into FOCUS rows."""
    sql = _Sql(vendor, form)
    own = {name: column.type for name, column in vendor.x_columns.items()}
    types = {c.name: sql_type(c) for c in focus_columns()} | own
    parts = [_part(vendor, form, sql, types, number) for number in range(len(form.spread) + 1)]
    ctes = ["source as (select * from {{ bill_rows() }})"]
    ctes += ["account_names as (select * from {{ account_names() }})"]
    ctes += [_lookup_cte(vendor.name, lookup, sql) for lookup in form.lookups]
    ctes += [_cte("mapped", "\nunion all\n".join(parts))]
    before = "mapped"
    for step, defaults in enumerate(_defaults(vendor, form)):
        name = ("completed", "derived", "priced")[step]
        ctes.append(_cte(name, _filled(form, types, defaults, before)))
        before = name
    ctes.append(_cte("final", _final(form, types, before)))
    return '{{ config(materialized="bills") }}\n\nwith\n' + ",\n\n".join(ctes) + _LAST


_LAST = "\n\nselect *\nfrom final\n"


def _cte(name: str, body: str) -> str:
    inner = "\n".join(f"    {line}" for line in body.splitlines())
    return f"{name} as (\n{inner}\n)"


def _defaults(vendor: Vendor, form: Form) -> tuple[dict[str, str], ...]:
    if form.base == "focus":
        return FOCUS_DEFAULTS
    title = quote_text(vendor.vendor.title)
    names = ("HostProviderName", "InvoiceIssuerName", "ServiceProviderName")
    return (dict.fromkeys(names, title) | _DEFAULTS[0], *_DEFAULTS[1:])


def rules_model(vendor: Vendor, form: Form) -> str:
    """One row per raw row: in `holds` the numbers, from 1, of the form's rules that hold for it."""
    sql = _Sql(vendor, form)
    arms = [f"case when {sql(rule.when)} then {n} end" for n, rule in enumerate(form.rules, 1)]
    ctes = ["source as (select * from {{ bill_rows() }})"]
    ctes += [_lookup_cte(vendor.name, lookup, sql) for lookup in form.lookups]
    select = f"select\n    source.*,\n    [{', '.join(arms)}] as holds\nfrom source"
    joins = [_join(lookup, sql) for lookup in form.lookups]
    return "with\n" + ",\n\n".join(ctes) + "\n\n" + "\n".join([select, *joins]) + "\n"


def default_of(vendor: Vendor, form: Form, name: str) -> str | None:
    """What stands in a column where nothing that the form says fills it, over FOCUS columns; None
    where it stays empty, or where the form's own word is the last."""
    found = [step[name] for step in _defaults(vendor, form) if name in step]
    return found[0] if found and _is_left_to_default(form, name) else None


def _is_left_to_default(form: Form, name: str) -> bool:
    return name not in form.mapping or bool(form.base) or _empties(form, name)


def _lookup_cte(vendor: str, lookup: Lookup, sql: _Sql) -> str:
    """The file itself; for a prefix or pattern, the best row of it for each word of the bill."""
    file = f"{{{{ vocabulary('{vendor}', '{lookup.file}') }}}}"
    alias = quote_name(lookup.alias)
    if lookup.match == "exact":
        return f"{alias} as (select * from {file})"
    ((column, expression),) = lookup.on.items()
    word = f"lower(file.{quote_name(column)})"
    fits = "starts_with(words.word, {0})" if lookup.match == "prefix" else _MATCHES
    return _cte(
        alias,
        f"select *\nfrom (\n"
        f"    select\n        words.word as lookup_word,\n        file.*,\n"
        f"        row_number() over (\n            partition by words.word\n"
        f"            order by length({word}) desc, {word}\n        ) as lookup_rank\n"
        f"    from (select distinct lower({sql(expression)}) as word from source) as words\n"
        f"    inner join {file} as file on {fits.format(word)}\n"
        f") as fitting\nwhere lookup_rank = 1",
    )


_MATCHES = "regexp_matches(words.word, {0})"


def _join(lookup: Lookup, sql: _Sql) -> str:
    alias = quote_name(lookup.alias)
    if lookup.match != "exact":
        ((_, expression),) = lookup.on.items()
        return f"left join {alias} on lower({sql(expression)}) = {alias}.lookup_word"
    conditions = [
        f"lower({sql(expression)}) = lower({alias}.{quote_name(column)})"
        for column, expression in lookup.on.items()
    ]
    if lookup.at:
        at = sql(lookup.at)
        start, end = (f"cast({alias}.{name} as timestamp)" for name in ("valid_from", "valid_to"))
        conditions.append(f"({start} is null or {start} <= {at})")
        conditions.append(f"({end} is null or {at} < {end})")
    return f"left join {alias} on " + "\n    and ".join(conditions)


def _part(vendor: Vendor, form: Form, sql: _Sql, types: Mapping[str, str], number: int) -> str:
    """The select of one part of each raw row: 0 the row itself, then each spread."""
    spread = form.spread[number - 1] if number else None
    over = spread.set if spread else {}
    columns = [f"source.{name}" for name in _LINEAGE]
    columns += [f"cast({_part_number(form, number)} as integer) as x_SourcePart"]
    columns += ["source.delivery_period_start as BillingPeriodStart"]
    columns += ["source.delivery_period_end as BillingPeriodEnd"]
    for name, data_type in types.items():
        if name not in _PERIOD:
            value = _value(form, sql, name, over, spread is not None)
            value = spelled(value, name) if form.base == "focus" else value
            columns.append(f"{_typed(value, data_type)} as {quote_name(name)}")
    carried = delivered_columns(form, types, is_spread=spread is not None)
    columns += [f"{value} as {quote_name(name)}" for name, value in carried.items()]
    joins = [_join(lookup, sql) for lookup in form.lookups]
    where = [f"not coalesce({sql(left.when)}, false)" for left in form.leave_out]
    where += [sql(spread.when)] if spread else []
    lines = ["select", ",\n".join(f"    {column}" for column in columns), "from source", *joins]
    lines += ["where " + "\n    and ".join(where)] if where else []
    return "\n".join(lines)


def _part_number(form: Form, number: int) -> str:
    """Where a row has several records, its parts are counted over all of them."""
    if not form.explode:
        return str(number)
    return f"source.x_SourcePart * {len(form.spread) + 1} + {number}"


def _typed(value: str, data_type: str) -> str:
    """As the column's type; a function that finds no text gives '', a column is never blank."""
    if data_type == "varchar" and "(" in value:
        return f"nullif(cast({value} as varchar), '')"
    return f"cast({value} as {data_type})"


def _value(form: Form, sql: _Sql, name: str, over: Mapping[str, str], is_spread: bool) -> str:
    """What fills a column: the spread's own word, then rules, look-ups, the mapping."""
    if name in over:
        return sql(over[name])
    if is_spread and name in (*COSTS, *_QUANTITIES):
        return "null"
    given = [
        f"{quote_name(lookup.alias)}.{quote_name(lookup.give[name])}"
        for lookup in form.lookups
        if name in lookup.give
    ]
    if name in form.mapping:
        given.append(sql(form.mapping[name]))
    elif form.base == "focus" and name in form.columns.kinds():
        given.append(f"source.{quote_name(name)}")
    value = f"coalesce({', '.join(given)})" if len(given) > 1 else (given or ["null"])[0]
    arms = [
        f"when {sql(rule.when)} then {sql(rule.set[name])}"
        for rule in form.rules
        if name in rule.set
    ]
    return f"case {' '.join(arms)} else {value} end" if arms else value


def _filled(form: Form, types: Mapping[str, str], defaults: Mapping[str, str], before: str) -> str:
    """A step: every column, those with a default filled from it where nothing else fills them."""
    columns = [f"{before}.{name}" for name in (*_LINEAGE, "x_SourcePart")]
    columns += [f"{before}.{name}" for name in delivered_columns(form, types, is_spread=False)]
    named = _named(form) if before == "mapped" else {}
    for name in types:
        column = f"{before}.{quote_name(name)}"
        default = defaults.get(name)
        if name in named:
            value = f"{quote_name('names of ' + name)}.account_name"
            column = f"coalesce({', '.join([column, value] + ([default] if default else []))})"
            columns.append(f"{column} as {quote_name(name)}")
        elif default is None or not _is_left_to_default(form, name):
            columns.append(column)
        else:
            columns.append(f"coalesce({column}, {default}) as {quote_name(name)}")
    joins = [
        f"left join account_names as {quote_name('names of ' + name)}"
        f"\n    on {before}.{account} = {quote_name('names of ' + name)}.account_id"
        for name, account in named.items()
    ]
    lines = ["select", ",\n".join(f"    {column}" for column in columns), f"from {before}", *joins]
    return "\n".join(lines)


def _named(form: Form) -> dict[str, str]:
    """Names that the user's list may fill: of accounts that the form says at all.

    ClickHouse refuses a join on a column that is always null.
    """
    says: set[str] = set(form.mapping) | set(form.columns.kinds() if form.base else ())
    says = says.union(*(lookup.give for lookup in form.lookups))
    says = says.union(*(rule.set for rule in form.rules), *(part.set for part in form.spread))
    return {name: account for name, account in _NAMES.items() if account in says}


def _empties(form: Form, name: str) -> bool:
    """Whether spread rows leave a mapped column empty for the default to fill."""
    return bool(form.spread) and name in COSTS


def _final(form: Form, types: Mapping[str, str], before: str) -> str:
    def value(name: str) -> str:
        if name == FILLED and form.base == "focus":
            return filled_sql(form, types)
        if types[name].startswith("map("):
            return f"{{{{ map_if('true', '{quote_name(name)}') }}}}"
        return quote_name(name)

    columns: Sequence[str] = [
        *(name for name in (*_LINEAGE, "x_SourcePart")),
        *(f"cast({value(name)} as {types[name]}) as {quote_name(name)}" for name in types),
    ]
    return "\n".join(["select", ",\n".join(f"    {c}" for c in columns), f"from {before}"])


# Of a raw row with several records the first counts for all.
_COUNTS = {
    False: "count(*)",
    True: "cast(sum(case when record = 0 then 1 else 0 end) as bigint)",
}


def control_model(vendor: Vendor, form: Form) -> str:
    """What the raw bill adds up to, by the form's own word for it."""
    sql = _Sql(vendor, form)
    account, currency, billed = _total(form)
    arms = [f"when {sql(left.when)} then {quote_text(left.rule)}" for left in form.leave_out]
    treatment = f"case {' '.join(arms)} else 'converted' end" if arms else "'converted'"
    treated = "\n".join(
        [
            "select",
            "    source.x_SourceName,",
            "    source.x_DeliveryId,",
            "    source.delivery_period_start as BillingPeriodStart,",
            f"    cast({sql(account)} as varchar) as BillingAccountId,",
            f"    cast({sql(currency)} as varchar) as BillingCurrency,",
            f"    {treatment} as treatment,",
            *(["    source.x_SourcePart as record,"] if form.explode else []),
            f"    cast({sql(billed)} as decimal(38, 15)) as billed",
            "from source",
            *(_join(lookup, sql) for lookup in form.lookups),
        ]
    )
    keys = "x_SourceName, x_DeliveryId, BillingPeriodStart, BillingAccountId, BillingCurrency"
    final = (
        f"select\n    {keys},\n    treatment,\n    {_COUNTS[bool(form.explode)]} as raw_rows,\n"
        "    {{ money(\"coalesce(sum(case when treatment = 'converted' then billed end), 0)\") }}"
        f" as billed_total\nfrom treated\ngroup by {keys}, treatment"
    )
    ctes = ["source as (select * from {{ bill_rows() }})"]
    ctes += [_lookup_cte(vendor.name, lookup, sql) for lookup in form.lookups]
    ctes += [_cte("treated", treated), _cte("final", final)]
    return '{{ config(materialized="bills") }}\n\nwith\n' + ",\n\n".join(ctes) + _LAST


def _total(form: Form) -> tuple[str, str, str]:
    if form.total is None:
        return "BillingAccountId", "BillingCurrency", "BilledCost"
    return form.total.account, form.total.currency, form.total.billed
