# The service's JSON logs, and the alarms that mail somebody. Its metrics are at /metrics.

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
  alarms = {
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
  }
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
