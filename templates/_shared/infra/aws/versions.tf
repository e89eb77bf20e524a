# Terraform, the provider, and where the state lives.

terraform {
  # 1.11: the S3 backend locks with a file of its own (no lock table), and
  # `override_during = plan` lets tests/ read the planned policies.
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }

  # Bucket, key and region come from `terraform init -backend-config=…`
  # (infra/README.md), so that dev and prod never share a state.
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      Project     = var.project
      Environment = var.environment
      ManagedBy   = "terraform"
    }
  }
}

data "aws_caller_identity" "current" {}

locals {
  # At most 45 characters. Services with a shorter limit shorten it themselves.
  name       = "${var.project}-${var.environment}"
  account_id = data.aws_caller_identity.current.account_id

  # Everything that differs between the environments stands in this table.
  tier = {
    dev = {
      nat_gateways         = 1
      database_class       = "db.t4g.micro"
      database_standby     = false
      backup_days          = 1
      log_days             = 14
      secret_recovery_days = 0 # a deleted secret's name is free again at once
      protect              = false
    }
    prod = {
      nat_gateways         = 2
      database_class       = "db.t4g.small"
      database_standby     = true
      backup_days          = 14
      log_days             = 90
      secret_recovery_days = 30
      protect              = true
    }
  }[var.environment]
}
