# Container Apps brings a load balancer and a certificate for its own name; what
# stands here is your domain, where you have one.

locals {
  # "https://<vault>.vault.azure.net/certificates/<name>"
  own_certificate = var.certificate_id == null ? {} : { domain = reverse(split("/", var.certificate_id))[0] }
}

data "azurerm_key_vault_certificate" "domain" {
  for_each = local.own_certificate

  name         = each.value
  key_vault_id = azurerm_key_vault.main.id
}

resource "azurerm_role_assignment" "certificate" {
  for_each = local.own_certificate

  scope                = "${azurerm_key_vault.main.id}/secrets/${each.value}"
  role_definition_name = "Key Vault Secrets User"
  principal_id         = azurerm_user_assigned_identity.app.principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_container_app_environment_certificate" "domain" {
  for_each = local.own_certificate

  name                         = each.value
  container_app_environment_id = azurerm_container_app_environment.main.id
  tags                         = local.tags

  certificate_key_vault {
    identity            = azurerm_user_assigned_identity.app.id
    key_vault_secret_id = data.azurerm_key_vault_certificate.domain[each.key].versionless_secret_id
  }

  depends_on = [azurerm_role_assignment.certificate]
}

resource "azurerm_container_app_custom_domain" "domain" {
  for_each = local.own_certificate

  name                                     = trimprefix(data.azurerm_key_vault_certificate.domain[each.key].certificate_policy[0].x509_certificate_properties[0].subject, "CN=")
  container_app_id                         = azurerm_container_app.app.id
  container_app_environment_certificate_id = azurerm_container_app_environment_certificate.domain[each.key].id
  certificate_binding_type                 = "SniEnabled"
}
