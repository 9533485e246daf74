"""The command line: one file per act of a campaign, how each command is parsed and told; what it does is in flow/."""
