"""Runs task sets in the real Locust on a clock that only its own waits move, and prints what its users did, as JSON.

Output: for each life, a list of [seconds, word]. The lives are those of tests/semantics_against_locust.rs.
"""

import json
import logging
import random
import sys

import locust.user.users as users_module
import locust.user.wait_time as wait_module
from locust import SequentialTaskSet, TaskSet, User, constant, constant_pacing, constant_throughput, tag, task
from locust.env import Environment
from locust.exception import RescheduleTask, RescheduleTaskImmediately, StopUser
from locust.user.markov_taskset import MarkovTaskSet, transitions
from locust.user.task import filter_tasks_by_tags

# `locust.user.task` names the decorator as well, which hides the module.
task_module = sys.modules["locust.user.task"]
logging.disable(logging.CRITICAL)
random.seed(1)


class Clock:
    now = 0.0


class Over(StopUser):
    pass


limit = 0.0
diary = []


def sleep(seconds):
    Clock.now += seconds
    if Clock.now > limit:
        Clock.now = limit
        raise StopUser()


clock = lambda: Clock.now
task_module.perf_counter = clock
wait_module.perf_counter = clock
users_module.time.perf_counter = clock
TaskSet._sleep = lambda self, seconds: sleep(seconds)


def write(word):
    diary.append([round(Clock.now, 6), word])


def life(user_class, seconds, tags=None, exclude=None):
    global limit, diary
    limit, diary, Clock.now = seconds, [], 0.0
    environment = Environment(user_classes=[user_class], catch_exceptions=True)
    if tags or exclude:
        filter_tasks_by_tags(user_class, tags, exclude)
    user_class(environment).run()
    return diary


def takes(word, seconds):
    def body(self):
        write(word)
        sleep(seconds)
        write("/" + word)

    body.__name__ = word
    return body


def writes(word):
    def body(self):
        write(word)

    body.__name__ = word
    return body


class Inner(SequentialTaskSet):
    def on_start(self):
        write("enter")

    def on_stop(self):
        write("exit")

    x = task(writes("x"))

    @task
    def leave(self):
        write("leave")
        self.interrupt()


class LaterInner(TaskSet):
    wait_time = constant(100)

    def on_stop(self):
        write("exit")

    @task
    def leave(self):
        write("leave")
        self.interrupt(reschedule=False)


class Outer(SequentialTaskSet):
    before = task(writes("before"))
    inner = task(Inner)
    later = task(LaterInner)


class Nested(User):
    wait_time = constant(1)
    tasks = [Outer]


class Ends(SequentialTaskSet):
    @task(2)
    def wait_first(self):
        write("reschedule")
        raise RescheduleTask()

    @task
    def at_once(self):
        write("immediately")
        raise RescheduleTaskImmediately()

    @task
    def error(self):
        write("error")
        raise ValueError("oh")


class Ending(User):
    wait_time = constant(1)
    tasks = [Ends]

    def on_stop(self):
        write("stop")


class Refuses(TaskSet):
    def on_start(self):
        write("no")
        self.interrupt(reschedule=False)

    def on_stop(self):
        write("never")

    x = task(writes("never"))


class Breaks(TaskSet):
    def on_start(self):
        write("broken")
        raise ValueError("locked")

    def on_stop(self):
        write("never")

    x = task(writes("never"))


class Starting(User):
    wait_time = constant(1)

    class Both(SequentialTaskSet):
        refuses = task(Refuses)
        breaks = task(Breaks)

    tasks = [Both]


class Scheduling(User):
    wait_time = constant(1)

    class Queue(SequentialTaskSet):
        @task
        def a(self):
            write("a")
            self.schedule_task(writes("b"))
            self.schedule_task(writes("c"))
            self.schedule_task(writes("d"), first=True)

    tasks = [Queue]


class Paced(User):
    wait_time = constant_pacing(2)

    class Steps(SequentialTaskSet):
        one = task(takes("one", 0.5))
        two = task(takes("two", 1.5))
        long = task(takes("long", 5))

    tasks = [Steps]


class Throughput(User):
    wait_time = constant_throughput(0.5)
    tasks = [takes("t", 0.3)]


class OwnWait(User):
    wait_time = constant(1)

    class Around(SequentialTaskSet):
        wait_time = constant(100)

        @task
        class Plain(SequentialTaskSet):
            i = task(takes("i", 0.5))

            @task
            def leave(self):
                write("leave")
                self.interrupt()

        @task
        class Pacing(SequentialTaskSet):
            wait_time = constant_pacing(2)
            p = task(takes("p", 0.5))

    tasks = [Around]


class Stopping(User):
    wait_time = constant(1)

    @task
    class Out(TaskSet):
        def on_stop(self):
            write("outer")

        @task
        class In(TaskSet):
            def on_stop(self):
                write("inner")

            @task
            def x(self):
                write("x")
                raise StopUser()

    def on_stop(self):
        write("user")


class Weighted(User):
    wait_time = constant(1)
    tasks = {writes("a"): 3, writes("b"): 1}


class Chain(User):
    wait_time = constant(1)

    class Visit(MarkovTaskSet):
        @transitions({"search": 3, "offers": 1})
        def home(self):
            write("home")

        @transitions({"home": 1})
        def search(self):
            write("search")

        @transitions({"home": 1})
        def offers(self):
            write("offers")

    tasks = [Visit]


def tagged():
    class Tagged(User):
        wait_time = constant(1)
        read = tag("read", "quick")(task(writes("read")))
        write_ = tag("write")(task(writes("write")))
        bare = task(writes("bare"))

        @tag("nested")
        @task
        class Set(SequentialTaskSet):
            deep = tag("slow")(task(writes("deep")))

            @task
            def leave(self):
                write("leave")
                self.interrupt(reschedule=False)

    return Tagged


cases = json.load(sys.stdin)
words = lambda tags, exclude: sorted({w for _, w in life(tagged(), 200, set(tags) or None, set(exclude) or None)})
print(
    json.dumps(
        {
            "lives": {
                "nested": life(Nested, 6.5),
                "ends": life(Ending, 6.5),
                "starts": life(Starting, 4.5),
                "queue": life(Scheduling, 4.5),
                "pacing": life(Paced, 12.25),
                "throughput": life(Throughput, 9.0),
                "own_wait": life(OwnWait, 6.25),
                "stop_user": life(Stopping, 9.0),
            },
            "shares": {"weighted": life(Weighted, 4000), "chain": life(Chain, 4000)},
            "tags": [words(tags, exclude) for tags, exclude in cases["tags"]],
        }
    )
)
