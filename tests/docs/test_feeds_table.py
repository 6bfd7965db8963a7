from api.domains import load
from tables.domains import TOPOLOGY
from tests.docs.feeds_table import feeds_table


def test_the_table_of_feeds_has_every_feed_that_a_domain_declares() -> None:
    listed = {line.split("`")[1] for line in feeds_table().splitlines()[2:]}
    assert {feed.name for api in load(TOPOLOGY) for feed in api.feeds} <= listed
