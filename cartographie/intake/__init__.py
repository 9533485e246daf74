"""Received files → cells at their coordinates, records, accounts and findings. The only room that opens them."""
