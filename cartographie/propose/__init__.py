"""What could be added to schemas/ so that more of what came back is read. Proposed as a diff, never applied from here."""
