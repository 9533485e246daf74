"""What must be masked in everything released, as one linear system. Drafts in, drafts with what to mask out."""
