"""The journeys of load-tests as a Locust user would write them, without waits: the other side of the part `journeys`.

It sends what load-tests sends, by the same weights: sign-in, rotation over users after 5 to 15 tasks, four journeys of
quote agents and three of claims agents.
"""

import json
import random
from datetime import datetime, timedelta, timezone

from locust import FastHttpUser, events, task
from locust.exception import RescheduleTask

PASSWORD = "password123"
ACCOUNTS = []

COVERAGE = {
    "AUTO": [25_000, 50_000, 100_000, 250_000, 500_000],
    "HOME": [200_000, 300_000, 400_000, 500_000, 750_000, 1_000_000],
    "LIFE": [100_000, 250_000, 500_000, 1_000_000, 2_000_000, 3_000_000],
    "HEALTH": [1_000, 2_500, 5_000, 7_500, 10_000, 15_000],
    "BUSINESS": [500_000, 1_000_000, 2_000_000, 3_000_000, 5_000_000],
}


@events.test_start.add_listener
def load_accounts(environment, **_):
    from urllib.request import urlopen

    page, pages = 1, 1
    while page <= pages:
        with urlopen(f"{environment.host}/api/v1/users?page={page}") as reply:
            body = json.load(reply)
        ACCOUNTS.extend(body["data"])
        pages = body.get("pagination", {}).get("pages", 1)
        page += 1


def moment(delta):
    return (datetime.now(timezone.utc) + delta).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def some(**parameters):
    return "&".join(f"{name}={value}" for name, value in parameters.items() if value is not None)


class Agent(FastHttpUser):
    abstract = True

    def on_start(self):
        self.token, self.account = None, None
        self.sign_in()

    def sign_in(self):
        self.tasks_done, self.threshold = 0, random.randint(5, 15)
        choices = [random.choice(ACCOUNTS) for _ in range(2)]
        self.account = next((one for one in choices if one is not self.account), choices[0])
        self.token = None
        body = {"email": self.account["email"], "password": PASSWORD}
        reply = self.ask("POST", "/api/v1/auth/login", "Login", (200,), body)
        self.token = reply["token"]

    def be_ready(self):
        if self.token is None or self.tasks_done >= self.threshold:
            self.sign_in()
        self.tasks_done += 1

    def ask(self, method, url, name, expected=(200,), body=None):
        """The reply's data; None when another agent was faster (400)."""
        headers = {"User-Agent": "DynaClaimz-API-Client/2.1.0 (Group-A)"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = self.client.request(
            method, url, name=name, headers=headers, json=body, catch_response=True
        )
        with request as response:
            if response.status_code not in expected:
                response.failure(f"status {response.status_code}")
                raise RescheduleTask()
            response.success()
            return None if response.status_code == 400 else response.json()["data"]

    def choose(self, items):
        if not items:
            raise RescheduleTask()
        return random.choice(items)

    def won(self, data):
        if data is None:
            raise RescheduleTask()
        return data


class QuoteAgent(Agent):
    @task(5)
    def create_quote(self):
        self.be_ready()
        kind = random.choice(list(COVERAGE))
        body = {"type": kind, "coverageAmount": random.choice(COVERAGE[kind])}
        self.ask("POST", "/api/v1/quotes/calculate", "1. Calculate Premium", (200,), body)
        body = {**body, "expiresAt": moment(timedelta(days=30))}
        quote = self.ask("POST", "/api/v1/quotes", "2. Create Quote", (201,), body)
        self.ask("GET", f"/api/v1/quotes/{quote['id']}", "3. View Quote Details")

    @task(3)
    def convert_quote(self):
        self.be_ready()
        quote = self.choose(self.ask("GET", "/api/v1/quotes?status=ACTIVE&limit=50", "1. Find Active Quote"))
        url = f"/api/v1/quotes/{quote['id']}/convert"
        made = self.won(self.ask("POST", url, "2. Convert to Policy", (200, 201, 400)))
        self.ask("GET", f"/api/v1/policies/{made['policy']['id']}", "3. View New Policy")

    @task(3)
    def review_quotes(self):
        self.be_ready()
        query = some(
            status=random.choice(["ACTIVE", "CONVERTED", "EXPIRED", None]),
            type=random.choice([*COVERAGE, None]),
            page=random.choice([1, 2]),
            limit=20,
        )
        quote = self.choose(self.ask("GET", f"/api/v1/quotes?{query}", "1. Browse Quotes"))
        self.ask("GET", f"/api/v1/quotes/{quote['id']}", "2. View Quote Details")
        self.ask("GET", f"/api/v1/quotes/{quote['id']}/history", "3. View Quote History")

    @task(2)
    def update_policy_status(self):
        self.be_ready()
        query = some(page=random.choice([1, 2]), limit=50, status=random.choice(["ACTIVE", "EXPIRED", None]))
        policy = self.choose(self.ask("GET", f"/api/v1/policies?{query}", "1. Find Policy to Update"))
        self.ask("GET", f"/api/v1/policies/{policy['id']}", "2. View Policy Details")
        status = random.choice(["ACTIVE", "CANCELLED"])
        body = {"status": status, "statusChangeReason": "Reviewed with the customer"}
        self.ask("PUT", f"/api/v1/policies/{policy['id']}", "3. Update Policy Status", (200, 400), body)


class ClaimsAgent(Agent):
    @task(5)
    def file_claim(self):
        self.be_ready()
        policies = self.ask("GET", "/api/v1/policies?status=ACTIVE&limit=20", "1. Find Active Policy")
        body = {
            "policyId": self.choose(policies)["id"],
            "incidentDate": moment(-timedelta(days=random.randint(1, 30))),
            "description": "Rear-end collision at a traffic light, bumper and tailgate damaged",
            "claimAmount": random.randint(100_000, 5_000_000) / 100,
        }
        claim = self.won(self.ask("POST", "/api/v1/claims", "2. File Claim", (201, 400), body))
        self.ask("GET", f"/api/v1/claims/{claim['id']}", "3. View Claim Details")

    @task(3)
    def process_claim(self):
        self.be_ready()
        status = random.choice(["SUBMITTED", "UNDER_REVIEW"])
        claims = self.ask("GET", f"/api/v1/claims?status={status}&limit=50", "1. Find Claim to Process")
        claim = self.choose(claims)
        url = f"/api/v1/claims/{claim['id']}/status"
        if claim["status"] == "SUBMITTED":
            self.won(self.ask("PUT", url, "2. Mark Under Review", (200, 400), {"status": "UNDER_REVIEW"}))
        self.won(self.decide(claim, url))
        self.ask("GET", f"/api/v1/claims/{claim['id']}/history", "4. View Claim History")

    def decide(self, claim, url):
        claimed = float(claim["claimAmount"])
        limits = [(5_000, 0.10), (20_000, 0.15), (50_000, 0.25), (float("inf"), 0.35)]
        if random.random() < next(share for limit, share in limits if claimed < limit):
            body = {"status": "DENIED", "denialReason": "Incident is excluded by the policy"}
            return self.ask("PUT", url, "3. Denied Claim", (200, 400), body)
        amount = round(claimed * (0.8 + 0.2 * random.random()), 2)
        body = {"status": "APPROVED", "approvedAmount": amount}
        return self.ask("PUT", url, "3. Approved Claim", (200, 400), body)

    @task(2)
    def review_claims(self):
        self.be_ready()
        status = random.choice(["SUBMITTED", "UNDER_REVIEW", "APPROVED", "DENIED"])
        claim = self.choose(self.ask("GET", f"/api/v1/claims?status={status}&page=1&limit=20", "1. Browse Claims"))
        self.ask("GET", f"/api/v1/claims/{claim['id']}", "2. View Claim Details")
        self.ask("GET", f"/api/v1/claims/{claim['id']}/history", "3. View Claim History")
