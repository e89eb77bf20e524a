# One empty secret for each key that the model providers need and each of
# var.secrets. Terraform makes the place, a person puts the value in
# (infra/README.md), so no state holds it.

locals {
  # Bedrock's "key" is the region, which service.tf sets; its access is a role.
  provider_keys = setsubtract(setunion(var.llm.keys, var.secrets), ["AWS_DEFAULT_REGION"])
}

resource "aws_secretsmanager_secret" "provider" {
  for_each = local.provider_keys

  name                    = "${local.name}/${each.value}"
  description             = "Environment variable ${each.value} of the service"
  recovery_window_in_days = local.tier.secret_recovery_days
}
