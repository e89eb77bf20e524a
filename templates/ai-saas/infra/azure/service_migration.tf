# `app migrate` of the newest build, as a job of its own: it runs before any copy of that build (migrate.sh).

resource "azurerm_container_app_job" "migration" {
  name                         = "${local.short}-migrate"
  resource_group_name          = azurerm_resource_group.main.name
  location                     = azurerm_resource_group.main.location
  container_app_environment_id = azurerm_container_app_environment.main.id
  workload_profile_name        = "Consumption"
  replica_timeout_in_seconds   = 1800
  replica_retry_limit          = 0
  tags                         = local.tags

  manual_trigger_config {
    parallelism              = 1
    replica_completion_count = 1
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.app.id]
  }

  registry {
    server   = azurerm_container_registry.app.login_server
    identity = azurerm_user_assigned_identity.app.id
  }

  dynamic "secret" {
    for_each = local.readable_secrets

    content {
      name                = secret.value
      identity            = azurerm_user_assigned_identity.app.id
      key_vault_secret_id = "${azurerm_key_vault.main.vault_uri}secrets/${secret.value}"
    }
  }

  template {
    container {
      name    = "migrate"
      image   = "${azurerm_container_registry.app.login_server}/app:${local.newest}"
      command = ["app", "migrate"]
      cpu     = 0.5
      memory  = "1Gi"

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

      volume_mounts {
        name = "data"
        path = "/data"
      }
    }

    volume {
      name         = "data"
      storage_type = "EmptyDir"
    }
  }

  depends_on = [azurerm_role_assignment.main]
}

# The name by which a release brings up to date what the job needs, and nothing of the service:
# terraform apply -target=terraform_data.migration
resource "terraform_data" "migration" {
  input = {
    group = azurerm_resource_group.main.name
    job   = azurerm_container_app_job.migration.name
    image = azurerm_container_app_job.migration.template[0].container[0].image
  }

  depends_on = [
    azurerm_key_vault_secret.database,
    azurerm_postgresql_flexible_server_configuration.main,
    azurerm_postgresql_flexible_server_database.app,
    azurerm_private_dns_zone_virtual_network_link.main,
    azurerm_private_endpoint.main,
    azurerm_subnet_network_security_group_association.main,
  ]
}

output "migration" {
  description = "Where migrate.sh runs the migrations of the newest build."
  value       = terraform_data.migration.output
}
