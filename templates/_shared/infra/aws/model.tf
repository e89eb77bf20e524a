# Amazon Bedrock, only where a model is Bedrock's: a role instead of a key, and a
# private way to it.
#
# An inference profile ("eu.anthropic…") spreads over regions; the account tells
# which models stand behind it, so that none has to be guessed with a wildcard.

locals {
  bedrock_ids      = toset([for model in [var.llm.primary, var.llm.fallback] : trimprefix(model, "bedrock:") if startswith(model, "bedrock:")])
  bedrock_profiles = toset([for id in local.bedrock_ids : id if can(regex("^(us|us-gov|eu|apac|au|jp|ca|global)\\.", id))])

  bedrock_arns = concat(
    [for id in setsubtract(local.bedrock_ids, local.bedrock_profiles) : "arn:aws:bedrock:${var.region}::foundation-model/${id}"],
    flatten([for profile in data.aws_bedrock_inference_profile.model : concat([profile.inference_profile_arn], profile.models[*].model_arn)]),
  )
}

data "aws_bedrock_inference_profile" "model" {
  for_each = local.bedrock_profiles

  inference_profile_id = each.value
}

resource "aws_iam_role_policy" "task" {
  for_each = length(local.bedrock_ids) == 0 ? toset([]) : toset(["invoke-models"])

  name = each.value
  role = aws_iam_role.task.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
      Resource = local.bedrock_arns
    }]
  })
}

# Questions and documents reach the model without crossing the internet.
resource "aws_vpc_endpoint" "bedrock" {
  for_each = length(local.bedrock_ids) == 0 ? toset([]) : toset(["bedrock-runtime"])

  vpc_id              = aws_vpc.main.id
  service_name        = "com.amazonaws.${var.region}.${each.value}"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = aws_subnet.private[*].id
  security_group_ids  = [aws_security_group.endpoint[each.key].id]
  private_dns_enabled = true
  tags                = { Name = "${local.name}-${each.value}" }
}

resource "aws_security_group" "endpoint" {
  for_each = length(local.bedrock_ids) == 0 ? toset([]) : toset(["bedrock-runtime"])

  name        = "${local.name}-${each.value}"
  description = "Private way to Bedrock"
  vpc_id      = aws_vpc.main.id
}

resource "aws_vpc_security_group_ingress_rule" "endpoint_from_service" {
  for_each = aws_security_group.endpoint

  security_group_id            = each.value.id
  description                  = "Model calls"
  referenced_security_group_id = local.service_group
  from_port                    = 443
  to_port                      = 443
  ip_protocol                  = "tcp"
}
