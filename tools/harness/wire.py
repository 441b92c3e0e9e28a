"""A wire between two guests that may be bad: frames are dropped, reordered, duplicated, delayed, corrupted, truncated.

    with BadWire(seed=7) as wire:
        wire.left, wire.right            two Cards, see network.py
        wire.faults = {"drop": 0.05}     from now on, a probability a frame and kind
        wire.counts                      how often each was done

Each direction has its own random numbers, so what happens to its N-th frame depends on the seed alone. A corrupted
frame has one bit turned, which every checksum of the Internet notices.
"""

import heapq
import random
import selectors
import socket
import threading
import time
from collections import Counter, deque

from . import network

KINDS = ("drop", "reorder", "duplicate", "delay", "corrupt", "truncate")
DELAY_S = 0.05
HOLD_S = 0.2          # a frame that waits for others to overtake it waits no longer
OVERTAKEN_BY = 3
QUEUE_FRAMES = 2000   # more are dropped, as a switch does
READ_BYTES = 1 << 16


class Direction:
    """From one end to the other."""

    def __init__(self, wire, source, target, seed):
        self.wire, self.source, self.target = wire, source, target
        self.random = random.Random(seed)
        self.input = bytearray()
        self.output = deque()
        self.rest = b""
        self.held = []      # [frames that may still overtake it, deadline, frame]
        self.delayed = []   # a heap of (when, number, frame)
        self.number = 0

    def read(self):
        """Frames that have come, through the faults."""
        data = self.source.recv(READ_BYTES)
        if not data:
            return False
        self.input += data
        while len(self.input) >= 4:
            size = int.from_bytes(self.input[:4], "big")
            if len(self.input) < 4 + size:
                break
            frame = bytes(self.input[4:4 + size])
            del self.input[:4 + size]
            self.pass_on(frame)
        return True

    def chosen(self):
        """The fault of this frame, or None."""
        at = self.random.random()
        for kind, probability in self.wire.faults.items():
            if at < probability:
                return kind
            at -= probability
        return None

    def pass_on(self, frame):
        kind = self.chosen()
        self.number += 1
        self.wire.counts[kind or "whole"] += 1
        if kind == "reorder":
            self.held.append([self.random.randint(1, OVERTAKEN_BY), time.monotonic() + HOLD_S, frame])
            return
        if kind == "delay":
            when = time.monotonic() + self.random.random() * DELAY_S
            heapq.heappush(self.delayed, (when, self.number, frame))
            return
        if kind == "corrupt":
            spoilt = bytearray(frame)
            spoilt[self.random.randrange(len(spoilt))] ^= 1 << self.random.randrange(8)
            frame = bytes(spoilt)
        elif kind == "truncate":
            frame = frame[:self.random.randrange(14, max(15, len(frame)))]
        if kind != "drop":
            self.put(frame)
        if kind == "duplicate":
            self.put(frame)
        for entry in self.held:
            entry[0] -= 1
        self.release(time.monotonic())

    def release(self, now):
        """What has been overtaken or delayed enough goes on."""
        for entry in [entry for entry in self.held if entry[0] <= 0 or entry[1] <= now]:
            self.held.remove(entry)
            self.put(entry[2])
        while self.delayed and self.delayed[0][0] <= now:
            self.put(heapq.heappop(self.delayed)[2])

    def put(self, frame):
        if len(self.output) < QUEUE_FRAMES:
            self.output.append(len(frame).to_bytes(4, "big") + frame)
        else:
            self.wire.counts["overflow"] += 1

    def write(self):
        """As much as goes; whether all did."""
        while self.rest or self.output:
            data = self.rest or self.output.popleft()
            try:
                sent = self.target.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            except BlockingIOError:
                sent = 0
            self.rest = data[sent:]
            if self.rest:
                return False
        return True


class BadWire:
    """The wire and the thread that does it; see the head of this file."""

    def __init__(self, seed, faults=None):
        self.faults = dict(faults or {})
        self.counts = Counter()
        pairs = [socket.socketpair(), socket.socketpair()]
        self.sockets = [end for pair in pairs for end in pair]
        self.left, self.right = (network.plug(pair[0]) for pair in pairs)
        ours = [pair[1] for pair in pairs]
        self.directions = [Direction(self, ours[0], ours[1], seed * 2), Direction(self, ours[1], ours[0], seed * 2 + 1)]
        self.stopping = False
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.thread.join(5)
        for end in self.sockets:
            end.close()

    def waits(self):
        """Seconds until something held or delayed is due."""
        due = [way.delayed[0][0] for way in self.directions if way.delayed]
        due += [entry[1] for way in self.directions for entry in way.held]
        return max(0.0, min([due_at - time.monotonic() for due_at in due] + [0.2]))

    def run(self):
        """Until stopped, or until a guest has gone."""
        with selectors.DefaultSelector() as selector:
            for way in self.directions:
                selector.register(way.source, selectors.EVENT_READ, way)
            while not self.stopping:
                for key, _ in selector.select(self.waits()):
                    try:
                        alive = key.data.read()
                    except ConnectionError:
                        alive = False
                    if not alive:
                        return
                self.flush()

    def flush(self):
        now = time.monotonic()
        for way in self.directions:
            way.release(now)
            try:
                if not way.write():
                    time.sleep(0.001)
            except (BrokenPipeError, ConnectionError):
                way.output.clear()


def mixed(rate, kinds=KINDS):
    """Faults that together hit this share of the frames, each as often as the others."""
    return {kind: rate / len(kinds) for kind in kinds}
