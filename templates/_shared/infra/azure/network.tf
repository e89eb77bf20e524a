# One network, three subnets: the service, the database, and the private
# addresses of the other Azure services. Private DNS makes their public names
# resolve to those addresses, so nothing in the code changes.

resource "azurerm_virtual_network" "main" {
  name                = local.name
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  address_space       = [var.network_cidr]
  tags                = local.tags
}

resource "azurerm_subnet" "database" {
  name                 = "database"
  resource_group_name  = azurerm_resource_group.main.name
  virtual_network_name = azurerm_virtual_network.main.name
  address_prefixes     = [cidrsubnet(var.network_cidr, 4, 8)]

  delegation {
    name = "postgresql"

    service_delegation {
      name    = "Microsoft.DBforPostgreSQL/flexibleServers"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }
}

resource "azurerm_subnet" "endpoints" {
  name                              = "endpoints"
  resource_group_name               = azurerm_resource_group.main.name
  virtual_network_name              = azurerm_virtual_network.main.name
  address_prefixes                  = [cidrsubnet(var.network_cidr, 4, 9)]
  private_endpoint_network_policies = "Enabled" # the firewall's rules hold for private endpoints too
}

# What has a private address, and the DNS zone in which its name is found.
locals {
  private_zones = merge(
    {
      database  = "${local.short}.private.postgres.database.azure.com"
      documents = "privatelink.blob.core.windows.net"
    },
    { for _ in local.azure_models : "model" => "privatelink.openai.azure.com" },
  )
}

resource "azurerm_private_dns_zone" "main" {
  for_each = local.private_zones

  name                = each.value
  resource_group_name = azurerm_resource_group.main.name
  tags                = local.tags
}

resource "azurerm_private_dns_zone_virtual_network_link" "main" {
  for_each = local.private_zones

  name                = each.key
  private_dns_zone_id = azurerm_private_dns_zone.main[each.key].id
  virtual_network_id  = azurerm_virtual_network.main.id
  tags                = local.tags
}

resource "azurerm_private_endpoint" "main" {
  for_each = merge(
    { documents = { target = azurerm_storage_account.documents.id, kind = "blob" } },
    { for account in azurerm_cognitive_account.openai : "model" => { target = account.id, kind = "account" } },
  )

  name                = "${local.name}-${each.key}"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  subnet_id           = azurerm_subnet.endpoints.id
  tags                = local.tags

  private_service_connection {
    name                           = each.key
    private_connection_resource_id = each.value.target
    subresource_names              = [each.value.kind]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name                 = each.key
    private_dns_zone_ids = [azurerm_private_dns_zone.main[each.key].id]
  }
}
