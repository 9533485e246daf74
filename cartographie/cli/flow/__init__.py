"""THE FLOW: one function per command, one file per act. Received files → cells → typed values → kept │ quarantined → warehouse → tables → release."""
