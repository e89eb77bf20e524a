# Azure OpenAI, only where a model is Azure's: an account of this project's own,
# reachable from inside the network only, and one deployment per model.

locals {
  azure_ids    = toset([for model in [var.llm.primary, var.llm.fallback] : trimprefix(model, "azure:") if startswith(model, "azure:")])
  azure_models = length(local.azure_ids) == 0 ? toset([]) : toset(["openai"]) # one account for all of them

  model_secrets = { for _ in local.azure_models : "AZURE_OPENAI_API_KEY" => "azure-openai-api-key" }

  model_settings = merge([for account in azurerm_cognitive_account.openai : {
    AZURE_OPENAI_ENDPOINT = account.endpoint
    OPENAI_API_VERSION    = "2024-10-21"
  }]...)
}

resource "azurerm_cognitive_account" "openai" {
  for_each = local.azure_models

  name                          = "${local.short}-ai"
  resource_group_name           = azurerm_resource_group.main.name
  location                      = azurerm_resource_group.main.location
  kind                          = "OpenAI"
  sku_name                      = "S0"
  custom_subdomain_name         = "${local.short}-ai" # private endpoints need a name of their own
  public_network_access_enabled = false
  tags                          = local.tags
}

resource "azurerm_cognitive_deployment" "model" {
  for_each = local.azure_ids

  name                   = each.value
  cognitive_account_id   = one(values(azurerm_cognitive_account.openai)).id
  version_upgrade_option = "NoAutoUpgrade" # a new model version is a change that the evaluation has to see

  model {
    format = "OpenAI"
    name   = each.value
  }

  sku {
    name     = "GlobalStandard"
    capacity = 50 # thousand tokens a minute
  }
}

# The provider reads the account's key back, so the state holds it: one more
# reason why the state is private, encrypted and never on a laptop.
resource "azurerm_key_vault_secret" "model" {
  for_each = azurerm_cognitive_account.openai

  name             = local.model_secrets["AZURE_OPENAI_API_KEY"]
  key_vault_id     = azurerm_key_vault.main.id
  value_wo         = each.value.primary_access_key
  value_wo_version = 1
  content_type     = "text/plain"
  tags             = local.tags
  depends_on       = [azurerm_role_assignment.writer]
}
