# What must stay true of the plan, whoever edits it. Offline: `terraform test`.

mock_provider "azurerm" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  project        = "contract-search"
  environment    = "dev"
  region         = "westeurope"
  allowed_cidrs  = ["203.0.113.7/32"]
  release        = { stable = "3f9c2d1" }
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

run "database_is_private_and_encrypted" {
  command = plan

  assert {
    condition     = azurerm_postgresql_flexible_server.main.public_network_access_enabled == false && azurerm_postgresql_flexible_server.main.delegated_subnet_id == "database-subnet"
    error_message = "The database must not have a public address."
  }

  assert {
    condition     = azurerm_postgresql_flexible_server_configuration.main["require_secure_transport"].value == "ON"
    error_message = "The database must refuse connections without TLS."
  }

  assert {
    condition     = azurerm_postgresql_flexible_server.main.administrator_password == null && azurerm_key_vault_secret.database.value == null
    error_message = "The password must go through write-only arguments, or it ends up in the state."
  }

  assert {
    condition     = azurerm_postgresql_flexible_server_configuration.main["azure.extensions"].value == "VECTOR"
    error_message = "The vector extension, and no other, must be allowed."
  }

  assert {
    condition     = alltrue([for rule in azurerm_network_security_rule.nobody_else : rule.access == "Deny" && rule.source_address_prefix == "*"]) && length(azurerm_network_security_rule.nobody_else) == 2
    error_message = "Database and private endpoints must be shut for everything that is not named."
  }

  assert {
    condition     = can(regex("^postgresql://app@[^:]+:5432/app\\?sslmode=require$", local.store_url))
    error_message = "The database address must carry no password and must require TLS."
  }
}

run "documents_are_private" {
  command = plan

  assert {
    condition     = azurerm_storage_container.documents.container_access_type == "private" && azurerm_storage_account.documents.allow_nested_items_to_be_public == false
    error_message = "Documents must not be public."
  }

  assert {
    condition     = azurerm_storage_account.documents.public_network_access_enabled == false && azurerm_storage_account.documents.shared_access_key_enabled == false
    error_message = "Documents must be reachable from inside the network only, by identities only."
  }

  assert {
    condition     = azurerm_storage_account.documents.https_traffic_only_enabled && azurerm_storage_account.documents.min_tls_version == "TLS1_2"
    error_message = "Documents must travel over TLS."
  }
}

run "roles_are_few_and_narrow" {
  command = plan

  assert {
    condition     = toset([for grant in azurerm_role_assignment.main : grant.role_definition_name]) == toset(["AcrPull", "AcrPush", "Key Vault Secrets User", "Storage Blob Data Reader"])
    error_message = "Roles must be the four that are needed, never Owner, Contributor or an administrator."
  }

  assert {
    condition     = alltrue([for grant in azurerm_role_assignment.main : !endswith(grant.scope, "/resourceGroups/app") && !can(regex("^/subscriptions/[^/]+$", grant.scope))])
    error_message = "A role must name one resource, never the resource group or the subscription."
  }

  assert {
    condition     = alltrue([for grant in azurerm_role_assignment.main : can(regex("/secrets/[a-z-]+$", grant.scope)) if grant.role_definition_name == "Key Vault Secrets User"])
    error_message = "The service may read its own secrets, not the whole vault."
  }
}

run "only_main_of_the_repository_may_publish" {
  command = plan

  assert {
    condition     = azurerm_federated_identity_credential.publish.subject == "repo:octo@1234/contract-search@5678:ref:refs/heads/main"
    error_message = "Pull requests and other branches must not be able to publish."
  }
}

run "model_of_azure_is_private" {
  command = plan

  variables {
    llm = { primary = "azure:gpt-x", fallback = "openai:gpt-y", keys = ["AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY", "OPENAI_API_VERSION", "OPENAI_API_KEY"] }
  }

  assert {
    condition     = azurerm_cognitive_account.openai["openai"].public_network_access_enabled == false && keys(azurerm_cognitive_deployment.model) == ["gpt-x"]
    error_message = "Azure OpenAI must have no public address, and the chosen model only."
  }

  assert {
    condition     = toset(keys(output.provider_secrets)) == toset(["OPENAI_API_KEY"])
    error_message = "What Terraform fills itself must not be asked of a person."
  }
}

run "no_model_of_azure_no_account" {
  command = plan

  assert {
    condition     = length(azurerm_cognitive_account.openai) == 0 && length(azurerm_cognitive_deployment.model) == 0
    error_message = "A project that calls another provider needs no Azure OpenAI."
  }
}

run "budget_warns_before_the_limit" {
  command = plan

  assert {
    condition     = azurerm_consumption_budget_resource_group.monthly.amount == 80 && anytrue([for n in azurerm_consumption_budget_resource_group.monthly.notification : n.threshold < 100])
    error_message = "The budget must exist and warn before it is spent."
  }
}

run "prod_is_protected" {
  command = plan

  variables {
    environment = "prod"
  }

  assert {
    condition     = azurerm_key_vault.main.purge_protection_enabled && azurerm_postgresql_flexible_server.main.high_availability[0].mode == "ZoneRedundant"
    error_message = "prod must keep deleted secrets and survive the loss of a zone."
  }
}

run "names_stay_legal_at_full_length" {
  command = plan

  variables {
    project = "a23456789-b23456789-c23456789-d23456789e"
  }

  assert {
    condition     = length(var.project) == 40 && can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", azurerm_key_vault.main.name)) && !strcontains(azurerm_key_vault.main.name, "--")
    error_message = "A Key Vault's name has 3 to 24 letters, digits and single hyphens."
  }

  assert {
    condition     = can(regex("^[a-z0-9]{3,24}$", azurerm_storage_account.documents.name)) && can(regex("^[a-z0-9]{5,50}$", azurerm_container_registry.app.name))
    error_message = "A storage account allows 24 letters and digits, a registry 50."
  }

  assert {
    condition     = length(azurerm_postgresql_flexible_server.main.name) <= 63
    error_message = "A database server allows 63 characters."
  }
}

run "images_need_no_password" {
  command = plan

  assert {
    condition     = azurerm_container_registry.app.admin_enabled == false
    error_message = "The registry must not have a password."
  }
}
