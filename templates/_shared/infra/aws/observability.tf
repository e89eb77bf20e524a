# The alarms that mail somebody. The service's metrics are at /metrics.

# AWS mails a question first; alarms arrive once it is answered. Not encrypted with
# AWS's own key: CloudWatch may not use that one, and its alarms would be lost.
resource "aws_sns_topic" "alarms" {
  name = "${local.name}-alarms"
}

resource "aws_sns_topic_subscription" "mail" {
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alert_email
}

locals {
  # Each alarm names a symptom and the value at which somebody should look.
  alarms = merge(
    {
      database_cpu = {
        description = "The database's processor is above 80 percent"
        namespace   = "AWS/RDS"
        metric      = "CPUUtilization"
        statistic   = "Average"
        above       = true
        threshold   = 80
        dimensions  = { DBInstanceIdentifier = aws_db_instance.main.identifier }
      }
      database_disk = {
        description = "The database has less than 4 GB of free disk"
        namespace   = "AWS/RDS"
        metric      = "FreeStorageSpace"
        statistic   = "Minimum"
        above       = false
        threshold   = 4000000000
        dimensions  = { DBInstanceIdentifier = aws_db_instance.main.identifier }
      }
    },
    local.service_alarms,
  )
}

resource "aws_cloudwatch_metric_alarm" "main" {
  for_each = local.alarms

  alarm_name          = "${local.name}-${replace(each.key, "_", "-")}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = 300
  evaluation_periods  = 1
  comparison_operator = each.value.above ? "GreaterThanThreshold" : "LessThanThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching" # no requests, no errors
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
