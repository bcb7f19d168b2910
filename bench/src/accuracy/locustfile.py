"""Asks the scripted server: Locust's side of the proof of accuracy."""
from locust import FastHttpUser, constant_pacing, events, task


@events.init_command_line_parser.add_listener
def options(parser):
    parser.add_argument("--target", required=True, help="path to ask for")
    parser.add_argument("--pace", type=float, default=0, help="seconds from task to task; 0: no wait")


class Asker(FastHttpUser):
    def wait_time(self):
        pace = self.environment.parsed_options.pace
        return constant_pacing(pace)(self) if pace else 0

    def on_start(self):
        # Opens the connection: connecting is part of a response time, and the server cannot know of it.
        self.client.get("/warm", name="warm")

    @task
    def ask(self):
        self.client.get(self.environment.parsed_options.target, name="page")
