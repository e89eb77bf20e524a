# Who may talk to whom: allowed addresses -> service (service.tf, at its door)
# -> database and private endpoints. Within the network everything else is shut.

locals {
  service_range = azurerm_subnet.service.address_prefixes[0]

  # Subnet -> the one port that the service may reach there.
  doors = {
    database  = { subnet = azurerm_subnet.database.id, range = azurerm_subnet.database.address_prefixes[0], port = "5432" }
    endpoints = { subnet = azurerm_subnet.endpoints.id, range = azurerm_subnet.endpoints.address_prefixes[0], port = "443" }
  }
}

resource "azurerm_network_security_group" "main" {
  for_each = local.doors

  name                = "${local.name}-${each.key}"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  tags                = local.tags
}

resource "azurerm_network_security_rule" "service" {
  for_each = local.doors

  name                        = "service"
  description                 = "The service, on one port"
  resource_group_name         = azurerm_resource_group.main.name
  network_security_group_name = azurerm_network_security_group.main[each.key].name
  priority                    = 100
  direction                   = "Inbound"
  access                      = "Allow"
  protocol                    = "Tcp"
  source_address_prefix       = local.service_range
  source_port_range           = "*"
  destination_address_prefix  = each.value.range
  destination_port_range      = each.value.port
}

# A standby copies from the primary within the subnet.
resource "azurerm_network_security_rule" "itself" {
  for_each = local.doors

  name                        = "itself"
  description                 = "Within the subnet, on the same port"
  resource_group_name         = azurerm_resource_group.main.name
  network_security_group_name = azurerm_network_security_group.main[each.key].name
  priority                    = 110
  direction                   = "Inbound"
  access                      = "Allow"
  protocol                    = "Tcp"
  source_address_prefix       = each.value.range
  source_port_range           = "*"
  destination_address_prefix  = each.value.range
  destination_port_range      = each.value.port
}

# Azure's default rules would let the whole network in.
resource "azurerm_network_security_rule" "nobody_else" {
  for_each = local.doors

  name                        = "nobody-else"
  description                 = "Everything that is not named above"
  resource_group_name         = azurerm_resource_group.main.name
  network_security_group_name = azurerm_network_security_group.main[each.key].name
  priority                    = 4000
  direction                   = "Inbound"
  access                      = "Deny"
  protocol                    = "*"
  source_address_prefix       = "*"
  source_port_range           = "*"
  destination_address_prefix  = "*"
  destination_port_range      = "*"
}

resource "azurerm_subnet_network_security_group_association" "main" {
  for_each = local.doors

  subnet_id                 = each.value.subnet
  network_security_group_id = azurerm_network_security_group.main[each.key].id
}
