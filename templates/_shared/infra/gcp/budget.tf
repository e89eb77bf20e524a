# A warning before the bill. It watches this Google Cloud project.

resource "google_billing_budget" "monthly" {
  billing_account = data.google_project.current.billing_account
  display_name    = "${local.name} monthly"

  amount {
    specified_amount {
      currency_code = "USD"
      units         = tostring(ceil(var.monthly_budget))
    }
  }

  budget_filter {
    projects        = ["projects/${data.google_project.current.number}"]
    calendar_period = "MONTH"
  }

  dynamic "threshold_rules" {
    for_each = {
      half   = { share = 0.5, basis = "CURRENT_SPEND" }
      most   = { share = 0.8, basis = "CURRENT_SPEND" }
      all    = { share = 1, basis = "CURRENT_SPEND" }
      coming = { share = 1, basis = "FORECASTED_SPEND" }
    }

    content {
      threshold_percent = threshold_rules.value.share
      spend_basis       = threshold_rules.value.basis
    }
  }

  all_updates_rule {
    monitoring_notification_channels = [google_monitoring_notification_channel.mail.id]
    disable_default_iam_recipients   = true
  }

  depends_on = [google_project_service.main]
}
