# The journey of `hammer`, written for Locust: users who ask for one page again and again.
from locust import FastHttpUser, HttpUser, task


class Fast(FastHttpUser):
    @task
    def ask(self):
        self.client.get("/", name="page")


class Plain(HttpUser):
    @task
    def ask(self):
        self.client.get("/", name="page")
