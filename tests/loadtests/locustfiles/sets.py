"""Sets of tasks, one inside the other, and one in order."""

from locust import FastHttpUser, SequentialTaskSet, TaskSet, constant, task


class Inner(TaskSet):
    @task
    def page(self):
        self.client.get("/oauth/jwks", name="page inner")
        self.interrupt()


class Outer(TaskSet):
    tasks = {Inner: 1}

    @task
    def page(self):
        self.client.get("/oauth/jwks", name="page outer")


class InOrder(SequentialTaskSet):
    @task
    def first(self):
        self.client.get("/oauth/jwks", name="page 1")

    @task
    def second(self):
        self.client.get("/oauth/jwks", name="page 2")
        self.interrupt()


class Visitor(FastHttpUser):
    wait_time = constant(0.05)
    tasks = [Outer, InOrder]
