"""A simulated community: seeded people live through the product, and an independent oracle computes every row.

`python -m tests.community --users 2000 --days 60 --seed 1` runs it through a gateway and six services of its own.
"""
