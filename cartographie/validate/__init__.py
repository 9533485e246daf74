"""Decoded records → kept │ quarantined, worded, accounted for."""
