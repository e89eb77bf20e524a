# Where logs go, and the alarms that mail somebody. The service's metrics are at /metrics.

resource "azurerm_log_analytics_workspace" "main" {
  name                = local.name
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  sku                 = "PerGB2018"
  retention_in_days   = local.tier.log_days
  tags                = local.tags
}

resource "azurerm_monitor_action_group" "mail" {
  name                = "${local.name}-mail"
  resource_group_name = azurerm_resource_group.main.name
  short_name          = substr(var.project, 0, 12)
  tags                = local.tags

  email_receiver {
    name                    = "alerts"
    email_address           = var.alert_email
    use_common_alert_schema = true
  }
}

locals {
  # Each alarm names a symptom and the value at which somebody should look.
  alarms = merge(
    {
      database_cpu = {
        description = "The database's processor is above 80 percent"
        scope       = azurerm_postgresql_flexible_server.main.id
        namespace   = "Microsoft.DBforPostgreSQL/flexibleServers"
        metric      = "cpu_percent"
        aggregation = "Average"
        threshold   = 80
        only        = {}
      }
      database_disk = {
        description = "The database's disk is more than 80 percent full"
        scope       = azurerm_postgresql_flexible_server.main.id
        namespace   = "Microsoft.DBforPostgreSQL/flexibleServers"
        metric      = "storage_percent"
        aggregation = "Average"
        threshold   = 80
        only        = {}
      }
    },
    local.service_alarms,
  )
}

resource "azurerm_monitor_metric_alert" "main" {
  for_each = local.alarms

  name                = "${local.name}-${replace(each.key, "_", "-")}"
  resource_group_name = azurerm_resource_group.main.name
  description         = each.value.description
  scopes              = [each.value.scope]
  frequency           = "PT1M"
  window_size         = "PT5M"
  severity            = 2
  tags                = local.tags

  criteria {
    metric_namespace = each.value.namespace
    metric_name      = each.value.metric
    aggregation      = each.value.aggregation
    operator         = "GreaterThan"
    threshold        = each.value.threshold

    dynamic "dimension" {
      for_each = each.value.only

      content {
        name     = dimension.key
        operator = "Include"
        values   = [dimension.value]
      }
    }
  }

  action {
    action_group_id = azurerm_monitor_action_group.mail.id
  }
}
