# The project's own image registry. Nobody logs in with a password: pulling and
# pushing are roles (identity.tf).

resource "azurerm_container_registry" "app" {
  name                = "${replace(substr(local.name, 0, 30), "-", "")}${local.unique}"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  sku                 = local.tier.registry_sku
  admin_enabled       = false
  tags                = local.tags
}
