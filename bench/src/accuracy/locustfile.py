"""Asks the scripted server: Locust's side of the proof of accuracy. PACE is the time from task to task in seconds."""
import os

from locust import FastHttpUser, constant, constant_pacing, task

PACE = float(os.environ.get("PACE", "0"))


class Asker(FastHttpUser):
    wait_time = constant_pacing(PACE) if PACE else constant(0)

    def on_start(self):
        # Opens the connection: connecting is part of a response time, and the server cannot know of it.
        self.client.get("/warm", name="warm")

    @task
    def ask(self):
        self.client.get(os.environ["TARGET"], name="page")
