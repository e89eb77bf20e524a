# The same names on every cloud. `project` and `llm` come from
# project.auto.tfvars.json, which the template keeps up to date; the rest is
# yours: copy dev.tfvars.example to dev.tfvars.

variable "project" {
  description = "Short name that starts every resource's name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.project)) && length(var.project) <= 40
    error_message = "project must be at most 40 characters: lower-case words of letters and digits joined by single hyphens, starting with a letter, for example \"contract-search\"."
  }
}

variable "environment" {
  description = "Which copy of the system this is. It sets sizes and protection (the table in versions.tf)."
  type        = string

  validation {
    condition     = contains(["dev", "prod"], var.environment)
    error_message = "environment must be \"dev\" or \"prod\"."
  }
}

variable "region" {
  description = "Cloud region, for example \"eu-central-1\"."
  type        = string

  validation {
    condition = contains([
      "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
      "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
      "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1",
      "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1",
      "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
    ], var.region)
    error_message = "region must be an AWS region as `aws account list-regions` spells it, for example \"eu-central-1\". Is it newer than this list? Then add it in variables.tf."
  }
}

variable "network_cidr" {
  description = "Address range of the private network; it is cut into 16 subnets, four are used."
  type        = string
  default     = "10.20.0.0/16"

  validation {
    condition     = can(cidrnetmask(var.network_cidr)) && try(tonumber(split("/", var.network_cidr)[1]) >= 16 && tonumber(split("/", var.network_cidr)[1]) <= 22, false)
    error_message = "network_cidr must be an IPv4 range between /16 and /22, for example \"10.20.0.0/16\"."
  }

  # Two ranges overlap when, cut to the shorter of the two masks, they begin with the same address.
  validation {
    condition = alltrue([
      for taken in ["169.254.0.0/16", "172.17.0.0/16"] :
      try(cidrhost("${split("/", var.network_cidr)[0]}/${min(tonumber(split("/", var.network_cidr)[1]), tonumber(split("/", taken)[1]))}", 0) != cidrhost("${split("/", taken)[0]}/${min(tonumber(split("/", var.network_cidr)[1]), tonumber(split("/", taken)[1]))}", 0), true)
    ])
    error_message = "network_cidr overlaps a range that AWS or Docker keeps for itself (169.254.0.0/16, 172.17.0.0/16): choose for example \"10.20.0.0/16\"."
  }
}

variable "llm" {
  description = "Models as provider:model strings (fallback \"none\" for none), and the environment variables they need, whose values live in the secret store."
  type        = object({ primary = string, fallback = string, keys = list(string) })

  validation {
    condition     = can(regex("^[a-z0-9-]+:.+$", var.llm.primary)) && (var.llm.fallback == "none" || can(regex("^[a-z0-9-]+:.+$", var.llm.fallback)))
    error_message = "llm.primary must be \"provider:model\"; llm.fallback the same, or \"none\"."
  }

  validation {
    condition     = alltrue([for key in var.llm.keys : can(regex("^[A-Z][A-Z0-9_]*$", key))])
    error_message = "llm.keys are names of environment variables such as \"OPENAI_API_KEY\", never their values."
  }
}

variable "secrets" {
  description = "Names of further environment variables whose values live in the secret store, like those of llm.keys."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for key in var.secrets : can(regex("^[A-Z][A-Z0-9_]*$", key))])
    error_message = "secrets are names of environment variables such as \"APP_MAIL__PASSWORD\", never their values."
  }
}

variable "monthly_budget" {
  description = "US dollars a month; mails go out at 50, 80 and 100 percent. A budget warns, it does not stop anything."
  type        = number

  validation {
    condition     = var.monthly_budget > 0
    error_message = "monthly_budget must be more than 0 US dollars."
  }
}

variable "alert_email" {
  description = "Who gets the budget mails and the alarms."
  type        = string

  validation {
    condition     = can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$", var.alert_email))
    error_message = "alert_email must be an e-mail address."
  }
}

variable "repository" {
  description = "The GitHub repository whose main branch may publish images, as its OIDC tokens spell it (infra/README.md): \"owner@1234/name@5678\", or \"owner/name\" for one created before 15 July 2026."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+(@[0-9]+)?/[A-Za-z0-9._-]+(@[0-9]+)?$", var.repository))
    error_message = "repository must be \"owner@1234/name@5678\" (or \"owner/name\" for one created before 15 July 2026). No URL, no wildcard."
  }
}
