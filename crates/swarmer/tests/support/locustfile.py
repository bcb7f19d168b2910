"""The user classes of `cli_process.rs`, for Locust."""

from locust import HttpUser, constant, tag, task


class Buyer(HttpUser):
    weight = 3
    wait_time = constant(0.1)

    @tag("read")
    @task(3)
    def look(self):
        self.client.get("/look")

    @task
    def buy(self):
        self.client.post("/buy", name="Buy")


class Seller(HttpUser):
    wait_time = constant(0.1)

    @task
    def sell(self):
        self.client.get("/status/503", name="Sell")
