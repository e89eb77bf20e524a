"""Is the cloud described in code that somebody can review?"""

from __future__ import annotations

import re

from shipfolio.check.pipelines import pipelines
from shipfolio.check.repo import Repo
from shipfolio.check.rule import Rule

CODE = r".+\.tf"
RESOURCE = re.compile(r'^resource\s+"(\w+)"', re.MULTILINE)
BLOCK = re.compile(r"^(?:resource|module)\s.*?^\}", re.MULTILINE | re.DOTALL)
FORMAT = re.compile(r"\b(?:terraform|tofu)\b.*\bfmt\b.*-check|\bterraform_fmt\b")
VALIDATE = re.compile(r"\b(?:terraform|tofu)\b.*\bvalidate\b|\bterraform_validate\b")
BUDGETS = {"aws_budgets_budget", "google_billing_budget", "azurerm_consumption_budget_resource_group"}
BUDGETS |= {"azurerm_consumption_budget_subscription", "aws_ce_anomaly_subscription"}
NETWORKS = re.compile(
    r"aws_(?:vpc|subnet)$|azurerm_(?:virtual_network|subnet|private_endpoint)$|google_compute_(?:sub)?network$"
)
PUBLIC = re.compile(
    r"^\s*(?:publicly_accessible|public_network_access_enabled|ipv4_enabled|map_public_ip_on_launch)\s*=\s*true",
    re.MULTILINE,
)
WORLD = re.compile(r'"(?:0\.0\.0\.0/0|::/0)"')
INCOMING = re.compile(r'ingress|"INGRESS"|"Inbound"|source_ranges|google_compute_firewall')
PORT = re.compile(r"(?:from_port|to_port|destination_port_range|ports)\s*=\s*\[?\"?(\d+)")
WEB_PORTS = {"80", "443"}


class INF101(Rule):
    """The infrastructure is Terraform or OpenTofu code."""

    family = "infrastructure"
    why = "Clicked infrastructure cannot be reviewed, repeated or removed; it is what a cloud engineer is hired to end."
    points = 2

    def check(self, repo: Repo) -> bool:
        """Describe the cloud in .tf files, for example in infra/."""
        return self.found(_resources(repo), "resource")


class INF102(Rule):
    """CI checks its format and validates it."""

    family = "infrastructure"
    why = "A typo then fails in a minute on a pull request, not half-way through an apply."
    points = 2
    requires = frozenset({"INF101"})

    def check(self, repo: Repo) -> bool:
        """Run `terraform fmt -check` and `terraform validate` in a workflow on pull requests."""
        commands = "\n".join(pipeline.commands for pipeline in pipelines(repo) if pipeline.on_pull_request)
        formatted, validated = bool(FORMAT.search(commands)), bool(VALIDATE.search(commands))
        self.evidence.append(f"format {'checked' if formatted else 'not checked'} in CI")
        self.evidence.append(f"code {'validated' if validated else 'not validated'} in CI")
        return formatted and validated


class INF103(Rule):
    """A budget warns before the bill does."""

    family = "infrastructure"
    why = "A forgotten test environment is the most common surprise on a learner's invoice."
    points = 1
    requires = frozenset({"INF101"})

    def check(self, repo: Repo) -> bool:
        """Add a budget with a notification (aws_budgets_budget and its kin)."""
        return self.found(sorted(BUDGETS & set(_resources(repo))), "budget")


class INF104(Rule):
    """Data lives in a private network; only the web ports are open to the world."""

    family = "infrastructure"
    why = "A database with a public address is found and tried within the hour."
    points = 2
    requires = frozenset({"INF101"})

    def check(self, repo: Repo) -> bool:
        """Put the database into a private subnet and open nothing but 80 and 443 to 0.0.0.0/0."""
        networks = sorted({kind for kind in _resources(repo) if NETWORKS.match(kind)})
        exposed = [f"{name}: {found.strip()}" for name in repo.named(CODE) if (found := repo.first(PUBLIC, name))]
        exposed += [f"{name}: {where}" for name in repo.named(CODE) for where in _open_ports(repo.text(name))]
        self.found(networks, "kind of private network", "kinds of network")
        self.found(exposed, "way in from outside", "ways in from outside")
        return bool(networks) and not exposed


def _resources(repo: Repo) -> list[str]:
    return [kind for name in repo.named(CODE) for kind in RESOURCE.findall(repo.text(name))]


def _open_ports(text: str) -> list[str]:
    """The incoming rules that admit the whole world to a port that is not the web's."""
    found = []
    for block in BLOCK.findall(text):
        ports = set(PORT.findall(block))
        if WORLD.search(block) and INCOMING.search(block) and not (ports and ports <= WEB_PORTS):
            found.append(f"the world may reach port {', '.join(sorted(ports)) or 'any'}")
    return found
