"""What each client of the load test does; run by locust, see serve.py."""

from __future__ import annotations

import itertools
import os

import gevent
from locust import FastHttpUser, task

HEADERS = {"Authorization": f"Bearer {os.environ['LOAD_TOKEN']}"}
GROUPS = os.environ["LOAD_GROUPS"]
LIMIT, WRITES = int(os.environ["LOAD_REQUESTS"]), os.environ["LOAD_WRITES"] == "1"
VERSION = "?api-version=2025-04-01"
numbers = itertools.count(1)


class Client(FastHttpUser):
    """GET of a resource group and, where asked for, one PUT of another in five requests."""

    insecure = True

    @task
    def ask(self) -> None:
        number = next(numbers)
        if number == LIMIT:
            gevent.spawn(self.environment.runner.quit)  # it ends this client, too
        if WRITES and number % 5 == 0:
            path = f"{GROUPS}/rg-{number % 500}{VERSION}"
            self.client.put(path, headers=HEADERS, json={"location": "eastus"}, name="PUT")
        else:
            self.client.get(f"{GROUPS}/rg-5{VERSION}", headers=HEADERS, name="GET")
