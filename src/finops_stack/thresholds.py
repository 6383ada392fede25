"""[quality] of finops.toml: from when on a finding about a bill or a source is one."""

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field


class QualitySettings(BaseModel):
    """Thresholds of data quality; amounts are in the bill's currency, whichever it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    closed_after_days: int = Field(
        default=3, ge=0, description="days after its end from which a month counts as closed"
    )
    enough_days: int = Field(
        default=7, ge=1, description="days of usage below which days and months are not compared"
    )
    daily_pct: Decimal = Field(
        default=Decimal(80), gt=0, le=100, description="usage on so many % of days is daily"
    )
    gone_cost: Decimal = Field(
        default=Decimal(100),
        ge=0,
        description="accounts and services that cost less are not missed",
    )
    rows_from: int = Field(default=100, ge=1, description="rows of a bill worth comparing")
    rows_changed_pct: Decimal = Field(
        default=Decimal(50), ge=0, description="more or fewer rows than the month before, in %"
    )
    rows_restated_pct: Decimal = Field(
        default=Decimal(20), ge=0, description="more or fewer rows than the delivery before, in %"
    )
    alike_pct: Decimal = Field(
        default=Decimal(1), ge=0, le=100, description="% of a bill's cost in rows that are alike"
    )
    alike_cost: Decimal = Field(
        default=Decimal(1), ge=0, description="account totals below are not compared across sources"
    )
    fresh_days: int = Field(
        default=4, ge=0, description="age of deliveries and charges, where bills come in the month"
    )
    fresh_days_monthly: int = Field(
        default=45, ge=0, description="the same, where bills come after the month"
    )
    fresh_days_by_source: dict[str, int] = Field(
        default_factory=dict, description="the same for a source by its name; 0: not judged"
    )

    def thresholds(self) -> dict[str, Decimal]:
        """Name → value of those that checks of bills compare with."""
        return {
            name: Decimal(value)
            for name in type(self).model_fields
            if not isinstance(value := getattr(self, name), dict)
        }
