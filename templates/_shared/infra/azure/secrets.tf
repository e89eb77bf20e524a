# A vault with one secret for each key that the model providers need and each of
# var.secrets. Terraform makes the vault, a person puts the values in
# (infra/README.md); what Terraform writes itself goes through write-only
# arguments. So no state holds a secret.
#
# The vault answers on the internet, like the other clouds' secret stores: the
# lock is the identity, and a person must be able to fill it from a laptop.

locals {
  # On Azure OpenAI the endpoint and the version are settings (model.tf), and
  # Terraform itself writes the key.
  provider_keys = setsubtract(setunion(var.llm.keys, var.secrets), ["AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY", "OPENAI_API_VERSION"])

  # Key Vault allows letters, digits and hyphens: OPENAI_API_KEY is openai-api-key.
  provider_secrets = { for key in local.provider_keys : key => lower(replace(key, "_", "-")) }
}

resource "azurerm_key_vault" "main" {
  name                       = local.short
  resource_group_name        = azurerm_resource_group.main.name
  location                   = azurerm_resource_group.main.location
  tenant_id                  = data.azurerm_client_config.current.tenant_id
  sku_name                   = "standard"
  rbac_authorization_enabled = true
  purge_protection_enabled   = local.tier.protect
  soft_delete_retention_days = local.tier.protect ? 90 : 7
  tags                       = local.tags
}

# Whoever applies may write secrets, which the role of an owner alone does not allow.
resource "azurerm_role_assignment" "writer" {
  scope                = azurerm_key_vault.main.id
  role_definition_name = "Key Vault Secrets Officer"
  principal_id         = data.azurerm_client_config.current.object_id
}

resource "azurerm_key_vault_secret" "database" {
  name             = "database-password"
  key_vault_id     = azurerm_key_vault.main.id
  value_wo         = ephemeral.random_password.database.result
  value_wo_version = local.password_version
  content_type     = "text/plain"
  tags             = local.tags

  # The server first: should it fail, no secret claims a password that nobody has.
  depends_on = [azurerm_role_assignment.writer, azurerm_postgresql_flexible_server.main]
}
