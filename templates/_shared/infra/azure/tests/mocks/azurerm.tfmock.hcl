# Stand-ins for what Azure would answer, so that `terraform test` needs no account.
# Only what the assertions read, and what the provider parses, has a fixed value.

mock_data "azurerm_client_config" {
  defaults = {
    subscription_id = "11111111-1111-1111-1111-111111111111"
    tenant_id       = "22222222-2222-2222-2222-222222222222"
    object_id       = "33333333-3333-3333-3333-333333333333"
  }
}

mock_resource "azurerm_resource_group" {
  defaults = { id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/app" }
}

mock_resource "azurerm_virtual_network" {
  defaults = { id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/app/providers/Microsoft.Network/virtualNetworks/app" }
}

mock_resource "azurerm_subnet" {
  defaults = { id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/app/providers/Microsoft.Network/virtualNetworks/app/subnets/app" }
}

mock_resource "azurerm_network_security_group" {
  defaults = { id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/app/providers/Microsoft.Network/networkSecurityGroups/app" }
}

mock_resource "azurerm_private_dns_zone" {
  defaults = { id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/app/providers/Microsoft.Network/privateDnsZones/app" }
}

mock_resource "azurerm_postgresql_flexible_server" {
  defaults = {
    id   = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/app/providers/Microsoft.DBforPostgreSQL/flexibleServers/app"
    fqdn = "database.internal"
  }
}

mock_resource "azurerm_key_vault" {
  defaults = {
    id        = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/app/providers/Microsoft.KeyVault/vaults/app"
    vault_uri = "https://app.vault.azure.net/"
  }
}

mock_resource "azurerm_user_assigned_identity" {
  defaults = {
    id           = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/app/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app"
    principal_id = "44444444-4444-4444-4444-444444444444"
  }
}

mock_resource "azurerm_container_registry" {
  defaults = {
    id           = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/app/providers/Microsoft.ContainerRegistry/registries/app"
    login_server = "app.azurecr.io"
  }
}

mock_resource "azurerm_storage_account" {
  defaults = { id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/app/providers/Microsoft.Storage/storageAccounts/app" }
}

mock_resource "azurerm_storage_container" {
  defaults = { id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/app/providers/Microsoft.Storage/storageAccounts/app/blobServices/default/containers/documents" }
}

mock_resource "azurerm_log_analytics_workspace" {
  defaults = { id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/app/providers/Microsoft.OperationalInsights/workspaces/app" }
}

mock_resource "azurerm_container_app_environment" {
  defaults = { id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/app/providers/Microsoft.App/managedEnvironments/app" }
}

mock_resource "azurerm_container_app_environment_certificate" {
  defaults = { id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/app/providers/Microsoft.App/managedEnvironments/app/certificates/app" }
}

mock_resource "azurerm_container_app" {
  defaults = { id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/app/providers/Microsoft.App/containerApps/app" }
}

mock_resource "azurerm_cognitive_account" {
  defaults = {
    id       = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/app/providers/Microsoft.CognitiveServices/accounts/app"
    endpoint = "https://app.openai.azure.com/"
  }
}

mock_resource "azurerm_monitor_action_group" {
  defaults = { id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/app/providers/Microsoft.Insights/actionGroups/app" }
}

mock_resource "azurerm_kubernetes_cluster" {
  defaults = {
    id              = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/app/providers/Microsoft.ContainerService/managedClusters/app"
    oidc_issuer_url = "https://westeurope.oic.prod-aks.azure.com/app/"
  }
}
