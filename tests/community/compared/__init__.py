"""Projections of the product's rows to the oracle's shape, one module a domain. They may import the product.

A module has:

* `TABLES`: for a table of the product, a function of a row's key and the row (bytes for a table without rows) that
  yields keys of the oracle with plain dictionaries.
* `SUMMED`, for tables with a row in several partitions: the fields that add up, or none. All other fields must agree.
* `PARTITIONED`: tables with rows of their own in each partition. The oracle's key begins with `partition/`.
* `EMPTY`: tables that hold nothing once nothing is pending.
* `NOT_COMPARED`: other tables, each with the reason.
"""
