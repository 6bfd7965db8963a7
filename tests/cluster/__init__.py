"""The Helm chart on a real Kubernetes: `python -m tests.cluster`."""

VARIABLE = "ASTRA_TEST_CLUSTER"
"""Names the folder of the cluster in which the tests run."""
RELEASE = "astratrade"
PRODUCT = "localhost/astratrade"
SERVERS = "localhost/astratrade-servers"
OLD, NEW = "one", "two"
"""The tags of the product's image: an upgrade goes from one to the other."""
