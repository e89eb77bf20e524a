# What must stay true of the service that runs without a cluster. Offline: `terraform test`.

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

run "service_is_guarded" {
  command = plan

  assert {
    condition     = azurerm_container_app_environment.main.infrastructure_subnet_id == "service-subnet"
    error_message = "The service must run inside the network."
  }

  assert {
    condition     = azurerm_container_app.app.ingress[0].allow_insecure_connections == false
    error_message = "Plain HTTP must only redirect."
  }

  assert {
    condition     = azurerm_container_app.app.ingress[0].ip_security_restriction[*].ip_address_range == tolist(["203.0.113.7/32"]) && alltrue([for rule in azurerm_container_app.app.ingress[0].ip_security_restriction : rule.action == "Allow"])
    error_message = "Only allowed_cidrs may reach the service."
  }

  assert {
    condition     = azurerm_container_app.app.template[0].container[0].startup_probe[0].interval_seconds * azurerm_container_app.app.template[0].container[0].startup_probe[0].failure_count_threshold >= 30
    error_message = "A cold start takes seconds; give it at least 30."
  }
}

run "secrets_travel_as_references" {
  command = plan

  assert {
    condition     = toset([for e in azurerm_container_app.app.template[0].container[0].env : e.name if e.secret_name != null && e.secret_name != ""]) == toset(["OPENAI_API_KEY", "PGPASSWORD"])
    error_message = "Every provider key and the database password must come from the vault."
  }

  assert {
    condition     = alltrue([for s in azurerm_container_app.app.secret : startswith(s.key_vault_secret_id, "https://app.vault.azure.net/secrets/") && s.value == null])
    error_message = "A secret must be a reference to the vault, never a value."
  }
}

run "own_settings_and_secrets_reach_the_service" {
  command = plan

  variables {
    settings = { APP_LOG__LEVEL = "DEBUG", APP_STORE__URL = "sqlite:///lost.db" }
    secrets  = ["APP_MAIL__PASSWORD"]
  }

  assert {
    condition     = contains([for e in azurerm_container_app.app.template[0].container[0].env : e.value if e.name == "APP_LOG__LEVEL"], "DEBUG") && !contains(compact(azurerm_container_app.app.template[0].container[0].env[*].value), "sqlite:///lost.db")
    error_message = "A setting of one's own must reach the service, and none may replace what the module sets."
  }

  assert {
    condition     = contains([for e in azurerm_container_app.app.template[0].container[0].env : e.name if e.secret_name != null && e.secret_name != ""], "APP_MAIL__PASSWORD")
    error_message = "A secret of one's own must come from the secret store."
  }
}

run "canary_gets_its_share" {
  command = plan

  variables {
    release = { stable = "3f9c2d1", canary = "4a8b1c0", percent = 20 }
  }

  assert {
    condition     = local.traffic[local.revisions["3f9c2d1"]] == 80 && local.traffic[local.revisions["4a8b1c0"]] == 20 && endswith(azurerm_container_app.app.template[0].container[0].image, ":4a8b1c0")
    error_message = "The canary must be the newest revision and get its percentage, the stable build the rest."
  }
}

run "prod_survives_the_loss_of_a_zone" {
  command = plan

  variables {
    environment = "prod"
  }

  assert {
    condition     = azurerm_container_app_environment.main.zone_redundancy_enabled
    error_message = "prod must survive the loss of a zone."
  }
}

run "names_of_the_service_stay_legal_at_full_length" {
  command = plan

  variables {
    project = "a23456789-b23456789-c23456789-d23456789e"
  }

  assert {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}[a-z0-9]$", azurerm_container_app.app.name))
    error_message = "A container app allows 32 characters."
  }
}
