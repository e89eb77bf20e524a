# RDS changes the database password by itself, every seven days at a moment of
# its choosing, and a running task would go on using the old one. So the change
# gets a date (1st of the month, 03:00-04:00 UTC), and the service is restarted,
# task by task, after it (04:15).

resource "aws_secretsmanager_secret_rotation" "database" {
  secret_id          = local.database_secret
  rotate_immediately = false

  rotation_rules {
    schedule_expression = "cron(0 3 1 * ? *)"
    duration            = "1h"
  }
}

resource "aws_scheduler_schedule" "restart" {
  name                = "${local.name}-restart"
  description         = "New tasks read the new database password"
  schedule_expression = "cron(15 4 1 * ? *)"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = "arn:aws:scheduler:::aws-sdk:ecs:updateService"
    role_arn = aws_iam_role.restart.arn

    input = jsonencode({
      Cluster            = aws_ecs_cluster.main.name
      Service            = aws_ecs_service.release["stable"].name
      ForceNewDeployment = true
    })
  }
}

resource "aws_iam_role" "restart" {
  name = "${local.name}-restart"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "restart" {
  name = "restart-service"
  role = aws_iam_role.restart.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["ecs:UpdateService"]
      Resource = [aws_ecs_service.release["stable"].id]
    }]
  })
}
