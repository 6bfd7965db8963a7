"""The whole pipeline on Apache Kafka's listener with TLS and SASL; a wrong password or authority is refused."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from streams.connect.kafka.address import address_of
from streams.connect.kafka.broker import check
from streams.connect.kafka.errors import BridgeError
from tests.kafka.brokers import SECURE
from tests.kafka.pipeline import KafkaPipeline
from tests.kafka.test_oracle_on_kafka import report_and_read_back
from tests.support.certificates import Authority

pytestmark = [pytest.mark.kafka, pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture
def secure_url(bootstrap: str) -> str:
    """Return the URL of the secure listener of the broker at `bootstrap`, which is left without topics of ours."""
    del bootstrap
    url = os.environ.get(SECURE)
    if url is None:
        pytest.skip(f"no test broker has SASL; runs on Apache Kafka by python -m tests.kafka, or with {SECURE}")
    return url


class SecurePipeline(KafkaPipeline):
    """A pipeline whose processes know Kafka by its secure listener."""

    def environment(self, **settings: str) -> dict[str, str]:
        return super().environment(**{"ASTRA_BROKER_URL": self.bootstrap, **settings})


def test_the_whole_product_runs_with_tls_and_sasl(tmp_path: Path, secure_url: str) -> None:
    with SecurePipeline(tmp_path, secure_url) as pipeline:
        report_and_read_back(pipeline)
        password = address_of(secure_url).password
        assert password
        assert not [child.name for child in pipeline.children if password in child.output()]


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
async def test_a_wrong_password_and_a_wrong_authority_are_refused(
    tmp_path: Path, secure_url: str, mechanism: str
) -> None:
    address = replace(address_of(secure_url), mechanism=mechanism)
    await check(address)
    other = Authority(tmp_path, "other")
    for wrong in (replace(address, password="wrong"), replace(address, ca_file=str(other.file))):
        with pytest.raises(BridgeError, match="no answer from Kafka"):
            await check(wrong)
