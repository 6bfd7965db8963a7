"""The seeded people of the community: what they do next, from what they can see.

People read the product's rows, as clients do, and never the oracle. `life` is the order of a simulated day, and the
other modules are the habits of people. A `Backend` carries out what they do: a gateway and six services, or the cluster
of the rules' tests.
"""
