"""TLS to the broker, PostgreSQL and Kafka with real certificates: verified, by name and by authority, or refused."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from faust_redis.log import Log, LogUnavailableError

from api.identity.store.database import IdentityStore
from api.identity.store.errors import StoreError
from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from streams.connect.kafka.address import KafkaAddress, address_of
from streams.connect.kafka.broker import check
from streams.connect.kafka.errors import BridgeError
from tests.e2e.fills import fill, new_user
from tests.e2e.pipeline import Pipeline
from tests.kafka import brokers
from tests.ports import free_port
from tests.support.certificates import Authority
from tests.support.databases import postgres_server
from tests.support.postgres import PostgresServer
from tests.support.tls_proxy import Proxy, Streams, tls_before

__all__ = ["postgres_server"]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@contextmanager
def tls_broker(server: EmbeddedServer, authority: Authority, name: str = "localhost") -> Iterator[Proxy]:
    async def connect() -> Streams:
        return await asyncio.open_unix_connection(server.url.removeprefix("unix://"))

    with tls_before(connect, authority.issue(name)) as proxy:
        yield proxy


class Encrypted(Pipeline):
    """A pipeline whose processes reach the broker by TLS."""

    broker = ""

    def environment(self, **settings: str) -> dict[str, str]:
        return super().environment(**{"ASTRA_BROKER_URL": self.broker, **settings})


@pytest.mark.slow
@pytest.mark.heavy
def test_the_whole_product_runs_over_tls_to_its_broker(tmp_path: Path, authority: Authority) -> None:
    """Faust's transport, the heartbeats' own client, the API and the commands all use the URL."""
    with Encrypted(tmp_path, workers=0, api=False) as pipeline, tls_broker(pipeline.server, authority) as proxy:
        pipeline.broker = f"rediss://localhost:{proxy.port}?ssl_ca_certs={authority.file}"
        pipeline.start_worker()
        pipeline.start_api()
        pipeline.wait_until_listening()
        pipeline.wait_until_ready()
        user = new_user()
        accepted = pipeline.client("venue", "venue-1").post("/v1/fills", json={"fills": [fill(user)]})
        assert accepted.status_code == httpx.codes.ACCEPTED
        after = accepted.json()["position"]
        answer = pipeline.client("user", user).get(f"/v1/users/{user}/progress", params={"after": after})
        assert answer.json()["trades"] == 1
        assert "astra.trading.commands.v1" in pipeline.run("topics")
        for child in pipeline.children:
            child.stop()
    assert len(proxy.versions) > 5
    assert set(proxy.versions) == {"TLSv1.3"}


async def test_a_broker_with_a_certificate_of_another_authority_or_name_is_refused(
    tmp_path: Path, authority: Authority
) -> None:
    other = Authority(tmp_path, "other")
    with (
        EmbeddedServer(tmp_path, find_binary()) as server,
        tls_broker(server, authority) as right,
        tls_broker(server, authority, "elsewhere.example") as named_otherwise,
    ):
        for url, says in (
            (f"rediss://localhost:{right.port}?ssl_ca_certs={other.file}", "CERTIFICATE_VERIFY_FAILED"),
            (f"rediss://localhost:{right.port}", "CERTIFICATE_VERIFY_FAILED"),
            (
                f"rediss://localhost:{named_otherwise.port}?ssl_ca_certs={authority.file}",
                "elsewhere|not valid for",
            ),
        ):
            with pytest.raises(LogUnavailableError, match=says):
                async with Log(url):
                    pass
        async with Log(f"rediss://localhost:{right.port}?ssl_ca_certs={authority.file}"):
            pass
    assert named_otherwise.versions == []


@contextmanager
def tls_postgres(server: PostgresServer, authority: Authority) -> Iterator[Proxy]:
    async def connect() -> Streams:
        return await asyncio.open_connection("127.0.0.1", server.port)

    with tls_before(connect, authority.issue("localhost"), postgres=True) as proxy:
        yield proxy


async def test_the_database_is_reached_by_tls_and_its_certificate_is_verified(
    tmp_path: Path, authority: Authority, postgres_server: PostgresServer
) -> None:
    other = Authority(tmp_path, "other")

    async def opened(proxy: Proxy, options: str) -> None:
        store = IdentityStore(f"postgresql://postgres@localhost:{proxy.port}/identity_template?{options}")
        try:
            await store.open()
        finally:
            await store.close()

    with tls_postgres(postgres_server, authority) as proxy:
        await opened(proxy, f"sslmode=verify-full&sslrootcert={authority.file}")
        assert proxy.versions == ["TLSv1.3"]
        with pytest.raises(StoreError):
            await opened(proxy, f"sslmode=verify-full&sslrootcert={other.file}")
        with pytest.raises(StoreError):
            await opened(proxy, "sslmode=disable")
        assert (proxy.versions, proxy.refused) == (["TLSv1.3"], 1)


async def test_kafka_is_reached_by_tls_and_its_certificate_is_verified(tmp_path: Path, authority: Authority) -> None:
    """The test broker advertises the port of the proxy, so that every connection of a client is encrypted."""
    other, port, behind = Authority(tmp_path, "other"), free_port(), free_port()
    command = brokers.tansu(behind, tmp_path)
    command[command.index("--advertised-listener-url") + 1] = f"tcp://localhost:{port}"

    async def connect() -> Streams:
        return await asyncio.open_connection("127.0.0.1", behind)

    address = KafkaAddress(f"localhost:{port}", tls=True, ca_file=str(authority.file))
    with (
        brokers.child(command, behind, tmp_path / "kafka.log"),
        tls_before(connect, authority.issue("localhost"), port=port) as proxy,
    ):
        await check(address)
        assert set(proxy.versions) == {"TLSv1.3"}
        for wrong in (replace(address, ca_file=str(other.file)), replace(address, tls=False)):
            with pytest.raises(BridgeError, match="no answer from Kafka"):
                await check(wrong)


def test_the_url_of_a_kafka_says_how_to_encrypt_and_authenticate() -> None:
    password = secrets.token_urlsafe(8)
    address = address_of(f"kafka://us%40er:{password}@broker:9093?tls=true&mechanism=SCRAM-SHA-256")
    assert address == KafkaAddress("broker:9093", True, None, "us@er", password, "SCRAM-SHA-256")
    assert password not in repr(address)
    assert address_of("kafka://broker") == KafkaAddress("broker:9092")
    protocols = {
        "kafka://b": "PLAINTEXT",
        "kafka://b?tls=true": "SSL",
        "kafka://u:p@b": "SASL_PLAINTEXT",
        "kafka://u:p@b?tls=true": "SASL_SSL",
    }
    assert {url: address_of(url).security_protocol for url in protocols} == protocols


@pytest.mark.parametrize(("options", "says"), [
    ("ca=/etc/ca.pem", "ca needs tls=true"),
    ("ca=/etc/ca.pem&tls=false", "ca needs tls=true"),
    ("tsl=true", "'tsl' is not an option of a kafka:// URL; the options are tls, ca, mechanism"),
    ("tls=yes", "tls is true or false"),
    ("mechanism=GSSAPI", "mechanism is one of SCRAM-SHA-512"),
    ("mechanism=PLAIN", "needs tls=true"),
])  # fmt: skip
def test_a_wrong_option_of_kafkas_url_is_refused(options: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        address_of(f"kafka://user:password@broker?{options}")


@pytest.mark.parametrize("url", ["kafka://broker?mechanism=PLAIN", "kafka://broker?mechanism=SCRAM-SHA-256&tls=true",
                                 "kafka://:password@broker"])  # fmt: skip
def test_a_way_to_sign_in_at_kafka_without_a_user_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="need a user name"):
        address_of(url)
