"""Is a campaign plausible enough to be published? Volumes, drift, sums and coverage, against what the campaign declares.

A file that came back malformed can empty a published table without any cell being wrong: that is seen here. Values are
measured (measures), judged by a great-expectations suite in a process of its own (suite), what it says is a verdict.
Nothing is imported here: the process of the suite starts light.
"""
