"""A ROUTER or DEALER of pyzmq, set up as Locust's, that does what lines of JSON on its standard input say."""

import json
import sys

import zmq

context = zmq.Context()
socket = None


def open_socket(kind, address, identity=None, heartbeat_ms=0):
    global socket
    socket = context.socket(zmq.ROUTER if kind == "router" else zmq.DEALER)
    socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
    socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 30)
    socket.setsockopt(zmq.LINGER, 2000)
    if heartbeat_ms:
        socket.setsockopt(zmq.HEARTBEAT_IVL, heartbeat_ms)
        socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, heartbeat_ms * 3)
    if kind == "router":
        socket.bind(address)
        return {"port": int(socket.getsockopt(zmq.LAST_ENDPOINT).decode().rsplit(":", 1)[1])}
    socket.setsockopt(zmq.IDENTITY, identity.encode())
    socket.connect(address)
    return {"port": 0}


def send(to, text, repeat):
    """A text of `repeat` times itself: large messages need not come through the pipe."""
    payload = text.encode() * repeat
    parts = [payload] if to is None else [to.encode(), payload]
    socket.send_multipart(parts, zmq.NOBLOCK)
    return {}


def receive(within_ms):
    if not socket.poll(within_ms):
        return {"nothing": True}
    parts = socket.recv_multipart()
    sender = parts[0].decode() if socket.socket_type == zmq.ROUTER else "master"
    payload = parts[-1]
    return {"from": sender, "length": len(payload), "start": payload[:64].decode(), "parts": len(parts)}


for line in sys.stdin:
    order = json.loads(line)
    what = order.pop("do")
    if what == "close":
        socket.close()
        answer = {}
    else:
        answer = {"open": open_socket, "send": send, "receive": receive}[what](**order)
    print(json.dumps(answer), flush=True)
