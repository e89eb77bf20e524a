# What you set for the running service, and what it tells; the rest is in
# variables.tf and outputs.tf.

variable "allowed_cidrs" {
  description = "Addresses that may reach the service. Start with your own: \"<your address>/32\"."
  type        = list(string)

  validation {
    condition     = length(var.allowed_cidrs) > 0 && alltrue([for cidr in var.allowed_cidrs : can(cidrnetmask(cidr))])
    error_message = "allowed_cidrs needs at least one IPv4 range, for example [\"203.0.113.7/32\"]."
  }

  validation {
    condition     = var.certificate_id != null || !contains(var.allowed_cidrs, "0.0.0.0/0")
    error_message = "Without certificate_id the service speaks plain HTTP and every API key would cross the internet readable. Set certificate_id, or list only your own addresses in allowed_cidrs."
  }
}

variable "certificate_id" {
  description = "The TLS certificate: on AWS the ARN of an issued ACM certificate in the same region. null = plain HTTP for allowed_cidrs, dev only."
  type        = string
  default     = null

  validation {
    condition     = var.certificate_id == null || can(regex("^arn:aws:acm:${var.region}:[0-9]{12}:certificate/", var.certificate_id))
    error_message = "certificate_id must be the ARN of an ACM certificate in region: \"arn:aws:acm:<region>:<account>:certificate/<id>\"."
  }

  validation {
    condition     = var.environment != "prod" || var.certificate_id != null
    error_message = "prod needs a certificate_id: request a certificate for your domain in ACM and put its ARN here."
  }
}

variable "release" {
  description = "Which images of this project's registry run: stable, and while you try the next one canary, which gets percent of the traffic. Tags are never moved, so a tag names one build for ever."
  type        = object({ stable = string, canary = optional(string), percent = optional(number, 10) })

  validation {
    condition     = alltrue([for tag in compact([var.release.stable, var.release.canary]) : can(regex("^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$", tag)) && !contains(["latest", "main", "stable"], tag)])
    error_message = "release.stable and release.canary must each name one build, for example a commit (\"3f9c2d1\") or a version (\"v1.2.0\"), not a moving tag such as \"latest\"."
  }

  validation {
    condition     = var.release.percent >= 1 && var.release.percent <= 50 && var.release.canary != var.release.stable
    error_message = "release.percent must be 1 to 50, and release.canary another build than release.stable (or left out)."
  }
}

variable "settings" {
  description = "Further settings of the service: names of .env.example and their values. What this module sets itself stays."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key in keys(var.settings) : can(regex("^APP_[A-Z0-9_]+$", key))])
    error_message = "settings are named as in .env.example, for example APP_LOG__LEVEL."
  }

  validation {
    condition     = !anytrue([for key in keys(var.settings) : can(regex("(KEY|SECRET|PASSWORD)$", key))])
    error_message = "A key or password in settings would be readable in the state: name it in secrets, and put its value into the secret store."
  }
}

variable "instances" {
  description = "How many copies of the service run: at least min, at most max."
  type        = object({ min = number, max = number })
  default     = { min = 1, max = 3 }

  validation {
    condition     = var.instances.min >= 1 && var.instances.max >= var.instances.min && var.instances.max <= 20
    error_message = "instances needs 1 <= min <= max <= 20."
  }
}

output "service_url" {
  description = "Where the service answers. With a certificate: point your domain at this name."
  value       = "${var.certificate_id == null ? "http" : "https"}://${aws_lb.main.dns_name}"
}

output "log_group" {
  description = "Where the service's logs go."
  value       = aws_cloudwatch_log_group.app.name
}

output "release" {
  description = "What runs now; the release workflow starts from it."
  value       = var.release
}
