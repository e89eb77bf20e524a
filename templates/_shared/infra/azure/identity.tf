# Two identities, each with only what it needs, and no password for either:
#   app      is the service: reads its own secrets and documents
#   publish  is GitHub on the main branch: pushes images, nothing else

resource "azurerm_user_assigned_identity" "app" {
  name                = "${local.name}-app"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  tags                = local.tags
}

resource "azurerm_user_assigned_identity" "publish" {
  name                = "${local.name}-publish"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  tags                = local.tags
}

# GitHub proves who it is with a short-lived token, so no key is stored there.
resource "azurerm_federated_identity_credential" "publish" {
  name                      = "github-main"
  user_assigned_identity_id = azurerm_user_assigned_identity.publish.id
  issuer                    = "https://token.actions.githubusercontent.com"
  audience                  = ["api://AzureADTokenExchange"]
  subject                   = "repo:${var.repository}:ref:refs/heads/main"
}

locals {
  # The secrets the service reads, by the name they have in the vault.
  readable_secrets = merge(local.provider_secrets, { PGPASSWORD = azurerm_key_vault_secret.database.name }, local.model_secrets)

  # What each identity may do, and where. Nothing is granted on the whole resource group.
  grants = merge(
    {
      pull_image     = { role = "AcrPull", scope = azurerm_container_registry.app.id, principal = local.puller }
      read_documents = { role = "Storage Blob Data Reader", scope = azurerm_storage_container.documents.id, principal = azurerm_user_assigned_identity.app.principal_id }
      push_image     = { role = "AcrPush", scope = azurerm_container_registry.app.id, principal = azurerm_user_assigned_identity.publish.principal_id }
    },
    {
      for key, secret in local.readable_secrets : "read_${lower(key)}" => {
        role      = "Key Vault Secrets User"
        scope     = "${azurerm_key_vault.main.id}/secrets/${secret}"
        principal = azurerm_user_assigned_identity.app.principal_id
      }
    },
  )
}

resource "azurerm_role_assignment" "main" {
  for_each = local.grants

  scope                = each.value.scope
  role_definition_name = each.value.role
  principal_id         = each.value.principal
  principal_type       = "ServicePrincipal"
}
