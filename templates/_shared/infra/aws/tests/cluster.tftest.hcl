# What must stay true of the cluster. Offline: `terraform test`.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  project        = "contract-search"
  environment    = "dev"
  region         = "eu-central-1"
  allowed_cidrs  = ["203.0.113.7/32"]
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

run "nodes_and_api_are_private" {
  command = plan

  assert {
    condition     = aws_eks_cluster.main.vpc_config[0].subnet_ids == toset(["private-subnet"])
    error_message = "Nodes must run in the private subnets."
  }

  assert {
    condition     = aws_eks_cluster.main.vpc_config[0].endpoint_private_access && aws_eks_cluster.main.vpc_config[0].public_access_cidrs == toset(["203.0.113.7/32"])
    error_message = "Only allowed_cidrs and the network itself may reach the cluster's API."
  }

  assert {
    condition     = aws_eks_cluster.main.access_config[0].authentication_mode == "API"
    error_message = "Who administers the cluster must be written in AWS."
  }

  assert {
    condition     = contains(aws_eks_cluster.main.enabled_cluster_log_types, "audit")
    error_message = "Who changed what in the cluster must be kept."
  }

  assert {
    condition     = aws_eks_cluster.main.compute_config[0].enabled && aws_eks_cluster.main.storage_config[0].block_storage[0].enabled && aws_eks_cluster.main.kubernetes_network_config[0].elastic_load_balancing[0].enabled
    error_message = "EKS demands that the three parts of Auto Mode are on or off together."
  }
}

run "pods_get_the_role_of_their_service_account_only" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role.task.assume_role_policy).Statement[0].Condition.StringEquals == {
      "oidc.eks.eu-central-1.amazonaws.com/id/ABC:aud" = "sts.amazonaws.com"
      "oidc.eks.eu-central-1.amazonaws.com/id/ABC:sub" = "system:serviceaccount:contract-search-dev:app"
    }
    error_message = "Only the service account `app` of this environment's namespace may become the task role."
  }

  assert {
    condition     = toset([for attachment in aws_iam_role_policy_attachment.node : attachment.policy_arn]) == toset(["arn:aws:iam::aws:policy/AmazonEKSWorkerNodeMinimalPolicy", "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"])
    error_message = "Nodes must have the two smallest policies: every pod on them could use more."
  }

  assert {
    condition     = alltrue(flatten([for statement in jsondecode(aws_iam_role_policy.secrets.policy).Statement : [for text in concat(statement.Action, statement.Resource) : !strcontains(text, "*")]]))
    error_message = "Secrets must be read by name, without a wildcard."
  }
}

run "prod_is_protected" {
  command = plan

  variables {
    environment = "prod"
  }

  assert {
    condition     = aws_db_instance.main.deletion_protection && aws_db_instance.main.multi_az && length(aws_nat_gateway.main) == 2
    error_message = "prod must be protected from deletion and survive the loss of a zone."
  }
}

run "names_of_the_cluster_stay_legal_at_full_length" {
  command = plan

  variables {
    project = "internal-a23456789-b23456789-c23456789-d"
  }

  assert {
    condition     = length(aws_eks_cluster.main.name) <= 100 && alltrue([for role in [aws_iam_role.cluster, aws_iam_role.node] : length(role.name) <= 64])
    error_message = "EKS allows 100 characters, IAM 64."
  }
}

run "api_open_to_the_world" {
  command         = plan
  expect_failures = [var.allowed_cidrs]
  variables { allowed_cidrs = ["203.0.113.7/32", "0.0.0.0/0"] }
}

run "api_open_to_half_the_world" {
  command         = plan
  expect_failures = [var.allowed_cidrs]
  variables { allowed_cidrs = ["128.0.0.0/1"] }
}
