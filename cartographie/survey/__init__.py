"""schemas/ → what is asked, accepted and published; conditions and rules; the types that cross rooms."""
