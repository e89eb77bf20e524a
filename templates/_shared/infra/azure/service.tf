# The container on Container Apps: no server to patch, no disk.
#
# A revision is one build with one set of settings, named after both. While a
# canary is tried, its revision is the app's newest and the stable one, which is
# already there, keeps most of the traffic. So change settings or start a
# canary, not both in one apply.

locals {
  port = 8000

  # psycopg takes the password from PGPASSWORD, so it is in no URL and no state.
  # sslmode=require encrypts; it trusts the network for the server's identity.
  store_url = "postgresql://${azurerm_postgresql_flexible_server.main.administrator_login}@${azurerm_postgresql_flexible_server.main.fqdn}:5432/${azurerm_postgresql_flexible_server_database.app.name}?sslmode=require"

  settings = merge({
    APP_LLM__PRIMARY  = var.llm.primary
    APP_LLM__FALLBACK = var.llm.fallback
    APP_STORE__URL    = local.store_url
    APP_API__HOST     = "0.0.0.0"
    APP_LOG__FORMAT   = "json"
  }, local.model_settings)

  newest = coalesce(var.release.canary, var.release.stable)

  # Build -> its revision.
  revisions = { for tag in toset(compact([var.release.stable, var.release.canary])) : tag => "r${substr(sha1(jsonencode([tag, var.llm, var.instances, local.password_version])), 0, 10)}" }

  # Revision -> its share of the traffic.
  traffic = var.release.canary == null ? { (local.revisions[var.release.stable]) = 100 } : {
    (local.revisions[var.release.stable]) = 100 - var.release.percent
    (local.revisions[var.release.canary]) = var.release.percent
  }
}

resource "azurerm_container_app_environment" "main" {
  name                       = local.name
  resource_group_name        = azurerm_resource_group.main.name
  location                   = azurerm_resource_group.main.location
  log_analytics_workspace_id = azurerm_log_analytics_workspace.main.id
  logs_destination           = "log-analytics"
  infrastructure_subnet_id   = azurerm_subnet.service.id
  zone_redundancy_enabled    = local.tier.protect
  tags                       = local.tags

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.app.id]
  }

  workload_profile {
    name                  = "Consumption"
    workload_profile_type = "Consumption"
  }
}

resource "azurerm_container_app" "app" {
  name                         = local.short
  resource_group_name          = azurerm_resource_group.main.name
  container_app_environment_id = azurerm_container_app_environment.main.id
  workload_profile_name        = "Consumption"
  revision_mode                = "Multiple"
  max_inactive_revisions       = 10
  tags                         = local.tags

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.app.id]
  }

  registry {
    server   = azurerm_container_registry.app.login_server
    identity = azurerm_user_assigned_identity.app.id
  }

  # Read from the vault by the service's identity; the values pass Terraform by.
  dynamic "secret" {
    for_each = local.readable_secrets

    content {
      name                = secret.value
      identity            = azurerm_user_assigned_identity.app.id
      key_vault_secret_id = "${azurerm_key_vault.main.vault_uri}secrets/${secret.value}"
    }
  }

  ingress {
    external_enabled           = true
    allow_insecure_connections = false # HTTP only redirects
    target_port                = local.port
    transport                  = "auto"

    dynamic "ip_security_restriction" {
      for_each = var.allowed_cidrs

      content {
        name             = "allowed-${ip_security_restriction.key}"
        action           = "Allow"
        ip_address_range = ip_security_restriction.value
      }
    }

    dynamic "traffic_weight" {
      for_each = local.traffic

      content {
        revision_suffix = traffic_weight.key
        percentage      = traffic_weight.value
      }
    }
  }

  template {
    revision_suffix                  = local.revisions[local.newest]
    min_replicas                     = var.instances.min
    max_replicas                     = var.instances.max
    termination_grace_period_seconds = 60

    container {
      name   = "app"
      image  = "${azurerm_container_registry.app.login_server}/app:${local.newest}"
      cpu    = 0.5
      memory = "1Gi"

      dynamic "env" {
        for_each = local.settings

        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = local.readable_secrets

        content {
          name        = env.key
          secret_name = env.value
        }
      }

      startup_probe {
        transport               = "HTTP"
        path                    = "/healthz"
        port                    = local.port
        interval_seconds        = 5
        failure_count_threshold = 10 # it has 50 seconds to start
      }

      liveness_probe {
        transport        = "HTTP"
        path             = "/healthz"
        port             = local.port
        interval_seconds = 15
        timeout          = 5
      }

      readiness_probe {
        transport        = "HTTP"
        path             = "/readyz"
        port             = local.port
        interval_seconds = 15
        timeout          = 5
      }

      volume_mounts {
        name = "data"
        path = "/data"
      }
    }

    # Scratch space of one replica; gone when it stops.
    volume {
      name         = "data"
      storage_type = "EmptyDir"
    }

    # Requests first: a copy that waits for a model is busy with an idle processor.
    http_scale_rule {
      name                = "requests"
      concurrent_requests = "20"
    }

    custom_scale_rule {
      name             = "cpu"
      custom_rule_type = "cpu"
      metadata         = { type = "Utilization", value = "70" }
    }
  }

  depends_on = [azurerm_role_assignment.main]
}
