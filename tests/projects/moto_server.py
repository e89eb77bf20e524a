"""A moto server that Terraform's AWS provider can apply, re-plan and destroy our module against.

moto 5.2.5 lacks a few calls the provider makes after every create, and forgets a few values the
provider reads back (which shows up as a plan that never becomes empty). Each function below closes
one such gap and says which. Started as a process of its own:

    python tests/projects/moto_server.py --host 127.0.0.1 --port 5601
"""

import json
import sys
from typing import Any

from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.budgets.responses import BudgetsResponse
from moto.ec2.models import ec2_backends
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.eks.responses import EKSResponse
from moto.rds.models import DBParameterGroup
from moto.secretsmanager.models import FakeSecret, SecretsManagerBackend
from moto.server import main


def remember_budget_tags() -> None:
    """Budgets: ListTagsForResource and DescribeSubscribersForNotification are missing."""
    tags: dict[str, list[dict[str, str]]] = {}
    create = BudgetsResponse.create_budget

    def create_budget(self: BudgetsResponse) -> str:
        name = self._get_param("Budget")["BudgetName"]
        tags[f"arn:aws:budgets::{self._get_param('AccountId')}:budget/{name}"] = self._get_param("ResourceTags") or []
        return create(self)

    def list_tags(self: BudgetsResponse) -> str:
        return json.dumps({"ResourceTags": tags.get(self._get_param("ResourceARN"), [])})

    def describe_subscribers(self: BudgetsResponse) -> str:
        budget = self.backend.budgets[self._get_param("AccountId")][self._get_param("BudgetName")]
        wanted = self._get_param("Notification")
        key = ("ComparisonOperator", "NotificationType", "Threshold")
        found = [n.subscribers for n in budget.notifications if all(n.details.get(k) == wanted.get(k) for k in key)]
        return json.dumps({"Subscribers": found[0] if found else []})

    BudgetsResponse.create_budget = create_budget
    BudgetsResponse.list_tags_for_resource = list_tags
    BudgetsResponse.describe_subscribers_for_notification = describe_subscribers


def remember_autoscaling_tags() -> None:
    """Application Auto Scaling: ListTagsForResource is missing (one target at a time is enough here)."""
    latest: dict[str, str] = {}
    register = ApplicationAutoScalingResponse.register_scalable_target

    def register_scalable_target(self: ApplicationAutoScalingResponse) -> Any:
        latest.clear()
        latest.update(self._get_param("Tags") or {})
        return register(self)

    ApplicationAutoScalingResponse.register_scalable_target = register_scalable_target
    ApplicationAutoScalingResponse.list_tags_for_resource = lambda self: json.dumps({"Tags": latest})


def name_the_source_of_database_parameters() -> None:
    """RDS: a parameter set by the user comes back without Source=user, so the provider sees none."""
    update = DBParameterGroup.update_parameters

    def update_parameters(self: DBParameterGroup, new_parameters: Any) -> None:
        changed = list(new_parameters)
        update(self, changed)
        for parameter in changed:
            self.parameters[parameter["ParameterName"]].setdefault("Source", "user")

    DBParameterGroup.update_parameters = update_parameters


def remember_service_settings() -> None:
    """ECS: a service forgets its health check grace period and its zone rebalancing."""
    create = EC2ContainerServiceResponse.create_service

    def create_service(self: EC2ContainerServiceResponse) -> Any:
        answer = create(self)
        service = answer.result["service"]
        service.health_check_grace_period_seconds = self._get_int_param("healthCheckGracePeriodSeconds")
        service.availability_zone_rebalancing = self._get_param("availabilityZoneRebalancing") or "DISABLED"
        return answer

    EC2ContainerServiceResponse.create_service = create_service


def return_rule_descriptions() -> None:
    """EC2: the description of a rule that names another security group is stored but not returned."""
    SecurityGroupRule.description = property(
        lambda self: self.ip_range.get("Description") or (self.source_group or {}).get("Description")
    )


def rotate_managed_secrets() -> None:
    """Secrets Manager: the schedule of a secret without a Lambda (RDS's) is lost and cannot be cancelled."""
    rotate, to_dict = SecretsManagerBackend.rotate_secret, FakeSecret.to_dict

    def rotate_secret(self: SecretsManagerBackend, secret_id: str, **kwargs: Any) -> str:
        answer = rotate(self, secret_id=secret_id, **kwargs)
        secret = self.secrets[secret_id]
        secret.rules, secret.rotation_enabled = kwargs.get("rotation_rules"), True
        return answer

    def cancel_rotate_secret(self: SecretsManagerBackend, secret_id: str) -> str:
        secret = self.secrets[secret_id]
        secret.rotation_enabled = secret.rotation_requested = False
        return secret.to_short_dict()

    def with_rules(self: FakeSecret) -> dict[str, Any]:
        answer = to_dict(self)
        if "RotationRules" in answer and getattr(self, "rules", None):
            answer["RotationRules"] = self.rules
        return answer

    SecretsManagerBackend.rotate_secret = rotate_secret
    SecretsManagerBackend.cancel_rotate_secret = cancel_rotate_secret
    FakeSecret.to_dict = with_rules


def remember_auto_mode() -> None:
    """EKS: Auto Mode's settings and who may log in are lost, and a cluster has no security group of its own."""
    create = EKSResponse.create_cluster

    def create_cluster(self: EKSResponse) -> Any:
        answer = create(self)
        cluster = answer.result["cluster"]
        network = ec2_backends[self.current_account][self.region]
        subnet = network.get_subnet(cluster.resources_vpc_config["subnetIds"][0])
        group = network.create_security_group(f"eks-{cluster.name}", "The cluster's own", vpc_id=subnet.vpc_id)
        cluster.resources_vpc_config["clusterSecurityGroupId"] = group.id
        for kept in ("accessConfig", "computeConfig", "storageConfig", "upgradePolicy"):
            setattr(cluster, kept, self._get_param(kept))
        return answer

    EKSResponse.create_cluster = create_cluster


if __name__ == "__main__":
    remember_auto_mode()
    remember_budget_tags()
    remember_autoscaling_tags()
    name_the_source_of_database_parameters()
    remember_service_settings()
    return_rule_descriptions()
    rotate_managed_secrets()
    main(sys.argv[1:])
