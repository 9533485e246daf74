"""One campaign examined: read, decoded, linked, matched to the frame, validated, accounted for, in batches that resume."""
