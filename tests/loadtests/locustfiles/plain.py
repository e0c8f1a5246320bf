"""Weights, think time, a name for many addresses, a start and an end."""

from locust import HttpUser, between, task


class Visitor(HttpUser):
    wait_time = between(0.05, 0.1)
    weight = 2

    def on_start(self):
        self.client.verify = False
        self.client.get("/oauth/jwks", name="page first")

    @task(3)
    def page(self):
        self.client.get("/oauth/jwks")

    @task
    def one_of_many(self):
        for number in range(3):
            self.client.get(f"/oauth/jwks?from={number}", name="/oauth/jwks?from=[number]")
