"""Apache Kafka itself: its jars fetched by Maven, one KRaft node on free loopback ports, in a temporary directory."""

import hashlib
import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.kafka.brokers import child, executable
from tests.ports import free_port
from tests.support.certificates import Authority

VERSION = "3.9.1"
ARTIFACT = "kafka_2.13"
USER = "astra"
CLUSTER_ID = "4L6g3nShT-eMCtK--X86sw"  # Any 16 bytes in base64 will do.
HEAP = "-Xmx512m"
COMMAND_S = 60.0
FETCH_S = 900.0

POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>astratrade</groupId><artifactId>kafka-gate</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>{ARTIFACT}</artifactId><version>{VERSION}</version>
  </dependency></dependencies>
</project>
"""

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{secure},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL_SSL://localhost:{secure}
sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
  user_{user}="{password}";
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
"""
"""One node keeps one copy of everything; the rest are Kafka's own defaults, but that a first member is not kept waiting
three seconds for others, and that a topic exists only when it was created."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Node:
    """A running node: ``host:port`` of its plain listener, and the URL of the one with TLS and SASL."""

    bootstrap: str
    secure_url: str


def cache_directory() -> Path:
    """Return the directory that caches the jars between runs; its name contains the pom's digest."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "astratrade" / f"kafka-{VERSION}-{hashlib.sha256(POM.encode()).hexdigest()[:12]}"


def fetch(say: Say) -> Path:
    """Return the directory with the server's jars; fetch them from Maven Central on first use.

    Raises:
        SystemExit: when Maven is missing or fails.
    """
    jars = cache_directory()
    if jars.is_dir():
        say(f"Kafka {VERSION}: jars are in {jars}")
        return jars
    maven = executable("mvn")
    say(f"Kafka {VERSION}: fetching the jars with Maven, once; a minute or so")
    jars.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="kafka-", dir=jars.parent) as temporary:
        pom, target = Path(temporary) / "pom.xml", Path(temporary) / "jars"
        pom.write_text(POM)
        command = [maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={target}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_S, check=False)
        if done.returncode != 0 or not list(target.glob(f"{ARTIFACT}-*.jar")):
            raise SystemExit(f"Maven could not fetch Kafka {VERSION}:\n{done.stdout[-2_000:]}{done.stderr[-2_000:]}")
        target.rename(jars)
    return jars


@contextmanager
def node(say: Say) -> Iterator[Node]:
    """Run a node with no topics and yield its addresses; stop it and remove its data when the block ends.

    Raises:
        SystemExit: when Java or Maven is missing.
    """
    java = [executable("java"), HEAP, "-XX:TieredStopAtLevel=1", "-cp", f"{fetch(say)}/*"]
    with TemporaryDirectory(prefix="astra-kafka-") as temporary:
        directory = Path(temporary)
        port, secure, controller = free_port(), free_port(), free_port()
        authority = Authority(directory)
        password = secrets.token_hex(16)
        properties = directory / "server.properties"
        properties.write_text(
            PROPERTIES.format(
                port=port,
                secure=secure,
                controller=controller,
                data=directory / "data",
                keystore=authority.issue("localhost").both,
                user=USER,
                password=password,
            )
        )
        say("formatting its storage")
        _format(java, properties, password)
        say("starting one node")
        with child([*java, "kafka.Kafka", str(properties)], port, directory / "server.log") as pid:
            say(f"Apache Kafka {VERSION} runs on 127.0.0.1:{port} (pid {pid})")
            yield Node(
                f"127.0.0.1:{port}",
                f"kafka://{USER}:{password}@localhost:{secure}?tls=true&ca={authority.file}",
            )
        say("the node is stopped, its data removed")


def _format(java: list[str], properties: Path, password: str) -> None:
    tool = [*java, "kafka.tools.StorageTool"]
    run = [*tool, "format", "-t", CLUSTER_ID, "-c", str(properties)]
    run += ["--add-scram", f"SCRAM-SHA-512=[name={USER},password={password}]"]
    done = subprocess.run(run, capture_output=True, text=True, timeout=COMMAND_S, check=False)
    if done.returncode != 0:
        raise SystemExit(f"Kafka's storage could not be formatted:\n{done.stdout[-2_000:]}{done.stderr[-2_000:]}")
