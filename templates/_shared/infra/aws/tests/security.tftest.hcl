# What must stay true of the plan, whoever edits it. Offline: `terraform test`.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  project        = "contract-search"
  environment    = "dev"
  region         = "eu-central-1"
  allowed_cidrs  = ["203.0.113.7/32"]
  release        = { stable = "3f9c2d1" }
  monthly_budget = 80
  alert_email    = "you@example.com"
  repository     = "octo@1234/contract-search@5678"
  llm            = { primary = "openai:gpt-x", fallback = "none", keys = ["OPENAI_API_KEY"] }
}

override_resource {
  target          = aws_subnet.private
  override_during = plan
  values          = { id = "private-subnet" }
}

override_resource {
  target          = aws_subnet.public
  override_during = plan
  values          = { id = "public-subnet" }
}

run "database_is_private_and_encrypted" {
  command = plan

  assert {
    condition     = aws_db_instance.main.publicly_accessible == false
    error_message = "The database must not have a public address."
  }

  assert {
    condition     = aws_db_instance.main.storage_encrypted
    error_message = "The database must be encrypted at rest."
  }

  assert {
    condition     = aws_db_instance.main.manage_master_user_password && aws_db_instance.main.password == null
    error_message = "RDS must own the password, or it ends up in the state."
  }

  assert {
    condition     = contains([for p in aws_db_parameter_group.main.parameter : "${p.name}=${p.value}"], "rds.force_ssl=1")
    error_message = "The database must refuse connections without TLS."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.database_from_service.cidr_ipv4 == null
    error_message = "Only the service's security group may reach the database, never an address range."
  }

  assert {
    condition     = aws_db_subnet_group.main.subnet_ids == toset(["private-subnet"])
    error_message = "The database must be in the private subnets."
  }

  assert {
    condition     = alltrue([for route in aws_route.private_to_nat : route.gateway_id == null])
    error_message = "A private subnet must not route to the internet gateway."
  }

  assert {
    condition     = can(regex("^postgresql://app@[^:]+:5432/app\\?sslmode=require$", local.store_url))
    error_message = "The database address must carry no password and must require TLS."
  }
}

run "documents_are_private" {
  command = plan

  assert {
    condition     = aws_s3_bucket_public_access_block.documents.block_public_acls && aws_s3_bucket_public_access_block.documents.block_public_policy && aws_s3_bucket_public_access_block.documents.ignore_public_acls && aws_s3_bucket_public_access_block.documents.restrict_public_buckets
    error_message = "Documents must not be public."
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.documents.policy).Statement[0].Effect == "Deny" && jsondecode(aws_s3_bucket_policy.documents.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false"
    error_message = "Documents must travel over TLS."
  }
}

run "no_role_has_a_wildcard" {
  command = plan

  variables {
    llm = { primary = "bedrock:amazon.nova-lite-v1:0", fallback = "none", keys = ["AWS_DEFAULT_REGION"] }
  }

  assert {
    condition = alltrue(flatten([
      for policy in [aws_iam_role_policy.task["invoke-models"], aws_iam_role_policy.documents, aws_iam_role_policy.publish] : [
        for statement in jsondecode(policy.policy).Statement : [for action in statement.Action : !strcontains(action, "*")]
      ]
    ]))
    error_message = "Actions must be written out, without a wildcard."
  }

  # "bucket/*" names the files of one bucket; the login token has no resource at all.
  assert {
    condition = alltrue(flatten([
      for policy in [aws_iam_role_policy.task["invoke-models"], aws_iam_role_policy.documents, aws_iam_role_policy.publish] : [
        for statement in jsondecode(policy.policy).Statement : [
          for resource in statement.Resource :
          !strcontains(trimsuffix(resource, "/*"), "*") || join(",", statement.Action) == "ecr:GetAuthorizationToken"
        ]
      ]
    ]))
    error_message = "Resources must be named, without a wildcard."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.task["invoke-models"].policy).Statement[0].Resource == ["arn:aws:bedrock:eu-central-1::foundation-model/amazon.nova-lite-v1:0"]
    error_message = "The application may invoke the chosen model only."
  }
}

run "inference_profile_grants_only_its_models" {
  command = plan

  variables {
    llm = { primary = "openai:gpt-x", fallback = "bedrock:eu.amazon.nova-lite-v1:0", keys = ["OPENAI_API_KEY"] }
  }

  override_data {
    target = data.aws_bedrock_inference_profile.model
    values = {
      inference_profile_arn = "arn:aws:bedrock:eu-central-1:111122223333:inference-profile/eu.amazon.nova-lite-v1:0"
      models                = [{ model_arn = "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0" }]
    }
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.task["invoke-models"].policy).Statement[0].Resource == [
      "arn:aws:bedrock:eu-central-1:111122223333:inference-profile/eu.amazon.nova-lite-v1:0",
      "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0",
    ]
    error_message = "The profile and the models behind it, nothing else."
  }
}

run "application_without_bedrock_cannot_call_a_model" {
  command = plan

  assert {
    condition     = length(aws_iam_role_policy.task) == 0 && length(aws_vpc_endpoint.bedrock) == 0
    error_message = "An application that calls no model of AWS needs neither the right nor the way to it."
  }
}

run "only_main_of_the_repository_may_publish" {
  command = plan

  assert {
    condition     = jsondecode(aws_iam_role.publish.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == "repo:octo@1234/contract-search@5678:ref:refs/heads/main"
    error_message = "Pull requests and other branches must not be able to publish."
  }
}

run "budget_warns_before_the_limit" {
  command = plan

  assert {
    condition     = aws_budgets_budget.monthly.limit_amount == "80" && anytrue([for n in aws_budgets_budget.monthly.notification : n.threshold < 100])
    error_message = "The budget must exist and warn before it is spent."
  }
}

run "images_cannot_be_replaced" {
  command = plan

  assert {
    condition     = aws_ecr_repository.app.image_tag_mutability == "IMMUTABLE" && aws_ecr_repository.app.image_scanning_configuration[0].scan_on_push
    error_message = "Images must be immutable and scanned."
  }
}

run "names_stay_legal_at_full_length" {
  command = plan

  variables {
    project = "internal-a23456789-b23456789-c23456789-d"
  }

  assert {
    condition     = length(aws_db_instance.main.identifier) <= 63 && length(aws_db_instance.main.final_snapshot_identifier) <= 63
    error_message = "RDS allows 63 characters."
  }

  assert {
    condition     = alltrue([for role in [aws_iam_role.task, aws_iam_role.publish] : length(role.name) <= 64])
    error_message = "IAM allows 64 characters."
  }
}
