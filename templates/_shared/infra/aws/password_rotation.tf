# RDS changes the database password by itself, every seven days at a moment of
# its choosing, and a running copy of the service would go on using the old one.
# So the change gets a date (1st of the month, 03:00-04:00 UTC), and the service
# is restarted, copy by copy, after it (04:15).

resource "aws_secretsmanager_secret_rotation" "database" {
  secret_id          = local.database_secret
  rotate_immediately = false

  rotation_rules {
    schedule_expression = "cron(0 3 1 * ? *)"
    duration            = "1h"
  }
}
