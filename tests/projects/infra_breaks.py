"""Changes that make a module of infra/ unsafe, and what its own tests must say to them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Break:
    """A change that makes the module unsafe, and what its own tests must say to it."""

    cloud: str
    file: str
    old: str
    new: str
    complaint: str
    deploy: str = "serverless"

    def filters(self) -> list[str]:
        """The tests of the module that must notice it: of the cluster only its own, the shared ones run without it."""
        files = ["cluster"] if self.deploy == "kubernetes" else ["security", "service"]
        return [f"-filter=tests/{file}.tftest.hcl" for file in files]


BREAKS = {
    "aws public database": Break(
        "aws",
        "database.tf",
        "publicly_accessible    = false",
        "publicly_accessible    = true",
        "not have a public address",
    ),
    "aws database in the clear": Break(
        "aws", "database.tf", "storage_encrypted     = true", "storage_encrypted     = false", "encrypted at rest"
    ),
    "aws service in a public subnet": Break(
        "aws", "service.tf", "= aws_subnet.private[*].id", "= aws_subnet.public[*].id", "private subnets"
    ),
    "aws wildcard action": Break(
        "aws",
        "model.tf",
        '["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]',
        '["bedrock:*"]',
        "without a wildcard",
    ),
    "aws wildcard resource": Break(
        "aws", "model.tf", "Resource = local.bedrock_arns", 'Resource = ["*"]', "without a wildcard"
    ),
    "aws pull requests may publish": Break(
        "aws", "identity.tf", ":ref:refs/heads/main", ":pull_request", "Pull requests"
    ),
    "aws no password from the secret store": Break(
        "aws",
        "service.tf",
        '{ PGPASSWORD = "${local.database_secret}:password::" }',
        "{}",
        "must come from the secret store",
    ),
    "aws name too long": Break(
        "aws", "load_balancer.tf", "= local.load_balancer_name", "= local.name", "name.*32 characters"
    ),
    "aws public bucket": Break(
        "aws", "documents.tf", "block_public_policy     = true", "block_public_policy     = false", "must not be public"
    ),
    "aws canary without a share": Break(
        "aws", "load_balancer.tf", "canary = var.release.percent }", "canary = 0 }", "its percentage"
    ),
    "azure public database": Break(
        "azure",
        "database.tf",
        "public_network_access_enabled = false",
        "public_network_access_enabled = true",
        "not have a public address",
    ),
    "azure password in the state": Break(
        "azure",
        "secrets.tf",
        "value_wo         = ephemeral.random_password.database.result",
        'value = "x"',
        "write-only",
    ),
    "azure public bucket": Break(
        "azure",
        "documents.tf",
        'container_access_type = "private"',
        'container_access_type = "blob"',
        "must not be public",
    ),
    "azure broad role": Break("azure", "identity.tf", 'role = "AcrPull"', 'role = "Contributor"', "never Owner"),
    "azure broad scope": Break(
        "azure",
        "identity.tf",
        '"${azurerm_key_vault.main.id}/secrets/${secret}"',
        "azurerm_resource_group.main.id",
        "must name one resource",
    ),
    "azure pull requests may publish": Break(
        "azure", "identity.tf", ":ref:refs/heads/main", ":pull_request", "Pull requests"
    ),
    "azure plain HTTP": Break(
        "azure",
        "service.tf",
        "allow_insecure_connections = false",
        "allow_insecure_connections = true",
        "must only redirect",
    ),
    "gcp public database": Break(
        "gcp", "database.tf", "ipv4_enabled    = false", "ipv4_enabled    = true", "not have a public address"
    ),
    "gcp password in the state": Break(
        "gcp",
        "database.tf",
        "password_wo         = ephemeral.random_password.database.result",
        'password = "x"',
        "write-only",
    ),
    "gcp public bucket": Break(
        "gcp",
        "documents.tf",
        'public_access_prevention    = "enforced"',
        'public_access_prevention    = "inherited"',
        "must not be public",
    ),
    "gcp broad role": Break(
        "gcp", "identity.tf", '"roles/storage.objectViewer"', '"roles/storage.admin"', "never owner"
    ),
    "gcp wildcard permission": Break(
        "gcp", "model.tf", '["aiplatform.endpoints.predict"]', '["aiplatform.*"]', "nothing else of Vertex"
    ),
    "gcp everybody": Break(
        "gcp",
        "identity.tf",
        '  member = google_service_account.app.member\n}\n\nresource "google_artifact',
        '  member = "allUsers"\n}\n\nresource "google_artifact',
        "granted to everybody",
    ),
    "gcp service past the load balancer": Break(
        "gcp", "service.tf", "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER", "INGRESS_TRAFFIC_ALL", "Only the load balancer"
    ),
    "gcp pull requests may publish": Break(
        "gcp", "identity.tf", ":ref:refs/heads/main'", ":pull_request'", "Pull requests"
    ),
    "aws cluster: API for everybody": Break(
        "aws", "cluster.tf", "= var.allowed_cidrs", '= ["0.0.0.0/0"]', "Only allowed_cidrs", "kubernetes"
    ),
    "aws cluster: nodes in a public subnet": Break(
        "aws", "cluster.tf", "= aws_subnet.private[*].id", "= aws_subnet.public[*].id", "private subnets", "kubernetes"
    ),
    "aws cluster: any pod gets the role": Break(
        "aws", "cluster_identity.tf", "${local.name}:app", "${local.name}:*", "Only the service account", "kubernetes"
    ),
    "aws cluster: wildcard secret": Break(
        "aws",
        "cluster_identity.tf",
        "= concat([local.database_secret], values(aws_secretsmanager_secret.provider)[*].arn)",
        '= ["*"]',
        "without a wildcard",
        "kubernetes",
    ),
    "aws cluster: broad nodes": Break(
        "aws",
        "cluster_identity.tf",
        '"AmazonEC2ContainerRegistryPullOnly"',
        '"AdministratorAccess"',
        "two smallest policies",
        "kubernetes",
    ),
    "azure cluster: API for everybody": Break(
        "azure", "cluster.tf", "= var.allowed_cidrs", '= ["0.0.0.0/0"]', "Only allowed_cidrs", "kubernetes"
    ),
    "azure cluster: a password": Break(
        "azure",
        "cluster.tf",
        "local_account_disabled            = true",
        "local_account_disabled            = false",
        "no administrator's password",
        "kubernetes",
    ),
    "azure cluster: broad scope": Break(
        "azure",
        "cluster_identity.tf",
        "scope = azurerm_subnet.service.id",
        "scope = azurerm_resource_group.main.id",
        "its own subnet",
        "kubernetes",
    ),
    "gcp cluster: public nodes": Break(
        "gcp",
        "cluster.tf",
        "enable_private_nodes    = true",
        "enable_private_nodes    = false",
        "without public addresses",
        "kubernetes",
    ),
    "gcp cluster: API for Google's customers": Break(
        "gcp",
        "cluster.tf",
        "gcp_public_cidrs_access_enabled = false",
        "gcp_public_cidrs_access_enabled = true",
        "not every machine at Google",
        "kubernetes",
    ),
    "gcp cluster: broad nodes": Break(
        "gcp",
        "cluster_identity.tf",
        '"roles/container.defaultNodeServiceAccount"',
        '"roles/editor"',
        "never owner or editor",
        "kubernetes",
    ),
    "gcp cluster: any pod gets the identity": Break(
        "gcp",
        "cluster_identity.tf",
        "[${local.name}/app]",
        "[default/default]",
        "Only the service account",
        "kubernetes",
    ),
}
