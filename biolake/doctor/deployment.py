"""Which engines a deployment has, and so what the doctor looks at."""

from urllib.parse import urlsplit

from biolake.doctor.check_documents import documents
from biolake.doctor.check_lance import lance
from biolake.doctor.check_machine import machine, runtimes
from biolake.doctor.check_opensearch import opensearch
from biolake.doctor.check_postgres import postgres
from biolake.doctor.check_queues import queues
from biolake.doctor.check_sqlite import sqlite
from biolake.doctor.check_stores import stores
from biolake.doctor.check_trino import trino
from biolake.doctor.models import Examination
from biolake.platform import Platform


def examinations(platform: Platform) -> list[Examination]:
    """List what is to be looked at, in the order in which it is told."""
    settings = platform.settings
    ledger = sqlite if urlsplit(settings.ledger).scheme.startswith("sqlite") else postgres
    served = urlsplit(settings.index).scheme in {"http", "https"}
    return [
        machine(platform),
        documents(platform),
        runtimes(platform),
        *stores(settings),
        *queues(settings),
        ledger(settings),
        opensearch(settings) if served else lance(platform),
        *([trino(settings)] if settings.trino_url else []),
    ]
