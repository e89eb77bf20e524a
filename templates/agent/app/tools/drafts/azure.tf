terraform {
  required_version = ">= 1.11"
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 5.10, < 6"
    }
  }
}

provider "azurerm" {
  features {}
}

data "azurerm_client_config" "current" {}

variable "name" {
  description = "Prefix of every resource's name: lower case letters and digits"
  type        = string
}

variable "location" {
  description = "Region"
  type        = string
}

resource "azurerm_resource_group" "main" {
  name     = "${var.name}-rg"
  location = var.location
}

# --- bucket
resource "azurerm_storage_account" "main" {
  name                            = "${var.name}data"
  resource_group_name             = azurerm_resource_group.main.name
  location                        = azurerm_resource_group.main.location
  account_tier                    = "Standard"
  account_replication_type        = "ZRS"
  min_tls_version                 = "TLS1_2"
  allow_nested_items_to_be_public = false

  blob_properties {
    versioning_enabled = true
  }
}

resource "azurerm_storage_container" "main" {
  name                  = "data"
  storage_account_id    = azurerm_storage_account.main.id
  container_access_type = "private"
}

# --- database
resource "azurerm_postgresql_flexible_server" "main" {
  name                          = "${var.name}-db"
  resource_group_name           = azurerm_resource_group.main.name
  location                      = azurerm_resource_group.main.location
  version                       = "16"
  sku_name                      = "B_Standard_B1ms"
  storage_mb                    = 32768
  backup_retention_days         = 7
  public_network_access_enabled = false

  authentication {
    active_directory_auth_enabled = true
    password_auth_enabled         = false
    tenant_id                     = data.azurerm_client_config.current.tenant_id
  }
}

# --- queue
resource "azurerm_servicebus_namespace" "queue" {
  name                = "${var.name}-jobs"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  sku                 = "Standard"
  minimum_tls_version = "1.2"
}

resource "azurerm_servicebus_queue" "main" {
  name               = "jobs"
  namespace_id       = azurerm_servicebus_namespace.queue.id
  max_delivery_count = 5
}

# --- topic
resource "azurerm_servicebus_namespace" "topic" {
  name                = "${var.name}-events"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  sku                 = "Standard"
  minimum_tls_version = "1.2"
}

resource "azurerm_servicebus_topic" "main" {
  name         = "events"
  namespace_id = azurerm_servicebus_namespace.topic.id
}

# --- secret
resource "azurerm_key_vault" "main" {
  name                       = "${var.name}-kv"
  resource_group_name        = azurerm_resource_group.main.name
  location                   = azurerm_resource_group.main.location
  tenant_id                  = data.azurerm_client_config.current.tenant_id
  sku_name                   = "standard"
  purge_protection_enabled   = true
  rbac_authorization_enabled = true
  soft_delete_retention_days = 30
}

# --- registry
resource "azurerm_container_registry" "main" {
  name                = "${var.name}registry"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  sku                 = "Basic"
  admin_enabled       = false
}
