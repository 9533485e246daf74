"""Who distrusts a release: the attacker, the auditor, the tracer, the linter.

The attacker (reader, links, solve, attack) shares nothing with what computes, masks or writes the tables."""
