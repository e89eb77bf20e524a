# `app migrate` of the newest build, as a task of its own: it runs before any copy of that build (migrate.sh).

resource "aws_ecs_task_definition" "migration" {
  family                   = "${local.name}-migration"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 512
  memory                   = 1024
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }

  volume {
    name = "data"
  }

  volume {
    name = "tmp"
  }

  container_definitions = jsonencode([{
    name                   = "migrate"
    image                  = "${aws_ecr_repository.app.repository_url}:${coalesce(var.release.canary, var.release.stable)}"
    command                = ["app", "migrate"]
    essential              = true
    user                   = local.user
    readonlyRootFilesystem = true
    linuxParameters        = { capabilities = { drop = ["ALL"] }, initProcessEnabled = true }
    environment            = [for name, value in local.settings : { name = name, value = value }]
    secrets                = [for name, source in local.secret_settings : { name = name, valueFrom = source }]

    mountPoints = [
      { sourceVolume = "data", containerPath = "/data", readOnly = false },
      { sourceVolume = "tmp", containerPath = "/tmp", readOnly = false },
    ]

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.app.name
        awslogs-region        = var.region
        awslogs-stream-prefix = "migration"
      }
    }
  }])
}

# The name by which a release brings up to date what the task needs, and nothing of the service:
# terraform apply -target=terraform_data.migration
resource "terraform_data" "migration" {
  input = {
    region         = var.region
    cluster        = aws_ecs_cluster.main.name
    task           = aws_ecs_task_definition.migration.arn
    subnets        = aws_subnet.private[*].id
    security_group = aws_security_group.service.id
  }

  depends_on = [
    aws_db_instance.main,
    aws_iam_role_policy.execution,
    aws_route.private_to_nat,
    aws_route_table_association.private,
    aws_vpc_endpoint.s3,
    aws_vpc_security_group_egress_rule.service_to_database,
    aws_vpc_security_group_egress_rule.service_to_https,
    aws_vpc_security_group_ingress_rule.database_from_service,
  ]
}

output "migration" {
  description = "Where migrate.sh runs the migrations of the newest build."
  value       = terraform_data.migration.output
}
