"""A billing export's table: its columns, and rows to put into it."""

from google.cloud.bigquery import SchemaField

LABELS = [SchemaField("key", "STRING"), SchemaField("value", "STRING")]
EXPORT = [
    SchemaField("billing_account_id", "STRING"),
    SchemaField("service", "STRING"),
    SchemaField("currency", "STRING"),
    SchemaField("cost", "NUMERIC"),
    SchemaField("usage_start_time", "TIMESTAMP"),
    SchemaField("usage_end_time", "TIMESTAMP"),
    SchemaField("export_time", "TIMESTAMP"),
    SchemaField("invoice", "RECORD", fields=[SchemaField("month", "STRING")]),
    SchemaField("labels", "RECORD", mode="REPEATED", fields=LABELS),
]


def rows(month, costs, *, exported):
    """A row a cost, of the month as 2026-08; `exported`: the day it was."""
    return [
        {
            "billing_account_id": "0001",
            "service": "VM",
            "currency": "EUR",
            "cost": cost,
            "usage_start_time": f"{month}-01T{number:02d}:00:00Z",
            "usage_end_time": f"{month}-01T{number + 1:02d}:00:00Z",
            "export_time": f"{exported}T06:00:00Z",
            "invoice": {"month": month.replace("-", "")},
            "labels": [{"key": "team", "value": "shop"}],
        }
        for number, cost in enumerate(costs)
    ]
