# What must stay true of the service that runs without a cluster. Offline: `terraform test`.

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
}

run "bedrock_needs_no_key" {
  command = plan

  variables {
    llm = { primary = "bedrock:amazon.nova-lite-v1:0", fallback = "none", keys = ["AWS_DEFAULT_REGION"] }
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.release["stable"].container_definitions)[0].secrets[*].name == ["PGPASSWORD"]
    error_message = "Bedrock is reached by role; the region is no secret."
  }
}

run "no_role_of_the_service_has_a_wildcard" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for policy in [aws_iam_role_policy.execution, aws_iam_role_policy.restart] : [
        for statement in jsondecode(policy.policy).Statement : [for action in statement.Action : !strcontains(action, "*")]
      ]
    ]))
    error_message = "Actions must be written out, without a wildcard."
  }

  # "…log-group:app:*" names the streams of one group; the login token has no resource at all.
  assert {
    condition = alltrue(flatten([
      for policy in [aws_iam_role_policy.execution, aws_iam_role_policy.restart] : [
        for statement in jsondecode(policy.policy).Statement : [
          for resource in statement.Resource :
          !strcontains(trimsuffix(resource, ":*"), "*") || join(",", statement.Action) == "ecr:GetAuthorizationToken"
        ]
      ]
    ]))
    error_message = "Resources must be named, without a wildcard."
  }
}

run "own_settings_and_secrets_reach_the_service" {
  command = plan

  variables {
    settings = { APP_LOG__LEVEL = "DEBUG", APP_STORE__URL = "sqlite:///lost.db" }
    secrets  = ["APP_MAIL__PASSWORD"]
  }

  assert {
    condition     = contains([for e in jsondecode(aws_ecs_task_definition.release["stable"].container_definitions)[0].environment : e.value if e.name == "APP_LOG__LEVEL"], "DEBUG") && !contains(compact(jsondecode(aws_ecs_task_definition.release["stable"].container_definitions)[0].environment[*].value), "sqlite:///lost.db")
    error_message = "A setting of one's own must reach the service, and none may replace what the module sets."
  }

  assert {
    condition     = contains(jsondecode(aws_ecs_task_definition.release["stable"].container_definitions)[0].secrets[*].name, "APP_MAIL__PASSWORD")
    error_message = "A secret of one's own must come from the secret store."
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

run "names_of_the_service_stay_legal_at_full_length" {
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
    condition     = alltrue([for role in [aws_iam_role.execution, aws_iam_role.restart] : length(role.name) <= 64])
    error_message = "IAM allows 64 characters."
  }

  assert {
    condition     = length(aws_scheduler_schedule.restart.name) <= 64
    error_message = "EventBridge Scheduler allows 64 characters."
  }
}
