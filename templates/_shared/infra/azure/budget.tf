# A warning before the bill. It watches this project's resource group.

# Azure wants the first day of a month; once made, the date must not move.
resource "terraform_data" "budget_start" {
  input = formatdate("YYYY-MM-01'T'00:00:00Z", plantimestamp())

  lifecycle {
    ignore_changes = [input]
  }
}

resource "azurerm_consumption_budget_resource_group" "monthly" {
  name              = "${local.name}-monthly"
  resource_group_id = azurerm_resource_group.main.id
  amount            = var.monthly_budget
  time_grain        = "Monthly"

  time_period {
    start_date = terraform_data.budget_start.output
  }

  dynamic "notification" {
    for_each = {
      half   = { threshold = 50, type = "Actual" }
      most   = { threshold = 80, type = "Actual" }
      all    = { threshold = 100, type = "Actual" }
      coming = { threshold = 100, type = "Forecasted" }
    }

    content {
      operator       = "GreaterThan"
      threshold      = notification.value.threshold
      threshold_type = notification.value.type
      contact_emails = [var.alert_email]
    }
  }
}
