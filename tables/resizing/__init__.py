"""Where the rows of each table go when every topic gets a multiple of its partitions. Pure; no I/O.

`rules` has the kinds of rules, `product` the rule of each table, `moving` what a mover writes.
"""
