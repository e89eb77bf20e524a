# The container on Fargate: no server to patch, no public address, no disk.

locals {
  port = 8000
  user = "10001" # the user the Dockerfile creates

  subnet_tags = { public = {}, private = {} } # only a cluster looks for tags

  settings = merge(var.settings, {
    APP_LLM__PRIMARY   = var.llm.primary
    APP_LLM__FALLBACK  = var.llm.fallback
    APP_STORE__URL     = local.store_url
    APP_API__HOST      = "0.0.0.0"
    APP_LOG__FORMAT    = "json"
    AWS_DEFAULT_REGION = var.region
  })

  # Environment variable -> where its value is read when a task starts.
  secret_settings = merge(
    { for key, secret in aws_secretsmanager_secret.provider : key => secret.arn },
    { PGPASSWORD = "${local.database_secret}:password::" },
  )
}

# The service's JSON logs.
resource "aws_cloudwatch_log_group" "app" {
  name              = "/${var.project}/${var.environment}/app"
  retention_in_days = local.tier.log_days
}

resource "aws_ecs_cluster" "main" {
  name = local.name
}

resource "aws_ecs_task_definition" "release" {
  for_each = local.builds

  family                   = each.key == "stable" ? local.name : "${local.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 512
  memory                   = 1024
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64" # what GitHub's runners build
  }

  # Scratch space of one task; gone when it stops.
  volume {
    name = "data"
  }

  volume {
    name = "tmp"
  }

  container_definitions = jsonencode([{
    name                   = "app"
    image                  = "${aws_ecr_repository.app.repository_url}:${each.value}"
    essential              = true
    user                   = local.user
    readonlyRootFilesystem = true
    linuxParameters        = { capabilities = { drop = ["ALL"] }, initProcessEnabled = true }
    portMappings           = [{ containerPort = local.port, hostPort = local.port, protocol = "tcp" }]
    environment            = [for name, value in local.settings : { name = name, value = value }]
    secrets                = [for name, source in local.secret_settings : { name = name, valueFrom = source }]

    mountPoints = [
      { sourceVolume = "data", containerPath = "/data", readOnly = false },
      { sourceVolume = "tmp", containerPath = "/tmp", readOnly = false },
    ]

    # ECS ignores the Dockerfile's HEALTHCHECK, so it stands here again.
    healthCheck = {
      command     = ["CMD", "python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:${local.port}/healthz', timeout=2)"]
      interval    = 15
      timeout     = 5
      retries     = 3
      startPeriod = 60
    }

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.app.name
        awslogs-region        = var.region
        awslogs-stream-prefix = "app"
      }
    }
  }])
}

# The canary is a service of its own, with one copy; the load balancer gives it its share.
resource "aws_ecs_service" "release" {
  for_each = local.builds

  name                              = each.key == "stable" ? local.name : "${local.name}-${each.key}"
  cluster                           = aws_ecs_cluster.main.id
  task_definition                   = aws_ecs_task_definition.release[each.key].arn
  launch_type                       = "FARGATE"
  desired_count                     = each.key == "stable" ? var.instances.min : 1
  health_check_grace_period_seconds = 60
  propagate_tags                    = "SERVICE"

  network_configuration {
    subnets          = aws_subnet.private[*].id
    security_groups  = [aws_security_group.service.id]
    assign_public_ip = false
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.release[each.key].arn
    container_name   = "app"
    container_port   = local.port
  }

  # A release whose tasks do not become healthy is taken back by itself.
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  # Autoscaling owns the number after the first apply.
  lifecycle {
    ignore_changes = [desired_count]
  }

  depends_on = [aws_lb_listener.http, aws_lb_listener.https, aws_iam_role_policy.execution]
}

# Requests first: a task that waits for a model is busy with an idle processor.
# The processor second, for what the requests do not show (reading in documents).
resource "aws_appautoscaling_target" "app" {
  service_namespace  = "ecs"
  resource_id        = "service/${aws_ecs_cluster.main.name}/${aws_ecs_service.release["stable"].name}"
  scalable_dimension = "ecs:service:DesiredCount"
  min_capacity       = var.instances.min
  max_capacity       = var.instances.max
}

resource "aws_appautoscaling_policy" "load" {
  for_each = {
    requests = { target = 300, metric = "ALBRequestCountPerTarget" } # a minute, for each task
    cpu      = { target = 70, metric = "ECSServiceAverageCPUUtilization" }
  }

  name               = "${local.name}-${each.key}"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.app.service_namespace
  resource_id        = aws_appautoscaling_target.app.resource_id
  scalable_dimension = aws_appautoscaling_target.app.scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value       = each.value.target
    scale_in_cooldown  = 300
    scale_out_cooldown = 60

    predefined_metric_specification {
      predefined_metric_type = each.value.metric
      resource_label         = each.key == "requests" ? "${aws_lb.main.arn_suffix}/${aws_lb_target_group.release["stable"].arn_suffix}" : null
    }
  }
}

# What stood here before there were canaries keeps running under its new name.
moved {
  from = aws_ecs_task_definition.app
  to   = aws_ecs_task_definition.release["stable"]
}

moved {
  from = aws_ecs_service.app
  to   = aws_ecs_service.release["stable"]
}

moved {
  from = aws_appautoscaling_policy.requests
  to   = aws_appautoscaling_policy.load["requests"]
}
