# What must stay true of the cluster. Offline: `terraform test`.

mock_provider "azurerm" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  project        = "contract-search"
  environment    = "dev"
  region         = "westeurope"
  allowed_cidrs  = ["203.0.113.7/32"]
  monthly_budget = 80
  alert_email    = "you@example.com"
  repository     = "octo@1234/contract-search@5678"
  llm            = { primary = "openai:gpt-x", fallback = "none", keys = ["OPENAI_API_KEY"] }
}

override_resource {
  target          = azurerm_subnet.database
  override_during = plan
  values          = { id = "database-subnet" }
}

override_resource {
  target          = azurerm_subnet.service
  override_during = plan
  values          = { id = "service-subnet" }
}

override_resource {
  target          = azurerm_user_assigned_identity.node
  override_during = plan
  values          = { id = "node-identity", principal_id = "node" }
}

run "nodes_and_api_are_private" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster.main.api_server_access_profile[0].authorized_ip_ranges == toset(["203.0.113.7/32"])
    error_message = "Only allowed_cidrs may reach the cluster's API."
  }

  assert {
    condition     = azurerm_kubernetes_cluster.main.default_node_pool[0].vnet_subnet_id == "service-subnet" && azurerm_kubernetes_cluster.main.default_node_pool[0].node_public_ip_enabled == false
    error_message = "Nodes must run inside the network, without public addresses."
  }

  assert {
    condition     = azurerm_kubernetes_cluster.main.network_profile[0].network_policy == "cilium"
    error_message = "Something must enforce the network rules of deploy/."
  }

  assert {
    condition     = azurerm_kubernetes_cluster.main.local_account_disabled && azurerm_kubernetes_cluster.main.azure_active_directory_role_based_access_control[0].azure_rbac_enabled
    error_message = "The cluster must have no administrator's password: its rights are roles."
  }
}

run "pods_get_the_identity_of_their_service_account_only" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster.main.oidc_issuer_enabled && azurerm_kubernetes_cluster.main.workload_identity_enabled
    error_message = "Pods must prove who they are by token."
  }

  assert {
    condition     = azurerm_federated_identity_credential.app.subject == "system:serviceaccount:contract-search-dev:app"
    error_message = "Only the service account `app` of this environment's namespace may become the identity."
  }

  assert {
    condition     = { for name, grant in azurerm_role_assignment.cluster : grant.role_definition_name => grant.scope } == { "Network Contributor" = "service-subnet", "Managed Identity Operator" = "node-identity" }
    error_message = "The cluster may change its own subnet and use its nodes' identity, nothing else."
  }

  assert {
    condition     = azurerm_role_assignment.main["pull_image"].principal_id == "node" && azurerm_role_assignment.main["read_documents"].principal_id != "node"
    error_message = "Nodes pull images; they must not have the service's identity."
  }
}

run "own_models_get_spot_nodes_and_others_none" {
  command = plan

  variables {
    llm = { primary = "openai:gpt-x", fallback = "ollama:qwen3:8b", keys = ["OPENAI_API_KEY"] }
  }

  assert {
    condition     = azurerm_kubernetes_cluster_node_pool.gpu["gpu"].priority == "Spot" && azurerm_kubernetes_cluster_node_pool.gpu["gpu"].max_count == 1
    error_message = "A GPU must be a spot node, and one at most."
  }
}

run "prod_survives_the_loss_of_a_zone" {
  command = plan

  variables {
    environment = "prod"
  }

  assert {
    condition     = length(azurerm_kubernetes_cluster.main.default_node_pool[0].zones) == 3 && azurerm_kubernetes_cluster.main.default_node_pool[0].min_count >= 2 && azurerm_kubernetes_cluster.main.sku_tier == "Standard"
    error_message = "prod must survive the loss of a zone, under Azure's uptime agreement."
  }
}

run "names_of_the_cluster_stay_legal_at_full_length" {
  command = plan

  variables {
    project = "a23456789-b23456789-c23456789-d23456789e"
  }

  assert {
    condition     = length(azurerm_kubernetes_cluster.main.name) <= 63 && can(regex("^[a-z][a-z0-9-]{1,52}[a-z0-9]$", azurerm_kubernetes_cluster.main.dns_prefix))
    error_message = "AKS allows 63 characters, in its DNS prefix 54."
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
