"""The ground: errors, texts, identifiers, files written whole, worker processes, the journal. Nothing here knows a survey."""
