"""Images from Parquet files."""
