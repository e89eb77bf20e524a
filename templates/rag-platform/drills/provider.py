"""A model provider of the drill's own: one address on 127.0.0.1 that can die and come back.

It speaks OpenAI's chat format, as Ollama and many others do, so the service reaches it with its own client, its own
breaker and its own budget. It answers with the first sentence of the first passage, and takes the webhooks of alerts.
"""

import html
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from app.language import sentences

MODEL = "ollama:stand-in"
PASSAGE = re.compile(r'<passage id="1".*?>\n(.*?)\n</passage>', re.DOTALL)
CHARACTERS_PER_TOKEN = 4


class Provider:
    """A server in this process; `alerts` are the webhooks that it was sent."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        self._server = self._listen(0)
        self._port = self._server.server_address[1]

    @property
    def settings(self) -> dict[str, str]:
        """What makes the service use this provider, and nothing but it."""
        return {"APP_LLM__PRIMARY": MODEL, "APP_LLM__RETRIES": "0", "OLLAMA_BASE_URL": f"{self.url}/v1"}

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._port}"

    def die(self) -> None:
        """Stop listening, as a provider does that is down: connections are refused."""
        self._server.shutdown()
        self._server.server_close()

    def come_back(self) -> None:
        """Listen again at the same address."""
        self._server = self._listen(self._port)

    def _listen(self, port: int) -> ThreadingHTTPServer:
        server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (Handler,), {"alerts": self.alerts}))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return server


class Handler(BaseHTTPRequestHandler):
    """One request: a chat, streamed in two events, or an alert's webhook."""

    alerts: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.path.endswith("/chat/completions"):
            self.alerts.append(body)
            self.send_response(204)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for event in _chat(body["messages"]):
            self.wfile.write(f"data: {event}\n\n".encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the drill tells what happens."""


@contextmanager
def provider() -> Iterator[Provider]:
    """A provider that lives until the end of the block."""
    lives = Provider()
    try:
        yield lives
    finally:
        lives.die()


def _chat(messages: list[dict[str, Any]]) -> Iterator[str]:
    prompt = "\n".join(str(message["content"]) for message in messages)
    answer = f"{_first_sentence(prompt)} [1]"
    tokens = {"prompt_tokens": len(prompt) // CHARACTERS_PER_TOKEN, "completion_tokens": len(answer) // 4}
    usage = {**tokens, "total_tokens": sum(tokens.values())}
    kind = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "stand-in"}
    text = {"index": 0, "delta": {"role": "assistant", "content": answer}, "finish_reason": None}
    yield json.dumps({**kind, "choices": [text]})
    yield json.dumps({**kind, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage})
    yield "[DONE]"


def _first_sentence(prompt: str) -> str:
    passages = PASSAGE.findall(prompt)
    text = html.unescape(passages[-1]) if passages else ""
    told = [sentence for sentence in sentences(text) if sentence.endswith(".")]
    return told[0] if told else "I don't know."
