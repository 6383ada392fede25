"""Plan and sync dbt's work folder, run dbt, turn its results into messages."""
