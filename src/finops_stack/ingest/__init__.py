"""Land a delivery: verify every file, keep Parquet as delivered, make text Parquet of csv."""
