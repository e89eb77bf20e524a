"""`app demo` goes the whole way over HTTP: sign-up, answer, quota, upgrade, invoice, and nothing for the neighbour."""

import os
import subprocess
import sys


def test_the_demo_shows_the_whole_way() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("APP_")}
    ran = subprocess.run(
        [sys.executable, "-m", "app.cli", "demo"], capture_output=True, text=True, timeout=120, env=environment
    )
    assert ran.returncode == 0, ran.stderr
    northwind, contoso = ran.stdout.split("Contoso asks: ")
    assert "  [1] " in northwind, "the first organisation gets an answer with a citation"
    assert "[1]" not in contoso.partition("Contoso opens")[0], "the second has no document that says anything"
    assert "Contoso opens Northwind's documents: 404" in contoso
    assert "after 50 questions 402" in contoso
    assert "takes the plan Team and asks again: answered from no document" not in contoso
    assert "Invoice of Northwind" in contoso
    assert "Plan Team" in contoso.partition("Invoice of Northwind")[2]
