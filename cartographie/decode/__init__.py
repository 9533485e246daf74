"""Cells → typed values and findings. One function per type; columns are decoded on their distinct values."""
