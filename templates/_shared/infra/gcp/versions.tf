# Terraform, the providers, and where the state lives.

terraform {
  # 1.11: write-only arguments keep the database password out of the state, and
  # `override_during = plan` lets tests/ read the planned roles.
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 8.7, < 9"
    }
    random = {
      source  = "hashicorp/random"
      version = ">= 3.7, < 4"
    }
  }

  # Bucket and prefix come from `terraform init -backend-config=…`
  # (infra/README.md), so that dev and prod never share a state. The bucket
  # locks by itself.
  backend "gcs" {}
}

# The Google Cloud project comes from the environment: GOOGLE_PROJECT.
provider "google" {
  region = var.region

  # Billing reports group by these.
  default_labels = {
    project     = var.project
    environment = var.environment
    managed_by  = "terraform"
  }
}

data "google_client_config" "current" {}

data "google_project" "current" {
  project_id = data.google_client_config.current.project
}

locals {
  project_id = data.google_client_config.current.project

  # At most 45 characters. Services with a shorter limit take `short`.
  name   = "${var.project}-${var.environment}"
  unique = substr(sha1("${local.project_id}/${local.name}"), 0, 8)
  short  = "${trimsuffix(substr(local.name, 0, 14), "-")}-${local.unique}" # at most 23

  # Everything that differs between the environments stands in this table.
  tier = {
    dev = {
      database_class   = "db-f1-micro"
      database_standby = "ZONAL"
      backups          = 3
      log_days         = 14
      protect          = false
    }
    prod = {
      database_class   = "db-custom-2-7680"
      database_standby = "REGIONAL"
      backups          = 14
      log_days         = 90
      protect          = true
    }
  }[var.environment]

  services = merge(
    { for name in concat(["artifactregistry", "billingbudgets", "compute", "iamcredentials", "monitoring", "secretmanager", "servicenetworking", "sqladmin", "storage"], local.service_apis) : name => "${name}.googleapis.com" },
    { for _ in local.vertex_models : "aiplatform" => "aiplatform.googleapis.com" },
  )
}

# An API has to be switched on before its first use.
resource "google_project_service" "main" {
  for_each = local.services

  service            = each.value
  disable_on_destroy = false # something else in the project may use it
}
