# The container on Container Apps: no server to patch, no disk.
#
# A revision is one build with one set of settings, named after both. While a
# canary is tried, its revision is the app's newest and the stable one, which is
# already there, keeps most of the traffic. So change settings or start a
# canary, not both in one apply.

locals {
  port = 8000

  settings = merge(var.settings, {
    APP_LLM__PRIMARY  = var.llm.primary
    APP_LLM__FALLBACK = var.llm.fallback
    APP_STORE__URL    = local.store_url
    APP_API__HOST     = "0.0.0.0"
    APP_LOG__FORMAT   = "json"
  }, local.model_settings)

  puller = azurerm_user_assigned_identity.app.principal_id # the service pulls its own image

  newest = coalesce(var.release.canary, var.release.stable)

  # Build -> its revision.
  revisions = { for tag in toset(compact([var.release.stable, var.release.canary])) : tag => "r${substr(sha1(jsonencode([tag, var.llm, var.settings, var.secrets, var.instances, local.password_version])), 0, 10)}" }

  # Revision -> its share of the traffic.
  traffic = var.release.canary == null ? { (local.revisions[var.release.stable]) = 100 } : {
    (local.revisions[var.release.stable]) = 100 - var.release.percent
    (local.revisions[var.release.canary]) = var.release.percent
  }
}

resource "azurerm_subnet" "service" {
  name                 = "service"
  resource_group_name  = azurerm_resource_group.main.name
  virtual_network_name = azurerm_virtual_network.main.name
  address_prefixes     = [cidrsubnet(var.network_cidr, 4, 0)]

  delegation {
    name = "container-apps"

    service_delegation {
      name    = "Microsoft.App/environments"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
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

# What somebody should look at; observability.tf makes the alarms.
locals {
  service_alarms = {
    errors = {
      description = "More than 10 failed answers (5xx) in 5 minutes"
      scope       = azurerm_container_app.app.id
      namespace   = "Microsoft.App/containerapps"
      metric      = "Requests"
      aggregation = "Total"
      threshold   = 10
      only        = { statusCodeCategory = "5xx" }
    }
    restarts = {
      description = "A copy of the service was restarted more than 3 times in 5 minutes"
      scope       = azurerm_container_app.app.id
      namespace   = "Microsoft.App/containerapps"
      metric      = "RestartCount"
      aggregation = "Maximum"
      threshold   = 3
      only        = {}
    }
    latency = {
      description = "Answers take longer than 10 seconds on average"
      scope       = azurerm_container_app.app.id
      namespace   = "Microsoft.App/containerapps"
      metric      = "ResponseTime"
      aggregation = "Average"
      threshold   = 10000
      only        = {}
    }
  }
}
