"""A shape of its own, answers judged by hand, and a listener."""

from locust import FastHttpUser, LoadTestShape, events, task

seen = []


@events.request.add_listener
def remember(name, **_):
    seen.append(name)


class Visitor(FastHttpUser):
    @task
    def page(self):
        with self.client.get("/oauth/jwks", catch_response=True) as answer:
            if b"keys" in (answer.content or b"").lower():
                answer.success()
            else:
                answer.failure("no keys")


class Steps(LoadTestShape):
    def tick(self):
        return (1 if self.get_run_time() < 3 else 2), 10
