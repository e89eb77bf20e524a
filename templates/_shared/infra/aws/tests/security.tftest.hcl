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
}

run "service_is_private_and_locked_down" {
  command = plan

  assert {
    condition     = aws_ecs_service.release["stable"].network_configuration[0].assign_public_ip == false
    error_message = "Tasks must not have public addresses."
  }

  assert {
    condition     = aws_ecs_service.release["stable"].network_configuration[0].subnets == toset(["private-subnet"])
    error_message = "Tasks must run in the private subnets."
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
    condition     = jsondecode(aws_ecs_task_definition.release["stable"].container_definitions)[0].readonlyRootFilesystem
    error_message = "The container's root filesystem must be read-only."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.release["stable"].container_definitions)[0].user == "10001"
    error_message = "The container must not run as root."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.release["stable"].container_definitions)[0].healthCheck.startPeriod >= 30
    error_message = "A cold start takes seconds; give it a start period of at least 30."
  }

  assert {
    condition     = aws_ecs_service.release["stable"].deployment_circuit_breaker[0].enable && aws_ecs_service.release["stable"].deployment_circuit_breaker[0].rollback
    error_message = "A bad release must roll itself back."
  }

  assert {
    condition     = aws_ecr_repository.app.image_tag_mutability == "IMMUTABLE" && aws_ecr_repository.app.image_scanning_configuration[0].scan_on_push
    error_message = "Images must be immutable and scanned."
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

run "secrets_travel_as_references" {
  command = plan

  assert {
    condition     = toset(jsondecode(aws_ecs_task_definition.release["stable"].container_definitions)[0].secrets[*].name) == toset(["OPENAI_API_KEY", "PGPASSWORD"])
    error_message = "Every provider key and the database password must come from the secret store."
  }

  assert {
    condition     = alltrue([for s in jsondecode(aws_ecs_task_definition.release["stable"].container_definitions)[0].environment : !strcontains(s.name, "KEY") && !strcontains(s.name, "PASSWORD")])
    error_message = "A key or password must not be a plain environment variable."
  }

  assert {
    condition     = can(regex("^postgresql://app@[^:]+:5432/app\\?sslmode=require$", local.store_url))
    error_message = "The database address must carry no password and must require TLS."
  }
}

run "no_role_has_a_wildcard" {
  command = plan

  variables {
    llm = { primary = "bedrock:amazon.nova-lite-v1:0", fallback = "none", keys = ["AWS_DEFAULT_REGION"] }
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.release["stable"].container_definitions)[0].secrets[*].name == ["PGPASSWORD"]
    error_message = "Bedrock is reached by role; the region is no secret."
  }

  assert {
    condition = alltrue(flatten([
      for policy in [aws_iam_role_policy.task["invoke-models"], aws_iam_role_policy.documents, aws_iam_role_policy.execution, aws_iam_role_policy.publish, aws_iam_role_policy.restart] : [
        for statement in jsondecode(policy.policy).Statement : [for action in statement.Action : !strcontains(action, "*")]
      ]
    ]))
    error_message = "Actions must be written out, without a wildcard."
  }

  # "…log-group:app:*" names the streams of one group, "bucket/*" the files of one bucket; the login token has no resource at all.
  assert {
    condition = alltrue(flatten([
      for policy in [aws_iam_role_policy.task["invoke-models"], aws_iam_role_policy.documents, aws_iam_role_policy.execution, aws_iam_role_policy.publish, aws_iam_role_policy.restart] : [
        for statement in jsondecode(policy.policy).Statement : [
          for resource in statement.Resource :
          !strcontains(trimsuffix(trimsuffix(resource, ":*"), "/*"), "*") || join(",", statement.Action) == "ecr:GetAuthorizationToken"
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

run "canary_gets_its_share" {
  command = plan

  variables {
    release = { stable = "3f9c2d1", canary = "4a8b1c0", percent = 20 }
  }

  assert {
    condition     = toset(aws_lb_listener.http.default_action[0].forward[0].target_group[*].weight) == toset([80, 20]) && aws_ecs_service.release["canary"].desired_count == 1
    error_message = "The canary must be a service of its own and get its percentage, the stable build the rest."
  }
}

run "certificate_turns_http_into_a_redirect" {
  command = plan

  variables {
    environment    = "prod"
    allowed_cidrs  = ["0.0.0.0/0"]
    certificate_id = "arn:aws:acm:eu-central-1:111122223333:certificate/abc"
  }

  assert {
    condition     = aws_lb_listener.http.default_action[0].type == "redirect"
    error_message = "With a certificate plain HTTP must only redirect."
  }

  assert {
    condition     = aws_db_instance.main.deletion_protection && aws_db_instance.main.multi_az && aws_lb.main.enable_deletion_protection
    error_message = "prod must be protected from deletion and survive the loss of a zone."
  }
}

run "names_stay_legal_at_full_length" {
  command = plan

  variables {
    project        = "internal-a23456789-b23456789-c23456789-d"
    environment    = "prod"
    allowed_cidrs  = ["0.0.0.0/0"]
    certificate_id = "arn:aws:acm:eu-central-1:111122223333:certificate/abc"
  }

  assert {
    condition     = length(var.project) == 40 && can(regex("^[a-z][a-z0-9-]{0,30}[a-z0-9]$", aws_lb.main.name)) && !startswith(aws_lb.main.name, "internal-")
    error_message = "A load balancer's name has at most 32 characters and must not start with \"internal-\"."
  }

  assert {
    condition     = length(aws_db_instance.main.identifier) <= 63 && length(aws_db_instance.main.final_snapshot_identifier) <= 63
    error_message = "RDS allows 63 characters."
  }

  assert {
    condition     = alltrue([for role in [aws_iam_role.execution, aws_iam_role.task, aws_iam_role.publish, aws_iam_role.restart] : length(role.name) <= 64])
    error_message = "IAM allows 64 characters."
  }

  assert {
    condition     = length(aws_scheduler_schedule.restart.name) <= 64
    error_message = "EventBridge Scheduler allows 64 characters."
  }
}
