"""What a profile says."""

from tests.load.profiles import profile_of

WORK = "thread (0x7F01): worker-1/trading;run (asyncio/runners.py:118);pack (/x/src/faust_redis/log/a.py:"
STACKS = f"""\
{WORK}7) 30
{WORK}9) 10
thread (0x7F02): worker-1/social;get (/v/lib/python3.11/site-packages/redis/client.py:1) 60
"""


def test_a_profile_has_the_shares_of_threads_packages_and_functions() -> None:
    found = profile_of("worker", STACKS, seconds=2.0)
    assert (found.samples, found.busy) == (100, 0.5)
    assert found.threads == {"worker-1/social": 0.6, "worker-1/trading": 0.4}
    assert found.packages == {"redis": 0.6, "faust_redis": 0.4}
    assert found.functions == {"get (redis/client.py)": 0.6, "pack (faust_redis/log/a.py)": 0.4}
