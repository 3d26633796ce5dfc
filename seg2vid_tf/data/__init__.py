"""The data's way in: readers -> clips -> TFRecord shards -> batches."""
