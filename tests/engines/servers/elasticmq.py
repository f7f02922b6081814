"""ElasticMQ, a server of Amazon SQS's protocol, from Maven Central (https://github.com/softwaremill/elasticmq)."""

import json
import shutil
import subprocess
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.engines.servers.cache import built
from tests.engines.servers.missing import java, lacking
from tests.engines.servers.process import ServerProcess, free_port

VERSION = "1.7.1"
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>local</groupId><artifactId>elasticmq</artifactId><version>1</version>
<dependencies><dependency><groupId>org.elasticmq</groupId><artifactId>elasticmq-server_2.13</artifactId>
<version>{VERSION}</version></dependency></dependencies></project>
"""


@dataclass(frozen=True)
class QueuePair:
    """A queue and its dead-letter queue."""

    url: str
    dead_letters: str
    environment: dict[str, str]
    client: Any

    def send(self, *bodies: str) -> None:
        """Put messages into the queue."""
        for start in range(0, len(bodies), 10):
            entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies[start : start + 10])]
            assert not self.client.send_message_batch(QueueUrl=self.url, Entries=entries).get("Failed")

    def counts(self, url: str | None = None) -> tuple[int, int]:
        """How many messages wait, and how many are in work."""
        found = self.client.get_queue_attributes(QueueUrl=url or self.url, AttributeNames=["All"])["Attributes"]
        return int(found["ApproximateNumberOfMessages"]), int(found["ApproximateNumberOfMessagesNotVisible"])


class SqsServer:
    """SQS on the loopback; its messages outlive a restart."""

    def __init__(self, folder: Path) -> None:
        """Choose a port; `start` runs it."""
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "AWS_ACCESS_KEY_ID": "tester",
            "AWS_SECRET_ACCESS_KEY": "tester-secret",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        configuration = folder / "elasticmq.conf"
        configuration.write_text(
            f"""include classpath("application.conf")
node-address {{ protocol = http, host = "127.0.0.1", port = {self.port}, context-path = "" }}
rest-sqs {{ enabled = true, bind-port = {self.port}, bind-hostname = "127.0.0.1", sqs-limits = strict }}
rest-stats {{ enabled = false }}
generate-node-address = false
messages-storage {{ enabled = true, uri = "jdbc:h2:{folder}/messages" }}
aws {{ region = us-east-1, accountId = 000000000000 }}
"""
        )
        jars = built(f"elasticmq-{VERSION}", _collect)
        command = [
            str(java(17)), "-Xmx192m", f"-Dconfig.file={configuration}",
            "-cp", f"{jars}/*", "org.elasticmq.server.Main",
        ]  # fmt: skip
        self._process = ServerProcess(command, folder / "server.log", self._answers)
        self.start, self.stop, self.kill = self._process.start, self._process.stop, self._process.kill

    def make_queues(self, *, visibility: int = 30, most_receipts: int = 3) -> QueuePair:
        """Make a queue whose messages become dead letters after `most_receipts`."""
        client, name = self.client(), f"q{uuid.uuid4().hex[:12]}"
        dead = client.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": most_receipts})
        url = client.create_queue(
            QueueName=name, Attributes={"VisibilityTimeout": str(visibility), "RedrivePolicy": policy}
        )["QueueUrl"]
        return QueuePair(url, dead, self.environment, client)

    def client(self) -> Any:
        """A client of AWS's own library."""
        import boto3

        return boto3.client(
            "sqs",
            endpoint_url=self.endpoint,
            aws_access_key_id="tester",
            aws_secret_access_key="tester-secret",
            region_name="us-east-1",
        )

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.endpoint}/?Action=ListQueues", timeout=2)
        except urllib.error.HTTPError:
            return True
        return True


def tools() -> str | None:
    """What is missing to build and run it; None where nothing is."""
    return lacking(
        "ElasticMQ", {"Maven (mvn)": shutil.which("mvn") is not None, "a JDK 17 or newer": java(17) is not None}
    )


def _collect(folder: Path) -> None:
    (folder / "pom.xml").write_text(_POM)
    arguments = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    subprocess.run(["mvn", "-B", "-q", "-ntp", *arguments], cwd=folder, check=True)
    (folder / "pom.xml").unlink()
