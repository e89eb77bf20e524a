# The one public door. With a certificate HTTPS answers and HTTP only redirects.
# Without one (a learner's first day, no domain yet) HTTP answers, and
# variables.tf then refuses both prod and an open allowed_cidrs.

locals {
  # AWS allows 32 characters, so a long name is cut and a digest keeps it unique.
  load_balancer_name = "lb-${trimsuffix(substr(local.name, 0, 20), "-")}-${substr(sha1(local.name), 0, 6)}"
}

resource "aws_lb" "main" {
  name                       = local.load_balancer_name
  load_balancer_type         = "application"
  internal                   = false
  subnets                    = aws_subnet.public[*].id
  security_groups            = [aws_security_group.load_balancer.id]
  drop_invalid_header_fields = true
  enable_deletion_protection = local.tier.protect
  idle_timeout               = 120 # a slow model may be silent this long
}

# Where requests go: the stable build and, while one is tried, the canary.
locals {
  builds = merge({ stable = var.release.stable }, var.release.canary == null ? {} : { canary = var.release.canary })
  weight = { stable = var.release.canary == null ? 100 : 100 - var.release.percent, canary = var.release.percent }
}

resource "aws_lb_target_group" "release" {
  for_each = local.builds

  name_prefix          = each.key == "stable" ? "app-" : "can-"
  vpc_id               = aws_vpc.main.id
  target_type          = "ip"
  port                 = local.port
  protocol             = "HTTP" # inside the VPC; the firewall admits only the load balancer
  deregistration_delay = 30

  health_check {
    path                = "/healthz"
    matcher             = "200"
    interval            = 15
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.main.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = var.certificate_id == null ? "forward" : "redirect"

    dynamic "forward" {
      for_each = var.certificate_id == null ? [local.builds] : []

      content {
        dynamic "target_group" {
          for_each = forward.value

          content {
            arn    = aws_lb_target_group.release[target_group.key].arn
            weight = local.weight[target_group.key]
          }
        }
      }
    }

    dynamic "redirect" {
      for_each = var.certificate_id == null ? [] : [var.certificate_id]

      content {
        port        = "443"
        protocol    = "HTTPS"
        status_code = "HTTP_301"
      }
    }
  }
}

resource "aws_lb_listener" "https" {
  for_each = var.certificate_id == null ? toset([]) : toset([var.certificate_id])

  load_balancer_arn = aws_lb.main.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = each.value

  default_action {
    type = "forward"

    forward {
      dynamic "target_group" {
        for_each = local.builds

        content {
          arn    = aws_lb_target_group.release[target_group.key].arn
          weight = local.weight[target_group.key]
        }
      }
    }
  }
}

# What somebody should look at; observability.tf makes the alarms.
locals {
  # One set for each build that answers requests.
  service_alarms = merge(
    [for track, group in aws_lb_target_group.release : {
      "${track}_errors" = {
        description = "More than 10 failed answers (5xx) in 5 minutes (${track})"
        namespace   = "AWS/ApplicationELB"
        metric      = "HTTPCode_Target_5XX_Count"
        statistic   = "Sum"
        above       = true
        threshold   = 10
        dimensions  = { LoadBalancer = aws_lb.main.arn_suffix, TargetGroup = group.arn_suffix }
      }
      "${track}_latency" = {
        description = "Answers take longer than 10 seconds on average (${track})"
        namespace   = "AWS/ApplicationELB"
        metric      = "TargetResponseTime"
        statistic   = "Average"
        above       = true
        threshold   = 10
        dimensions  = { LoadBalancer = aws_lb.main.arn_suffix, TargetGroup = group.arn_suffix }
      }
      "${track}_unhealthy" = {
        description = "A copy of the service does not answer its health check (${track})"
        namespace   = "AWS/ApplicationELB"
        metric      = "UnHealthyHostCount"
        statistic   = "Maximum"
        above       = true
        threshold   = 0
        dimensions  = { LoadBalancer = aws_lb.main.arn_suffix, TargetGroup = group.arn_suffix }
      }
    }]...
  )
}

moved {
  from = aws_lb_target_group.app
  to   = aws_lb_target_group.release["stable"]
}
