# The service's JSON logs in a bucket of their own, and the alarms that mail
# somebody. Its metrics are at /metrics.

resource "google_logging_project_bucket_config" "app" {
  project        = local.project_id
  location       = var.region
  bucket_id      = local.name
  retention_days = local.tier.log_days
}

locals {
  database_filter = "resource.type = \"cloudsql_database\" AND resource.labels.database_id = \"${local.project_id}:${google_sql_database_instance.main.name}\""

  # Each alarm names a symptom and the value at which somebody should look.
  alarms = merge(
    {
      database_cpu = {
        description = "The database's processor is above 80 percent"
        filter      = "${local.database_filter} AND metric.type = \"cloudsql.googleapis.com/database/cpu/utilization\""
        aligner     = "ALIGN_MEAN"
        reducer     = "REDUCE_MAX"
        threshold   = 0.8
      }
      database_disk = {
        description = "The database's disk is more than 80 percent full"
        filter      = "${local.database_filter} AND metric.type = \"cloudsql.googleapis.com/database/disk/utilization\""
        aligner     = "ALIGN_MEAN"
        reducer     = "REDUCE_MAX"
        threshold   = 0.8
      }
    },
    local.service_alarms,
  )
}

resource "google_logging_project_sink" "app" {
  name                   = local.name
  destination            = "logging.googleapis.com/${google_logging_project_bucket_config.app.id}"
  filter                 = local.service_filter
  unique_writer_identity = true
}

resource "google_monitoring_notification_channel" "mail" {
  display_name = "${local.name}: alerts"
  type         = "email"
  labels       = { email_address = var.alert_email }
  depends_on   = [google_project_service.main]
}

resource "google_monitoring_alert_policy" "main" {
  for_each = local.alarms

  display_name          = "${local.name} ${each.key}"
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.mail.id]

  conditions {
    display_name = each.value.description

    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.threshold
      duration        = "0s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.reducer
      }
    }
  }

  documentation {
    content = "${each.value.description}. What to do: docs/deploy.md of the project."
  }
}
