# A warning before the bill. It watches the whole account: a filter on our tags
# would only see costs after someone activates those tags in the billing console,
# and a budget that sees nothing is worse than one that sees too much.

resource "aws_budgets_budget" "monthly" {
  name         = "${local.name}-monthly"
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_unit   = "USD"
  limit_amount = tostring(var.monthly_budget)

  dynamic "notification" {
    for_each = {
      half   = { threshold = 50, type = "ACTUAL" }
      most   = { threshold = 80, type = "ACTUAL" }
      all    = { threshold = 100, type = "ACTUAL" }
      coming = { threshold = 100, type = "FORECASTED" }
    }

    content {
      comparison_operator        = "GREATER_THAN"
      threshold                  = notification.value.threshold
      threshold_type             = "PERCENTAGE"
      notification_type          = notification.value.type
      subscriber_email_addresses = [var.alert_email]
    }
  }
}
