import pytest
from faust_redis.log.connection import connect, connect_thread, reply_timeout_s, without_password
from faust_redis.log.sentinels import Sentinels

URL = "redis://user:secret@one:26379/2?sentinel=astra&sentinels=two:26380,[::1]:26381&sentinel_password=hidden"


def test_a_url_names_sentinels_by_the_service() -> None:
    found = Sentinels.of(URL)
    assert found is not None
    assert found.service == "astra"
    assert found.nodes == (("one", 26379), ("two", 26380), ("::1", 26381))
    assert found.server == {"username": "user", "password": "secret", "db": 2}
    assert found.own == {"password": "hidden", "ssl": False}
    assert Sentinels.of("redis://one:26379") is None


def test_tls_is_for_servers_and_sentinels() -> None:
    found = Sentinels.of("rediss://one?sentinel=astra&ssl_ca_certs=/ca.pem")
    assert found is not None
    assert found.tls
    assert found.nodes == (("one", 26379),)
    assert found.own == {"ssl": True, "ssl_ca_certs": "/ca.pem"}


@pytest.mark.parametrize(
    "url", ["redis://one?sentinels=two:1", "redis://one?sentinel=astra&sentinels=two", "unix:///run/s?sentinel=astra"]
)
def test_a_url_that_cannot_be_reached_by_sentinels_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"sentinel|Sentinel"):
        Sentinels.of(url)


async def test_clients_of_loop_and_thread_ask_the_sentinels() -> None:
    client = connect(URL, "{ns}:")
    assert type(client.connection_pool).__mro__[1].__name__ == "SentinelConnectionPool"
    with connect_thread(URL, "{ns}:", 1.0) as thread:
        assert type(thread.connection_pool).__name__ == "SentinelConnectionPool"
    await client.aclose()


def test_a_primary_under_sentinels_has_less_time_to_answer() -> None:
    assert reply_timeout_s(URL) < reply_timeout_s("redis://one")


def test_no_password_is_shown() -> None:
    assert not {"secret", "hidden"} & set(without_password(URL).replace("@", ":").replace("=", ":").split(":"))
