# SPDX-License-Identifier: MIT
"""What the tests of `vsva report` share: a machine that stands still, a page as a tree, and results as TAP."""
import html.parser
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

VOID = {"meta", "br", "input"}


class Results:
    """TAP, and the exit status."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, name, wrong):
        """wrong: a list of what is wrong; empty passes."""
        self.count += 1
        print(f"{'not ok' if wrong else 'ok'} {self.count} - {name}", flush=True)
        for line in list(wrong)[:20]:
            print(f"# {line}", flush=True)
        self.failed |= bool(wrong)

    def end(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0


class World:
    """A scenario, asked through its control socket. sign: what `show -j cache` or `show -j stats` says when it is far enough.
    is_traced: it stands still at its beginning, until its events are recorded."""

    def __init__(self, vsva, scenario, sign, is_traced=False):
        self.sign = sign
        self.vsva = vsva
        self.scratch = tempfile.mkdtemp()
        self.socket = self.path("c.sock")
        self.log = open(self.path("run"), "w+")
        self.process = subprocess.Popen([vsva, "run", "--control", self.socket, "--allow-control", scenario],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.trace = None
        if is_traced:
            self.watch_from_the_beginning()
        while not self.is_ready():
            if self.process.poll() is not None:
                raise SystemExit("Bail out! the scenario ended: " + self.said())
            time.sleep(0.05)

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def is_ready(self):
        return any(self.sign in self.run("show", "-j", "--control", self.socket, what).stdout for what in ("cache", "stats"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def path(self, name):
        return os.path.join(self.scratch, name)

    def run(self, *arguments, **more):
        return subprocess.run([self.vsva, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, **more)

    def show(self, snapshot, *arguments):
        return json.loads(self.run("show", "-j", "--snapshot", snapshot, *arguments).stdout)

    def page(self, name, *arguments):
        """The text of a report that is written to a directory of this name."""
        done = self.run("report", *arguments, self.path(name))
        if done.returncode:
            raise SystemExit(f"Bail out! report {arguments}: {done.returncode} {done.stderr}")
        with open(os.path.join(self.path(name), "index.html"), encoding="utf-8", newline="") as file:
            return file.read()

    def watch_from_the_beginning(self):
        while self.run("show", "--control", self.socket, "vm").returncode:
            time.sleep(0.05)
        self.trace = subprocess.Popen([self.vsva, "trace", "--json", "--control", self.socket], stdin=subprocess.DEVNULL,
                                      stdout=open(self.path("trace"), "w"), stderr=subprocess.DEVNULL)
        while not os.path.getsize(self.path("trace")):
            time.sleep(0.05)
        self.say_go_on()

    def go_on(self):
        """What the scenario's exit status is then."""
        self.say_go_on()
        return self.process.wait()

    def say_go_on(self):
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(self.socket)
            lines = control.makefile("rw")
            lines.readline()
            lines.write('{"go-on":true}\n')
            lines.flush()
            lines.readline()

    def close(self):
        if self.trace:
            self.trace.kill()
            self.trace.wait()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.scratch, ignore_errors=True)


class Element:
    def __init__(self, tag, attributes, parent):
        self.tag, self.attributes, self.parent = tag, dict(attributes), parent
        self.children = []  # elements and texts

    def walk(self):
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def all(self, tag):
        return (element for element in self.walk() if element.tag == tag)

    def text(self):
        return "".join(child if isinstance(child, str) else child.text() for child in self.children)


class Page(html.parser.HTMLParser):
    """A page as a tree; `wrong` says what is not well nested."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.root = self.at = Element("", [], None)
        self.wrong = []
        self.feed(text)
        self.close()
        if self.at is not self.root:
            self.wrong.append(f"<{self.at.tag}> is never closed")

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        if len(set(names)) != len(names):
            self.wrong.append(f"<{tag}> has an attribute twice: {names}")
        element = Element(tag, attributes, self.at)
        self.at.children.append(element)
        if tag not in VOID:
            self.at = element

    def handle_endtag(self, tag):
        if tag != self.at.tag:
            self.wrong.append(f"line {self.getpos()[0]}: </{tag}> in <{self.at.tag}>")
            return
        self.at = self.at.parent

    def handle_data(self, data):
        self.at.children.append(data)

    def all(self, tag):
        return self.root.all(tag)
