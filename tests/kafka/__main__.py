"""The gate: contract tests and the oracle test on Apache Kafka itself, by one command.

    python -m tests.kafka [arguments for pytest]

Needs Java 17 and Maven (the server's jars come from Maven Central once), or KAFKA_BOOTSTRAP=host:port, which names a
running broker with none of our topics on it. KAFKA_SECURE_URL=kafka://user:password@host:port?tls=true&ca=FILE names
its listener with TLS and SASL; without it, the tests of that listener are skipped.
"""

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from tests.kafka.apache import node
from tests.kafka.brokers import SECURE, VARIABLE, named

WHERE = ("tests/contract", "tests/kafka")


def say(line: str) -> None:
    sys.stdout.write(f"kafka: {line}\n")
    sys.stdout.flush()


def main() -> int:
    began = time.monotonic()
    beside_python = str(Path(sys.executable).parent)  # The directory of the `faust` command.
    environment = {**os.environ, "PATH": os.pathsep.join([beside_python, os.environ.get("PATH", os.defpath)])}
    with ExitStack() as stack:
        if named() is None:
            running = stack.enter_context(node(say))
            environment |= {VARIABLE: running.bootstrap, SECURE: running.secure_url}
        else:
            say(f"using the broker that {VARIABLE} names, {named()}")
        say("running contract and oracle tests")
        code = subprocess.call(
            [sys.executable, "-m", "pytest", "-m", "kafka", *(sys.argv[1:] or WHERE)], env=environment
        )
    say(f"{'passed' if code == 0 else 'FAILED'} after {time.monotonic() - began:.0f} s")
    return code


if __name__ == "__main__":
    sys.exit(main())
