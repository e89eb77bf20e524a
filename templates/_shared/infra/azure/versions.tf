# Terraform, the providers, and where the state lives.

terraform {
  # 1.11: write-only arguments keep the database password out of the state, and
  # `override_during = plan` lets tests/ read the planned roles.
  required_version = ">= 1.11"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 5.10, < 6"
    }
    random = {
      source  = "hashicorp/random"
      version = ">= 3.7, < 4"
    }
  }

  # Storage account, container and key come from `terraform init -backend-config=…`
  # (infra/README.md), so that dev and prod never share a state. A lease on the
  # state's blob is the lock.
  backend "azurerm" {
    use_azuread_auth = true
  }
}

# The subscription comes from the environment: ARM_SUBSCRIPTION_ID.
provider "azurerm" {
  features {}
}

data "azurerm_client_config" "current" {}

resource "azurerm_resource_group" "main" {
  name     = local.name
  location = var.region
  tags     = local.tags
}

locals {
  # At most 45 characters. Services with a shorter limit take `short` or `unique`.
  name   = "${var.project}-${var.environment}"
  unique = substr(sha1("${data.azurerm_client_config.current.subscription_id}/${local.name}"), 0, 8)
  short  = "${trimsuffix(substr(local.name, 0, 14), "-")}-${local.unique}" # at most 23

  # Cost analysis groups by these.
  tags = {
    Project     = var.project
    Environment = var.environment
    ManagedBy   = "terraform"
  }

  # Everything that differs between the environments stands in this table.
  tier = {
    dev = {
      database_class   = "B_Standard_B1ms"
      database_standby = false
      backup_days      = 7 # the least that Azure allows
      log_days         = 30
      registry_sku     = "Basic"
      storage_copies   = "LRS"
      protect          = false
    }
    prod = {
      database_class   = "GP_Standard_D2ds_v5"
      database_standby = true
      backup_days      = 14
      log_days         = 90
      registry_sku     = "Standard"
      storage_copies   = "ZRS"
      protect          = true
    }
  }[var.environment]
}
